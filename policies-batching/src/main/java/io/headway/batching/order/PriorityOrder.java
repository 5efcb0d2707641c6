package io.headway.batching.order;

import io.headway.api.Claims;
import io.headway.api.Stateless;
import io.headway.api.batching.BatchView;
import io.headway.api.batching.QueueOrder;
import java.util.List;

/**
 * Orders the queue by (priority, arrival, id), the smallest priority value first; a preempted
 * sequence goes back to the place its key gives it. O(log waiting) per change. Thread-safe,
 * stateless.
 *
 * <p>Source: the {@code priority} policy of vLLM v1. There is no ageing: a stream of urgent
 * requests keeps others waiting.
 */
public final class PriorityOrder implements QueueOrder<Stateless> {
  private static final Claims CLAIMS =
      Claims.builder()
          .order(true, List.of(Claims.RankField.PRIORITY, Claims.RankField.ARRIVAL))
          .build();

  /** Makes the order. */
  public PriorityOrder() {}

  @Override
  public String id() {
    return "priority";
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
  public int compare(Stateless state, BatchView view, int a, int b) {
    int byPriority = Integer.compare(view.priority(a), view.priority(b));
    return byPriority != 0 ? byPriority : view.compareArrival(a, b);
  }
}
