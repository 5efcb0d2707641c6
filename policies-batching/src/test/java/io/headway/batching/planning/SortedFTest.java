package io.headway.batching.planning;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatIllegalArgumentException;

import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.function.IntUnaryOperator;
import java.util.stream.IntStream;
import net.jqwik.api.Arbitraries;
import net.jqwik.api.Arbitrary;
import net.jqwik.api.EdgeCasesMode;
import net.jqwik.api.ForAll;
import net.jqwik.api.Property;
import net.jqwik.api.Provide;
import net.jqwik.api.constraints.IntRange;
import org.junit.jupiter.api.Test;

class SortedFTest {
  private static final IntUnaryOperator TOKENS = tokens -> tokens;
  private static final SortedF EXACT = new SortedF(SortedF.Method.F, SortedF.MAX_EXACT);
  private static final SortedF GREEDY = new SortedF(SortedF.Method.F, 0);
  private static final SortedF SWAPPED = new SortedF(SortedF.Method.LOCAL_SWAP, 0);
  private static final SortedF RELAXED = new SortedF(SortedF.Method.LP, 0);
  private static final SortedF RELAXED_SWAPPED = new SortedF(SortedF.Method.LP_SWAP, 0);

  private static int[] byOutput(int[] outputs) {
    return IntStream.range(0, outputs.length)
        .boxed()
        .sorted((a, b) -> Integer.compare(outputs[a], outputs[b]))
        .mapToInt(i -> i)
        .toArray();
  }

  @Test
  void theWorkedExample() {
    int[] prompts = {16, 16, 2, 2, 2, 2, 2};
    int[] outputs = {1, 1, 2, 2, 2, 2, 2};
    List<SortedF.Group> groups = EXACT.groups(prompts, outputs, 20, TOKENS);
    assertThat(groups.stream().map(SortedF.Group::f)).containsExactly(0.4, 1.0, 1.0);
    int[] order = SortedF.order(groups);
    assertThat(order).containsExactly(2, 3, 4, 5, 6, 0, 1);
    int[] start = ListSchedule.starts(prompts, outputs, 20, order);
    assertThat(start).containsExactly(2, 3, 0, 0, 0, 0, 0);
    assertThat(ListSchedule.totalCompletion(start, outputs)).isEqualTo(17);
    assertThat(ListSchedule.bestTotalCompletion(prompts, outputs, 20)).isEqualTo(17);
    int[] shortest = ListSchedule.starts(prompts, outputs, 20, byOutput(outputs));
    assertThat(ListSchedule.totalCompletion(shortest, outputs)).isEqualTo(22);
  }

  @Test
  void aConstantFactorIsNoDominance() {
    int[] prompts = {10, 6, 14, 4, 20};
    int[] outputs = {5, 8, 3, 6, 2};
    List<SortedF.Group> groups = EXACT.groups(prompts, outputs, 32, TOKENS);
    assertThat(groups.stream().map(SortedF.Group::f)).containsExactly(2.0, 2.0, 8.0);
    int[] order = SortedF.order(groups);
    assertThat(order).containsExactly(2, 0, 4, 3, 1);
    int[] start = ListSchedule.starts(prompts, outputs, 32, order);
    assertThat(start).containsExactly(0, 7, 0, 5, 5);
    assertThat(ListSchedule.totalCompletion(start, outputs)).isEqualTo(41);
    assertThat(
            ListSchedule.totalCompletion(
                ListSchedule.starts(prompts, outputs, 32, byOutput(outputs)), outputs))
        .isEqualTo(38);
    assertThat(
            ListSchedule.totalCompletion(
                ListSchedule.starts(prompts, outputs, 32, new int[] {0, 1, 2, 3, 4}), outputs))
        .isEqualTo(45);
    assertThat(ListSchedule.bestTotalCompletion(prompts, outputs, 32)).isEqualTo(36);
  }

  @Test
  void aRequestThatNeverFitsIsNamed() {
    assertThatIllegalArgumentException()
        .isThrownBy(() -> EXACT.groups(new int[] {20}, new int[] {5}, 20, TOKENS))
        .withMessage("every request must fit alone, but one of 20 + 5 tokens does not");
  }

