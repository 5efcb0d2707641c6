package io.headway.runtime;

import static org.assertj.core.api.Assertions.assertThat;

import io.headway.api.Request;
import io.headway.api.Stateless;
import io.headway.api.batching.BatchDraft;
import io.headway.api.batching.BatchView;
import io.headway.api.batching.BatchingPolicy;
import io.headway.api.batching.End;
import io.headway.api.batching.SequenceState;
import io.headway.api.batching.ServedSequences;
import io.headway.api.memory.BlockKey;
import io.headway.api.memory.KvEventSink;
import io.headway.api.memory.KvTier;
import io.headway.api.prediction.LengthEstimate;
import io.headway.api.prediction.LengthPredictor;
import io.headway.memory.pool.PagedKvBlockPool;
import io.headway.memory.pool.PagedKvConfig;
import java.util.ArrayList;
import java.util.List;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.EnumSource;

/**
 * Whatever the scheduler calls may throw, at any call: the request that was being served is served
 * all the same, memory comes back, and the fault is counted, or thrown in strict mode by a call
 * that has changed nothing.
 */
class FaultInjectionTest {
  /** Everything the scheduler calls. */
  enum Callback {
    PLAN,
    CAN_SERVE,
    WAKE,
    ON_QUEUED,
    ON_ADMITTED,
    ON_PREEMPTED,
    ON_SERVED,
    ON_ENDED,
    ON_TENANT_FORGOTTEN,
    LISTENER_ACCEPTED,
    LISTENER_STARTED,
    LISTENER_PREEMPTED,
    LISTENER_PLANNED,
    LISTENER_COMPLETED,
    LISTENER_FAILED,
    LISTENER_ENDED,
    LOG,
    KV_STORED,
    KV_REMOVED,
    PREDICTOR_ESTIMATE,
    PREDICTOR_OBSERVE;

    boolean isPolicy() {
      return ordinal() <= ON_TENANT_FORGOTTEN.ordinal();
    }
  }

  /** Throws at one call of one callback. */
  private static final class Bomb {
    private final Callback armed;
    private final int at;
    private int calls;

    Bomb(Callback armed, int at) {
      this.armed = armed;
      this.at = at;
    }

    void tick(Callback called) {
      if (called == armed && ++calls == at) {
        throw new IllegalStateException("bomb in " + armed);
      }
    }

    boolean wentOff() {
      return calls >= at;
    }
  }

  private record Fragile(Bomb bomb, GuardPolicy inner) implements BatchingPolicy<Stateless> {
    @Override
    public String id() {
      return "fragile";
    }

    @Override
    public Stateless newState() {
      return Stateless.STATE;
    }

    @Override
    public boolean canServe(Stateless state, BatchView view, Request request) {
      bomb.tick(Callback.CAN_SERVE);
      return true;
    }

    @Override
    public void plan(Stateless state, BatchView view, BatchDraft draft) {
      bomb.tick(Callback.PLAN);
      for (int i = 0; i < view.runningCount(); i++) {
        assertThat(view.hasPrediction(view.running(i))).isIn(true, false);
      }
      inner.plan(state, view, draft);
    }

    @Override
    public long wakeAtNanos(Stateless state, BatchView view) {
      bomb.tick(Callback.WAKE);
      return Long.MAX_VALUE;
    }

    @Override
    public void onQueued(Stateless state, BatchView view, int sequence) {
      bomb.tick(Callback.ON_QUEUED);
    }

    @Override
    public void onAdmitted(Stateless state, BatchView view, int sequence, int cachedTokens) {
      bomb.tick(Callback.ON_ADMITTED);
    }

    @Override
    public void onPreempted(Stateless state, BatchView view, int sequence) {
      assertThat(view.state(sequence)).isEqualTo(SequenceState.RUNNING);
      bomb.tick(Callback.ON_PREEMPTED);
    }

    @Override
    public void onServed(Stateless state, BatchView view, ServedSequences served) {
      bomb.tick(Callback.ON_SERVED);
    }

    @Override
    public void onEnded(Stateless state, BatchView view, int sequence, End end) {
      bomb.tick(Callback.ON_ENDED);
    }

    @Override
    public void onTenantForgotten(Stateless state, int tenant) {
      bomb.tick(Callback.ON_TENANT_FORGOTTEN);
    }
  }

  private record FragileListener(Bomb bomb, List<Long> restarts) implements RuntimeListener {
    @Override
    public void accepted(long handle, long nowNanos) {
      bomb.tick(Callback.LISTENER_ACCEPTED);
    }

    @Override
    public void started(long handle, long waitedNanos, int cachedTokens) {
      bomb.tick(Callback.LISTENER_STARTED);
    }

    @Override
    public void preempted(long handle, int preemptions) {
      bomb.tick(Callback.LISTENER_PREEMPTED);
    }

    @Override
    public void planned(long stepId, int rows, int tokens) {
      bomb.tick(Callback.LISTENER_PLANNED);
    }

    @Override
    public void completed(long stepId, long elapsedNanos, int outputTokens) {
      bomb.tick(Callback.LISTENER_COMPLETED);
    }

    @Override
    public void failed(long stepId) {
      bomb.tick(Callback.LISTENER_FAILED);
    }

    @Override
    public void ended(long handle, End end, int outputTokens) {
      bomb.tick(Callback.LISTENER_ENDED);
    }

    @Override
    public void policyRestarted(long violations) {
      restarts.add(violations);
    }
  }

  private record FragileSink(Bomb bomb) implements KvEventSink {
    @Override
    public void stored(
        BlockKey key, BlockKey parent, int block, int groupId, KvTier tier, int copies) {
      bomb.tick(Callback.KV_STORED);
    }

