package io.headway.api.batching;

import io.headway.api.ProvidedByRuntime;

/**
 * Takes reports of keys that changed while their sequences wait; see {@link QueueOrder#refresh}.
 */
@ProvidedByRuntime
@FunctionalInterface
public interface RankChanges {
  /**
   * The key of a sequence has changed. Sequences that are not queued are ignored.
   *
   * @param sequence a live sequence
   */
  void changed(int sequence);
}
