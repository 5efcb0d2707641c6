package io.headway.testkit.subject;

import io.headway.api.Request;
import io.headway.api.batching.BatchingPolicy;
import io.headway.memory.pool.PagedKvBlockPool;
import io.headway.memory.pool.PagedKvConfig;
import io.headway.runtime.BatchPlan;
import io.headway.runtime.EngineScheduler;
import io.headway.runtime.Limits;
import io.headway.runtime.StepResult;
import io.headway.testkit.trace.TraceSink;
import java.util.OptionalInt;

/**
 * The waiting queue of this library's scheduler as a fair queue: one slot, requests of one output
 * token whose cost is their prompt. Each is served in one step.
 */
public final class RuntimeFairQueue implements FairQueueSubject {
  private static final int MOST = 4_096;

  private final EngineScheduler scheduler;

  private RuntimeFairQueue(BatchingPolicy<?> policy) {
    scheduler =
        EngineScheduler.builder()
            .policy(policy)
            .pool(PagedKvBlockPool.of(PagedKvConfig.of(1, MOST)))
            .limits(Limits.of(1, MOST))
            .strict()
            .build();
  }

  /**
   * Makes a factory that hosts a policy.
   *
   * @param policy the policy; one object serves any number of queues
   * @param largestCosts the claimed bound, or -1
   * @param firstComeWithinFlow whether tenants are served in order of arrival each
   * @return the factory
   */
  public static FairQueueFactory of(
      BatchingPolicy<?> policy, int largestCosts, boolean firstComeWithinFlow) {
    return new FairQueueFactory() {
      @Override
      public FairQueueSubject create(FairQueueConfig config, TraceSink trace) {
        return new RuntimeFairQueue(policy);
      }

      @Override
      public int largestCosts() {
        return largestCosts;
      }

      @Override
      public boolean firstComeWithinFlow() {
        return firstComeWithinFlow;
      }
    };
  }

  @Override
  public boolean enqueue(int item, int flow, int cost, long nowNanos) {
    Request request =
        Request.builder("i" + item, cost, 1)
            .tenant("f" + flow)
            .arrivalNanos(nowNanos)
            .predictedOutputTokens(1)
            .build();
    return scheduler.submit(request, nowNanos).accepted();
  }

  @Override
  public OptionalInt dequeue(long nowNanos) {
    // A long prompt may take several chunks: it is out when its token is.
    while (true) {
      BatchPlan plan = scheduler.next(nowNanos);
      if (plan.isEmpty()) {
        return OptionalInt.empty();
      }
      StepResult result = new StepResult().begin(plan);
      int item = Integer.parseInt(scheduler.request(plan.handle(0)).id().substring(1));
      boolean emits = plan.emits(0);
      if (emits) {
        result.token(0, 1);
      }
      scheduler.complete(result, nowNanos);
      if (emits) {
        return OptionalInt.of(item);
      }
    }
  }

  @Override
  public void cancel(int item, long nowNanos) {
    scheduler.cancel(scheduler.handleOf("i" + item), nowNanos);
  }

  @Override
  public void close() {
    scheduler.close();
  }
}
