package io.headway.api.memory;

import io.headway.api.ProvidedByRuntime;

/**
 * Shows a memory policy which prefixes the waiting queue will ask for, nearest first, so that
 * eviction and prefetch can look ahead. Read-only; valid during the call that received it.
 */
@ProvidedByRuntime
public interface KvQueueView {
  /**
   * Returns how many waiting requests are visible.
   *
   * @return requests, at least 0
   */
  int size();

  /**
   * Returns the content that a waiting request will look up.
   *
   * @param position 0 (next to be admitted) to {@code size() - 1}
   * @return its chain; one without blocks if the request has no keys
   */
  BlockKeyChain keys(int position);
}
