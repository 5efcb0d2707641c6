package io.headway.batching.composition;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatIllegalArgumentException;

import io.headway.api.batching.BatchingPolicy;
import io.headway.batching.Job;
import io.headway.batching.Run;
import io.headway.batching.systems.VllmV1;
import java.util.ArrayList;
import java.util.List;
import net.jqwik.api.ForAll;
import net.jqwik.api.Property;
import net.jqwik.api.constraints.IntRange;
import net.jqwik.api.constraints.Size;
import org.junit.jupiter.api.Test;

/** Limits of prompts that are computed in part at a time. */
class PartialPrefillsTest {
  private static BatchingPolicy<?> policy(int budget, int threshold, int most, int mostLong) {
    return new VllmV1(budget, VllmV1.Order.FCFS, threshold, true, most, mostLong, false).policy();
  }

  private static Job job(String id, int prompt) {
    return new Job(id, 0, prompt, 2, 2);
  }

  private static List<String> batches(Run run) {
    return run.steps().stream().map(Run.Step::batch).filter(batch -> !batch.isEmpty()).toList();
  }

  private static Run run(BatchingPolicy<?> policy, Job... jobs) {
    return Run.with(policy).pool(64, 4).limits(8, 64).run(List.of(jobs));
  }

  @Test
  void shortPromptsOvertakeASecondLongOne() {
    Job[] jobs = {job("long1", 12), job("long2", 12), job("short", 3)};
    assertThat(batches(run(policy(16, 6, 0, 0), jobs)).get(0))
        .as("without limits the budget goes to both")
        .isEqualTo("long1:P6 long2:P6 short:P3");
    assertThat(batches(run(policy(16, 6, 0, 1), jobs)))
        .containsExactly(
            "long1:P6 short:P3", "long1:P6 long2:P6 short:D1", "long1:D1 long2:P6", "long2:D1");
  }

  @Test
  void oneUnfinishedPromptAtATimeKeepsTheOrder() {
    assertThat(
            batches(run(policy(16, 6, 1, 0), job("long1", 12), job("long2", 12), job("short", 3))))
        .as("nobody overtakes; a prompt that is finished at once does not count")
        .containsExactly(
            "long1:P6", "long1:P6 long2:P6 short:P3", "long1:D1 long2:P6 short:D1", "long2:D1");
  }

  @Test
  void withBlocksForAllOfItNoPromptIsBegunInVain() {
    List<Job> jobs = List.of(new Job("a", 0, 7, 7, 7), job("b", 12));
    for (boolean reserve : new boolean[] {false, true}) {
      Run run =
          Run.with(new VllmV1(2, VllmV1.Order.FCFS, 1, true, 0, 0, reserve).policy())
              .pool(4, 4)
              .limits(2, 2)
              .run(jobs);
      if (reserve) {
        assertThat(run.preemptions()).isZero();
      } else {
        assertThat(run.preemptions()).as("the scheduler without the option").isGreaterThan(1);
      }
    }
  }

  @Test
  void whatMakesNoSenseIsRefused() {
    assertThatIllegalArgumentException()
        .isThrownBy(() -> new TokenBudgetComposer(16, 0, true).withPartialPrefills(0, 1))
        .withMessage(
            "maxLongPartialPrefills needs a longPrefillTokenThreshold above 0, which says what is"
                + " long, but that was 0");
    assertThatIllegalArgumentException()
        .isThrownBy(() -> new TokenBudgetComposer(16, 6, true).withPartialPrefills(1, 2))
        .withMessage("maxLongPartialPrefills must be at most maxPartialPrefills = 1, but was 2");
  }

  @Property(seed = "42", tries = 60)
  void theLimitsHoldAndEverybodyIsServed(
      @ForAll @Size(min = 1, max = 8) List<@IntRange(min = 1, max = 40) Integer> prompts,
      @ForAll @IntRange(min = 1, max = 3) int most) {
    List<Job> jobs = new ArrayList<>();
    for (int i = 0; i < prompts.size(); i++) {
      jobs.add(new Job("r" + i, i / 2, prompts.get(i), 3, 3));
    }
    Run run = Run.with(policy(16, 5, most, 1)).pool(128, 4).limits(8, 64).run(jobs);
    assertThat(run.finish()).hasSize(jobs.size());
    for (Run.Step step : run.steps()) {
      long unfinished =
          step.rows().stream().filter(row -> row.id().startsWith("r") && !row.emits()).count();
      assertThat(unfinished).as(step.batch()).isLessThanOrEqualTo(most);
    }
  }
}
