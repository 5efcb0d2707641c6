package io.headway.runtime;

import io.headway.api.memory.BlockKeyChain;
import io.headway.api.memory.KvBlockPool;
import io.headway.api.memory.KvMode;
import org.jspecify.annotations.Nullable;

/**
 * Tells the pool which KV is final, as soon as the step that computed it has completed: full blocks
 * become matchable, and blocks that left a window are given back. Called at block boundaries only.
 */
final class Publisher {
  private final Sequences sequences;
  private final KvBlockPool pool;
  private final Faults faults;
  private final KvEvents events;
  private final @Nullable EngineLog log;
  private final int blockTokens;

  /** Whether sequences without keys give blocks back as well. */
  private final boolean windowed;

  Publisher(Sequences sequences, Faults faults, KvEvents events, @Nullable EngineLog log) {
    this.sequences = sequences;
    this.pool = sequences.pool;
    this.faults = faults;
    this.events = events;
    this.log = log;
    blockTokens = pool.geometry().groups().get(0).blockTokens();
    windowed =
        pool.mode() == KvMode.PAGED
            && pool.geometry().groups().stream().anyMatch(group -> group.spanTokens() > 0);
  }

  /** Returns whether blocks of sequences leave windows while they decode. */
  boolean windowed() {
    return windowed;
  }

  /** Appends a generated token to the content of a sequence, if that is known token by token. */
  void generated(int s, int token) {
    BlockKeyChain chain = sequences.keys[s];
    if (chain == null || !chain.hasTokens()) {
      return;
    }
    try {
      chain.append(token);
    } catch (Throwable e) {
      // Without a key for its next block the sequence goes on unmatchable.
      sequences.keys[s] = null;
      faults.observed(Faults.Cause.BLOCK_KEYS, "the sequence goes on without block keys", e);
    }
  }

  /** Publishes what became full when a completed step brought a sequence to a length. */
  void computed(int s, int length) {
    if ((sequences.keys[s] == null && !windowed) || length - sequences.published(s) < blockTokens) {
      return;
    }
    int full = length - length % blockTokens;
    pool.publish(sequences.owners[s], full);
    sequences.setPublished(s, full);
    sequences.setWritable(s, pool.writableTokens(sequences.owners[s]));
    if (log != null) {
      events.drain();
      log.update(s, 0);
    }
  }
}
