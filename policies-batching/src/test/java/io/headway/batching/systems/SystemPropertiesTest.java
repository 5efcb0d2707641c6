package io.headway.batching.systems;

import static org.assertj.core.api.Assertions.assertThat;

import io.headway.api.batching.PreemptionMode;
import io.headway.api.batching.WorkKind;
import io.headway.batching.Job;
import io.headway.batching.Run;
import io.headway.batching.Workloads;
import io.headway.batching.Workloads.Engine;
import java.util.ArrayDeque;
import java.util.ArrayList;
import java.util.Comparator;
import java.util.Deque;
import java.util.HashMap;
import java.util.HashSet;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Set;
import net.jqwik.api.EdgeCasesMode;
import net.jqwik.api.ForAll;
import net.jqwik.api.Property;
import net.jqwik.api.constraints.IntRange;
import net.jqwik.api.constraints.Size;
import net.jqwik.api.domains.Domain;
import net.jqwik.api.domains.DomainContext;
import net.jqwik.api.statistics.Statistics;

/** What the papers prove or promise about their systems, under exactly their conditions. */
@Domain(Workloads.class)
@Domain(DomainContext.Global.class)
class SystemPropertiesTest {
  private static Run slots(
      io.headway.api.batching.BatchingPolicy<?> policy, Engine engine, List<Job> jobs) {
    return Run.with(policy)
        .pool(engine.blocks() * engine.blockTokens(), 1)
        .limits(engine.maxSequences(), Integer.MAX_VALUE)
        .run(jobs);
  }

  private static Run blocks(
      io.headway.api.batching.BatchingPolicy<?> policy, Engine engine, List<Job> jobs) {
    return Run.with(policy)
        .pool(engine.blocks(), engine.blockTokens())
        .limits(engine.maxSequences(), Integer.MAX_VALUE)
        .run(jobs);
  }

  private static final Comparator<Job> ARRIVAL =
      Comparator.comparingInt(Job::arrival).thenComparing(Job::id);

  private static List<String> startOrder(Run run) {
    return run.steps().stream().flatMap(step -> step.admitted().stream()).toList();
  }

  @Property(seed = "21", tries = 400, edgeCases = EdgeCasesMode.NONE)
  void staticBatchesNeverPreemptAndStartInOrderOfArrival(
      @ForAll Engine engine, @ForAll List<Job> jobs) {
    Run run = slots(new StaticFcfs().policy(), engine, jobs);
    assertThat(run.preemptions()).isZero();
    List<String> started = startOrder(run);
    assertThat(started.stream().map(run::job)).isSortedAccordingTo(ARRIVAL);
    int rows = 0;
    for (Run.Step step : run.steps()) {
      if (!step.admitted().isEmpty()) {
        rows = step.rows().size();
        int longest = step.rows().stream().mapToInt(Run.Row::tokens).max().orElseThrow();
        assertThat(step.paddingTokens()).isEqualTo(rows * longest - step.tokens());
      } else if (!step.rows().isEmpty()) {
        assertThat(step.paddingTokens()).isEqualTo(rows - step.rows().size());
      }
    }
  }

  @Property(seed = "22", tries = 600, edgeCases = EdgeCasesMode.NONE)
  void orcaReservesWhatItAdmittedAndServesFirstComersAtLeastAsOften(
      @ForAll Engine engine, @ForAll List<Job> jobs) {
    Run run = slots(Orca.DEFAULT.policy(), engine, jobs);
    assertThat(run.preemptions()).isZero();
    Map<String, Integer> iterations = new HashMap<>();
    Set<String> live = new HashSet<>();
    for (Run.Step step : run.steps()) {
      live.addAll(step.admitted());
      int reserved = live.stream().map(run::job).mapToInt(j -> j.prompt() + j.maxNew()).sum();
      assertThat(step.blocksInUse()).isEqualTo(reserved);
      step.rows().forEach(row -> iterations.merge(row.id(), 1, Integer::sum));
      for (Job x : jobs) {
        for (Job y : jobs) {
          boolean alive = run.finish().getOrDefault(x.id(), -1) >= step.iteration();
          if (alive && ARRIVAL.compare(x, y) < 0 && run.finish().containsKey(y.id())) {
            assertThat(iterations.getOrDefault(x.id(), 0))
                .isGreaterThanOrEqualTo(iterations.getOrDefault(y.id(), 0));
          }
        }
      }
      live.removeAll(step.finished());
    }
  }

  @Property(seed = "23", tries = 800, edgeCases = EdgeCasesMode.NONE)
  void vllmPreemptsInReverseOrderOfAdmissionAndAdmitsNobodyThen(
      @ForAll Engine engine,
      @ForAll List<Job> jobs,
      @ForAll @IntRange(min = 6, max = 20) int budget) {
    Run run = blocks(new VllmV1(budget, VllmV1.Order.FCFS, 0, true).policy(), engine, jobs);
    Deque<String> running = new ArrayDeque<>();
    for (Run.Step step : run.steps()) {
      for (String victim : step.preempted()) {
        assertThat(running.size()).as("somebody else runs").isGreaterThan(1);
        assertThat(victim).isEqualTo(running.removeLast());
      }
      if (!step.preempted().isEmpty()) {
        assertThat(step.admitted()).isEmpty();
      }
      assertThat(step.tokens()).isLessThanOrEqualTo(budget);
      running.addAll(step.admitted());
      running.removeAll(step.finished());
    }
    Statistics.label("preempts")
        .collect(run.preemptions() > 0)
        .coverage(seen -> seen.check(true).percentage(share -> share > 30));
  }

