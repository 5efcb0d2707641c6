package io.headway.batching.systems;

import static org.assertj.core.api.Assertions.assertThat;

import io.headway.api.Request;
import io.headway.api.Stateless;
import io.headway.api.batching.BatchingPolicy;
import io.headway.api.prediction.LengthEstimate;
import io.headway.api.prediction.LengthPredictor;
import io.headway.batching.Job;
import io.headway.batching.Run;
import io.headway.batching.T1;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.TreeMap;
import java.util.TreeSet;
import org.junit.jupiter.api.Test;

/** The schedules that each system gives on the worked examples, iteration by iteration. */
class WorkedExamplesTest {
  private static Run onBlocks(BatchingPolicy<?> policy) {
    return Run.with(policy).run(T1.JOBS);
  }

  /** Papers that count slots: the same memory in blocks of one token. */
  private static Run onSlots(BatchingPolicy<?> policy) {
    return Run.with(policy).pool(T1.BLOCKS * T1.BLOCK_TOKENS, 1).run(T1.JOBS);
  }

  private static List<String> batches(Run run) {
    return run.steps().stream().map(Run.Step::batch).toList();
  }

  @Test
  void staticBatchesRunUntilTheirLongestMemberEnds() {
    Run run = onSlots(new StaticFcfs().policy());
    assertThat(batches(run))
        .containsExactly(
            "r1:P10 r2:P6",
            "r1:D1 r2:D1",
            "r1:D1 r2:D1",
            "r1:D1 r2:D1",
            "r1:D1 r2:D1",
            "r2:D1",
            "r2:D1",
            "r2:D1",
            "r3:P14 r4:P4",
            "r3:D1 r4:D1",
            "r3:D1 r4:D1",
            "r4:D1",
            "r4:D1",
            "r4:D1");
    assertThat(run.steps().stream().map(Run.Step::paddingTokens))
        .containsExactly(4, 0, 0, 0, 0, 1, 1, 1, 10, 0, 0, 1, 1, 1);
    assertThat(run.finish()).isEqualTo(Map.of("r1", 4, "r2", 7, "r3", 10, "r4", 13));
  }

  /** Answers that leave together change no batch, only what a member waits for. */
  @Test
  void staticBatchesAnswerEarlyOrTogetherOnTheSameSchedule() {
    Run run = onSlots(new StaticFcfs().policy());
    Map<String, Integer> together = new TreeMap<>();
    Set<String> batch = new TreeSet<>();
    for (int i = 0; i < run.steps().size(); i++) {
      run.steps().get(i).rows().forEach(row -> batch.add(row.id()));
      if (ended(run, batch) == i) {
        for (String id : batch) {
          together.put(id, i);
        }
        batch.clear();
      }
    }
    assertThat(together).isEqualTo(Map.of("r1", 7, "r2", 7, "r3", 13, "r4", 13));
    assertThat(meanIterationsInSystem(run, run.finish())).isEqualTo(8.75);
    assertThat(meanIterationsInSystem(run, together)).isEqualTo(10.25);
  }

  private static int ended(Run run, Set<String> batch) {
    return batch.stream().mapToInt(id -> run.finish().get(id)).max().orElse(-1);
  }

  private static double meanIterationsInSystem(Run run, Map<String, Integer> finish) {
    return finish.entrySet().stream()
        .mapToInt(entry -> entry.getValue() - run.job(entry.getKey()).arrival() + 1)
        .average()
        .orElse(0);
  }

  @Test
  void orcaAdmitsInAnyIterationButSkipsNobody() {
    Run run = onSlots(Orca.DEFAULT.policy());
    assertThat(run.table())
        .containsExactly(
            "r1:P10 r2:P6 |  | 32",
            "r1:D1 r2:D1 |  | 32",
            "r1:D1 r2:D1 |  | 32",
            "r1:D1 r2:D1 |  | 32",
            "r1:D1 r2:D1 |  | 32",
            "r2:D1 r3:P14 r4:P4 |  | 48",
            "r2:D1 r3:D1 r4:D1 |  | 48",
            "r2:D1 r3:D1 r4:D1 |  | 48",
            "r4:D1 |  | 12",
            "r4:D1 |  | 12",
            "r4:D1 |  | 12");
  }