  /** (b) of the sheet: shortest output first falls behind without bound as the memory grows. */
  @Test
  void shortestOutputFirstFallsBehindAsTheMemoryGrows() {
    double before = 0;
    for (int scale : new int[] {1, 4, 16}) {
      int memory = 20 * scale;
      int big = 2 * scale;
      int small = 5 * scale;
      int[] prompts = new int[big + small];
      int[] outputs = new int[big + small];
      for (int i = 0; i < prompts.length; i++) {
        prompts[i] = i < big ? memory - 4 : 2;
        outputs[i] = i < big ? 1 : 2;
      }
      long shortest =
          ListSchedule.totalCompletion(
              ListSchedule.starts(prompts, outputs, memory, byOutput(outputs)), outputs);
      long sorted =
          ListSchedule.totalCompletion(
              ListSchedule.starts(
                  prompts,
                  outputs,
                  memory,
                  SortedF.order(GREEDY.groups(prompts, outputs, memory, TOKENS))),
              outputs);
      double ratio = (double) shortest / sorted;
      assertThat(ratio).isGreaterThan(before);
      before = ratio;
    }
  }

  @Provide
  Arbitrary<List<int[]>> backlogs() {
    Arbitrary<int[]> request = Arbitraries.integers().between(1, 10).array(int[].class).ofSize(2);
    return request.list().ofMinSize(1).ofMaxSize(6);
  }

  /**
   * With periods of one round the relaxation is at most the optimum in hindsight, and every
   * method's list schedule at least that; F of the first set never rises by swaps.
   */
  @Property(seed = "122", tries = 150, edgeCases = EdgeCasesMode.NONE)
  void theRelaxationIsALowerBoundAndSwapsOnlyImprove(
      @ForAll("backlogs") List<int[]> requests, @ForAll @IntRange(min = 20, max = 40) int memory) {
    int[] prompts = requests.stream().mapToInt(r -> r[0]).toArray();
    int[] outputs = requests.stream().mapToInt(r -> r[1]).toArray();
    StartTimeRelaxation exact =
        StartTimeRelaxation.solve(prompts, outputs, memory, TOKENS, Arrays.stream(outputs).sum());
    assertThat(exact.roundsPerPeriod()).isEqualTo(1);
    long optimum =
        HindsightOptimum.totalEndToEnd(new int[prompts.length], prompts, outputs, memory);
    assertThat(exact.totalCompletion()).isLessThanOrEqualTo(optimum + 1e-6);
    assertThat(exact.totalCompletion()).isGreaterThanOrEqualTo(Arrays.stream(outputs).sum() - 1e-6);
    double greedy = GREEDY.groups(prompts, outputs, memory, TOKENS).get(0).f();
    double best = EXACT.groups(prompts, outputs, memory, TOKENS).get(0).f();
    double swapped = SWAPPED.groups(prompts, outputs, memory, TOKENS).get(0).f();
    assertThat(swapped).isBetween(best, greedy);
    double relaxed = RELAXED_SWAPPED.groups(prompts, outputs, memory, TOKENS).get(0).f();
    assertThat(relaxed).isGreaterThanOrEqualTo(best);
  }

  /** No single change improves a set that swaps have left. */
  @Property(seed = "123", tries = 150, edgeCases = EdgeCasesMode.NONE)
  void swapsEndWhereNoSwapImproves(
      @ForAll("backlogs") List<int[]> requests, @ForAll @IntRange(min = 20, max = 40) int memory) {
    int[] prompts = requests.stream().mapToInt(r -> r[0]).toArray();
    int[] outputs = requests.stream().mapToInt(r -> r[1]).toArray();
    int[] first = SWAPPED.groups(prompts, outputs, memory, TOKENS).get(0).members();
    double f = SortedF.f(Arrays.stream(first).map(i -> outputs[i]).toArray());
    for (int in = 0; in < prompts.length; in++) {
      int added = in;
      if (Arrays.stream(first).anyMatch(i -> i == added)) {
        continue;
      }
      for (int out = -1; out < first.length; out++) {
        int left = out < 0 ? -1 : first[out];
        int[] changed =
            IntStream.concat(Arrays.stream(first).filter(i -> i != left), IntStream.of(added))
                .toArray();
        int[] p = Arrays.stream(changed).map(i -> prompts[i]).toArray();
        int[] o = Arrays.stream(changed).map(i -> outputs[i]).toArray();
        if (SortedF.feasible(p, o, memory, TOKENS)) {
          assertThat(SortedF.f(o)).isGreaterThanOrEqualTo(f);
        }
      }
    }
  }