    @Override
    public void removed(BlockKey key, int block, int groupId, KvTier tier, int copies) {
      bomb.tick(Callback.KV_REMOVED);
    }

    @Override
    public void cleared() {}
  }

  private record FragilePredictor(Bomb bomb) implements LengthPredictor<Stateless> {
    @Override
    public String id() {
      return "fragile";
    }

    @Override
    public Stateless newState() {
      return Stateless.STATE;
    }

    @Override
    public void estimate(
        Stateless state, Request request, int generatedTokens, LengthEstimate into) {
      bomb.tick(Callback.PREDICTOR_ESTIMATE);
      into.none();
    }

    @Override
    public void observe(Stateless state, Request request, int outputTokens, boolean censored) {
      bomb.tick(Callback.PREDICTOR_OBSERVE);
    }
  }

  private long now;

  @ParameterizedTest
  @EnumSource(Callback.class)
  void r27AFaultInAnyCallbackLosesNothingInGuardMode(Callback callback) {
    for (int at = 1; at <= 4; at++) {
      Bomb bomb = new Bomb(callback, at);
      List<Long> restarts = new ArrayList<>();
      PagedKvBlockPool pool = pool();
      EngineScheduler scheduler = scheduler(bomb, restarts, pool, false);
      int thrown = run(scheduler, pool);
      assertThat(thrown).as("calls that threw").isZero();
      EngineStats stats = scheduler.stats();
      if (bomb.wentOff()) {
        assertThat(callback.isPolicy() ? stats.violations() : stats.observerFaults())
            .as("faults of %s", callback)
            .isEqualTo(1);
        if (callback.isPolicy()) {
          assertThat(restarts).as("the loss of its state is told").containsExactly(1L);
        }
      } else {
        assertThat(at).as("%s is called at all", callback).isGreaterThan(1);
      }
    }
  }

  @ParameterizedTest
  @EnumSource(Callback.class)
  void r27AFaultInAnyCallbackIsThrownOnceInStrictMode(Callback callback) {
    Bomb bomb = new Bomb(callback, 1);
    List<Long> restarts = new ArrayList<>();
    PagedKvBlockPool pool = pool();
    EngineScheduler scheduler = scheduler(bomb, restarts, pool, true);
    int thrown = run(scheduler, pool);
    assertThat(bomb.wentOff()).isTrue();
    assertThat(thrown).as("calls that threw").isLessThanOrEqualTo(1);
    if (callback != Callback.LISTENER_ENDED
        && callback != Callback.ON_ENDED
        && callback != Callback.PREDICTOR_OBSERVE) {
      assertThat(thrown).as("calls that threw").isEqualTo(1);
    }
    assertThat(restarts).hasSizeLessThanOrEqualTo(callback.isPolicy() ? 1 : 0);
  }

  private static PagedKvBlockPool pool() {
    return PagedKvBlockPool.of(PagedKvConfig.of(4, 8).withEvents(true));
  }

  private static EngineScheduler scheduler(
      Bomb bomb, List<Long> restarts, PagedKvBlockPool pool, boolean strict) {
    EngineScheduler.Builder builder =
        EngineScheduler.builder()
            .policy(new Fragile(bomb, new GuardPolicy()))
            .limits(Limits.of(4, 64))
            .rememberedTenants(1)
            .pool(pool)
            .listener(new FragileListener(bomb, restarts))
            .predictor(new FragilePredictor(bomb))
            .kvEvents(new FragileSink(bomb))
            .log(line -> bomb.tick(Callback.LOG));
    return (strict ? builder.strict() : builder).build();
  }

  /** Serves ten requests in a pool too small for them; returns how many calls threw. */
  private int run(EngineScheduler scheduler, PagedKvBlockPool pool) {
    int thrown = 0;
    int accepted = 0;
    for (int i = 0; i < 10; i++) {
      Request request =
          Request.builder("r" + i, 6, 6)
              .arrivalNanos(i)
              .tenant("t" + i)
              .tokenIds(new int[] {i % 2, 1, 2, 3, 4, 5})
              .build();
      boolean done = false;
      while (!done) {
        try {
          done = scheduler.submit(request, now).accepted();
          accepted++;
        } catch (RuntimeException e) {
          thrown++;
        }
      }
      if (i == 4) {
        thrown += failOne(scheduler);
      }
      thrown += step(scheduler);
    }
    for (int steps = 0; !scheduler.isIdle(); steps++) {
      assertThat(steps).as("steps to come to rest").isLessThan(500);
      thrown += step(scheduler);
    }
    // Asks when there is nothing to do, too, and again for what that has thrown.
    for (int i = 0; i < 6; i++) {
      thrown += step(scheduler);
    }
    scheduler.events(new EngineEvents() {});
    assertThat(scheduler.stats().ended()).isEqualTo(accepted).isEqualTo(10);
    Audit.quiet(scheduler, pool);
    return thrown;
  }

  private int failOne(EngineScheduler scheduler) {
    try {
      BatchPlan plan = scheduler.next(++now);
      if (!plan.isEmpty()) {
        scheduler.fail(plan.stepId(), new IllegalStateException("device"), now);
      }
      return 0;
    } catch (RuntimeException e) {
      return 1;
    }
  }

  private int step(EngineScheduler scheduler) {
    BatchPlan plan;
    try {
      plan = scheduler.next(++now);
    } catch (RuntimeException e) {
      return 1;
    }
    if (!plan.isEmpty()) {
      StepResult result = new StepResult().begin(plan);
      for (int row = 0; row < plan.rows(); row++) {
        if (plan.emits(row)) {
          result.token(row, 7);
        }
      }
      scheduler.complete(result.elapsed(10), now);
    }
    return 0;
  }
}
