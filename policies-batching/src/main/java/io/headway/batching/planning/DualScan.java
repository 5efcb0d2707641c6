package io.headway.batching.planning;

import io.headway.batching.internal.Arguments;
import java.util.ArrayList;
import java.util.List;

/**
 * Orders work so that what has been taken so far stays near the density of the whole, as
 * BlendServe's dual scanner does: of a list sorted from compute-dense to memory-dense it takes the
 * first while the work taken is at most as dense as the whole, and the last while it is denser.
 *
 * <p>{@code density = compute / memory}, infinite without memory. O(n). Not thread-safe.
 *
 * <p>Source: BlendServe, arXiv 2411.16102.
 */
public final class DualScan {
  /** One piece of work. */
  private record Leaf(int tag, double compute, double memory) {}

  private final List<Leaf> leaves = new ArrayList<>();
  private double compute;
  private double memory;

  /** Makes an empty list. */
  public DualScan() {}

  /**
   * Returns a density.
   *
   * @param compute time of compute, at least 0
   * @param memory time of memory traffic, at least 0
   * @return {@code compute / memory}; infinite if the divisor is 0
   */
  public static double density(double compute, double memory) {
    return memory == 0 ? Double.POSITIVE_INFINITY : compute / memory;
  }

  /**
   * Appends a piece of work.
   *
   * @param tag a number of the caller's
   * @param computeSeconds time of compute, at least 0
   * @param memorySeconds time of memory traffic, at least 0
   * @throws IllegalArgumentException if a time is negative or not finite
   */
  public void add(int tag, double computeSeconds, double memorySeconds) {
    Arguments.notNegative("computeSeconds", computeSeconds, "s");
    Arguments.notNegative("memorySeconds", memorySeconds, "s");
    leaves.add(new Leaf(tag, computeSeconds, memorySeconds));
    compute += computeSeconds;
    memory += memorySeconds;
  }

  /** Sorts by density, the densest first; what is equally dense keeps its order. */
  public void sort() {
    leaves.sort(
        (a, b) -> Double.compare(density(b.compute, b.memory), density(a.compute, a.memory)));
  }

  /**
   * Returns the density of the whole.
   *
   * @return total compute over total memory
   */
  public double targetDensity() {
    return density(compute, memory);
  }

  /**
   * Returns the tags in the order in which the work is taken.
   *
   * @return every tag once
   */
  public int[] order() {
    int[] order = new int[leaves.size()];
    double target = targetDensity();
    double takenCompute = 0;
    double takenMemory = 0;
    int first = 0;
    int last = leaves.size() - 1;
    for (int i = 0; i < order.length; i++) {
      boolean front = i == 0 || density(takenCompute, takenMemory) <= target;
      Leaf leaf = leaves.get(front ? first++ : last--);
      takenCompute += leaf.compute;
      takenMemory += leaf.memory;
      order[i] = leaf.tag;
    }
    return order;
  }
}
