package io.headway.api;

/**
 * The only randomness a policy may use: it comes in through the view, seeded by whoever runs the
 * scheduler, so that equal seeds give equal decisions on every machine and Java version. Not
 * thread-safe.
 */
@ImplementedByUsers
public interface RandomSource {
  /**
   * Returns the next 64 uniformly distributed bits.
   *
   * @return any long
   */
  long nextLong();

  /**
   * Returns a uniform number in [0, 1) with 53 random bits.
   *
   * @return a double at least 0 and below 1
   */
  default double nextDouble() {
    return (nextLong() >>> 11) * 0x1.0p-53;
  }

  /**
   * Returns a uniform index below a bound, {@code floor(nextDouble() * bound)}: one draw per call,
   * whatever the bound.
   *
   * @param bound the number of choices, at least 1
   * @return an index from 0 to {@code bound - 1}
   * @throws IllegalArgumentException if {@code bound} is below 1
   */
  default int nextInt(int bound) {
    if (bound < 1) {
      throw new IllegalArgumentException("bound must be at least 1 choice, but was " + bound);
    }
    return (int) (nextDouble() * bound);
  }

  /**
   * Returns a generator with the SplitMix64 sequence of the given seed (Steele, Lea, Flood: Fast
   * splittable pseudorandom number generators, OOPSLA 2014), the same on every platform.
   *
   * @param seed any value
   * @return a new, independent generator
   */
  static RandomSource seeded(long seed) {
    return new SplitMix64(seed);
  }
}
