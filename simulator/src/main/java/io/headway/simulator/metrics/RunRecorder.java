package io.headway.simulator.metrics;

import com.google.common.collect.EnumMultiset;
import com.google.common.collect.Multiset;
import io.headway.simulator.metrics.RunMetrics.Counts;
import io.headway.simulator.metrics.RunMetrics.Fairness;
import io.headway.simulator.metrics.RunMetrics.InstanceMetrics;
import io.headway.simulator.metrics.RunMetrics.Latencies;
import io.headway.simulator.metrics.RunMetrics.PolicyCost;
import io.headway.simulator.metrics.RunMetrics.Rates;
import io.headway.simulator.metrics.RunMetrics.TenantMetrics;
import io.headway.simulator.workload.Labels;
import io.headway.simulator.workload.Workload;
import java.util.ArrayList;
import java.util.List;
import java.util.Objects;
import java.util.function.Function;
import org.jspecify.annotations.Nullable;

/**
 * Takes down what happens in one simulated run and sums it up. Everything is primitive and nothing
 * is allocated per event.
 *
 * <p>Events of one instance must come in the order of time; instances may run ahead of each other,
 * since no figure depends on the order between them. Not thread-safe.
 */
public final class RunRecorder {
  /** Weight of a prompt token in service, as in the defaults of VTC (OSDI 2024). */
  public static final int PROMPT_WEIGHT = 1;

  /** Weight of an output token in service, as in the defaults of VTC (OSDI 2024). */
  public static final int OUTPUT_WEIGHT = 2;

  /** Most tenants for which the service gap is measured, since it compares every pair. */
  public static final int MAX_GAP_TENANTS = 256;

  private static final double NANOS_PER_SECOND = 1e9;

  private final Workload workload;
  private final Slo slo;
  private final RequestTable requests;
  private final Durations gaps = new Durations();
  private final List<OfInstance> instances = new ArrayList<>();
  private long decisions;
  private long decisionNanos;

  /**
   * Creates a recorder.
   *
   * @param workload what arrives
   * @param slo objectives that goodput counts
   */
  public RunRecorder(Workload workload, Slo slo) {
    this.workload = Objects.requireNonNull(workload, "workload");
    this.slo = Objects.requireNonNull(slo, "slo");
    requests = new RequestTable(workload);
  }

  /**
   * Adds an instance; the first has index 0.
   *
   * @param kvCapacityBlocks its KV blocks, at least 1
   * @return what takes down its events
   * @throws IllegalArgumentException if it has no KV block
   */
  public OfInstance addInstance(long kvCapacityBlocks) {
    if (kvCapacityBlocks < 1) {
      throw new IllegalArgumentException(
          "kvCapacityBlocks must be at least 1 block, but was " + kvCapacityBlocks);
    }
    OfInstance added = new OfInstance(kvCapacityBlocks, workload.tenants().count());
    instances.add(added);
    return added;
  }

  /**
   * Notes that a request went to an instance.
   *
   * @param row its row
   * @param instance index of the instance
   */
  public void routed(int row, int instance) {
    requests.routed(row, instance);
  }

  /**
   * Notes what a request found in a prefix cache when it first started.
   *
   * @param row its row
   * @param tokens prompt tokens not computed
   */
  public void cached(int row, int tokens) {
    requests.cached(row, tokens);
  }

  /**
   * Notes that the first token of a request is ready.
   *
   * @param row its row
   * @param nowNanos nanoseconds of virtual time
   */
  public void firstToken(int row, long nowNanos) {
    requests.firstToken(row, nowNanos);
  }

  /**
   * Notes times between successive tokens.
   *
   * @param nanos time since the token before of the same request, nanoseconds; at least 0
   * @param tokens how many tokens came after just this time
   */
  public void tokenGap(long nanos, long tokens) {
    gaps.add(nanos, tokens);
  }

  /**
   * Notes that a running sequence lost its place.
   *
   * @param row its row
   */
  public void preempted(int row) {
    requests.preempted(row);
  }

  /**
   * Notes the end of a request.
   *
   * @param row its row
   * @param outcome what became of it
   * @param emittedTokens output tokens it got
   * @param nowNanos nanoseconds of virtual time
   * @throws IllegalStateException if it has ended before
   */
  public void end(int row, RequestOutcome outcome, int emittedTokens, long nowNanos) {
    if (requests.outcome(row) != RequestOutcome.UNFINISHED) {
      throw new IllegalStateException(
          "request " + row + " has ended before: " + requests.outcome(row));
    }
    requests.end(row, outcome, emittedTokens, nowNanos);
  }

