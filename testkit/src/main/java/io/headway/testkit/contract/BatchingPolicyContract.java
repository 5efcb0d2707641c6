package io.headway.testkit.contract;

import io.headway.api.Claims;
import io.headway.api.batching.BatchingPolicy;
import io.headway.testkit.subject.EngineConfig;
import io.headway.testkit.subject.Features;
import io.headway.testkit.subject.RuntimeSubject;
import io.headway.testkit.subject.SchedulerFactory;
import io.headway.testkit.subject.SchedulerSubject;
import io.headway.testkit.subject.ServiceOrder;
import io.headway.testkit.trace.TraceSink;
import java.util.OptionalDouble;

/**
 * The contract of a batching policy, hosted by this library's scheduler in strict mode. Bounds and
 * order that the policy {@linkplain BatchingPolicy#claims() claims} are checked.
 *
 * <pre>{@code
 * class MyPolicyTest extends BatchingPolicyContract {
 *   protected BatchingPolicy<?> policy() {
 *     return new MyPolicy();
 *   }
 * }
 * }</pre>
 */
public abstract class BatchingPolicyContract extends SchedulerContract {
  /** Makes a contract; called by subclasses. */
  protected BatchingPolicyContract() {}

  /**
   * Returns the policy.
   *
   * @return one object, which serves all schedulers of the test
   */
  protected abstract BatchingPolicy<?> policy();

  @Override
  protected final SchedulerSubject create(EngineConfig config, TraceSink trace) {
    return hosting().create(config, trace);
  }

  private SchedulerFactory hosting() {
    return RuntimeSubject.hosting(policy());
  }

  @Override
  protected Features features() {
    return claimed(hosting().features(), policy().claims());
  }

  private static ServiceOrder order(Claims claims) {
    if (claims.order().isEmpty()) {
      return ServiceOrder.UNDECLARED;
    }
    return claims.order().get(0) == Claims.RankField.PRIORITY
        ? ServiceOrder.PRIORITY_THEN_ARRIVAL
        : ServiceOrder.ARRIVAL;
  }

  /** Adds the bounds and the order that a policy claims. */
  static Features claimed(Features features, Claims claims) {
    OptionalDouble gap = claims.bound(Claims.Bound.DECODE_GAP_ITERATIONS);
    OptionalDouble starvation = claims.bound(Claims.Bound.STARVATION_ITERATIONS);
    Features all = features.order(order(claims));
    if (gap.isPresent()) {
      all = all.decodeGap((int) Math.min(Integer.MAX_VALUE, gap.getAsDouble()));
    }
    if (starvation.isPresent() && starvation.getAsDouble() >= 1) {
      all = all.starvationBound((int) Math.min(Integer.MAX_VALUE, starvation.getAsDouble()));
    }
    return all;
  }
}