  @Test
  void vllmPreemptsTheLastAdmitted() {
    Run run = onBlocks(new VllmV1(16, VllmV1.Order.FCFS, 0, true).policy());
    assertThat(run.table())
        .containsExactly(
            "r1:P10 r2:P6 |  | 5",
            "r1:D1 r2:D1 r3:P14 |  | 9",
            "r1:D1 r2:D1 r3:D1 r4:P4 |  | 10",
            "r1:D1 r2:D1 r3:D1 | r4 | 11",
            "r1:D1 r2:D1 r4:P5 |  | 9",
            "r2:D1 r4:D1 |  | 5",
            "r2:D1 r4:D1 |  | 5",
            "r2:D1 r4:D1 |  | 6",
            "r4:D1 |  | 3");
    assertThat(run.firstToken()).isEqualTo(Map.of("r1", 0, "r2", 0, "r3", 1, "r4", 2));
    assertThat(run.finish()).isEqualTo(Map.of("r1", 4, "r2", 7, "r3", 3, "r4", 8));
  }

  @Test
  void vllmCutsLongPrefills() {
    Run run = onBlocks(new VllmV1(16, VllmV1.Order.FCFS, 6, true).policy());
    assertThat(run.table())
        .containsExactly(
            "r1:P6 r2:P6 |  | 4",
            "r1:P4 r2:D1 r3:P6 |  | 7",
            "r1:D1 r2:D1 r3:P6 r4:P4 |  | 9",
            "r1:D1 r2:D1 r3:P2 r4:D1 |  | 12",
            "r1:D1 r2:D1 r3:D1 | r4 | 11",
            "r1:D1 r2:D1 r3:D1 |  | 11",
            "r2:D1 r4:P6 |  | 5",
            "r2:D1 r4:D1 |  | 6",
            "r4:D1 |  | 2",
            "r4:D1 |  | 3");
  }

  @Test
  void vllmByPriorityPreemptsTheLeastUrgentThoughAnotherFailed() {
    Run run = onBlocks(new VllmV1(16, VllmV1.Order.PRIORITY, 0, true).policy());
    assertThat(run.table())
        .containsExactly(
            "r1:P10 r2:P6 |  | 5",
            "r1:D1 r2:D1 r3:P14 |  | 9",
            "r1:D1 r2:D1 r3:D1 r4:P4 |  | 10",
            "r1:D1 r3:D1 r4:D1 | r2 | 10",
            "r1:D1 r2:P9 r4:D1 |  | 9",
            "r2:D1 r4:D1 |  | 5",
            "r2:D1 r4:D1 |  | 5",
            "r2:D1 r4:D1 |  | 6",
            "r2:D1 |  | 4");
  }

  @Test
  void sarathiRunsOneChunkBesideAllDecodes() {
    Run run = onBlocks(new Sarathi(8).policy());
    assertThat(run.table())
        .containsExactly(
            "r1:P8 |  | 5",
            "r1:P2 |  | 5",
            "r1:D1 r2:P6 |  | 9",
            "r1:D1 r2:D1 |  | 9",
            "r1:D1 r2:D1 |  | 9",
            "r1:D1 r2:D1 |  | 9",
            "r2:D1 r3:P7 |  | 10",
            "r2:D1 r3:P7 |  | 10",
            "r2:D1 r3:D1 |  | 10",
            "r2:D1 r3:D1 |  | 10",
            "r4:P4 |  | 3",
            "r4:D1 |  | 3",
            "r4:D1 |  | 3",
            "r4:D1 |  | 3",
            "r4:D1 |  | 3",
            "r4:D1 |  | 3");
  }

