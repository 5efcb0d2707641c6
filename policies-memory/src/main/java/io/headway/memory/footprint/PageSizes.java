package io.headway.memory.footprint;

import java.util.ArrayList;
import java.util.List;

/**
 * Chooses a physical page that whole numbers of every kind of block fit into (Jenga, SOSP 2025):
 * the least common multiple of the block sizes. No small page straddles a large one.
 *
 * @param largePageBytes bytes of one physical page
 * @param smallPagesPerLarge blocks of each kind per page, in the order given
 */
public record PageSizes(long largePageBytes, List<Long> smallPagesPerLarge) {
  /**
   * Copies the list.
   *
   * @param largePageBytes bytes of one physical page
   * @param smallPagesPerLarge blocks of each kind per page
   */
  public PageSizes {
    smallPagesPerLarge = List.copyOf(smallPagesPerLarge);
  }

  /**
   * Returns the page for some kinds of blocks.
   *
   * @param pageBytes bytes per block of each kind, at least one kind, each at least 1 byte
   * @return the page
   * @throws IllegalArgumentException if there is no kind or a size below 1
   * @throws ArithmeticException if the least common multiple exceeds 64 bits
   */
  public static PageSizes of(long... pageBytes) {
    if (pageBytes.length == 0) {
      throw new IllegalArgumentException("pageBytes must have at least 1 size, but was empty");
    }
    long large = 1;
    for (long bytes : pageBytes) {
      Checks.atLeast("pageBytes", bytes, 1, "byte");
      large = Math.multiplyExact(large / gcd(large, bytes), bytes);
    }
    List<Long> counts = new ArrayList<>(pageBytes.length);
    for (long bytes : pageBytes) {
      counts.add(large / bytes);
    }
    return new PageSizes(large, counts);
  }

  private static long gcd(long a, long b) {
    return b == 0 ? a : gcd(b, a % b);
  }
}