  @Test
  void theRelaxationOfTwoThatFitOneAtATimeStartsTheShorterFirst() {
    StartTimeRelaxation relaxation =
        StartTimeRelaxation.solve(new int[] {8, 8}, new int[] {4, 2}, 12, TOKENS, 6);
    assertThat(relaxation.meanStart(1)).isLessThan(relaxation.meanStart(0));
    assertThat(SortedF.order(RELAXED.groups(new int[] {8, 8}, new int[] {4, 2}, 12, TOKENS)))
        .containsExactly(1, 0);
  }

  @Test
  void longBacklogsAreRelaxedInLongerPeriods() {
    int[] prompts = IntStream.range(0, 20).map(i -> 100 + 37 * i % 400).toArray();
    int[] outputs = IntStream.range(0, 20).map(i -> 50 + 91 * i % 700).toArray();
    StartTimeRelaxation relaxation =
        StartTimeRelaxation.solve(prompts, outputs, 2_000, TOKENS, SortedF.LP_PERIODS);
    assertThat(relaxation.roundsPerPeriod()).isGreaterThan(1);
    int[] order = SortedF.order(RELAXED.groups(prompts, outputs, 2_000, TOKENS));
    int[] sorted = order.clone();
    Arrays.sort(sorted);
    assertThat(sorted).containsExactly(IntStream.range(0, 20).toArray());
  }

  @Test
  void tooManyRequestsForTheRelaxationAreRefused() {
    int[] ones = new int[SortedF.MAX_LP + 1];
    Arrays.fill(ones, 1);
    assertThatIllegalArgumentException()
        .isThrownBy(() -> RELAXED.groups(ones, ones, 100, TOKENS))
        .withMessage("requests must be at most 24 for the linear relaxation, but were 25");
  }

  @Property(seed = "121", tries = 150, edgeCases = EdgeCasesMode.NONE)
  void setsAreFeasiblePartitionsAndTheTotalIsWithinTheTheorem(
      @ForAll("backlogs") List<int[]> requests, @ForAll @IntRange(min = 20, max = 40) int memory) {
    int[] prompts = requests.stream().mapToInt(r -> r[0]).toArray();
    int[] outputs = requests.stream().mapToInt(r -> r[1]).toArray();
    long optimum =
        HindsightOptimum.totalEndToEnd(new int[prompts.length], prompts, outputs, memory);
    for (SortedF sorting : List.of(EXACT, GREEDY, SWAPPED, RELAXED, RELAXED_SWAPPED)) {
      List<SortedF.Group> groups = sorting.groups(prompts, outputs, memory, TOKENS);
      List<Integer> members = new ArrayList<>();
      for (SortedF.Group group : groups) {
        int[] p = Arrays.stream(group.members()).map(i -> prompts[i]).toArray();
        int[] o = Arrays.stream(group.members()).map(i -> outputs[i]).toArray();
        assertThat(SortedF.feasible(p, o, memory, TOKENS)).isTrue();
        assertThat(o).isSorted();
        Arrays.stream(group.members()).forEach(members::add);
      }
      assertThat(members)
          .containsExactlyInAnyOrderElementsOf(IntStream.range(0, prompts.length).boxed().toList());
      int[] order = SortedF.order(groups);
      long total =
          ListSchedule.totalCompletion(
              ListSchedule.starts(prompts, outputs, memory, order), outputs);
      assertThat(total).isGreaterThanOrEqualTo(optimum);
      if (sorting == EXACT) {
        assertThat(total).isLessThanOrEqualTo(48 * optimum);
      }
    }
    // The first exact set has the smallest F of all feasible ones.
    SortedF.Group first = EXACT.groups(prompts, outputs, memory, TOKENS).get(0);
    for (int mask = 1; mask < 1 << prompts.length; mask++) {
      int set = mask;
      int[] in = IntStream.range(0, prompts.length).filter(i -> (set >> i & 1) != 0).toArray();
      int[] p = Arrays.stream(in).map(i -> prompts[i]).toArray();
      int[] o = Arrays.stream(in).map(i -> outputs[i]).toArray();
      if (SortedF.feasible(p, o, memory, TOKENS)) {
        assertThat(SortedF.f(o)).isGreaterThanOrEqualTo(first.f());
      }
    }
  }
}
