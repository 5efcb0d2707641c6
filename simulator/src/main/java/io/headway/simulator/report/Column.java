package io.headway.simulator.report;

import io.headway.simulator.metrics.Estimate;
import io.headway.simulator.metrics.RunMetrics;
import java.util.List;
import java.util.Set;
import java.util.function.DoubleFunction;
import java.util.function.ToDoubleFunction;

/**
 * One figure of a run as tables show it: the same columns, in the same order and with the same
 * explanations, on the console, in CSV and in HTML.
 *
 * @param id stable name in CSV
 * @param group heading above neighbouring columns
 * @param title heading
 * @param unit unit of the value, empty if it has none
 * @param explanation what the figure means, one sentence
 * @param better which values are better
 * @param reproducible whether equal inputs give an equal value
 * @param value the figure of a run; NaN if it does not exist there
 * @param format the value for people
 */
record Column(
    String id,
    String group,
    String title,
    String unit,
    String explanation,
    Better better,
    boolean reproducible,
    ToDoubleFunction<RunMetrics> value,
    DoubleFunction<String> format) {

  /** Which values of a figure are better. */
  enum Better {
    LOWER,
    HIGHER,
    NEITHER
  }

  private static final double NANOS_PER_MILLI = 1e6;

  static final List<Column> ALL =
      List.of(
          count(
              "finished",
              "Requests",
              "done",
              "Requests whose whole output was made.",
              Better.HIGHER,
              m -> m.counts().finished()),
          count(
              "not_finished",
              "Requests",
              "not done",
              "Requests rejected, expired, failed or still unfinished at the end.",
              Better.LOWER,
              m -> m.counts().arrived() - m.counts().finished()),
          latency(
              "ttft_p50_ms",
              "TTFT",
              "p50",
              "Median time from arrival to the first token.",
              m -> m.latencies().ttft().p50Nanos()),
          latency(
              "ttft_p90_ms",
              "TTFT",
              "p90",
              "90 % of requests got their first token faster.",
              m -> m.latencies().ttft().p90Nanos()),
          latency(
              "ttft_p99_ms",
              "TTFT",
              "p99",
              "99 % of requests got their first token faster.",
              m -> m.latencies().ttft().p99Nanos()),
          latency(
              "ttft_mean_ms",
              "TTFT",
              "mean",
              "Mean time from arrival to the first token.",
              m -> m.latencies().ttft().meanNanos()),
          latency(
              "tpot_p50_ms",
              "TPOT",
              "p50",
              "Median over requests of the mean time per output token after the first.",
              m -> m.latencies().tpot().p50Nanos()),
          latency(
              "tpot_p90_ms",
              "TPOT",
              "p90",
              "90 % of requests had a smaller mean time per output token.",
              m -> m.latencies().tpot().p90Nanos()),
          latency(
              "tpot_p99_ms",
              "TPOT",
              "p99",
              "99 % of requests had a smaller mean time per output token.",
              m -> m.latencies().tpot().p99Nanos()),
          latency(
              "tpot_mean_ms",
              "TPOT",
              "mean",
              "Mean over requests of the mean time per output token after the first.",
              m -> m.latencies().tpot().meanNanos()),
          latency(
              "tbt_p99_ms",
              "TBT",
              "p99",
              "99 % of tokens came sooner after the token before them; long gaps are stalls.",
              m -> m.latencies().tbt().p99Nanos()),
          latency(
              "tbt_max_ms",
              "TBT",
              "max",
              "The longest stall between two tokens of a request.",
              m -> m.latencies().tbt().maxNanos()),
          latency(
              "e2e_p50_ms",
              "E2E",
              "p50",
              "Median time from arrival to the last token.",
              m -> m.latencies().e2e().p50Nanos()),
          latency(
              "e2e_p90_ms",
              "E2E",
              "p90",
              "90 % of requests were finished faster.",
              m -> m.latencies().e2e().p90Nanos()),
          latency(
              "e2e_p99_ms",
              "E2E",
              "p99",
              "99 % of requests were finished faster.",
              m -> m.latencies().e2e().p99Nanos()),
          latency(
              "e2e_mean_ms",
              "E2E",
              "mean",
              "Mean time from arrival to the last token.",
              m -> m.latencies().e2e().meanNanos()),
          rate(
              "requests_per_second",
              "Throughput",
              "requests",
              "1/s",
              "Finished requests per second, from the first arrival to the last end.",
              m -> m.rates().requestsPerSecond()),
          rate(
              "output_tokens_per_second",
              "Throughput",
              "output",
              "tokens/s",
              "Output tokens of finished requests per second.",
              m -> m.rates().outputTokensPerSecond()),
          rate(
              "goodput_per_second",
              "SLO",
              "goodput",
              "1/s",
              "Finished requests per second that met all objectives.",
              m -> m.rates().goodputPerSecond()),
          share(
              "slo_attainment",
              "SLO",
              "attained",
              "Share of all arrived requests that finished and met all objectives.",
              Better.HIGHER,
              m -> m.rates().sloAttainment()),
          share(
              "kv_use_mean",
              "KV",
              "mean",
              "Mean share of KV blocks in use, over time and instances.",
              Better.NEITHER,
              m -> m.kvUse().mean()),
          share(
              "kv_use_max",
              "KV",
              "max",
              "Largest share of KV blocks in use on any instance.",
              Better.NEITHER,
              m ->
                  m.instances().stream()
                      .mapToDouble(RunMetrics.InstanceMetrics::kvMax)
                      .max()
                      .orElse(0)),
          share(
              "prefix_hit_share",
              "KV",
              "hits",
              "Share of the prompt tokens of all requests that were found in a prefix cache.",
              Better.HIGHER,
              Column::prefixHits),
          rate(
                  "waiting_mean",
                  "Queue",
                  "mean",
                  "",
                  "Mean number of requests waiting in the cluster.",
                  m -> m.waiting().mean())
              .prefer(Better.LOWER),
          count(
              "waiting_max",
              "Queue",
              "max",
              "Largest number of requests waiting on one instance.",
              Better.LOWER,
              m ->
                  m.instances().stream()
                      .mapToDouble(RunMetrics.InstanceMetrics::waitingMax)
                      .max()
                      .orElse(0)),
          count(
              "preemptions",
              "Queue",
              "preempted",
              "How often a running sequence lost its place and had to wait again.",
              Better.LOWER,
              m -> m.counts().preemptions()),
          new Column(
              "jain_index",
              "Fairness",
              "Jain",
              "",
              "Jain's index over the speed (weighted tokens per second of E2E) at which the tenants'"
                  + " requests progress; 1 is equal.",
              Better.HIGHER,
              true,
              m -> m.fairness() == null ? Double.NaN : m.fairness().jainIndex(),
              Numbers::significant),
          new Column(
              "max_service_gap_tokens",
              "Fairness",
              "gap",
              "tokens",
              "Largest difference in service (prompt tokens + 2 x output tokens) between two tenants"
                  + " while both had requests waiting on one instance.",
              Better.LOWER,
              true,
              Column::serviceGap,
              Numbers::whole),
          new Column(
              "policy_nanos_per_decision",
              "Policy",
              "cost",
              "ns",
              "Real time per policy decision on the machine that ran the simulation; differs from run"
                  + " to run.",
              Better.LOWER,
              false,
              m -> m.policyCost().nanosPerDecision(),
              Numbers::significant));

  private static final Set<String> MAIN =
      Set.of(
          "finished",
          "not_finished",
          "ttft_p50_ms",
          "ttft_p99_ms",
          "tpot_p50_ms",
          "tpot_p99_ms",
          "tbt_p99_ms",
          "e2e_p50_ms",
          "e2e_p99_ms",
          "output_tokens_per_second",
          "goodput_per_second",
          "slo_attainment",
          "kv_use_mean",
          "preemptions",
          "jain_index",
          "policy_nanos_per_decision");

  /** The columns that some contender of a report has a value in, in their order. */
  static List<Column> of(Report report) {
    return ALL.stream().filter(column -> column.isPresent(report)).toList();
  }

  /** Whether this is one of the main figures, which fit beside each other. */
  boolean isMain() {
    return MAIN.contains(id);
  }

  /** The figure over the runs of a contender. */
  Estimate estimate(Contender contender) {
    return Estimate.of(
        contender.runs().stream().mapToDouble(run -> value.applyAsDouble(run.metrics())).toArray());
  }

  /** An estimate for people, with its uncertainty if there is any. */
  String show(Estimate estimate) {
    String mean = format.apply(estimate.mean());
    boolean certain = estimate.runs() < 2 || estimate.halfWidth() == 0;
    return certain ? mean : Numbers.plusMinus(mean, estimate.halfWidth());
  }

  private boolean isPresent(Report report) {
    return report.contenders().stream().anyMatch(c -> !Double.isNaN(estimate(c).mean()));
  }

  /** The heading with the group and the unit. */
  String fullTitle() {
    String name = group.equals(title) ? title : group + " " + title;
    return unit.isEmpty() ? name : name + ", " + unit;
  }

  private Column prefer(Better preferred) {
    return new Column(id, group, title, unit, explanation, preferred, reproducible, value, format);
  }

  private static Column count(
      String id,
      String group,
      String title,
      String explanation,
      Better better,
      ToDoubleFunction<RunMetrics> value) {
    return new Column(id, group, title, "", explanation, better, true, value, Numbers::whole);
  }

  private static Column latency(
      String id,
      String group,
      String title,
      String explanation,
      ToDoubleFunction<RunMetrics> nanos) {
    return new Column(
        id,
        group,
        title,
        "ms",
        explanation,
        Better.LOWER,
        true,
        m -> nanos.applyAsDouble(m) / NANOS_PER_MILLI,
        Numbers::significant);
  }

  private static Column rate(
      String id,
      String group,
      String title,
      String unit,
      String explanation,
      ToDoubleFunction<RunMetrics> value) {
    return new Column(
        id, group, title, unit, explanation, Better.HIGHER, true, value, Numbers::significant);
  }

  private static Column share(
      String id,
      String group,
      String title,
      String explanation,
      Better better,
      ToDoubleFunction<RunMetrics> value) {
    return new Column(id, group, title, "", explanation, better, true, value, Numbers::percent);
  }

  private static double prefixHits(RunMetrics metrics) {
    long prompts = 0;
    for (int row = 0; row < metrics.requests().size(); row++) {
      prompts += metrics.requests().workload().promptTokens(row);
    }
    return prompts == 0 ? Double.NaN : (double) metrics.counts().cachedTokens() / prompts;
  }

  private static double serviceGap(RunMetrics metrics) {
    RunMetrics.Fairness fairness = metrics.fairness();
    return fairness == null || fairness.maxServiceGapTokens() < 0
        ? Double.NaN
        : fairness.maxServiceGapTokens();
  }
}
