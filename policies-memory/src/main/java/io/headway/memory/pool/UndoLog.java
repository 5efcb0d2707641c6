package io.headway.memory.pool;

import java.util.Arrays;

/**
 * Records primitive changes so that they can be undone in reverse. Silent unless recording is on,
 * so that a pool without an open savepoint pays one branch per change.
 */
final class UndoLog {
  private static final int STRIDE = 3;

  private long[] entries = {};
  private int size;
  private boolean recording;

  boolean recording() {
    return recording;
  }

  void start() {
    recording = true;
  }

  void stop() {
    recording = false;
    size = 0;
  }

  /** Suspends recording while entries are undone. */
  void pause() {
    recording = false;
  }

  int size() {
    return size / STRIDE;
  }

  void record(int op, int a, int b, int c, long d) {
    if (!recording) {
      return;
    }
    int at = size;
    if (at + STRIDE > entries.length) {
      grow();
    }
    entries[at] = ((long) op << 32) | (a & 0xffffffffL);
    entries[at + 1] = ((long) b << 32) | (c & 0xffffffffL);
    entries[at + 2] = d;
    size = at + STRIDE;
  }

  private void grow() {
    entries = Arrays.copyOf(entries, Math.max(64 * STRIDE, 2 * entries.length));
  }

  int op(int index) {
    return (int) (entries[index * STRIDE] >>> 32);
  }

  int a(int index) {
    return (int) entries[index * STRIDE];
  }

  int b(int index) {
    return (int) (entries[index * STRIDE + 1] >>> 32);
  }

  int c(int index) {
    return (int) entries[index * STRIDE + 1];
  }

  long d(int index) {
    return entries[index * STRIDE + 2];
  }

  void truncate(int count) {
    size = count * STRIDE;
  }
}
