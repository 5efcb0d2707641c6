package smoke;

import io.headway.api.Decision;
import io.headway.api.Request;
import io.headway.api.batching.End;
import io.headway.api.config.PolicyProvider;
import io.headway.api.config.PolicyRegistry;
import io.headway.memory.pool.PagedKvBlockPool;
import io.headway.memory.pool.PagedKvConfig;
import io.headway.runtime.BatchPlan;
import io.headway.runtime.EngineEvents;
import io.headway.runtime.EngineScheduler;
import io.headway.runtime.Limits;
import io.headway.runtime.StepResult;

/** An engine outside the project: finds the policies, runs two requests and prints what happened. */
public final class Engine implements EngineEvents {
  private Engine() {}

  /** Prints one line per policy, plan and end. */
  public static void main(String[] args) {
    PolicyRegistry registry = PolicyRegistry.discover(Engine.class.getClassLoader());
    registry.problems().forEach(problem -> System.out.println("problem: " + problem));
    for (Decision decision : Decision.values()) {
      for (PolicyProvider provider : registry.providers(decision)) {
        System.out.println(decision + " " + provider.id());
      }
    }

    EngineScheduler scheduler =
        EngineScheduler.builder()
            .policy("sarathi-serve:tokenBudget=16")
            .pool(PagedKvBlockPool.of(PagedKvConfig.of(4, 64)))
            .limits(Limits.of(4, 256))
            .build();
    scheduler.submit(Request.builder("a", 24, 3).build(), 0);
    scheduler.submit(Request.builder("b", 5, 2).build(), 0);
    Engine engine = new Engine();
    StepResult result = new StepResult();
    for (long nowNanos = 1; !scheduler.isIdle(); nowNanos++) {
      BatchPlan plan = scheduler.next(nowNanos);
      System.out.println("plan " + plan);
      result.begin(plan);
      for (int row = 0; row < plan.rows(); row++) {
        if (plan.emits(row)) {
          result.token(row, 1);
        }
      }
      scheduler.complete(result, nowNanos);
      scheduler.events(engine);
    }
  }

  @Override
  public void ended(long handle, End end, String detail) {
    System.out.println("ended " + end);
  }
}
