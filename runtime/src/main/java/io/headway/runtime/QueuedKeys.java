package io.headway.runtime;

import io.headway.api.memory.BlockKeyChain;
import io.headway.api.memory.KvQueueView;
import java.util.Objects;

/** What the queue will ask the prefix cache for, in the queue's own order. */
final class QueuedKeys implements KvQueueView {
  private final Sequences sequences;
  private final BlockKeyChain none;

  // Where the last question was about: positions are mostly asked for one after the other.
  private int version = -1;
  private int position;
  private int sequence;

  /**
   * Shows a queue.
   *
   * @param sequences whose queue
   * @param none the chain of a request without keys
   */
  QueuedKeys(Sequences sequences, BlockKeyChain none) {
    this.sequences = sequences;
    this.none = none;
  }

  @Override
  public int size() {
    return sequences.waitingCount();
  }

  @Override
  public BlockKeyChain keys(int at) {
    Objects.checkIndex(at, sequences.waitingCount());
    if (version != sequences.queueVersion() || at < position) {
      version = sequences.queueVersion();
      position = 0;
      sequence = sequences.firstWaiting();
    }
    while (position < at) {
      sequence = sequences.nextWaiting(sequence);
      position++;
    }
    BlockKeyChain keys = sequences.keys[sequence];
    return keys == null ? none : keys;
  }
}
