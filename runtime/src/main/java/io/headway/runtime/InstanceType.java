package io.headway.runtime;

/**
 * A kind of instance that can be started.
 *
 * @param name what the operator calls it
 * @param pricePerHour price of one instance, at least 0, in the operator's currency
 * @param startNanos from the order until it is ready, at least 0
 */
public record InstanceType(String name, double pricePerHour, long startNanos) {
  /**
   * Checks the numbers.
   *
   * @param name what the operator calls it
   * @param pricePerHour price of one instance
   * @param startNanos from the order until it is ready
   * @throws IllegalArgumentException if a number is out of range
   */
  public InstanceType {
    Check.notNull("name", name);
    if (!(pricePerHour >= 0) || Double.isInfinite(pricePerHour)) {
      throw new IllegalArgumentException(
          "pricePerHour must be finite and at least 0, but was " + pricePerHour);
    }
    Check.atLeast("startNanos", startNanos, 0, "ns");
  }
}