  /**
   * Notes the real time of one policy decision.
   *
   * @param nanos nanoseconds on the caller's clock
   */
  public void decision(long nanos) {
    decisions++;
    decisionNanos += nanos;
  }

  /**
   * Sums up.
   *
   * @param nowNanos the end of the run, nanoseconds of virtual time; not before any event
   * @return all metrics
   */
  public RunMetrics finish(long nowNanos) {
    Durations ttft = new Durations();
    Durations tpot = new Durations();
    Durations e2e = new Durations();
    Multiset<RequestOutcome> outcomes = EnumMultiset.create(RequestOutcome.class);
    long preemptions = 0;
    long promptTokens = 0;
    long outputTokens = 0;
    long cachedTokens = 0;
    int attained = 0;
    long lastEnd = workload.size() == 0 ? 0 : workload.arrivalNanos(0);
    for (int row = 0; row < requests.size(); row++) {
      outcomes.add(requests.outcome(row));
      preemptions += requests.preemptions(row);
      cachedTokens += requests.cachedTokens(row);
      lastEnd = Math.max(lastEnd, requests.endNanos(row));
      if (requests.outcome(row) == RequestOutcome.FINISHED) {
        promptTokens += workload.promptTokens(row);
        outputTokens += requests.emittedTokens(row);
      }
      addIfPresent(ttft, requests.ttftNanos(row));
      addIfPresent(tpot, requests.tpotNanos(row));
      addIfPresent(e2e, requests.e2eNanos(row));
      attained += requests.attains(row, slo) ? 1 : 0;
    }
    int finished = outcomes.count(RequestOutcome.FINISHED);
    Counts counts =
        new Counts(
            workload.size(),
            finished,
            outcomes.count(RequestOutcome.REJECTED),
            outcomes.count(RequestOutcome.EXPIRED),
            outcomes.count(RequestOutcome.FAILED),
            outcomes.count(RequestOutcome.UNFINISHED),
            workload.failedRows(),
            preemptions,
            promptTokens,
            outputTokens,
            cachedTokens);
    long duration = workload.size() == 0 ? 0 : lastEnd - workload.arrivalNanos(0);
    double seconds = duration / NANOS_PER_SECOND;
    Rates rates =
        new Rates(
            perSecond(finished, seconds),
            perSecond(outputTokens, seconds),
            perSecond(promptTokens + outputTokens, seconds),
            perSecond(attained, seconds),
            workload.size() == 0 ? 1 : (double) attained / workload.size());
    return new RunMetrics(
        counts,
        duration,
        new Latencies(ttft.summary(), tpot.summary(), gaps.summary(), e2e.summary()),
        rates,
        instances.stream().map(i -> i.summary(nowNanos)).toList(),
        StepSeries.sum(series(OfInstance::kv)).dividedBy(kvCapacityBlocks()),
        StepSeries.sum(series(OfInstance::waitingSeries)),
        StepSeries.sum(series(OfInstance::runningSeries)),
        fairness(),
        LatencyCurve.of(ttft),
        LatencyCurve.of(tpot),
        LatencyCurve.of(e2e),
        requests,
        new PolicyCost(decisions, decisionNanos));
  }

  private @Nullable Fairness fairness() {
    Labels tenants = workload.tenants();
    if (tenants.count() < 2) {
      return null;
    }
    List<TenantMetrics> each = new ArrayList<>();
    double[] speeds = new double[tenants.count()];
    int[] arrived = new int[tenants.count()];
    int[] finished = new int[tenants.count()];
    long[] service = new long[tenants.count()];
    double[] e2eNanos = new double[tenants.count()];
    Durations[] ttft = new Durations[tenants.count()];
    Durations[] e2e = new Durations[tenants.count()];
    for (int tenant = 0; tenant < tenants.count(); tenant++) {
      ttft[tenant] = new Durations();
      e2e[tenant] = new Durations();
    }
    for (int row = 0; row < requests.size(); row++) {
      int tenant = tenants.code(row);
      arrived[tenant]++;
      addIfPresent(ttft[tenant], requests.ttftNanos(row));
      addIfPresent(e2e[tenant], requests.e2eNanos(row));
      if (requests.outcome(row) == RequestOutcome.FINISHED) {
        finished[tenant]++;
        service[tenant] +=
            (long) PROMPT_WEIGHT * workload.promptTokens(row)
                + (long) OUTPUT_WEIGHT * requests.emittedTokens(row);
        e2eNanos[tenant] += requests.e2eNanos(row);
      }
    }
    for (int tenant = 0; tenant < tenants.count(); tenant++) {
      speeds[tenant] = perSecond(service[tenant], e2eNanos[tenant] / NANOS_PER_SECOND);
      each.add(
          new TenantMetrics(
              tenants.name(tenant),
              arrived[tenant],
              finished[tenant],
              service[tenant],
              speeds[tenant],
              ttft[tenant].summary(),
              e2e[tenant].summary()));
    }
    long gap = -1;
    for (OfInstance instance : instances) {
      if (instance.fairness != null) {
        gap = Math.max(gap, instance.fairness.maxServiceGapTokens());
      }
    }
    return new Fairness(FairnessMeter.jainIndex(speeds), gap, each);
  }

