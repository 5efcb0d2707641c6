package io.headway.runtime;

import java.util.Arrays;

/**
 * Maps longs to non-negative ints: open addressing, linear probing, no tombstones. Not thread-safe.
 */
final class LongIntMap {
  /** The answer for a key that is not there. */
  static final int MISSING = -1;

  private long[] keys = new long[16];
  private int[] values = new int[16];
  private int size;

  LongIntMap() {
    Arrays.fill(values, MISSING);
  }

  int size() {
    return size;
  }

  int get(long key) {
    int mask = keys.length - 1;
    for (int i = home(key, mask); values[i] != MISSING; i = (i + 1) & mask) {
      if (keys[i] == key) {
        return values[i];
      }
    }
    return MISSING;
  }

  void put(long key, int value) {
    if (2 * (size + 1) > keys.length) {
      grow();
    }
    int mask = keys.length - 1;
    int i = home(key, mask);
    while (values[i] != MISSING && keys[i] != key) {
      i = (i + 1) & mask;
    }
    size += values[i] == MISSING ? 1 : 0;
    keys[i] = key;
    values[i] = value;
  }

  void remove(long key) {
    int mask = keys.length - 1;
    int hole = home(key, mask);
    while (keys[hole] != key || values[hole] == MISSING) {
      if (values[hole] == MISSING) {
        return;
      }
      hole = (hole + 1) & mask;
    }
    size--;
    // Close the gap: an entry may move back if the hole lies between its home and its place.
    for (int i = (hole + 1) & mask; values[i] != MISSING; i = (i + 1) & mask) {
      int distance = (i - home(keys[i], mask)) & mask;
      if (distance >= ((i - hole) & mask)) {
        keys[hole] = keys[i];
        values[hole] = values[i];
        hole = i;
      }
    }
    values[hole] = MISSING;
  }

  private void grow() {
    long[] oldKeys = keys;
    int[] oldValues = values;
    keys = new long[2 * oldKeys.length];
    values = new int[keys.length];
    Arrays.fill(values, MISSING);
    size = 0;
    for (int i = 0; i < oldKeys.length; i++) {
      if (oldValues[i] != MISSING) {
        put(oldKeys[i], oldValues[i]);
      }
    }
  }

  private static int home(long key, int mask) {
    return (int) Mix.bits(key) & mask;
  }
}
