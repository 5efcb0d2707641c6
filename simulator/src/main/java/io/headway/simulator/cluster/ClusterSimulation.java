package io.headway.simulator.cluster;

import io.headway.api.RandomSource;
import io.headway.api.Request;
import io.headway.memory.pool.PagedKvBlockPool;
import io.headway.memory.pool.PagedKvConfig;
import io.headway.runtime.ClusterScheduler;
import io.headway.runtime.DecisionLog;
import io.headway.runtime.EngineScheduler;
import io.headway.runtime.Limits;
import io.headway.simulator.event.EventQueue;
import io.headway.simulator.metrics.RequestOutcome;
import io.headway.simulator.metrics.RunMetrics;
import io.headway.simulator.metrics.RunRecorder;
import io.headway.simulator.metrics.Slo;
import io.headway.simulator.workload.Workload;
import java.util.ArrayList;
import java.util.List;
import java.util.Objects;
import java.util.function.IntConsumer;
import java.util.function.LongSupplier;
import org.jspecify.annotations.Nullable;

/**
 * Runs one workload through one cluster under one set of policies, in virtual time.
 *
 * <p>Deterministic: equal workload, configuration, policies and seed give equal metrics to the last
 * bit, on every machine. Every instance runs the very scheduler that an engine embeds, in strict
 * mode, so a policy that breaks a rule ends the run with the rule's name.
 *
 * <p>With fast-forward, iterations that a policy declares to repeat are applied at once; the
 * metrics are bit for bit those of running step by step. A request that arrives is seen by an
 * instance at the end of the iteration in flight, in both modes.
 *
 * <p>At one instant, ends of iterations come before arrivals, and arrivals before idle instances
 * start. One thread; a simulation runs once.
 */
public final class ClusterSimulation {
  private static final int STEP_END = 0;
  private static final int ARRIVAL = 1;
  private static final int START = 2;
  private static final int WAKE = 3;
  private static final int ROUTER = 4;
  private static final int INSTANCE_BITS = 12;
  private static final long ROUTING_STREAM = 0x632BE59BD9B4E019L;
  private static final int INSTANCE_MASK = (1 << INSTANCE_BITS) - 1;

  private final Workload workload;
  private final ClusterConfig config;
  private final Requests requests;
  private final EventQueue events = new EventQueue();
  private final RunRecorder recorder;
  private final Progress progress;
  private final SimulatedInstance[] instances;
  private final boolean[] starting;
  private final Placement placement;
  private final @Nullable Predictor<?> predictor;
  private final RandomSource revealing;
  private final IntConsumer onEnded;
  private long now;
  private long routerWake = Long.MAX_VALUE;

  private ClusterSimulation(Options options, Placement placement) {
    workload = options.workload;
    config = options.config;
    onEnded = options.onEnded;
    this.placement = placement;
    requests = new Requests(workload, config, options.slo);
    recorder = new RunRecorder(workload, options.slo);
    progress = new Progress(workload);
    instances = new SimulatedInstance[config.instances()];
    starting = new boolean[config.instances()];
    predictor =
        options.policies.lengths() == null ? null : new Predictor<>(options.policies.lengths());
    revealing = RandomSource.seeded(options.seed ^ 0x5DEECE66DL);
    for (int i = 0; i < instances.length; i++) {
      instances[i] = instance(i, options);
    }
    placement.listener(
        new Placement.Listener() {
          @Override
          public void placed(int row, Request request, int instance) {
            ClusterSimulation.this.placed(row, request, instance);
          }

          @Override
          public void rejected(int row) {
            ClusterSimulation.this.rejected(row);
          }
        });
  }

  private SimulatedInstance instance(int index, Options options) {
    DecisionLog log = options.log;
    HostTier host = config.host();
    EngineScheduler.Builder engine =
        EngineScheduler.builder()
            .policy(options.policies.batching())
            .strict()
            .limits(
                Limits.of(config.maxSequences(), config.maxTokens()).maxWaiting(Integer.MAX_VALUE))
            .pool(
                PagedKvBlockPool.of(
                    PagedKvConfig.of(config.blockTokens(), config.blocks())
                        .withPrefixCaching(config.prefixCaching())
                        .withHostBlocks(host == null ? 0 : host.blocks())
                        .withEvents(log != null)))
            .random(RandomSource.seeded(options.seed * 0x9E3779B97F4A7C15L + index + 1));
    if (predictor != null) {
      predictor.giveTo(engine);
    }
    if (log != null) {
      String name = config.instances() == 1 ? "" : "instance-" + index;
      engine.log(
          options.logName.isEmpty() || name.isEmpty()
              ? options.logName + name
              : options.logName + "/" + name,
          log);
    }
    return new SimulatedInstance(
        engine,
        config.blockTokens(),
        progress,
        config.model(),
        host == null ? null : host.transfers(),
        recorder,
        recorder.addInstance(config.blocks()),
        placement,
        options.fastForward,
        options.nanoClock);
  }

