package io.headway.batching.preemption;

import static java.util.Objects.requireNonNull;

import io.headway.api.Claims;
import io.headway.api.Stateless;
import io.headway.api.batching.BatchView;
import io.headway.api.batching.PreemptionMode;
import io.headway.api.batching.VictimSelector;
import java.util.List;

/**
 * Preempts the candidate with the greatest (priority, arrival, id): the {@code priority} policy of
 * vLLM v1. The victim may be the beneficiary, or a sequence that is in the batch already.
 * O(candidates). Thread-safe, stateless.
 */
public final class LeastUrgent implements VictimSelector<Stateless> {
  /** Who is last by this order yields. */
  private static final Claims CLAIMS =
      Claims.builder()
          .order(true, List.of(Claims.RankField.PRIORITY, Claims.RankField.ARRIVAL))
          .build();

  private final PreemptionMode mode;

  /** Makes the selector that recomputes. */
  public LeastUrgent() {
    this(PreemptionMode.RECOMPUTE);
  }

  /**
   * Makes the selector.
   *
   * @param mode how victims yield
   */
  public LeastUrgent(PreemptionMode mode) {
    this.mode = requireNonNull(mode, "mode");
  }

  @Override
  public String id() {
    return "least-urgent";
  }

  @Override
  public Stateless newState() {
    return Stateless.STATE;
  }

  @Override
  public Claims claims() {
    return CLAIMS;
  }

  @Override
  public int select(
      Stateless state, BatchView view, int beneficiary, int[] candidates, int from, int to) {
    int victim = BatchView.NONE;
    for (int i = from; i < to; i++) {
      if (victim == BatchView.NONE || behind(view, candidates[i], victim)) {
        victim = candidates[i];
      }
    }
    // One in flight is no candidate, and cannot yield itself: then nobody yields to it who goes
    // before it. With nothing in flight somebody has to, whatever order the composition follows.
    boolean spared =
        victim != BatchView.NONE && view.inFlight(beneficiary) && behind(view, beneficiary, victim);
    return spared ? BatchView.NONE : victim;
  }

  private static boolean behind(BatchView view, int a, int b) {
    int byPriority = Integer.compare(view.priority(a), view.priority(b));
    return (byPriority != 0 ? byPriority : view.compareArrival(a, b)) > 0;
  }

  @Override
  public PreemptionMode mode(Stateless state, BatchView view, int victim) {
    return mode;
  }
}