  @Property(seed = "24", tries = 400, edgeCases = EdgeCasesMode.NONE)
  void sarathiRunsOnePrefillInBatchesOfConstantSum(
      @ForAll Engine engine,
      @ForAll List<Job> jobs,
      @ForAll @IntRange(min = 1, max = 16) int chunkTokens) {
    Run run = blocks(new Sarathi(chunkTokens).policy(), engine, jobs);
    assertThat(run.preemptions()).isZero();
    Map<String, Integer> chunks = new LinkedHashMap<>();
    for (Run.Step step : run.steps()) {
      List<Run.Row> prefills =
          step.rows().stream().filter(row -> row.kind() == WorkKind.PREFILL).toList();
      assertThat(prefills.size()).isLessThanOrEqualTo(1);
      if (!prefills.isEmpty()) {
        assertThat(step.tokens()).isLessThanOrEqualTo(chunkTokens);
        if (!prefills.get(0).emits()) {
          assertThat(step.tokens()).as("a chunk that is not the last").isEqualTo(chunkTokens);
        }
        chunks.merge(prefills.get(0).id(), 1, Integer::sum);
      }
    }
    chunks.forEach(
        (id, count) ->
            assertThat(count)
                .isGreaterThanOrEqualTo((run.job(id).prompt() + chunkTokens - 1) / chunkTokens));
  }

  @Property(seed = "25", tries = 800, edgeCases = EdgeCasesMode.NONE)
  void sarathiServeNeverStallsADecode(
      @ForAll Engine engine,
      @ForAll List<Job> jobs,
      @ForAll @IntRange(min = 1, max = 16) int budget) {
    Run run = blocks(new SarathiServe(budget, 0.01).policy(), engine, jobs);
    Set<String> decoding = new HashSet<>();
    for (Run.Step step : run.steps()) {
      decoding.removeAll(step.preempted());
      Set<String> rows = new HashSet<>();
      int decodes = 0;
      for (Run.Row row : step.rows()) {
        rows.add(row.id());
        decodes += row.kind() == WorkKind.DECODE ? 1 : 0;
      }
      assertThat(rows).containsAll(decoding);
      assertThat(step.tokens()).isLessThanOrEqualTo(Math.max(budget, decodes));
      step.rows().stream().filter(Run.Row::emits).forEach(row -> decoding.add(row.id()));
      decoding.removeAll(step.finished());
    }
  }

  @Property(seed = "26", tries = 400, edgeCases = EdgeCasesMode.NONE)
  void isrtfChangesItsMembersOnlyBetweenWindows(
      @ForAll Engine engine,
      @ForAll List<Job> jobs,
      @ForAll @IntRange(min = 1, max = 6) int windowTokens) {
    // Memory for everybody: preemption is the effect of the order alone.
    Run run =
        Run.with(new Isrtf(windowTokens, 0, PreemptionMode.RECOMPUTE).policy())
            .pool(10_000, 1)
            .limits(engine.maxSequences(), Integer.MAX_VALUE)
            .run(jobs);
    Map<String, Integer> left = new HashMap<>();
    for (Run.Step step : run.steps()) {
      boolean over = left.values().stream().allMatch(tokens -> tokens == 0);
      Set<String> rows = new HashSet<>();
      step.rows().forEach(row -> rows.add(row.id()));
      if (over) {
        left.clear();
        rows.forEach(id -> left.put(id, windowTokens));
      } else {
        assertThat(left.keySet()).containsAll(rows);
      }
      step.rows().forEach(row -> left.merge(row.id(), -1, Integer::sum));
      step.finished().forEach(left::remove);
    }
  }

  @Property(seed = "27", tries = 150, edgeCases = EdgeCasesMode.NONE)
  void isrtfWithExactPredictionsIsOptimalOnOneServer(
      @ForAll @Size(min = 1, max = 6) List<@IntRange(min = 1, max = 7) Integer> lengths) {
    List<Job> jobs = new ArrayList<>();
    for (int i = 0; i < lengths.size(); i++) {
      int length = lengths.get(i);
      jobs.add(new Job("j" + i, 0, 1, length, length).withPrediction(length));
    }
    Run run =
        Run.with(new Isrtf(1, 0, PreemptionMode.RECOMPUTE).policy())
            .pool(1000, 1)
            .limits(1, Integer.MAX_VALUE)
            .run(jobs);
    int total = run.finish().values().stream().mapToInt(end -> end + 1).sum();
    assertThat(total).isEqualTo(leastTotal(lengths, 0, new boolean[lengths.size()]));
  }

  /** Over all orders; with equal arrivals pausing never helps. */
  private static int leastTotal(List<Integer> lengths, int now, boolean[] done) {
    int least = Integer.MAX_VALUE;
    boolean any = false;
    for (int i = 0; i < done.length; i++) {
      if (!done[i]) {
        any = true;
        done[i] = true;
        int end = now + lengths.get(i);
        least = Math.min(least, end + leastTotal(lengths, end, done));
        done[i] = false;
      }
    }
    return any ? least : 0;
  }
}
