package io.headway.api.moe;

/** A law that a router claims to obey in its configuration; property tests hold it to each one. */
public enum RouterTrait {
  /**
   * A token's assignments do not depend on the other tokens of the batch. Needed where the same
   * request must give the same output whatever runs beside it.
   */
  BATCH_INVARIANT,
  /** Appending tokens at fixed capacity never changes the assignments of earlier ones. */
  PREFIX_STABLE,
  /**
   * Permuting tokens permutes the result, given distinct scores and no random draws. Slots may
   * differ.
   */
  PERMUTATION_EQUIVARIANT,
  /** At larger capacity every pair that a smaller capacity kept is kept too. */
  CAPACITY_MONOTONE,
  /** Adding a constant to a logit row changes no assignment and, up to rounding, no gate. */
  ROW_SHIFT_INVARIANT,
  /** No pair is ever dropped. */
  DROPLESS,
  /** Every expert gets equally many tokens, by construction. */
  EXACT_BALANCE,
  /** Experts, or (token, expert) pairs, compete: a token may get any number of experts. */
  VARIABLE_EXPERTS_PER_TOKEN,
  /** Slots of an expert may have gaps. */
  SLOT_GAPS,
  /** Gates may be negative or above the documented scale, because they are raw scores. */
  RAW_GATES
}
