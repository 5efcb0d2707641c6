package io.headway.memory.pool;

import io.headway.api.memory.BlockKey;
import io.headway.api.memory.KvEventSink;
import io.headway.api.memory.KvTier;
import java.util.Arrays;

/** The changes of matchable content since the last drain, in order; reused. */
final class EventLog {
  private static final int WORDS = BlockKey.MAX_WORDS;
  private static final int STRIDE = 6;
  private static final int STORED = 0;
  private static final int REMOVED = 1;
  private static final int CLEARED = 2;

  private final boolean enabled;
  private int[] entries = {};
  private long[] keys = {};
  private int size;

  EventLog(boolean enabled) {
    this.enabled = enabled;
  }

  void stored(ContentIndex index, int node, int block, int group, int tier) {
    if (!enabled) {
      return;
    }
    int parent = index.parent(node);
    int parentWords = parent == ContentIndex.NONE ? 0 : index.words(parent);
    add(STORED, index, node, block, group, tier, parentWords);
    for (int w = 0; w < parentWords; w++) {
      keys[(2 * (size - 1) + 1) * WORDS + w] = index.word(parent, w);
    }
  }

  void removed(ContentIndex index, int node, int block, int group, int tier) {
    if (enabled) {
      add(REMOVED, index, node, block, group, tier, 0);
    }
  }

  void cleared() {
    if (enabled) {
      ensureCapacity();
      entries[size * STRIDE] = CLEARED;
      size++;
    }
  }

  int size() {
    return size;
  }

  void truncate(int count) {
    size = count;
  }

  void drain(KvEventSink sink) {
    int end = size;
    size = 0;
    for (int i = 0; i < end; i++) {
      int at = i * STRIDE;
      if (entries[at] == CLEARED) {
        sink.cleared();
        continue;
      }
      int block = entries[at + 1];
      int group = entries[at + 2] >>> 8;
      KvTier tier = (entries[at + 2] & 0xff) == 0 ? KvTier.DEVICE : KvTier.HOST;
      int copies = entries[at + 3];
      BlockKey key = BlockKey.of(keys, 2 * i * WORDS, entries[at + 4]);
      if (entries[at] == REMOVED) {
        sink.removed(key, block, group, tier, copies);
      } else {
        int parentWords = entries[at + 5];
        BlockKey parent =
            parentWords == 0 ? BlockKey.NONE : BlockKey.of(keys, (2 * i + 1) * WORDS, parentWords);
        sink.stored(key, parent, block, group, tier, copies);
      }
    }
  }

  private void add(
      int kind, ContentIndex index, int node, int block, int group, int tier, int parentWords) {
    ensureCapacity();
    int at = size * STRIDE;
    entries[at] = kind;
    entries[at + 1] = block;
    entries[at + 2] = group << 8 | tier;
    entries[at + 3] = index.copyCount(node, index.list(tier, group));
    entries[at + 4] = index.words(node);
    entries[at + 5] = parentWords;
    for (int w = 0; w < index.words(node); w++) {
      keys[2 * size * WORDS + w] = index.word(node, w);
    }
    size++;
  }

  private void ensureCapacity() {
    if ((size + 1) * STRIDE > entries.length) {
      int capacity = Math.max(32, 2 * size);
      entries = Arrays.copyOf(entries, capacity * STRIDE);
      keys = Arrays.copyOf(keys, 2 * capacity * WORDS);
    }
  }
}