  @Test
  void sarathiServeFillsTheBudgetBehindTheDecodes() {
    Run run = onBlocks(new SarathiServe(8, 0.01).policy());
    assertThat(run.table())
        .containsExactly(
            "r1:P8 |  | 3",
            "r1:P2 r2:P6 |  | 5",
            "r1:D1 r2:D1 r3:P6 |  | 9",
            "r1:D1 r2:D1 r3:P6 |  | 9",
            "r1:D1 r2:D1 r3:P2 r4:P4 |  | 12",
            "r1:D1 r2:D1 r3:D1 | r4 | 11",
            "r2:D1 r3:D1 r4:P5 |  | 9",
            "r2:D1 r4:D1 |  | 5",
            "r2:D1 r4:D1 |  | 6",
            "r4:D1 |  | 2",
            "r4:D1 |  | 3");
  }

  @Test
  void vtcServesTheTenantServedLeast() {
    List<Job> jobs =
        List.of(
            new Job("A1", 0, 4, 2, 2).withTenant("A"),
            new Job("A2", 0, 4, 2, 2).withTenant("A"),
            new Job("A3", 0, 4, 2, 2).withTenant("A"),
            new Job("A4", 0, 4, 2, 2).withTenant("A"),
            new Job("B1", 0, 8, 3, 3).withTenant("B"),
            new Job("A5", 5, 4, 2, 2).withTenant("A"),
            new Job("B2", 5, 8, 3, 3).withTenant("B"));
    Run run = Run.with(Vtc.DEFAULT.policy()).pool(20, 1).limits(8, Integer.MAX_VALUE).run(jobs);
    assertThat(batches(run))
        .containsExactly(
            "A1:P4 B1:P8",
            "A1:D1 B1:D1",
            "A2:P4 B1:D1",
            "A2:D1 A3:P4 A4:P4",
            "A3:D1 A4:D1",
            "A5:P4 B2:P8",
            "A5:D1 B2:D1",
            "B2:D1");
  }

  @Test
  void isrtfChoosesTheShortestInEveryWindow() {
    Map<String, int[]> predictions =
        Map.of(
            "j1", new int[] {150, 140, 60, 20},
            "j2", new int[] {90, 15},
            "j3", new int[] {110, 80, 30},
            "j4", new int[] {45});
    // The fourth arrives while the first window of 50 iterations runs.
    List<Job> jobs =
        List.of(
            new Job("j1", 0, 1, 180, 180),
            new Job("j2", 0, 1, 60, 60),
            new Job("j3", 0, 1, 120, 120),
            new Job("j4", 1, 1, 40, 40));
    Run run =
        Run.with(Isrtf.DEFAULT.policy())
            .pool(1000, 1)
            .limits(2, Integer.MAX_VALUE)
            .predictor(new Predictor(predictions, 50))
            .run(jobs);
    // Windows of 50, 40, 50, 50, 50 and 30 iterations.
    assertThat(window(run, 0, 50)).isEqualTo("j2 j3");
    assertThat(window(run, 50, 90)).isEqualTo("j2 j4");
    assertThat(window(run, 90, 140)).isEqualTo("j1 j3");
    assertThat(window(run, 140, 190)).isEqualTo("j1 j3");
    assertThat(window(run, 190, 240)).isEqualTo("j1");
    assertThat(window(run, 240, 270)).isEqualTo("j1");
    assertThat(run.steps()).hasSize(270);
  }

  private static String window(Run run, int from, int to) {
    return String.join(
        " ",
        run.steps().subList(from, to).stream()
            .flatMap(step -> step.rows().stream())
            .map(Run.Row::id)
            .distinct()
            .sorted()
            .toList());
  }

  /** Predictions after so many windows. */
  private record Predictor(Map<String, int[]> predictions, int windowTokens)
      implements LengthPredictor<Stateless> {
    @Override
    public String id() {
      return "given";
    }

    @Override
    public Stateless newState() {
      return Stateless.STATE;
    }

    @Override
    public void estimate(
        Stateless state, Request request, int generatedTokens, LengthEstimate into) {
      int[] values = predictions.get(request.id());
      into.point(values[Math.min(generatedTokens / windowTokens, values.length - 1)]);
    }

    @Override
    public void observe(Stateless state, Request request, int outputTokens, boolean censored) {}
  }
}
