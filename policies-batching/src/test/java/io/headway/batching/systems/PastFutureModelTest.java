package io.headway.batching.systems;

import static org.assertj.core.api.Assertions.assertThat;

import io.headway.api.RandomSource;
import io.headway.batching.Job;
import io.headway.batching.Run;
import io.headway.batching.admission.PeakForecastAdmission;
import java.util.ArrayDeque;
import java.util.ArrayList;
import java.util.Comparator;
import java.util.Deque;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import net.jqwik.api.Arbitraries;
import net.jqwik.api.Arbitrary;
import net.jqwik.api.Combinators;
import net.jqwik.api.EdgeCasesMode;
import net.jqwik.api.ForAll;
import net.jqwik.api.Property;
import net.jqwik.api.Provide;

/** Past-Future against a model that keeps plain lists and draws the same fractions. */
class PastFutureModelTest {
  private static final int MAX_ITERATIONS = 10_000;

  /** A pool, and how the policy is set. */
  record Setting(int capacity, int maxSequences, int reservePercent, int window, int seed) {}

  /** Iterations that do something, as lines. */
  private static final class Model {
    private final Setting setting;
    private final RandomSource random;
    private final Deque<Job> pending = new ArrayDeque<>();
    private final Deque<Job> waiting = new ArrayDeque<>();
    private final List<Job> running = new ArrayList<>();
    private final Map<String, Integer> generated = new LinkedHashMap<>();
    private final Map<String, Integer> held = new LinkedHashMap<>();
    private final List<Integer> history = new ArrayList<>();
    private final List<String> lines = new ArrayList<>();

    Model(Setting setting, List<Job> jobs) {
      this.setting = setting;
      random = RandomSource.seeded(setting.seed());
      jobs.stream()
          .sorted(Comparator.comparingInt(Job::arrival).thenComparing(Job::id))
          .forEach(pending::add);
    }

    List<String> run() {
      for (int now = 0; !(pending.isEmpty() && waiting.isEmpty() && running.isEmpty()); now++) {
        assertThat(now).isLessThan(MAX_ITERATIONS);
        while (!pending.isEmpty() && pending.peek().arrival() <= now) {
          Job job = pending.poll();
          if (job.prompt() + job.maxNew() <= setting.capacity()) {
            waiting.add(job);
            generated.put(job.id(), 0);
            held.put(job.id(), 0);
          }
        }
        iterate(now);
      }
      return lines;
    }

    private void iterate(int now) {
      List<String> evicted = new ArrayList<>();
      while (running.stream().mapToInt(job -> held.get(job.id()) + 1).sum() > setting.capacity()) {
        Job victim = running.remove(running.size() - 1);
        held.put(victim.id(), 0);
        waiting.addFirst(victim);
        evicted.add(victim.id());
      }
      List<String> admitted = new ArrayList<>();
      while (evicted.isEmpty()
          && !waiting.isEmpty()
          && running.size() < setting.maxSequences()
          && (running.isEmpty() || 100L * peak() <= allowedHundredths())) {
        running.add(waiting.peek());
        admitted.add(waiting.poll().id());
      }
      if (!running.isEmpty() || !evicted.isEmpty()) {
        lines.add(line(now, admitted, evicted));
      }
      for (Job job : List.copyOf(running)) {
        held.put(job.id(), job.prompt() + generated.get(job.id()));
        if (generated.merge(job.id(), 1, Integer::sum) == job.output()) {
          running.remove(job);
          history.add(job.output());
        }
      }
      while (history.size() > setting.window()) {
        history.remove(0);
      }
    }

    private long allowedHundredths() {
      return (long) setting.capacity() * (100 - setting.reservePercent());
    }

    private long peak() {
      List<Job> all = new ArrayList<>(running);
      all.add(waiting.peek());
      Map<Job, Integer> remaining = new LinkedHashMap<>();
      for (Job job : all) {
        remaining.put(job, draw(job) - generated.get(job.id()));
      }
      long most = 0;
      // When the i-th to end ends, those that end no earlier are there, each grown by as much.
      for (int end : remaining.values()) {
        long then = 0;
        for (Job job : all) {
          if (remaining.get(job) >= end) {
            then += job.prompt() + generated.get(job.id()) + end;
          }
        }
        most = Math.max(most, then);
      }
      return most;
    }

    private int draw(Job job) {
      int done = generated.get(job.id());
      List<Integer> longer = history.stream().filter(length -> length > done).sorted().toList();
      double fraction = random.nextDouble();
      int drawn =
          longer.isEmpty() ? job.maxNew() : longer.get((int) Math.floor(fraction * longer.size()));
      return Math.max(done + 1, Math.min(drawn, job.maxNew()));
    }
  }

  private static String line(int iteration, List<String> admitted, List<String> evicted) {
    return iteration + " +" + String.join(",", admitted) + " -" + String.join(",", evicted);
  }

  @Property(seed = "83", tries = 1500, edgeCases = EdgeCasesMode.NONE)
  void admitsAndEvictsAsTheModelDoes(
      @ForAll("settings") Setting setting, @ForAll("workloads") List<Job> jobs) {
    PeakForecastAdmission.Parameters parameters =
        new PeakForecastAdmission.Parameters(
            PeakForecastAdmission.Forecast.HISTORY,
            setting.reservePercent() / 100.0,
            setting.window(),
            1,
            0,
            false);
    Run run =
        Run.with(new PastFuture(parameters, 1).policy())
            .pool(setting.capacity(), 1)
            .limits(setting.maxSequences(), Integer.MAX_VALUE)
            .random(RandomSource.seeded(setting.seed()))
            .run(jobs);
    List<String> lines =
        run.steps().stream()
            .filter(step -> !step.rows().isEmpty() || !step.preempted().isEmpty())
            .map(step -> line(step.iteration(), step.admitted(), step.preempted()))
            .toList();
    assertThat(lines).isEqualTo(new Model(setting, jobs).run());
  }

  @Provide
  Arbitrary<Setting> settings() {
    return Combinators.combine(
            Arbitraries.integers().between(10, 60),
            Arbitraries.integers().between(1, 6),
            Arbitraries.of(0, 3, 5, 10, 25, 100),
            Arbitraries.of(1, 2, 3, 8, 1000),
            Arbitraries.integers().between(0, 1 << 20))
        .as(Setting::new);
  }

  @Provide
  Arbitrary<List<Job>> workloads() {
    Arbitrary<int[]> numbers = Arbitraries.integers().between(0, 11).array(int[].class).ofSize(4);
    return numbers
        .list()
        .ofMaxSize(9)
        .map(
            list -> {
              List<Job> jobs = new ArrayList<>();
              for (int[] n : list) {
                int output = 1 + n[2];
                jobs.add(new Job("r" + jobs.size(), n[0], 1 + n[1], output, output + n[3] / 2));
              }
              return jobs;
            });
  }
}
