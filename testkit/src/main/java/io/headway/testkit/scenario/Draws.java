package io.headway.testkit.scenario;

import io.headway.api.RandomSource;

/**
 * Random draws for generators: one 64-bit seed split per source, so that adding a source does not
 * change what the others draw.
 */
public final class Draws {
  private final RandomSource random;

  private Draws(RandomSource random) {
    this.random = random;
  }

  /**
   * Makes the draws of one source.
   *
   * @param seed of the scenario
   * @param source name of the source, such as {@code arrivals}
   * @return equal draws for equal arguments
   */
  public static Draws of(long seed, String source) {
    long mixed = seed;
    for (int i = 0; i < source.length(); i++) {
      mixed = (mixed ^ source.charAt(i)) * 0x100000001b3L;
    }
    RandomSource random = RandomSource.seeded(mixed);
    random.nextLong();
    return new Draws(random);
  }

  /**
   * Draws from a range.
   *
   * @param low least value
   * @param high greatest value
   * @return each value equally often
   */
  public int between(int low, int high) {
    return low + random.nextInt(high - low + 1);
  }

  /**
   * Draws one of some numbers.
   *
   * @param values at least one
   * @return one of them, each equally often
   */
  public int oneOf(int... values) {
    return values[random.nextInt(values.length)];
  }

  /**
   * Draws with a probability.
   *
   * @param percent 0 to 100
   * @return true that often
   */
  public boolean chance(int percent) {
    return random.nextInt(100) < percent;
  }

  /**
   * Draws a position by weight.
   *
   * @param weights at least one above 0
   * @return a position
   */
  public int weighted(int... weights) {
    int sum = 0;
    for (int weight : weights) {
      sum += weight;
    }
    int drawn = random.nextInt(sum);
    int i = 0;
    while (drawn >= weights[i]) {
      drawn -= weights[i++];
    }
    return i;
  }

  /**
   * Draws any number.
   *
   * @return 64 random bits
   */
  public long bits() {
    return random.nextLong();
  }
}
