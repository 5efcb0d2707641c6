package io.headway.batching.planning;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.within;

import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import net.jqwik.api.EdgeCasesMode;
import net.jqwik.api.ForAll;
import net.jqwik.api.Property;
import net.jqwik.api.constraints.IntRange;
import net.jqwik.api.constraints.Size;
import org.junit.jupiter.api.Test;

class VirtualQueuesTest {
  private static final VirtualQueues SHEET =
      new VirtualQueues(
          List.of(
              new RequestGroup("M1", 20, 100, 10, 500),
              new RequestGroup("M2", 10, 200, 6, 400),
              new RequestGroup("M1", 5, 100, 3, 500),
              new RequestGroup("M2", 40, 50, 60, 400)),
          List.of("M1", "M2"),
          5);

  @Test
  void theWorkedExample() {
    VirtualQueues.Best best = SHEET.best();
    assertThat(best.unique()).isTrue();
    assertThat(best.queues()).isDeepEqualTo(new int[][] {{2, 0}, {1, 3}});
    assertThat(best.worth().violations()).isZero();
    assertThat(best.worth().penaltySeconds()).isCloseTo(-58, within(1e-9));
    assertThat(best.worth().completionSeconds()).containsExactly(5, 5, 1, 10);
    int[][] edf = SHEET.earliestDeadline(new int[][] {{0, 1}, {2, 3}});
    assertThat(edf).isDeepEqualTo(new int[][] {{1, 0}, {2, 3}});
    assertThat(SHEET.worth(edf).completionSeconds()).containsExactly(19, 10, 6, 16);
    assertThat(SHEET.worth(edf).violations()).isEqualTo(3);
  }

  @Test
  void theWaitingTimeOfTheSheet() {
    VirtualQueues.Waiting hundred = VirtualQueues.waiting(100, 150, 80, 3000, 1.645);
    assertThat(hundred.meanSeconds()).isEqualTo(5);
    assertThat(hundred.deviationSeconds()).isCloseTo(0.266667, within(1e-6));
    assertThat(hundred.boundSeconds()).isCloseTo(5.43867, within(1e-5));
    assertThat(VirtualQueues.waiting(4, 150, 80, 3000, 1.645).boundSeconds())
        .isCloseTo(0.287733, within(1e-6));
  }

  private static VirtualQueues oneModel(List<Integer> sizes, List<Integer> slos) {
    List<RequestGroup> groups = new ArrayList<>();
    for (int i = 0; i < sizes.size(); i++) {
      groups.add(new RequestGroup("m", sizes.get(i), 1, slos.get(i % slos.size()), 1));
    }
    return new VirtualQueues(groups, List.of("m"), 5);
  }

  @Property(seed = "101", tries = 200, edgeCases = EdgeCasesMode.NONE)
  void earliestDeadlineHasTheLeastGreatestLatenessWithoutSwaps(
      @ForAll @Size(min = 1, max = 6) List<@IntRange(min = 0, max = 9) Integer> sizes,
      @ForAll @Size(min = 1, max = 6) List<@IntRange(min = 0, max = 30) Integer> slos) {
    VirtualQueues queue = oneModel(sizes, slos);
    int[] asIs = new int[sizes.size()];
    Arrays.setAll(asIs, i -> i);
    double edf = lateness(queue, queue.earliestDeadline(new int[][] {asIs})[0]);
    assertThat(edf).isLessThanOrEqualTo(leastLateness(queue, asIs, 0) + 1e-9);
  }

  private static double lateness(VirtualQueues queue, int[] order) {
    double[] completion = queue.worth(new int[][] {order}).completionSeconds();
    double most = Double.NEGATIVE_INFINITY;
    for (int group : order) {
      most = Math.max(most, completion[group] - queue.groups().get(group).sloSeconds());
    }
    return most;
  }

  private static double leastLateness(VirtualQueues queue, int[] order, int fixed) {
    if (fixed == order.length) {
      return lateness(queue, order);
    }
    double least = Double.POSITIVE_INFINITY;
    for (int i = fixed; i < order.length; i++) {
      swap(order, fixed, i);
      least = Math.min(least, leastLateness(queue, order, fixed + 1));
      swap(order, fixed, i);
    }
    return least;
  }

  private static void swap(int[] order, int a, int b) {
    int kept = order[a];
    order[a] = order[b];
    order[b] = kept;
  }

  @Property(seed = "102", tries = 100, edgeCases = EdgeCasesMode.NONE)
  void theBestPlanHasNoViolationIfAnyOrderHasNone(
      @ForAll @Size(min = 1, max = 5) List<@IntRange(min = 0, max = 9) Integer> sizes,
      @ForAll @Size(min = 1, max = 5) List<@IntRange(min = 0, max = 40) Integer> slos) {
    VirtualQueues queue = oneModel(sizes, slos);
    int[] order = new int[sizes.size()];
    Arrays.setAll(order, i -> i);
    boolean feasible = leastLateness(queue, order, 0) <= 1e-9;
    assertThat(queue.best().worth().violations() == 0).isEqualTo(feasible);
  }
}
