package io.headway.batching.planning;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatIllegalArgumentException;

import io.headway.batching.Job;
import io.headway.batching.Run;
import io.headway.batching.admission.FutureFitAdmission;
import io.headway.batching.systems.McSf;
import java.util.ArrayList;
import java.util.List;
import net.jqwik.api.Arbitraries;
import net.jqwik.api.Arbitrary;
import net.jqwik.api.EdgeCasesMode;
import net.jqwik.api.ForAll;
import net.jqwik.api.Property;
import net.jqwik.api.Provide;
import net.jqwik.api.constraints.IntRange;
import net.jqwik.api.constraints.Size;
import net.jqwik.api.statistics.Statistics;
import org.junit.jupiter.api.Test;

/** The yardstick of MC-SF, against every assignment of start rounds, and MC-SF against it. */
class HindsightOptimumTest {
  @Test
  void theWorkedExamples() {
    int[] arrivals = {0, 0, 1, 2};
    int[] prompts = {10, 6, 14, 4};
    int[] outputs = {5, 8, 3, 6};
    assertThat(HindsightOptimum.totalEndToEnd(arrivals, prompts, outputs, 24)).isEqualTo(34);
    assertThat(HindsightOptimum.totalEndToEnd(arrivals, prompts, outputs, 32)).isEqualTo(28);
    int[] none = {};
    assertThat(HindsightOptimum.totalEndToEnd(none, none, none, 1)).isZero();
  }

  @Test
  void refusesWhatWouldNotEnd() {
    int[] many = new int[11];
    assertThatIllegalArgumentException()
        .isThrownBy(() -> HindsightOptimum.totalEndToEnd(many, many, many, 1))
        .withMessage("requests must be at most 10 for the optimum, but were 11");
    assertThatIllegalArgumentException()
        .isThrownBy(
            () -> HindsightOptimum.totalEndToEnd(new int[1], new int[] {4}, new int[] {2}, 5))
        .withMessage("every request must fit into 5 tokens alone, but one of 4 + 2 does not");
  }

  @Provide
  Arbitrary<List<int[]>> three() {
    return Arbitraries.integers().between(1, 4).array(int[].class).ofSize(3).list().ofMaxSize(3);
  }

  @Property(seed = "131", tries = 150, edgeCases = EdgeCasesMode.NONE)
  void isTheLeastOverAllStarts(
      @ForAll("three") List<int[]> requests, @ForAll @IntRange(min = 8, max = 14) int memory) {
    int n = requests.size();
    int[] arrivals = requests.stream().mapToInt(r -> r[0] - 1).toArray();
    int[] prompts = requests.stream().mapToInt(r -> r[1]).toArray();
    int[] outputs = requests.stream().mapToInt(r -> r[2]).toArray();
    long least = least(arrivals, prompts, outputs, memory, new int[n], 0);
    assertThat(HindsightOptimum.totalEndToEnd(arrivals, prompts, outputs, memory)).isEqualTo(least);
  }

  /** Tries every start up to the round by which all could have run one after another. */
  private static long least(
      int[] arrivals, int[] prompts, int[] outputs, int memory, int[] start, int fixed) {
    if (fixed == start.length) {
      long total = 0;
      for (int i = 0; i < start.length; i++) {
        total += start[i] + outputs[i] - arrivals[i];
      }
      for (int t = 1; t < 40; t++) {
        int held = 0;
        for (int i = 0; i < start.length; i++) {
          held += start[i] < t && t <= start[i] + outputs[i] ? prompts[i] + t - start[i] : 0;
        }
        if (held > memory) {
          return Long.MAX_VALUE;
        }
      }
      return total;
    }
    long least = Long.MAX_VALUE;
    for (int s = arrivals[fixed]; s <= 16; s++) {
      start[fixed] = s;
      least = Math.min(least, least(arrivals, prompts, outputs, memory, start, fixed + 1));
    }
    return least;
  }

