package io.headway.memory.pool;

import io.headway.api.memory.KvMoveKind;
import io.headway.api.memory.KvMoveSink;
import java.util.Arrays;

/** The moves decided since the last drain, in order; reused. */
final class MoveLog {
  private static final int STRIDE = 4;

  private int[] entries = {};
  private KvMoveKind[] kinds = {};
  private int size;

  void add(KvMoveKind kind, int source, int target, int group, int transfer) {
    if (size + STRIDE > entries.length) {
      entries = Arrays.copyOf(entries, Math.max(16 * STRIDE, 2 * entries.length));
      kinds = Arrays.copyOf(kinds, entries.length / STRIDE);
    }
    kinds[size / STRIDE] = kind;
    entries[size] = source;
    entries[size + 1] = target;
    entries[size + 2] = group;
    entries[size + 3] = transfer;
    size += STRIDE;
  }

  int size() {
    return size / STRIDE;
  }

  void truncate(int count) {
    size = count * STRIDE;
  }

  void drain(KvMoveSink sink) {
    int end = size;
    size = 0;
    for (int i = 0; i < end; i += STRIDE) {
      sink.move(kinds[i / STRIDE], entries[i], entries[i + 1], entries[i + 2], entries[i + 3]);
    }
  }
}
