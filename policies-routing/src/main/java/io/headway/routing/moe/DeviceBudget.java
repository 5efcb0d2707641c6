package io.headway.routing.moe;

/**
 * How many (token, expert) pairs each device may take before the weakest are dropped.
 *
 * @param kind what the amount means
 * @param amount pairs for FIXED, capacity factor for FACTOR, 0 for NONE
 */
public record DeviceBudget(Kind kind, double amount) {
  /** What the amount of a budget means. */
  public enum Kind {
    /** No budget: nothing is dropped. */
    NONE,
    /** A fixed number of pairs. */
    FIXED,
    /** A multiple of the average number of pairs per device, rounded up. */
    FACTOR
  }

  /** Serving without drops. */
  public static final DeviceBudget UNLIMITED = new DeviceBudget(Kind.NONE, 0);

  /** Checks the amount. */
  public DeviceBudget {
    Checks.coefficient("device budget", amount);
    if (kind == Kind.FIXED && amount != Math.rint(amount)) {
      throw new IllegalArgumentException(
          "device budget must be a whole number of pairs, but was " + amount);
    }
  }

  /**
   * Returns a fixed budget.
   *
   * @param pairs pairs per device, at least 0
   * @return the budget
   */
  public static DeviceBudget pairs(int pairs) {
    return new DeviceBudget(Kind.FIXED, pairs);
  }

  /**
   * Returns a budget relative to the average load.
   *
   * @param factor capacity factor, finite and at least 0; 1.0 as published for training
   * @return the budget
   */
  public static DeviceBudget factor(double factor) {
    return new DeviceBudget(Kind.FACTOR, factor);
  }

  /** Returns the pairs per device, or -1 for no limit. */
  int pairs(int topK, int tokens, int devices) {
    return switch (kind) {
      case NONE -> -1;
      case FIXED -> (int) Math.min(amount, Integer.MAX_VALUE);
      case FACTOR ->
          (int) Math.min(Math.ceil(amount * topK * tokens / devices - 1e-12), Integer.MAX_VALUE);
    };
  }
}