  /** Runs to the end and returns what was measured. */
  private RunMetrics run() {
    if (workload.size() > 0) {
      events.add(workload.arrivalNanos(0), ARRIVAL, 0);
    }
    int reported = 0;
    while (events.next()) {
      now = events.timeNanos();
      long payload = events.payload();
      int index = (int) payload & INSTANCE_MASK;
      switch (events.kind()) {
        case STEP_END -> {
          SimulatedInstance instance = instances[index];
          if (instance.version() == payload >>> INSTANCE_BITS) {
            instance.finish();
            start(index);
          }
        }
        case ARRIVAL -> arrive((int) payload);
        case START -> {
          starting[index] = false;
          if (!instances[index].isBusy()) {
            start(index);
          }
        }
        case ROUTER -> {
          routerWake = Long.MAX_VALUE;
          observeAll();
          placement.tick(now);
          wakeRouter();
        }
        default -> {
          if (!instances[index].isBusy() && instances[index].idleUntilNanos() <= now) {
            start(index);
          }
        }
      }
      if (progress.ended() - reported >= 256) {
        reported = progress.ended();
        onEnded.accept(reported);
      }
    }
    onEnded.accept(progress.ended());
    return recorder.finish(now);
  }

  private void start(int index) {
    SimulatedInstance instance = instances[index];
    instance.start(now);
    announce(index);
  }

  /** Puts the end of what is in flight, or the time to ask again, among the events. */
  private void announce(int index) {
    SimulatedInstance instance = instances[index];
    if (instance.isBusy()) {
      events.add(
          instance.endNanos(), STEP_END, ((long) instance.version() << INSTANCE_BITS) | index);
    } else if (instance.idleUntilNanos() != Long.MAX_VALUE) {
      events.add(Math.max(now, instance.idleUntilNanos()), WAKE, index);
    }
  }

  private void arrive(int row) {
    if (row + 1 < workload.size()) {
      events.add(workload.arrivalNanos(row + 1), ARRIVAL, row + 1);
    }
    Request request = requests.of(row);
    if (predictor != null) {
      predictor.reveal(request, workload.outputTokens(row), revealing);
    }
    observeAll();
    placement.place(row, request, now);
    wakeRouter();
  }

  private void observeAll() {
    for (int i = 0; i < instances.length; i++) {
      placement.observe(i, instances[i].observe(now), now);
    }
  }

  private void wakeRouter() {
    long wake = placement.wakeAtNanos();
    if (wake < routerWake) {
      routerWake = Math.max(now, wake);
      events.add(routerWake, ROUTER, 0);
    }
  }

  private void placed(int row, Request request, int index) {
    recorder.routed(row, index);
    SimulatedInstance instance = instances[index];
    if (instance.settleAt(now)) {
      announce(index);
    }
    instance.submit(row, request, now);
    if (!instance.isBusy() && !starting[index]) {
      starting[index] = true;
      events.add(now, START, index);
    }
  }

  private void rejected(int row) {
    recorder.end(row, RequestOutcome.REJECTED, 0, now);
    progress.ended(row, false);
  }

  /** Checks what must hold after any run; returns what does not. */
  private List<String> violations() {
    List<String> found = new ArrayList<>();
    if (progress.ended() != workload.size()) {
      found.add(
          "every request must end exactly once, but of "
              + workload.size()
              + " only "
              + progress.ended()
              + " ended");
    }
    for (int row = 0; row < workload.size(); row++) {
      if (progress.finished(row) && progress.emitted(row) != workload.outputTokens(row)) {
        found.add(
            "request "
                + row
                + " must emit "
                + workload.outputTokens(row)
                + " tokens, but emitted "
                + progress.emitted(row));
      }
    }
    for (int i = 0; i < instances.length; i++) {
      EngineScheduler scheduler = instances[i].scheduler();
      if (!scheduler.isIdle()) {
        found.add("instance " + i + " must be idle at the end, but is not: " + scheduler.stats());
      }
      int used = scheduler.view().totalBlocks() - scheduler.view().freeBlocks();
      if (used != 0) {
        found.add("instance " + i + " must hold no block at the end, but holds " + used);
      }
    }
    String leftover = placement.leftover(now);
    if (!leftover.isEmpty()) {
      found.add(leftover);
    }
    return found;
  }

