package io.headway.cli;

import io.headway.predictors.iteration.ProfiledIterationTime.Step;
import io.headway.simulator.metrics.Distribution;
import io.headway.simulator.metrics.Durations;
import io.headway.simulator.metrics.RunMetrics;
import java.io.PrintWriter;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.Locale;
import java.util.function.Function;
import java.util.function.ToDoubleFunction;

/**
 * What was measured when one workload was served several times: the median of every figure over the
 * repeats, and its range. Where there are simulations, each repeat is compared with its own, and
 * the median of the differences is what is printed: a machine that is slower in one repeat than in
 * another then counts on both sides.
 */
final class Repeats {
  private static final List<String> HEADS = List.of("p50", "p90", "p99");
  private static final List<ToDoubleFunction<Distribution>> QUANTILES =
      List.of(Distribution::p50Nanos, Distribution::p90Nanos, Distribution::p99Nanos);

  private final List<RealRun> runs = new ArrayList<>();
  private final List<RealRun.Totals> totals = new ArrayList<>();
  private final List<RunMetrics.Latencies> simulated = new ArrayList<>();

  void add(RealRun run, RealRun.Totals total) {
    runs.add(run);
    totals.add(total);
  }

  /** Adds the simulation of the next repeat: none of any repeat, or one of each. */
  void addSimulation(RunMetrics metrics) {
    simulated.add(metrics.latencies());
  }

  /** Returns whether every repeat served all requests. */
  boolean allFinished(int requests) {
    return totals.stream().allMatch(total -> total.finished() == requests);
  }

  /** Returns every step of every repeat with what it took. */
  List<Step> steps() {
    return runs.stream().flatMap(run -> run.measured.stream()).toList();
  }

  /** Returns which request was the first that was not served, and why; empty if all were. */
  String firstUnserved() {
    return runs.stream()
        .map(run -> run.firstUnserved)
        .filter(why -> !why.isEmpty())
        .findFirst()
        .orElse("");
  }

  /** Says in a line what was served. */
  String summary(String policy, int requests) {
    double seconds = median(RealRun.Totals::durationNanos) / 1e9;
    double tokens = median(RealRun.Totals::outputTokens);
    return String.format(
        Locale.ROOT,
        "%s served %.0f of %d requests in %.1f s: %.0f output tokens, %.1f a second; %.0f steps, executor busy %.0f %% of the time, %.0f preemptions%s",
        policy,
        median(RealRun.Totals::finished),
        requests,
        seconds,
        tokens,
        tokens / seconds,
        median(RealRun.Totals::steps),
        100 * median(total -> (double) total.executorNanos() / total.durationNanos()),
        median(RealRun.Totals::preemptions),
        totals.size() == 1
            ? ""
            : "; median of " + totals.size() + " repeats, least to most in brackets");
  }

  private double median(ToDoubleFunction<RealRun.Totals> figure) {
    return median(totals.stream().mapToDouble(figure).sorted().toArray());
  }

  private static double median(double[] sorted) {
    int middle = sorted.length / 2;
    return sorted.length % 2 == 1 ? sorted[middle] : (sorted[middle - 1] + sorted[middle]) / 2;
  }

  /** Prints the latencies, measured and, if there are simulations, simulated. */
  void print(PrintWriter print) {
    StringBuilder heads = new StringBuilder(String.format(Locale.ROOT, "%-16s", "ms"));
    for (String head : HEADS) {
      heads.append(String.format(Locale.ROOT, "%9s%18s", head, ""));
    }
    print.println(heads.toString().stripTrailing());
    print(print, "TTFT", run -> run.ttft, RunMetrics.Latencies::ttft);
    print(print, "TPOT", run -> run.tpot, RunMetrics.Latencies::tpot);
    print(print, "E2E", run -> run.e2e, RunMetrics.Latencies::e2e);
  }

  private void print(
      PrintWriter print,
      String name,
      Function<RealRun, Durations> measured,
      Function<RunMetrics.Latencies, Distribution> other) {
    StringBuilder first =
        new StringBuilder(String.format(Locale.ROOT, "%-5s %-10s", name, "measured"));
    StringBuilder second =
        new StringBuilder(String.format(Locale.ROOT, "%-5s %-10s", "", "simulated"));
    for (ToDoubleFunction<Distribution> quantile : QUANTILES) {
      double[] figures = new double[runs.size()];
      double[] simulations = new double[simulated.size()];
      double[] differences = new double[simulated.size()];
      for (int i = 0; i < figures.length; i++) {
        Durations durations = measured.apply(runs.get(i));
        if (durations.count() == 0) {
          print.printf(Locale.ROOT, "%-5s none%n", name);
          return;
        }
        figures[i] = quantile.applyAsDouble(durations.summary());
      }
      for (int i = 0; i < simulations.length; i++) {
        simulations[i] = quantile.applyAsDouble(other.apply(simulated.get(i)));
        differences[i] = 100 * (simulations[i] / figures[i] - 1);
      }
      Arrays.sort(figures);
      Arrays.sort(simulations);
      Arrays.sort(differences);
      String range =
          figures.length == 1
              ? ""
              : String.format(
                  Locale.ROOT,
                  " (%.1f to %.1f)",
                  figures[0] / 1e6,
                  figures[figures.length - 1] / 1e6);
      first.append(String.format(Locale.ROOT, "%9.1f%-18s", median(figures) / 1e6, range));
      if (simulations.length > 0) {
        String difference = String.format(Locale.ROOT, " (%+.1f %%)", median(differences));
        second.append(
            String.format(Locale.ROOT, "%9.1f%-18s", median(simulations) / 1e6, difference));
      }
    }
    print.println(first.toString().stripTrailing());
    if (!simulated.isEmpty()) {
      print.println(second.toString().stripTrailing());
    }
  }
}
