package io.headway.simulator.metrics;

import java.util.Arrays;

/**
 * A multiset of durations with exact quantiles. Equal durations that arrive together are stored
 * once with their number, and the store is compacted as it grows, so that the gaps of millions of
 * tokens need room for the distinct ones only.
 *
 * <p>The result depends on the multiset, never on the order of the additions. Not thread-safe.
 */
public final class Durations {
  private static final int INITIAL_CAPACITY = 64;
  private static final int DIGIT_BITS = 11;
  private static final int DIGITS = 1 << DIGIT_BITS;

  private long[] values = new long[INITIAL_CAPACITY];
  private long[] weights = new long[INITIAL_CAPACITY];
  private int size;
  private long count;
  // Sorted by value, equal values merged. False after an addition out of order.
  private boolean compact = true;

  /** Creates an empty set. */
  public Durations() {}

  /**
   * Adds a duration once.
   *
   * @param nanos nanoseconds, at least 0
   * @throws IllegalArgumentException if the duration is negative
   */
  public void add(long nanos) {
    add(nanos, 1);
  }

  /**
   * Adds a duration several times.
   *
   * @param nanos nanoseconds, at least 0
   * @param times how often, at least 0
   * @throws IllegalArgumentException if the duration or the number is negative
   */
  public void add(long nanos, long times) {
    if (nanos < 0) {
      throw new IllegalArgumentException("nanos must be at least 0 ns, but was " + nanos);
    }
    if (times < 0) {
      throw new IllegalArgumentException("times must be at least 0, but was " + times);
    }
    if (times == 0) {
      return;
    }
    count += times;
    if (size > 0 && values[size - 1] == nanos) {
      weights[size - 1] += times;
      return;
    }
    if (size == values.length) {
      makeRoom();
    }
    compact &= size == 0 || values[size - 1] < nanos;
    values[size] = nanos;
    weights[size] = times;
    size++;
  }

  /**
   * Adds all durations of another set.
   *
   * @param other the set to take over; unchanged
   */
  public void addAll(Durations other) {
    for (int i = 0; i < other.size; i++) {
      add(other.values[i], other.weights[i]);
    }
  }

  /**
   * Returns how many durations were added.
   *
   * @return the number of values
   */
  public long count() {
    return count;
  }

  /**
   * Returns the largest duration.
   *
   * @return nanoseconds
   * @throws IllegalStateException if there is none
   */
  public long maxNanos() {
    requireSome();
    compact();
    return values[size - 1];
  }

  /**
   * Returns the arithmetic mean.
   *
   * @return nanoseconds
   * @throws IllegalStateException if there is no duration
   */
  public double meanNanos() {
    requireSome();
    compact(); // the sum is taken in ascending order, whatever the order of arrival
    double sum = 0;
    for (int i = 0; i < size; i++) {
      sum += (double) values[i] * weights[i];
    }
    return sum / count;
  }

  /**
   * Returns a quantile: the linear interpolation at position {@code (n-1) q} of the sorted values.
   *
   * @param q probability in 0..1
   * @return nanoseconds
   * @throws IllegalArgumentException if the probability lies outside 0..1
   * @throws IllegalStateException if there is no duration
   */
  public double quantileNanos(double q) {
    return quantilesNanos(new double[] {q})[0];
  }

  /**
   * Returns several quantiles in one pass.
   *
   * @param ascending probabilities in 0..1, ascending
   * @return nanoseconds, one per probability
   * @throws IllegalArgumentException if a probability lies outside 0..1 or they do not ascend
   * @throws IllegalStateException if there is no duration
   */
  public double[] quantilesNanos(double... ascending) {
    requireSome();
    compact();
    double[] quantiles = new double[ascending.length];
    int entry = 0;
    long before = 0; // values in the entries before this one
    for (int i = 0; i < ascending.length; i++) {
      double q = ascending[i];
      if (!(q >= 0 && q <= 1) || (i > 0 && q < ascending[i - 1])) {
        throw new IllegalArgumentException(
            "probabilities must ascend in 0..1, but were " + Arrays.toString(ascending));
      }
      double position = (count - 1) * q;
      long rank = (long) position;
      while (before + weights[entry] <= rank) {
        before += weights[entry++];
      }
      long low = values[entry];
      boolean last = rank + 1 >= before + weights[entry];
      long high = last && entry + 1 < size ? values[entry + 1] : low;
      quantiles[i] = low + (position - rank) * (high - low);
    }
    return quantiles;
  }

  /**
   * Returns the summary of this set.
   *
   * @return mean, quantiles and maximum; {@link Distribution#EMPTY} if there is no duration
   */
  public Distribution summary() {
    if (count == 0) {
      return Distribution.EMPTY;
    }
    double[] q = quantilesNanos(0.5, 0.9, 0.99);
    return new Distribution(count, meanNanos(), q[0], q[1], q[2], maxNanos());
  }

  private void requireSome() {
    if (count == 0) {
      throw new IllegalStateException("there is no duration; ask count first");
    }
  }

  private void makeRoom() {
    compact();
    // Doubling unless compaction freed half keeps the cost of compaction amortised.
    if (size > values.length / 2) {
      values = Arrays.copyOf(values, values.length * 2);
      weights = Arrays.copyOf(weights, weights.length * 2);
    }
  }

  private void compact() {
    if (compact) {
      return;
    }
    sort();
    int last = 0;
    for (int i = 1; i < size; i++) {
      if (values[i] == values[last]) {
        weights[last] += weights[i];
      } else {
        last++;
        values[last] = values[i];
        weights[last] = weights[i];
      }
    }
    size = last + 1;
    compact = true;
  }

  /** Radix sort of both columns by value, least significant digit first. */
  private void sort() {
    long max = 0;
    for (int i = 0; i < size; i++) {
      max = Math.max(max, values[i]);
    }
    long[] fromValues = values;
    long[] fromWeights = weights;
    long[] toValues = new long[values.length];
    long[] toWeights = new long[values.length];
    int[] starts = new int[DIGITS + 1];
    for (int shift = 0; shift < 63 && max >>> shift != 0; shift += DIGIT_BITS) {
      Arrays.fill(starts, 0);
      for (int i = 0; i < size; i++) {
        starts[(int) (fromValues[i] >>> shift & DIGITS - 1) + 1]++;
      }
      for (int d = 0; d < DIGITS; d++) {
        starts[d + 1] += starts[d];
      }
      for (int i = 0; i < size; i++) {
        int to = starts[(int) (fromValues[i] >>> shift & DIGITS - 1)]++;
        toValues[to] = fromValues[i];
        toWeights[to] = fromWeights[i];
      }
      long[] swap = fromValues;
      fromValues = toValues;
      toValues = swap;
      swap = fromWeights;
      fromWeights = toWeights;
      toWeights = swap;
    }
    values = fromValues;
    weights = fromWeights;
  }
}
