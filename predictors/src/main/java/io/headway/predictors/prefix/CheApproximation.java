package io.headway.predictors.prefix;

/**
 * Returns the hit ratio of an LRU cache of {@code C} items of one size that are asked for at
 * Poisson rates {@code r_i}: Che's approximation (Che, Tung and Wang, JSAC 2002).
 *
 * <p>The characteristic time {@code T} solves {@code sum_i (1 - exp(-r_i T)) = C}; item {@code i}
 * hits with probability {@code h_i = 1 - exp(-r_i T)}, and overall {@code sum r_i h_i / sum r_i}.
 * If all items fit, {@code T} is infinite and everything asked for hits. Solved by bisection to the
 * last bit. Immutable.
 */
public final class CheApproximation {
  private final double[] rates;
  private final double characteristicSeconds;

  /**
   * Solves for the characteristic time.
   *
   * @param rates requests per second of each item, finite and at least 0, at least one above 0
   * @param capacityItems {@code C}, at least 0 items
   * @throws IllegalArgumentException if a value is out of range
   */
  public CheApproximation(double[] rates, double capacityItems) {
    int asked = 0;
    double least = Double.POSITIVE_INFINITY;
    for (double rate : rates) {
      if (!(rate >= 0) || Double.isInfinite(rate)) {
        throw new IllegalArgumentException(
            "rates must be finite and at least 0 per second, but one was " + rate);
      }
      if (rate > 0) {
        asked++;
        least = Math.min(least, rate);
      }
    }
    if (asked == 0) {
      throw new IllegalArgumentException("rates must have at least 1 rate above 0");
    }
    if (!(capacityItems >= 0)) {
      throw new IllegalArgumentException(
          "capacityItems must be at least 0 items, but was " + capacityItems);
    }
    this.rates = rates.clone();
    // Items never asked for take no room.
    characteristicSeconds =
        capacityItems >= asked ? Double.POSITIVE_INFINITY : solve(capacityItems, least);
  }

  private double solve(double capacityItems, double least) {
    double low = 0;
    double high = 1 / least;
    while (occupied(high) < capacityItems) {
      low = high;
      high *= 2;
    }
    while (true) {
      double middle = low + (high - low) / 2;
      if (middle <= low || middle >= high) {
        return high;
      }
      if (occupied(middle) < capacityItems) {
        low = middle;
      } else {
        high = middle;
      }
    }
  }

  private double occupied(double seconds) {
    double sum = 0;
    for (double rate : rates) {
      sum -= Math.expm1(-rate * seconds);
    }
    return sum;
  }

  /**
   * Returns how long an item stays after its last use.
   *
   * @return seconds; infinity if everything fits
   */
  public double characteristicSeconds() {
    return characteristicSeconds;
  }

  /**
   * Returns the hit probability of one item.
   *
   * @param item its index
   * @return 0 to 1; 1 if everything fits
   */
  public double hit(int item) {
    double rate = rates[item];
    return Double.isInfinite(characteristicSeconds)
        ? 1
        : -Math.expm1(-rate * characteristicSeconds);
  }

  /**
   * Returns the hit ratio over all requests.
   *
   * @return 0 to 1
   */
  public double overall() {
    double hits = 0;
    double total = 0;
    for (int i = 0; i < rates.length; i++) {
      hits += rates[i] * hit(i);
      total += rates[i];
    }
    return hits / total;
  }
}
