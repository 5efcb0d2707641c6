package io.headway.cli;

import io.headway.api.model.DecoderShape;
import io.headway.api.prediction.IterationShape;
import io.headway.executor.Executor;
import io.headway.executor.ExecutorOptions;
import io.headway.executor.ExecutorProvider;
import io.headway.executor.ForwardingExecutor;
import io.headway.executor.PlanShapes;
import io.headway.executor.StepClock;
import io.headway.executor.cpu.CpuExecutorProvider;
import io.headway.executor.weights.Weights;
import io.headway.predictors.iteration.ProfiledIterationTime;
import io.headway.runtime.BatchPlan;
import io.headway.runtime.StepResult;
import java.util.concurrent.atomic.AtomicLong;

/**
 * An executor that computes on the CPU and takes, by a clock of its own, what a profile says. With
 * the model {@code tiny-bias} its speed wanders between that and half of it.
 */
public final class ClockworkExecutorProvider implements ExecutorProvider {
  private static final int HALF_PERIOD_STEPS = 500;

  private static final ProfiledIterationTime TRUTH =
      new ProfiledIterationTime(new double[] {900_000, 40_000, 300, 30_000, 80_000, 500, 0});

  @Override
  public String id() {
    return "clockwork";
  }

  @Override
  public Availability availability() {
    return new Availability(true, "a clock");
  }

  @Override
  public Executor open(Weights weights, ExecutorOptions options) {
    return new Clockwork(weights, options, new AtomicLong());
  }

  private static final class Clockwork extends ForwardingExecutor {
    private final IterationShape shape = new IterationShape();
    private final boolean wanders;
    private final AtomicLong nowNanos;
    private long steps;

    Clockwork(Weights weights, ExecutorOptions options, AtomicLong nowNanos) {
      super(
          new CpuExecutorProvider()
              .open(weights, options.withClock(new StepClock("clockwork", nowNanos::get, false))));
      this.nowNanos = nowNanos;
      wanders = weights.shape().equals(DecoderShape.TINY_BIAS);
    }

    @Override
    public void enqueue(BatchPlan plan, StepResult result) {
      delegate().execute(plan, result);
      PlanShapes.describe(plan, shape);
      long nanos = Math.round(slowness() * TRUTH.nanos(shape));
      nowNanos.addAndGet(nanos);
      result.elapsed(nanos);
    }

    /** A triangular wave from 1 to 2. */
    private double slowness() {
      double phase = (double) (steps++ % (2 * HALF_PERIOD_STEPS)) / HALF_PERIOD_STEPS;
      return wanders ? 2 - Math.abs(1 - phase) : 1;
    }

    @Override
    public String id() {
      return "clockwork";
    }

    @Override
    public String device() {
      return "a clock";
    }
  }
}
