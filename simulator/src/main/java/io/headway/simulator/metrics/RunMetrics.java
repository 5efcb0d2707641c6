package io.headway.simulator.metrics;

import java.util.List;
import java.util.Objects;
import org.jspecify.annotations.Nullable;

/**
 * Everything that one simulated run measured. All but {@link #policyCost} is a function of the
 * inputs and the seed alone.
 *
 * @param counts how many requests had which outcome
 * @param durationNanos from the first arrival to the last end, nanoseconds of virtual time
 * @param latencies summaries of the latencies
 * @param rates throughput, goodput and attainment
 * @param instances what each instance did, by index
 * @param kvUse share of the cluster's KV blocks in use over time, 0..1
 * @param waiting requests waiting on all instances over time
 * @param running sequences running on all instances over time
 * @param fairness service between tenants; null if the workload has one tenant only
 * @param ttftCurve distribution of TTFT
 * @param tpotCurve distribution of TPOT
 * @param e2eCurve distribution of E2E
 * @param requests what happened to each request
 * @param policyCost real time spent in policies; not deterministic
 */
public record RunMetrics(
    Counts counts,
    long durationNanos,
    Latencies latencies,
    Rates rates,
    List<InstanceMetrics> instances,
    Timeline kvUse,
    Timeline waiting,
    Timeline running,
    @Nullable Fairness fairness,
    LatencyCurve ttftCurve,
    LatencyCurve tpotCurve,
    LatencyCurve e2eCurve,
    RequestTable requests,
    PolicyCost policyCost) {

  /** Copies the list. */
  public RunMetrics {
    Objects.requireNonNull(counts, "counts");
    instances = List.copyOf(instances);
  }

  /**
   * How many requests had which outcome.
   *
   * @param arrived requests of the workload
   * @param finished requests whose whole output was made
   * @param rejected requests refused
   * @param expired requests cancelled or too late
   * @param failed requests accepted and failed
   * @param unfinished requests that had not ended when the run did
   * @param failedInSource rows of the trace that stand for failures there and were not run
   * @param preemptions how often a running sequence lost its place
   * @param promptTokens tokens of the prompts of finished requests
   * @param outputTokens tokens of the outputs of finished requests
   * @param cachedTokens prompt tokens found in a prefix cache
   */
  public record Counts(
      int arrived,
      int finished,
      int rejected,
      int expired,
      int failed,
      int unfinished,
      int failedInSource,
      long preemptions,
      long promptTokens,
      long outputTokens,
      long cachedTokens) {}

  /**
   * Summaries of the latencies.
   *
   * @param ttft time from arrival to the first token, of requests that got one
   * @param tpot mean time per output token after the first, of finished requests with at least two
   * @param tbt time between successive tokens of a request, of all tokens but the first ones
   * @param e2e time from arrival to the last token, of finished requests
   */
  public record Latencies(
      Distribution ttft, Distribution tpot, Distribution tbt, Distribution e2e) {}

  /**
   * Throughput, goodput and attainment over the duration of the run.
   *
   * @param requestsPerSecond finished requests per second
   * @param outputTokensPerSecond output tokens of finished requests per second
   * @param totalTokensPerSecond prompt and output tokens of finished requests per second
   * @param goodputPerSecond finished requests that attained their objectives, per second
   * @param sloAttainment share of all arrived requests that attained their objectives, 0..1
   */
  public record Rates(
      double requestsPerSecond,
      double outputTokensPerSecond,
      double totalTokensPerSecond,
      double goodputPerSecond,
      double sloAttainment) {}

  /**
   * What one instance did.
   *
   * @param iterations batches computed
   * @param busyNanos time spent computing, nanoseconds
   * @param prefillTokens prompt tokens computed, recomputed ones included
   * @param decodeTokens output tokens made, of all requests
   * @param kvMean mean share of its KV blocks in use, 0..1
   * @param kvMax largest share of its KV blocks in use, 0..1
   * @param waitingMean mean number of requests waiting
   * @param waitingMax largest number of requests waiting
   */
  public record InstanceMetrics(
      long iterations,
      long busyNanos,
      long prefillTokens,
      long decodeTokens,
      double kvMean,
      double kvMax,
      double waitingMean,
      long waitingMax) {}

  /**
   * Service between tenants.
   *
   * @param jainIndex Jain's index over the tenants' {@link TenantMetrics#tokensPerSecond}, 1 =
   *     equal
   * @param maxServiceGapTokens largest difference in service between two tenants while both had
   *     requests waiting on one instance, weighted tokens; -1 if there are too many tenants to tell
   * @param tenants each tenant, by code
   */
  public record Fairness(double jainIndex, long maxServiceGapTokens, List<TenantMetrics> tenants) {
    /** Copies the list. */
    public Fairness {
      tenants = List.copyOf(tenants);
    }
  }

  /**
   * What one tenant received.
   *
   * @param name the tenant
   * @param arrived its requests
   * @param finished those finished
   * @param serviceTokens weighted tokens of its finished requests: prompt tokens and twice the
   *     output tokens
   * @param tokensPerSecond those tokens over the sum of these requests' E2E: how fast the tenant's
   *     requests progress, whatever its demand; 0 if none finished
   * @param ttft its TTFT
   * @param e2e its E2E
   */
  public record TenantMetrics(
      String name,
      int arrived,
      int finished,
      long serviceTokens,
      double tokensPerSecond,
      Distribution ttft,
      Distribution e2e) {}

  /**
   * Real time spent in policies, measured with the clock that the caller gave. Differs from run to
   * run and belongs in no reproducible output.
   *
   * @param decisions calls measured
   * @param nanos their total time, nanoseconds
   */
  public record PolicyCost(long decisions, long nanos) {
    /** Nothing was measured. */
    public static final PolicyCost UNMEASURED = new PolicyCost(0, 0);

    /**
     * Returns the mean cost of a decision.
     *
     * @return nanoseconds; NaN if nothing was measured
     */
    public double nanosPerDecision() {
      return decisions == 0 ? Double.NaN : (double) nanos / decisions;
    }
  }
}
