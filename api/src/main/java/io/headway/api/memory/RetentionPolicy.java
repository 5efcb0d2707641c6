package io.headway.api.memory;

import io.headway.api.ImplementedByUsers;
import io.headway.api.ProvidedByRuntime;
import io.headway.api.SchedulingPolicy;

/**
 * Decides which positions of a sequence keep their KV in a layer and head: sinks, windows, heavy
 * hitters. The answer is carried out by {@link KvBlockPool#compact}; from then on the sequence's
 * blocks are lossy and never satisfy an exact lookup.
 *
 * @param <S> state the policy keeps; {@link io.headway.api.Stateless} if none
 */
@ImplementedByUsers
public interface RetentionPolicy<S> extends SchedulingPolicy<S> {
  /** Attention statistics of one sequence in one layer and head. */
  @ProvidedByRuntime
  interface AttentionView {
    /**
     * Returns the length of the sequence.
     *
     * @return positions, 0 to {@code lengthTokens - 1}
     */
    int lengthTokens();

    /**
     * Returns the layer.
     *
     * @return from 0
     */
    int layer();

    /**
     * Returns the key/value head.
     *
     * @return from 0
     */
    int head();

    /**
     * Returns the attention that a position has received from all queries so far.
     *
     * @param position 0 to {@code lengthTokens - 1}
     * @return at least 0
     */
    double accumulatedScore(int position);

    /**
     * Returns the attention that a position received from the queries of the last window.
     *
     * @param position 0 to {@code lengthTokens - 1}
     * @return at least 0
     */
    double windowScore(int position);
  }

  /**
   * Returns how many positions of a length are kept at most.
   *
   * @param lengthTokens length of the sequence
   * @param layer from 0
   * @param head from 0
   * @return positions, from 1 to {@code lengthTokens}
   */
  int budget(int lengthTokens, int layer, int head);

  /**
   * Chooses the positions that stay.
   *
   * @param state state of this policy
   * @param view statistics of one sequence, layer and head
   * @param keep receives the positions in ascending order; empty when called
   */
  void choose(S state, AttentionView view, KeepSet keep);
}
