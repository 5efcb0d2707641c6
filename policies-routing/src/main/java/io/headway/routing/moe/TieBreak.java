package io.headway.routing.moe;

/** Which of several experts with exactly equal scores comes first. */
public enum TieBreak {
  /** The lowest index. */
  LOWEST_EXPERT,
  /**
   * The first at or after expert {@code token mod experts}, cyclically: spreads tokens whose logits
   * are all alike, such as those of a freshly initialised router.
   */
  ROTATING
}
