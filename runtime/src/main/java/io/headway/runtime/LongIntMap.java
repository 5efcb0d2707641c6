package io.headway.runtime;

import java.util.Arrays;

/**
 * Maps longs to non-negative ints: open addressing, linear probing, no tombstones. Not thread-safe.
 */
final class LongIntMap {
  /** The answer for a key that is not there. */
  static final int MISSING = -1;

  /**
   * Key and value of each place, side by side: with an array for each, a place took two cache
   * misses instead of one.
   */
  private long[] entries = empty(16);

  private int size;

  LongIntMap() {}

  private static long[] empty(int places) {
    long[] entries = new long[2 * places];
    Arrays.fill(entries, MISSING);
    return entries;
  }

  int size() {
    return size;
  }

  int get(long key) {
    int mask = entries.length - 2;
    for (int i = home(key, mask); entries[i + 1] != MISSING; i = (i + 2) & mask) {
      if (entries[i] == key) {
        return (int) entries[i + 1];
      }
    }
    return MISSING;
  }

  void put(long key, int value) {
    if (4 * (size + 1) > entries.length) {
      grow();
    }
    int mask = entries.length - 2;
    int i = home(key, mask);
    while (entries[i + 1] != MISSING && entries[i] != key) {
      i = (i + 2) & mask;
    }
    size += entries[i + 1] == MISSING ? 1 : 0;
    entries[i] = key;
    entries[i + 1] = value;
  }

  void remove(long key) {
    int mask = entries.length - 2;
    int hole = home(key, mask);
    while (entries[hole] != key || entries[hole + 1] == MISSING) {
      if (entries[hole + 1] == MISSING) {
        return;
      }
      hole = (hole + 2) & mask;
    }
    size--;
    // Close the gap: an entry may move back if the hole lies between its home and its place.
    for (int i = (hole + 2) & mask; entries[i + 1] != MISSING; i = (i + 2) & mask) {
      int distance = (i - home(entries[i], mask)) & mask;
      if (distance >= ((i - hole) & mask)) {
        entries[hole] = entries[i];
        entries[hole + 1] = entries[i + 1];
        hole = i;
      }
    }
    entries[hole + 1] = MISSING;
  }

  private void grow() {
    long[] old = entries;
    entries = empty(old.length);
    size = 0;
    for (int i = 0; i < old.length; i += 2) {
      if (old[i + 1] != MISSING) {
        put(old[i], (int) old[i + 1]);
      }
    }
  }

  /** Returns the index of the entry where the search for a key begins: even, as the mask is. */
  private static int home(long key, int mask) {
    return ((int) Mix.bits(key) << 1) & mask;
  }
}
