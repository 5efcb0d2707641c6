package io.headway.benchmarks;

import io.headway.api.RandomSource;
import java.util.Arrays;
import java.util.concurrent.TimeUnit;
import org.openjdk.jmh.annotations.Benchmark;
import org.openjdk.jmh.annotations.BenchmarkMode;
import org.openjdk.jmh.annotations.Fork;
import org.openjdk.jmh.annotations.Measurement;
import org.openjdk.jmh.annotations.Mode;
import org.openjdk.jmh.annotations.OutputTimeUnit;
import org.openjdk.jmh.annotations.Scope;
import org.openjdk.jmh.annotations.Setup;
import org.openjdk.jmh.annotations.State;
import org.openjdk.jmh.annotations.Warmup;

/**
 * Work of the JDK alone that no change of this project makes faster or slower: what two machines,
 * or two days of one, are compared by.
 */
@State(Scope.Thread)
@BenchmarkMode(Mode.AverageTime)
@OutputTimeUnit(TimeUnit.MICROSECONDS)
@Fork(1)
@Warmup(iterations = 3, time = 1)
@Measurement(iterations = 5, time = 1)
public class Yardstick {
  private static final int LENGTH = 4096;

  private final int[] shuffled = new int[LENGTH];
  private final int[] sorted = new int[LENGTH];

  /** Draws the numbers. */
  @Setup
  public void draw() {
    RandomSource random = RandomSource.seeded(1);
    for (int i = 0; i < LENGTH; i++) {
      shuffled[i] = random.nextInt(1 << 30);
    }
  }

  /**
   * Sorts 4,096 numbers and walks through them: branches, memory and arithmetic.
   *
   * @return a digest
   */
  @Benchmark
  public int sortAndWalk() {
    System.arraycopy(shuffled, 0, sorted, 0, LENGTH);
    Arrays.sort(sorted);
    int at = 0;
    int digest = 0;
    for (int i = 0; i < LENGTH; i++) {
      at = (sorted[at] ^ i) & (LENGTH - 1);
      digest = 31 * digest + at;
    }
    return digest;
  }
}
