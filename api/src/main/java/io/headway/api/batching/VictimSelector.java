package io.headway.api.batching;

import io.headway.api.ImplementedByUsers;
import io.headway.api.SchedulingPolicy;

/**
 * Decides who yields when a running sequence cannot get a block, and how.
 *
 * @param <S> the policy's state
 */
@ImplementedByUsers
public interface VictimSelector<S> extends SchedulingPolicy<S>, SequenceEvents<S> {
  /**
   * Chooses the victim.
   *
   * @param state the policy's state
   * @param view the instance
   * @param beneficiary who needs blocks
   * @param candidates running sequences that may be preempted, in the composer's order; owned by
   *     the composer, not to be kept or changed
   * @param from first candidate
   * @param to behind the last candidate
   * @return one of {@code candidates[from .. to)}, which may be the beneficiary itself, or {@link
   *     BatchView#NONE} to preempt nobody
   */
  int select(S state, BatchView view, int beneficiary, int[] candidates, int from, int to);

  /**
   * Chooses which swapped sequence comes back first while there is room that nobody needs.
   *
   * @param state the policy's state
   * @param view the instance
   * @param candidates swapped sequences in the policy's order; not to be kept or changed
   * @param from first candidate
   * @param to behind the last candidate
   * @return one of {@code candidates[from .. to)}, or {@link BatchView#NONE} to leave them all; the
   *     first by default
   */
  default int selectReturning(S state, BatchView view, int[] candidates, int from, int to) {
    return from == to ? BatchView.NONE : candidates[from];
  }

  /**
   * Chooses how the victim yields. A refused swap falls back to recompute.
   *
   * @param state the policy's state
   * @param view the instance
   * @param victim from {@link #select}
   * @return {@link PreemptionMode#RECOMPUTE} by default
   */
  default PreemptionMode mode(S state, BatchView view, int victim) {
    return PreemptionMode.RECOMPUTE;
  }

  /**
   * Chooses where the victim enters the queue.
   *
   * @param state the policy's state
   * @param view the instance
   * @param victim from {@link #select}
   * @return {@link QueueEnd#HEAD} by default
   */
  default QueueEnd place(S state, BatchView view, int victim) {
    return QueueEnd.HEAD;
  }
}
