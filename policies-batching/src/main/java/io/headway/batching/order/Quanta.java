package io.headway.batching.order;

import java.util.Arrays;

/**
 * The time a sequence may use at each level of a multi-level feedback queue, level 1 first.
 * Immutable.
 */
public final class Quanta {
  private final long[] nanos;

  private Quanta(long[] nanos) {
    this.nanos = nanos;
  }

  /**
   * Makes quanta one by one.
   *
   * @param nanos one quantum a level, each above 0 and above the one before
   * @return the quanta
   * @throws IllegalArgumentException if there is none, or they do not grow
   */
  public static Quanta of(long... nanos) {
    if (nanos.length == 0) {
      throw new IllegalArgumentException("quanta must have at least 1 level, but have none");
    }
    long before = 0;
    for (long quantum : nanos) {
      if (quantum <= before) {
        throw new IllegalArgumentException(
            "quanta must be above 0 ns and grow from level to level, but were "
                + Arrays.toString(nanos)
                + " ns");
      }
      before = quantum;
    }
    return new Quanta(nanos.clone());
  }

  /**
   * Makes quanta of which each is a multiple of the one before.
   *
   * @param firstNanos quantum of level 1, above 0
   * @param ratio at least 2
   * @param levels at least 1; fewer are made where the quantum would pass 100 years
   * @return the quanta
   * @throws IllegalArgumentException if a number is out of range
   */
  public static Quanta geometric(long firstNanos, int ratio, int levels) {
    if (firstNanos < 1 || ratio < 2 || levels < 1) {
      throw new IllegalArgumentException(
          "quanta must have a first quantum of at least 1 ns, a ratio of at least 2 and at least 1"
              + " level, but were given "
              + firstNanos
              + " ns, "
              + ratio
              + " and "
              + levels);
    }
    long most = 100L * 365 * 24 * 3600 * 1_000_000_000L;
    long[] nanos = new long[levels];
    int count = 0;
    long quantum = firstNanos;
    while (count < levels && (count == 0 || quantum <= most)) {
      nanos[count++] = quantum;
      quantum = quantum > most / ratio ? Long.MAX_VALUE : quantum * ratio;
    }
    return new Quanta(Arrays.copyOf(nanos, count));
  }

  /**
   * Returns the number of levels.
   *
   * @return at least 1
   */
  public int levels() {
    return nanos.length;
  }

  /**
   * Returns the quantum of a level.
   *
   * @param level 1 for the highest
   * @return nanoseconds
   */
  public long nanos(int level) {
    return nanos[level - 1];
  }

  /**
   * Returns the level that a new sequence joins, skipping those it would use up at once.
   *
   * @param firstIterationNanos how long its first iteration takes
   * @return the first level whose quantum is at least as long; the last one if none is
   */
  public int joinLevel(long firstIterationNanos) {
    return fitting(1, firstIterationNanos);
  }

  /**
   * Returns the level that a sequence is demoted to, skipping those its next iteration would use up
   * at once.
   *
   * @param level where it is, below the last
   * @param nextIterationNanos how long its next iteration takes
   * @return the first lower level whose quantum is at least as long; the last one if none is
   */
  public int demotedLevel(int level, long nextIterationNanos) {
    return fitting(level + 1, nextIterationNanos);
  }

  private int fitting(int from, long needed) {
    int level = from;
    while (level < nanos.length && nanos[level - 1] < needed) {
      level++;
    }
    return level;
  }

  /**
   * Returns the level whose share of attained service a sequence has reached: level l covers {@code
   * q_1 + .. + q_(l-1)} up to, not including, {@code q_1 + .. + q_l}.
   *
   * @param attainedNanos service attained, at least 0
   * @return 1 to {@code levels}
   */
  public int levelOfAttained(long attainedNanos) {
    long left = attainedNanos;
    int level = 1;
    while (level < nanos.length && left >= nanos[level - 1]) {
      left -= nanos[level - 1];
      level++;
    }
    return level;
  }

  @Override
  public String toString() {
    return Arrays.toString(nanos) + " ns";
  }
}
