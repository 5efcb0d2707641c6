package io.headway.batching.planning;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.within;

import io.headway.api.Request;
import io.headway.batching.Job;
import io.headway.batching.Run;
import io.headway.batching.Watched;
import io.headway.batching.admission.WholeOutputAdmission;
import io.headway.batching.composition.Batching;
import io.headway.batching.composition.TokenBudgetComposer;
import io.headway.batching.order.FirstComeOrder;
import io.headway.memory.pool.PagedKvBlockPool;
import io.headway.memory.pool.PagedKvConfig;
import io.headway.runtime.EngineScheduler;
import io.headway.runtime.Limits;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import net.jqwik.api.EdgeCasesMode;
import net.jqwik.api.ForAll;
import net.jqwik.api.Property;
import net.jqwik.api.constraints.IntRange;
import net.jqwik.api.constraints.Size;
import org.junit.jupiter.api.Test;

/** What the planners for offline work promise. */
class OfflinePlannersTest {
  /** Groups of one plan of all prompts together. */
  private static List<PrefixGroup> groups(List<int[]> prompts) {
    List<PrefixGroup> groups = new ArrayList<>();
    Watched.Planner<PrefixGroupPlanner.State> planner =
        new Watched.Planner<>(new PrefixGroupPlanner(0), state -> groups.addAll(state.groups()));
    EngineScheduler scheduler =
        EngineScheduler.builder()
            .policy(
                Batching.order(new FirstComeOrder())
                    .admission(WholeOutputAdmission.declared())
                    .composition(new TokenBudgetComposer(100, 0, true))
                    .planning(planner)
                    .build())
            .limits(Limits.of(64, Integer.MAX_VALUE))
            .pool(PagedKvBlockPool.of(PagedKvConfig.of(1, 10_000)))
            .strict()
            .build();
    for (int i = 0; i < prompts.size(); i++) {
      int[] prompt = prompts.get(i);
      Request request =
          Request.builder("r" + (char) ('a' + i), prompt.length, 4).tokenIds(prompt).build();
      assertThat(scheduler.submit(request, 0).accepted()).isTrue();
    }
    scheduler.next(0);
    return groups;
  }

  @Property(seed = "1061", tries = 1500, edgeCases = EdgeCasesMode.NONE)
  void groupsSaveTheMostPrefillTokens(
      @ForAll @Size(min = 1, max = 6) List<@IntRange(max = 242) Integer> prompts) {
    // Up to five tokens out of three: prefixes are often shared, equal or nested.
    List<int[]> tokens = new ArrayList<>();
    for (int code : prompts) {
      int[] prompt = new int[1 + code % 5];
      int rest = code;
      for (int i = 0; i < prompt.length; i++) {
        prompt[i] = rest % 3;
        rest /= 3;
      }
      tokens.add(prompt);
    }
    List<PrefixGroup> groups = groups(tokens);
    assertThat(groups.stream().mapToInt(PrefixGroup::members).sum()).isEqualTo(tokens.size());
    assertThat(groups.stream().mapToLong(PrefixGroup::sharedTokensSaved).sum())
        .isEqualTo(mostSaved(tokens, 0, new ArrayList<>()));
    assertThat(groups).isSortedAccordingTo(PrefixGroup.ORDER);
  }

  /** Over all partitions into groups. */
  private static long mostSaved(List<int[]> prompts, int next, List<List<int[]>> partition) {
    if (next == prompts.size()) {
      return partition.stream().mapToLong(OfflinePlannersTest::saved).sum();
    }
    long most = 0;
    for (int i = 0; i <= partition.size(); i++) {
      List<List<int[]>> longer = new ArrayList<>();
      partition.forEach(group -> longer.add(new ArrayList<>(group)));
      if (i == partition.size()) {
        longer.add(new ArrayList<>());
      }
      longer.get(i).add(prompts.get(next));
      most = Math.max(most, mostSaved(prompts, next + 1, longer));
    }
    return most;
  }

  private static long saved(List<int[]> group) {
    int shared = group.get(0).length;
    for (int[] prompt : group) {
      int mismatch = Arrays.mismatch(group.get(0), prompt);
      shared = Math.min(shared, mismatch < 0 ? prompt.length : mismatch);
    }
    return (long) shared * (group.size() - 1);
  }

  @Test
  void aSharedPrefixIsComputedOnceThoughThePoolHoldsOneAtATime() {
    // Three families of four requests, interleaved; a family takes 8 + 4 * (2 + 3) = 28 entries.
    List<Job> jobs = new ArrayList<>();
    for (int i = 0; i < 12; i++) {
      jobs.add(new Job("r" + (char) ('a' + i), 0, 10, 3, 3).withTenant("f" + i % 3).withShared(8));
    }
    int grouped = prefillTokens(jobs, true);
    int interleaved = prefillTokens(jobs, false);
    // Each family: its prefix once and four suffixes of two tokens.
    assertThat(grouped).isEqualTo(3 * (8 + 4 * 2));
    assertThat(interleaved).isGreaterThan(grouped);
  }

  /** Two at a time, so that the first of a family has published its prefix before most others. */
  private static int prefillTokens(List<Job> jobs, boolean planned) {
    Batching.Builder builder =
        Batching.order(new FirstComeOrder())
            .admission(WholeOutputAdmission.declared())
            .composition(new TokenBudgetComposer(100, 0, true));
    if (planned) {
      builder.planning(new PrefixGroupPlanner(0));
    }
    Run run = Run.with(builder.build()).pool(20, 1).limits(1, 100).prefixCaching().run(jobs);
    return run.steps().stream()
        .flatMap(step -> step.rows().stream())
        .filter(row -> row.kind() == io.headway.api.batching.WorkKind.PREFILL)
        .mapToInt(Run.Row::tokens)
        .sum();
  }

  @Property(seed = "62", tries = 500, edgeCases = EdgeCasesMode.NONE)
  void whatADualScanHasTakenIsNeverFurtherFromTheTargetThanOneLeaf(
      @ForAll @Size(min = 1, max = 20) List<@IntRange(min = 0, max = 9999) Integer> leaves) {
    DualScan scan = new DualScan();
    double[] compute = new double[leaves.size()];
    double[] memory = new double[leaves.size()];
    for (int i = 0; i < leaves.size(); i++) {
      compute[i] = leaves.get(i) % 100;
      memory[i] = 1 + leaves.get(i) / 100;
      scan.add(i, compute[i], memory[i]);
    }
    scan.sort();
    double target = scan.targetDensity();
    double most = 0;
    for (int i = 0; i < compute.length; i++) {
      most = Math.max(most, Math.abs(compute[i] - target * memory[i]));
    }
    double excess = 0;
    int[] order = scan.order();
    assertThat(Arrays.stream(order).sorted().toArray())
        .isEqualTo(java.util.stream.IntStream.range(0, order.length).toArray());
    for (int leaf : order) {
      excess += compute[leaf] - target * memory[leaf];
      assertThat(Math.abs(excess)).isLessThanOrEqualTo(most + 1e-6);
    }
    assertThat(excess).as("all taken: the target itself").isCloseTo(0, within(1e-6));
  }
}
