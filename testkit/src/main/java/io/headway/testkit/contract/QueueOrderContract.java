package io.headway.testkit.contract;

import io.headway.api.batching.BatchingPolicy;
import io.headway.api.batching.QueueOrder;
import io.headway.batching.admission.FirstChunkAdmission;
import io.headway.batching.composition.Batching;
import io.headway.batching.composition.TokenBudgetComposer;
import io.headway.batching.preemption.LastCandidate;
import io.headway.testkit.subject.Features;
import io.headway.testkit.subject.ServiceOrder;

/**
 * The contract of a queue order, as the order of a policy that admits strictly from the head. Say
 * which order it declares, and starts are checked against it.
 */
public abstract class QueueOrderContract extends BatchingPolicyContract {
  private static final int TOKEN_BUDGET = 4_096;

  /** Makes a contract; called by subclasses. */
  protected QueueOrderContract() {}

  /**
   * Returns the order.
   *
   * @return one object, which serves all schedulers of the test
   */
  protected abstract QueueOrder<?> order();

  /**
   * Returns which order that is, seen from outside.
   *
   * @return {@link ServiceOrder#UNDECLARED} by default
   */
  protected ServiceOrder declared() {
    return ServiceOrder.UNDECLARED;
  }

  @Override
  protected BatchingPolicy<?> policy() {
    return Batching.order(order())
        .admission(new FirstChunkAdmission())
        .composition(new TokenBudgetComposer(TOKEN_BUDGET, 0, true))
        .preemption(new LastCandidate())
        .build();
  }

  @Override
  protected Features features() {
    return super.features().order(declared());
  }
}