  private StepSeries[] series(Function<OfInstance, StepSeries> which) {
    return instances.isEmpty()
        ? new StepSeries[] {new StepSeries()}
        : instances.stream().map(which).toArray(StepSeries[]::new);
  }

  private double kvCapacityBlocks() {
    return instances.isEmpty() ? 1 : instances.stream().mapToLong(i -> i.kvCapacityBlocks).sum();
  }

  private static void addIfPresent(Durations durations, long nanos) {
    if (nanos != RequestTable.NONE) {
      durations.add(nanos);
    }
  }

  private static double perSecond(long amount, double seconds) {
    return seconds > 0 ? (double) amount / seconds : 0;
  }

  /** Takes down what happens on one instance. */
  public static final class OfInstance {
    private final long kvCapacityBlocks;
    private final StepSeries kv = new StepSeries();
    private final StepSeries waiting = new StepSeries();
    private final StepSeries running = new StepSeries();
    private final @Nullable FairnessMeter fairness;
    private long iterations;
    private long busyNanos;
    private long prefillTokens;
    private long decodeTokens;

    private OfInstance(long kvCapacityBlocks, int tenants) {
      this.kvCapacityBlocks = kvCapacityBlocks;
      fairness = tenants < 2 || tenants > MAX_GAP_TENANTS ? null : new FairnessMeter(tenants);
    }

    /**
     * Notes the KV blocks in use from a time on.
     *
     * @param nowNanos nanoseconds of virtual time
     * @param usedBlocks blocks that hold KV of live sequences
     */
    public void kvUsed(long nowNanos, long usedBlocks) {
      kv.set(nowNanos, usedBlocks);
    }

    /**
     * Notes the lengths of the queues from a time on.
     *
     * @param nowNanos nanoseconds of virtual time
     * @param waitingRequests requests that wait
     * @param runningSequences sequences that run
     */
    public void queues(long nowNanos, int waitingRequests, int runningSequences) {
      waiting.set(nowNanos, waitingRequests);
      running.set(nowNanos, runningSequences);
    }

    /**
     * Notes iterations.
     *
     * @param count how many
     * @param totalNanos their total duration, nanoseconds
     * @param prefill prompt tokens computed in all of them
     * @param decode output tokens made in all of them
     */
    public void iterations(long count, long totalNanos, long prefill, long decode) {
      iterations += count;
      busyNanos += totalNanos;
      prefillTokens += prefill;
      decodeTokens += decode;
    }

    /**
     * Notes whether a tenant has requests waiting here from now on.
     *
     * @param tenant code of the tenant
     * @param waits whether at least one of its requests waits
     */
    public void backlog(int tenant, boolean waits) {
      if (fairness != null) {
        fairness.backlog(tenant, waits);
      }
    }

    /**
     * Notes what a tenant received in the current iteration, or in a run of equal iterations.
     *
     * @param tenant code of the tenant
     * @param promptTokens prompt tokens computed
     * @param outputTokens output tokens made
     */
    public void served(int tenant, long promptTokens, long outputTokens) {
      if (fairness != null) {
        fairness.serve(tenant, PROMPT_WEIGHT * promptTokens + OUTPUT_WEIGHT * outputTokens);
      }
    }

    /** Ends the current iteration for the comparison of tenants. */
    public void settle() {
      if (fairness != null) {
        fairness.settle();
      }
    }

    private StepSeries kv() {
      return kv;
    }

    private StepSeries waitingSeries() {
      return waiting;
    }

    private StepSeries runningSeries() {
      return running;
    }

    private InstanceMetrics summary(long nowNanos) {
      kv.advance(nowNanos);
      waiting.advance(nowNanos);
      running.advance(nowNanos);
      settle();
      return new InstanceMetrics(
          iterations,
          busyNanos,
          prefillTokens,
          decodeTokens,
          kv.mean() / kvCapacityBlocks,
          (double) kv.max() / kvCapacityBlocks,
          waiting.mean(),
          waiting.max());
    }
  }
}
