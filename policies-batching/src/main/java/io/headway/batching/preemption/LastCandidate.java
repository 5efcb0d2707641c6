package io.headway.batching.preemption;

import static java.util.Objects.requireNonNull;

import io.headway.api.Stateless;
import io.headway.api.batching.BatchView;
import io.headway.api.batching.PreemptionMode;
import io.headway.api.batching.QueueEnd;
import io.headway.api.batching.VictimSelector;

/**
 * Preempts the last candidate in the composer's order, which is the youngest: the sequence admitted
 * last under {@code vllm-v1} (fcfs), the last to arrive of those not yet visited under {@code
 * sarathi-serve}; under {@code isrtf} (ELIS) the last of the policy's order. O(1). Thread-safe,
 * stateless.
 *
 * <p>By recomputation, to the head of the queue, by default.
 */
public final class LastCandidate implements VictimSelector<Stateless> {
  private final PreemptionMode mode;
  private final QueueEnd place;

  /** Makes the selector that recomputes and puts the victim at the head of the queue. */
  public LastCandidate() {
    this(PreemptionMode.RECOMPUTE, QueueEnd.HEAD);
  }

  /**
   * Makes the selector.
   *
   * @param mode how victims yield
   * @param place where they enter the arrival-ordered queue
   */
  public LastCandidate(PreemptionMode mode, QueueEnd place) {
    this.mode = requireNonNull(mode, "mode");
    this.place = requireNonNull(place, "place");
  }

  @Override
  public String id() {
    return "youngest";
  }

  @Override
  public Stateless newState() {
    return Stateless.STATE;
  }

  @Override
  public int select(
      Stateless state, BatchView view, int beneficiary, int[] candidates, int from, int to) {
    return from == to ? BatchView.NONE : candidates[to - 1];
  }

  @Override
  public PreemptionMode mode(Stateless state, BatchView view, int victim) {
    return mode;
  }

  @Override
  public QueueEnd place(Stateless state, BatchView view, int victim) {
    return place;
  }
}
