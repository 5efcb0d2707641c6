package io.headway.api.memory;

import java.util.Arrays;

/**
 * Names the positions of a sequence that survive a lossy compaction, in ascending order.
 *
 * <p>Not thread-safe; reused by the caller.
 */
public final class KeepSet {
  private int[] positions;
  private int size;

  /**
   * Makes an empty set.
   *
   * @param capacity positions that fit without growing, at least 0
   * @throws IllegalArgumentException if {@code capacity} is negative
   */
  public KeepSet(int capacity) {
    Arguments.atLeast("capacity", capacity, 0, "position");
    positions = new int[capacity];
  }

  /**
   * Adds a position.
   *
   * @param position absolute position in the sequence, above every position added before
   * @throws IllegalArgumentException if it is negative or not above the last one
   */
  public void add(int position) {
    int least = size == 0 ? 0 : positions[size - 1] + 1;
    Arguments.atLeast("position", position, least, "");
    if (size == positions.length) {
      positions = Arrays.copyOf(positions, Math.max(16, 2 * size));
    }
    positions[size++] = position;
  }

  /** Forgets every position. */
  public void clear() {
    size = 0;
  }

  /**
   * Returns how many positions survive.
   *
   * @return positions, at least 0
   */
  public int size() {
    return size;
  }

  /**
   * Returns one position.
   *
   * @param index 0 to {@code size() - 1}
   * @return the position
   */
  public int position(int index) {
    return positions[index];
  }
}
