package io.headway.batching.fairness;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.within;

import io.headway.batching.Job;
import io.headway.batching.Run;
import io.headway.batching.systems.Vtc;
import java.util.ArrayList;
import java.util.Comparator;
import java.util.HashMap;
import java.util.HashSet;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.TreeMap;
import java.util.TreeSet;
import net.jqwik.api.Arbitraries;
import net.jqwik.api.Arbitrary;
import net.jqwik.api.Combinators;
import net.jqwik.api.EdgeCasesMode;
import net.jqwik.api.ForAll;
import net.jqwik.api.Property;
import net.jqwik.api.Provide;
import net.jqwik.api.constraints.IntRange;
import net.jqwik.api.statistics.Statistics;
import org.junit.jupiter.api.Test;

/** The theorems about VTC: plain counters, no preemption, no prediction. */
class VtcBoundsTest {
  private static final double INPUT_PRICE = 1;
  private static final double OUTPUT_PRICE = 2;

  @Provide
  Arbitrary<List<Job>> backlogs() {
    Arbitrary<Job> job =
        Combinators.combine(
                Arbitraries.integers().between(0, 20),
                Arbitraries.integers().between(1, 12),
                Arbitraries.integers().between(1, 8),
                Arbitraries.of("a", "a", "b", "c"))
            .as(
                (arrival, prompt, output, tenant) ->
                    new Job("", arrival, prompt, output, output).withTenant(tenant));
    return job.list()
        .ofMinSize(10)
        .ofMaxSize(60)
        .map(
            jobs -> {
              List<Job> named = new ArrayList<>();
              for (Job j : jobs) {
                named.add(
                    new Job("r" + named.size(), j.arrival(), j.prompt(), j.output(), j.maxNew())
                        .withTenant(j.tenant()));
              }
              return named;
            });
  }

  /** Per iteration: who still waits after the admissions, and what each tenant was served. */
  private record Accounts(List<Set<String>> backlogged, List<Map<String, Double>> served) {}

  private static Accounts accounts(Run run, List<Job> jobs, Map<String, Double> weights) {
    List<Set<String>> backlogged = new ArrayList<>();
    List<Map<String, Double>> served = new ArrayList<>();
    Set<String> started = new HashSet<>();
    for (Run.Step step : run.steps()) {
      started.addAll(step.admitted());
      Set<String> waiting = new TreeSet<>();
      for (Job job : jobs) {
        boolean here = job.arrival() <= step.iteration() && run.finish().containsKey(job.id());
        if (here && !started.contains(job.id())) {
          waiting.add(job.tenant());
        }
      }
      backlogged.add(waiting);
      Map<String, Double> now = new TreeMap<>();
      for (String id : step.admitted()) {
        serve(now, run.job(id), INPUT_PRICE * run.job(id).prompt(), weights);
      }
      for (Run.Row row : step.rows()) {
        if (row.emits()) {
          serve(now, run.job(row.id()), OUTPUT_PRICE, weights);
        }
      }
      served.add(now);
    }
    return new Accounts(backlogged, served);
  }

  private static void serve(
      Map<String, Double> served, Job job, double amount, Map<String, Double> weights) {
    served.merge(job.tenant(), amount / weights.getOrDefault(job.tenant(), 1.0), Double::sum);
  }

