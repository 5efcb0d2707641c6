package io.headway.api.moe;

import static java.util.Objects.requireNonNull;

import io.headway.api.ImplementedByUsers;

/**
 * Decides how many slots each expert has in one routing call. A pure function; implementations are
 * immutable and safe for any number of threads.
 */
@ImplementedByUsers
public interface CapacityRule {
  /** The answer of a rule that limits nothing. */
  int UNLIMITED_SLOTS = -1;

  /**
   * Returns the slots per expert.
   *
   * @param tokens tokens in the routing group, at least 0
   * @param experts routed experts, at least 1
   * @param choicesPerToken experts each token asks for, at least 0
   * @param maxDemand largest number of pairs that ask for one expert before any is dropped; {@code
   *     tokens} where experts choose. With several devices the maximum over all of them.
   * @return slots per expert, at least 0, or {@link #UNLIMITED_SLOTS}
   */
  int slots(int tokens, int experts, int choicesPerToken, int maxDemand);

  /**
   * Tells whether the answer depends on {@code maxDemand}; if not, routers need not count it and
   * pass 0.
   *
   * @return true by default
   */
  default boolean readsDemand() {
    return true;
  }

  /**
   * Returns a rule that gives every expert the same fixed number of slots.
   *
   * @param slots slots per expert, at least 0
   * @return the rule
   * @throws IllegalArgumentException if {@code slots} is negative
   */
  static CapacityRule fixed(int slots) {
    return new Fixed(slots);
  }

  /**
   * Returns the default rule at a capacity factor: {@code max(1, ceil(tokens * factor / experts))}.
   *
   * @param factor capacity factor, finite and at least 0
   * @return the rule
   * @throws IllegalArgumentException if the factor is negative, infinite or NaN
   */
  static Factor factor(double factor) {
    return new Factor(factor, Demand.TOKENS, Rounding.CEIL, 1, 1, false);
  }

  /**
   * Returns the rule of dropless layers: no limit.
   *
   * @return the rule
   */
  static CapacityRule unlimited() {
    return Unlimited.INSTANCE;
  }

  /** What a capacity factor multiplies. */
  enum Demand {
    /** The tokens of the group, whatever the number of choices. */
    TOKENS,
    /** The tokens of the group times the choices per token. */
    CHOICES
  }

  /**
   * How a fractional capacity becomes whole. {@code CEIL} and {@code FLOOR} ignore representation
   * noise of up to 1e-12.
   */
  enum Rounding {
    /** Up. */
    CEIL,
    /** Down. */
    FLOOR,
    /** To the nearest, halves to the even one. */
    HALF_EVEN
  }

  /**
   * The same number of slots whatever the batch.
   *
   * @param slots slots per expert, at least 0
   */
  record Fixed(int slots) implements CapacityRule {
    /** Checks the slots. */
    public Fixed {
      if (slots < 0) {
        throw new IllegalArgumentException("slots must be at least 0 slots, but was " + slots);
      }
    }

    @Override
    public int slots(int tokens, int experts, int choicesPerToken, int maxDemand) {
      return slots;
    }

    @Override
    public boolean readsDemand() {
      return false;
    }
  }

  /** No limit. */
  enum Unlimited implements CapacityRule {
    /** The only value. */
    INSTANCE;

    @Override
    public int slots(int tokens, int experts, int choicesPerToken, int maxDemand) {
      return UNLIMITED_SLOTS;
    }

    @Override
    public boolean readsDemand() {
      return false;
    }
  }

  /**
   * Capacity in proportion to the demand per expert: {@code raw = demand * factor / experts} is
   * rounded, raised to {@code minCapacity}, raised to a multiple of {@code multipleOf} and, if
   * asked, limited to the number of tokens. Published systems differ in every part: Mesh-TensorFlow
   * truncates tokens with a minimum of 4, DeepSpeed and Megatron-LM round choices up, V-MoE rounds
   * choices to a multiple of 4.
   *
   * @param factor capacity factor, finite and at least 0
   * @param demand what the factor multiplies
   * @param rounding how a fraction becomes whole
   * @param minCapacity lower bound in slots, at least 0
   * @param multipleOf unit in slots, at least 1
   * @param capAtTokens whether capacity never exceeds the tokens of the group
   */
  record Factor(
      double factor,
      Demand demand,
      Rounding rounding,
      int minCapacity,
      int multipleOf,
      boolean capAtTokens)
      implements CapacityRule {
    private static final double NOISE = 1e-12;

    /** Checks the settings. */
    public Factor {
      if (!(factor >= 0) || Double.isInfinite(factor)) {
        throw new IllegalArgumentException(
            "capacity factor must be finite and at least 0, but was " + factor);
      }
      requireNonNull(demand, "demand");
      requireNonNull(rounding, "rounding");
      if (minCapacity < 0) {
        throw new IllegalArgumentException(
            "minCapacity must be at least 0 slots, but was " + minCapacity);
      }
      if (multipleOf < 1) {
        throw new IllegalArgumentException(
            "multipleOf must be at least 1 slot, but was " + multipleOf);
      }
    }

    /**
     * Returns this rule with another demand.
     *
     * @param demand what the factor multiplies
     * @return the changed rule
     */
    public Factor demand(Demand demand) {
      return new Factor(factor, demand, rounding, minCapacity, multipleOf, capAtTokens);
    }

    /**
     * Returns this rule with another rounding.
     *
     * @param rounding how a fraction becomes whole
     * @return the changed rule
     */
    public Factor rounding(Rounding rounding) {
      return new Factor(factor, demand, rounding, minCapacity, multipleOf, capAtTokens);
    }

    /**
     * Returns this rule with another lower bound.
     *
     * @param minCapacity lower bound in slots, at least 0
     * @return the changed rule
     */
    public Factor minCapacity(int minCapacity) {
      return new Factor(factor, demand, rounding, minCapacity, multipleOf, capAtTokens);
    }

    /**
     * Returns this rule with another unit.
     *
     * @param multipleOf unit in slots, at least 1
     * @return the changed rule
     */
    public Factor multipleOf(int multipleOf) {
      return new Factor(factor, demand, rounding, minCapacity, multipleOf, capAtTokens);
    }

    /**
     * Returns this rule limited to the tokens of the group, or not.
     *
     * @param capAtTokens whether to limit
     * @return the changed rule
     */
    public Factor capAtTokens(boolean capAtTokens) {
      return new Factor(factor, demand, rounding, minCapacity, multipleOf, capAtTokens);
    }

    @Override
    public int slots(int tokens, int experts, int choicesPerToken, int maxDemand) {
      double asked = demand == Demand.TOKENS ? tokens : (double) tokens * choicesPerToken;
      double raw = asked * factor / experts;
      double whole =
          switch (rounding) {
            case CEIL -> Math.ceil(raw - NOISE);
            case FLOOR -> Math.floor(raw + NOISE);
            case HALF_EVEN -> Math.rint(raw);
          };
      // A double-to-long cast saturates, so that absurd factors end in a huge but legal capacity.
      long slots = Math.min(Math.max(minCapacity, (long) whole), Integer.MAX_VALUE);
      long excess = slots % multipleOf;
      slots = excess == 0 ? slots : slots - excess + multipleOf;
      if (capAtTokens) {
        slots = Math.min(slots, tokens);
      }
      return (int) Math.min(slots, Integer.MAX_VALUE);
    }

    @Override
    public boolean readsDemand() {
      return false;
    }
  }
}