  @Provide
  Arbitrary<List<int[]>> workloads() {
    // Arrival, prompt, output, how much the prediction is too long.
    return Arbitraries.integers()
        .between(1, 6)
        .array(int[].class)
        .ofSize(4)
        .list()
        .ofMinSize(1)
        .ofMaxSize(6);
  }

  /**
   * With predictions that are never too short nobody is preempted and memory suffices; requests run
   * without pause; the total is at least the optimum, and on most workloads equal to it or close.
   */
  @Property(seed = "132", tries = 250, edgeCases = EdgeCasesMode.NONE)
  void mcSfStaysWithinMemoryAndNeverBeatsTheOptimum(
      @ForAll("workloads") List<int[]> requests,
      @ForAll @IntRange(min = 24, max = 30) int memory,
      @ForAll boolean exact) {
    List<Job> jobs = new ArrayList<>();
    for (int i = 0; i < requests.size(); i++) {
      int[] r = requests.get(i);
      int predicted = r[2] + (exact ? 0 : r[3]);
      jobs.add(new Job("j" + i, r[0] - 1, 2 * r[1], r[2], predicted).withPrediction(predicted));
    }
    for (McSf.Order order : McSf.Order.values()) {
      Run run =
          Run.with(new McSf(order, FutureFitAdmission.Length.PREDICTED, 0).policy())
              .pool(memory, 1)
              .limits(16, Integer.MAX_VALUE)
              .run(jobs);
      assertThat(run.preemptions()).isZero();
      long total = 0;
      for (Job job : jobs) {
        int completion = run.finish().get(job.id()) + 1;
        assertThat(completion - run.firstToken().get(job.id())).isEqualTo(job.output());
        total += completion - job.arrival();
      }
      for (Run.Step step : run.steps()) {
        // The model counts the last token as stored, the engine does not.
        assertThat(step.blocksInUse() + step.rows().size()).isLessThanOrEqualTo(memory);
      }
      long optimum =
          HindsightOptimum.totalEndToEnd(
              jobs.stream().mapToInt(Job::arrival).toArray(),
              jobs.stream().mapToInt(Job::prompt).toArray(),
              jobs.stream().mapToInt(Job::output).toArray(),
              memory);
      assertThat(total).isGreaterThanOrEqualTo(optimum);
      if (exact && order == McSf.Order.PREDICTED) {
        Statistics.label("optimal")
            .collect(total == optimum)
            .coverage(seen -> seen.check(false).percentage(share -> share > 2));
      }
    }
  }

  /**
   * The conditions of the competitive theorem: all arrive together, equal prompts, {@code output <=
   * predicted <= alpha * output}, memory at least twice the largest request. The theorem's constant
   * is not stated; here it is at most 2 with exact predictions.
   */
  @Property(seed = "133", tries = 120, edgeCases = EdgeCasesMode.NONE)
  void mcSfIsWithinAConstantOfTheOptimumUnderTheTheoremsConditions(
      @ForAll @Size(min = 1, max = 7) List<@IntRange(min = 1, max = 8) Integer> outputs,
      @ForAll @IntRange(min = 1, max = 4) int prompt,
      @ForAll @IntRange(max = 6) int more) {
    int longest = outputs.stream().mapToInt(i -> i).max().orElseThrow();
    int memory = 2 * (prompt + longest) + more;
    List<Job> jobs = new ArrayList<>();
    int[] o = outputs.stream().mapToInt(i -> i).toArray();
    int[] p = new int[o.length];
    for (int i = 0; i < o.length; i++) {
      p[i] = prompt;
      jobs.add(new Job("j" + i, 0, prompt, o[i], o[i]).withPrediction(o[i]));
    }
    Run run = Run.with(McSf.DEFAULT.policy()).pool(memory, 1).limits(8, 100).run(jobs);
    long total = run.finish().values().stream().mapToLong(end -> end + 1).sum();
    long optimum = HindsightOptimum.totalEndToEnd(new int[o.length], p, o, memory);
    assertThat(total).isBetween(optimum, 2 * optimum);
    Statistics.label("optimal").collect(total == optimum);
  }
}