  @Property(seed = "31", tries = 300, edgeCases = EdgeCasesMode.NONE)
  void serviceOfBackloggedTenantsDiffersByAtMostTwoUnits(
      @ForAll("backlogs") List<Job> jobs,
      @ForAll @IntRange(min = 20, max = 60) int capacity,
      @ForAll boolean weighted) {
    Map<String, Double> weights = weighted ? Map.of("a", 2.0, "b", 0.5) : Map.of();
    Run run =
        Run.with(new Vtc(VtcLedger.Parameters.DEFAULT.withWeights(weights)).policy())
            .pool(capacity, 1)
            .limits(64, Integer.MAX_VALUE)
            .run(jobs);
    Accounts accounts = accounts(run, jobs, weights);
    int longest = jobs.stream().mapToInt(Job::prompt).max().orElseThrow();
    double least = weights.values().stream().mapToDouble(w -> w).min().orElse(1.0);
    VtcLedger.ServiceBound bound =
        VtcLedger.serviceBound(INPUT_PRICE, OUTPUT_PRICE, longest, capacity);
    int pairs = 0;
    for (int from = 0; from < accounts.served().size(); from++) {
      Map<String, Double> total = new HashMap<>();
      Set<String> throughout = new TreeSet<>(accounts.backlogged().get(from));
      for (int to = from; to < accounts.served().size() && !throughout.isEmpty(); to++) {
        throughout.retainAll(accounts.backlogged().get(to));
        accounts.served().get(to).forEach((tenant, more) -> total.merge(tenant, more, Double::sum));
        for (String f : throughout) {
          for (String g : List.of("a", "b", "c")) {
            double wf = total.getOrDefault(f, 0.0);
            double wg = total.getOrDefault(g, 0.0);
            if (throughout.contains(g)) {
              pairs += f.equals(g) ? 0 : 1;
              assertThat(Math.abs(wf - wg)).isLessThanOrEqualTo(bound.backloggedPair() / least);
            }
            assertThat(wf).isGreaterThanOrEqualTo(wg - bound.backloggedAgainstAny() / least - 1e-9);
          }
        }
      }
    }
    Statistics.label("two tenants backlogged together")
        .collect(pairs > 0)
        .coverage(seen -> seen.check(true).percentage(share -> share > 50));
  }

  @Property(seed = "32", tries = 300, edgeCases = EdgeCasesMode.NONE)
  void nobodyWaitsWhileTheTenantServedLeastFits(
      @ForAll("backlogs") List<Job> jobs, @ForAll @IntRange(min = 20, max = 60) int capacity) {
    Run run =
        Run.with(Vtc.DEFAULT.policy()).pool(capacity, 1).limits(64, Integer.MAX_VALUE).run(jobs);
    Set<String> started = new HashSet<>();
    for (Run.Step step : run.steps()) {
      started.addAll(step.admitted());
      List<Job> waiting =
          jobs.stream()
              .filter(job -> job.arrival() <= step.iteration() && !started.contains(job.id()))
              .filter(job -> run.finish().containsKey(job.id()))
              .toList();
      int free = capacity - step.blocksInUse();
      // The head of the least served tenant is among the heads; if all fit, so does that one.
      boolean everyHeadFits =
          !waiting.isEmpty()
              && heads(waiting).stream().allMatch(job -> job.prompt() + job.maxNew() <= free);
      assertThat(everyHeadFits).isFalse();
    }
  }

  private static List<Job> heads(List<Job> waiting) {
    Map<String, Job> heads = new TreeMap<>();
    for (Job job : waiting) {
      heads.merge(
          job.tenant(),
          job,
          (a, b) ->
              Comparator.comparingInt(Job::arrival).thenComparing(Job::id).compare(a, b) <= 0
                  ? a
                  : b);
    }
    return List.copyOf(heads.values());
  }

  @Test
  void boundsAreThoseOfThePaper() {
    assertThat(VtcLedger.serviceBound(1, 2, 10, 20))
        .isEqualTo(new VtcLedger.ServiceBound(40, 80, 160, 40));
    assertThat(VtcLedger.serviceBound(3, 1, 40, 48))
        .isEqualTo(new VtcLedger.ServiceBound(120, 240, 480, 48));
  }

  @Test
  void profiledCostIsChargedTokenByToken() {
    ServiceCost cost = ServiceCost.PROFILED;
    assertThat(cost.of(100, 20)).isCloseTo(33.4348, within(1e-9));
    double sum = cost.of(100, 0);
    for (int n = 1; n <= 20; n++) {
      assertThat(cost.ofOutputToken(100, n))
          .isCloseTo(cost.of(100, n) - cost.of(100, n - 1), within(1e-9));
      sum += cost.ofOutputToken(100, n);
    }
    assertThat(sum).isCloseTo(cost.of(100, 20), within(1e-9));
  }

  @Test
  void averagesStartWithTheFirstObservation() {
    double average = Double.NaN;
    double[] expected = {100, 90, 112, 91.6};
    int[] observed = {100, 50, 200, 10};
    for (int i = 0; i < observed.length; i++) {
      average = VtcLedger.updatedAverage(average, observed[i]);
      assertThat(average).isCloseTo(expected[i], within(1e-9));
    }
  }
}
