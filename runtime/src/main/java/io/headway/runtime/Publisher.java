package io.headway.runtime;

import io.headway.api.memory.BlockKeyChain;
import io.headway.api.memory.KvBlockPool;
import io.headway.api.memory.KvMode;
import io.headway.api.memory.PrefixAttributes;
import java.util.Arrays;
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

  /** Tokens per block of the pool's chains of keys. */
  private final int keyTokens;

  /**
   * The generated tokens that do not fill a block yet, a block for each sequence. They go into its
   * chain together, since a chain is memory of its own: touching each of a thousand in every step
   * took longer than the rest of the step.
   */
  private int[] open = {};

  /** Whether sequences without keys give blocks back as well. */
  private final boolean windowed;

  Publisher(Sequences sequences, Faults faults, KvEvents events, @Nullable EngineLog log) {
    this.sequences = sequences;
    this.pool = sequences.pool;
    this.faults = faults;
    this.events = events;
    this.log = log;
    blockTokens = pool.geometry().groups().get(0).blockTokens();
    keyTokens = pool.newKeys(PrefixAttributes.NONE).blockTokens();
    windowed =
        pool.mode() == KvMode.PAGED
            && pool.geometry().groups().stream().anyMatch(group -> group.spanTokens() > 0);
  }

  /** Returns whether blocks of sequences leave windows while they decode. */
  boolean windowed() {
    return windowed;
  }

  /** Adds a generated token to the content of a sequence, if that is known token by token. */
  void generated(int s, int token) {
    int missing = sequences.toFullBlock(s);
    if (missing == 0) {
      return;
    }
    int end = (s + 1) * keyTokens;
    if (end > open.length) {
      open = Arrays.copyOf(open, Math.max(end, open.length + (open.length >> 1)));
    }
    open[end - missing] = token;
    if (missing > 1) {
      sequences.setToFullBlock(s, missing - 1);
    } else {
      fill(s, end);
    }
  }

  /** Appends the tokens that fill a block to the chain of a sequence, which keys them. */
  private void fill(int s, int end) {
    BlockKeyChain chain = sequences.keys[s];
    if (chain == null) {
      return;
    }
    try {
      chain.append(open, end - keyTokens + chain.tokenCount() % keyTokens, end);
      sequences.setToFullBlock(s, keyTokens);
    } catch (Throwable e) {
      // Without a key for its next block the sequence goes on unmatchable.
      sequences.keys[s] = null;
      sequences.setToFullBlock(s, 0);
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
