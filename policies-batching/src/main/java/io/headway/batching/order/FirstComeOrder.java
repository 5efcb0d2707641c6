package io.headway.batching.order;

import io.headway.api.Claims;
import io.headway.api.Stateless;
import io.headway.api.batching.BatchView;
import io.headway.api.batching.QueueOrder;
import java.util.List;

/**
 * Orders the queue first come, first served: by (arrival, id), preempted sequences where the victim
 * selector put them. Costs nothing: it is the scheduler's own list. Thread-safe, stateless.
 */
public final class FirstComeOrder implements QueueOrder<Stateless> {
  private static final Claims CLAIMS =
      Claims.builder().order(false, List.of(Claims.RankField.ARRIVAL)).build();

  /** Makes the order. */
  public FirstComeOrder() {}

  @Override
  public String id() {
    return "fcfs";
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
  public KeyChange keyChange() {
    return KeyChange.QUEUE_ORDER;
  }

  @Override
  public int compare(Stateless state, BatchView view, int a, int b) {
    return view.compareArrival(a, b);
  }
}