  /**
   * Starts the description of a run.
   *
   * @param workload what arrives
   * @param config where
   * @param policies under which policies
   * @return options with fast-forward on, seed 0, no SLO and no log
   */
  public static Options of(Workload workload, ClusterConfig config, ClusterPolicies policies) {
    return new Options(workload, config, policies);
  }

  /**
   * The outcome of a run.
   *
   * @param metrics what was measured
   * @param violations conservation rules that did not hold, one line each; empty in a sound run
   */
  public record Outcome(RunMetrics metrics, List<String> violations) {
    public Outcome {
      Objects.requireNonNull(metrics, "metrics");
      violations = List.copyOf(violations);
    }
  }

  /** Collects the options of a run; not thread-safe. */
  public static final class Options {
    private final Workload workload;
    private final ClusterConfig config;
    private final ClusterPolicies policies;
    private Slo slo = Slo.NONE;
    private long seed;
    private boolean fastForward = true;
    private @Nullable DecisionLog log;
    private String logName = "";
    private LongSupplier nanoClock = () -> 0;
    private IntConsumer onEnded = count -> {};

    private Options(Workload workload, ClusterConfig config, ClusterPolicies policies) {
      this.workload = Objects.requireNonNull(workload, "workload");
      this.config = Objects.requireNonNull(config, "config");
      this.policies = Objects.requireNonNull(policies, "policies");
    }

    /**
     * Sets the latency targets that requests carry and attainment is measured against.
     *
     * @param value the targets
     * @return these options
     */
    public Options slo(Slo value) {
      slo = Objects.requireNonNull(value, "slo");
      return this;
    }

    /**
     * Sets the seed of all randomness that policies and predictors see.
     *
     * @param value any value
     * @return these options
     */
    public Options seed(long value) {
      seed = value;
      return this;
    }

    /**
     * Turns fast-forward on or off; the metrics are the same.
     *
     * @param on whether to jump
     * @return these options
     */
    public Options fastForward(boolean on) {
      fastForward = on;
      return this;
    }

    /**
     * Records every decision of every instance; turns fast-forward off where it would skip records.
     *
     * @param value where to write
     * @return these options
     */
    public Options log(DecisionLog value) {
      return log("", value);
    }

    /**
     * Records every decision of every instance in a log that several runs write to.
     *
     * @param run name of this run, put before the instance's name in every record
     * @param value where to write; called by the thread of the run
     * @return these options
     */
    public Options log(String run, DecisionLog value) {
      logName = Objects.requireNonNull(run, "run");
      log = Objects.requireNonNull(value, "log");
      return this;
    }

    /**
     * Measures what decisions cost with a real clock; the other metrics do not depend on it.
     *
     * @param clock nanoseconds, such as {@code System::nanoTime}
     * @return these options
     */
    public Options nanoClock(LongSupplier clock) {
      nanoClock = Objects.requireNonNull(clock, "clock");
      return this;
    }

    /**
     * Is told now and then how many requests have ended, for progress displays.
     *
     * @param listener receives a count
     * @return these options
     */
    public Options onEnded(IntConsumer listener) {
      onEnded = Objects.requireNonNull(listener, "listener");
      return this;
    }

    /**
     * Runs to the end.
     *
     * @return what was measured
     * @throws io.headway.api.PolicyViolationException if a policy breaks a rule
     */
    public Outcome run() {
      return run(new ClusterPlacement(cluster(), config, workload.size()));
    }

    private ClusterScheduler cluster() {
      ClusterScheduler.Builder cluster =
          ClusterScheduler.builder()
              .policy(policies.routing())
              .strict()
              .maxQueued(Integer.MAX_VALUE)
              .prefixBlockTokens(config.blockTokens())
              .random(RandomSource.seeded(seed + ROUTING_STREAM));
      if (policies.serviceTimes() != null) {
        cluster.predictor(policies.serviceTimes());
      }
      if (policies.calibrator() != null) {
        cluster.calibrator(policies.calibrator());
      }
      return cluster.build();
    }

    /** Runs with a given placement; for tests of the loop itself. */
    Outcome run(Placement placement) {
      ClusterSimulation simulation = new ClusterSimulation(this, placement);
      RunMetrics metrics = simulation.run();
      return new Outcome(metrics, simulation.violations());
    }
  }
}
