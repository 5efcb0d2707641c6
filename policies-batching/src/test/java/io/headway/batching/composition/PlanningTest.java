package io.headway.batching.composition;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import io.headway.api.PolicyViolationException;
import io.headway.api.Stateless;
import io.headway.api.batching.BatchPlanner;
import io.headway.api.batching.BatchView;
import io.headway.batching.Job;
import io.headway.batching.Run;
import io.headway.batching.Workloads;
import io.headway.batching.admission.FirstChunkAdmission;
import io.headway.batching.order.FirstComeOrder;
import io.headway.batching.preemption.LastCandidate;
import java.util.ArrayList;
import java.util.Comparator;
import java.util.HashMap;
import java.util.HashSet;
import java.util.List;
import java.util.Map;
import java.util.Set;
import net.jqwik.api.EdgeCasesMode;
import net.jqwik.api.ForAll;
import net.jqwik.api.Property;
import net.jqwik.api.constraints.IntRange;
import net.jqwik.api.domains.Domain;
import net.jqwik.api.domains.DomainContext;
import net.jqwik.api.statistics.Statistics;
import org.junit.jupiter.api.Test;

/** A composed policy consults its planner as the SPI says, and keeps to the plan. */
@Domain(Workloads.class)
@Domain(DomainContext.Global.class)
class PlanningTest {
  /** Plans everybody who waits, the last id first, in batches, when nothing of a plan is left. */
  private static final class LastIdFirst implements BatchPlanner<LastIdFirst.State> {
    private final int batch;
    private final boolean wholeBatches;
    private final long everyNanos;

    LastIdFirst(int batch, boolean wholeBatches, long everyNanos) {
      this.batch = batch;
      this.wholeBatches = wholeBatches;
      this.everyNanos = everyNanos;
    }

    static final class State {
      long next;
      int plans;
      final List<List<String>> batches = new ArrayList<>();
    }

    @Override
    public String id() {
      return "last-id-first";
    }

    @Override
    public State newState() {
      return new State();
    }

    @Override
    public void plan(State state, BatchView view, PlannedOrder order) {
      state.plans++;
      state.next = view.nowNanos() + everyNanos;
      state.batches.clear();
      List<Integer> waiting = new ArrayList<>();
      for (int s = view.firstWaiting(); s != BatchView.NONE; s = view.nextWaiting(s)) {
        waiting.add(s);
      }
      waiting.sort(Comparator.comparing((Integer s) -> view.request(s).id()).reversed());
      for (int i = 0; i < waiting.size(); i++) {
        if (i > 0 && i % batch == 0) {
          if (wholeBatches) {
            order.endBatch();
          } else {
            order.endIteration();
          }
        }
        order.append(waiting.get(i));
      }
    }

    @Override
    public long nextPlanNanos(State state, BatchView view) {
      return state.next;
    }
  }

  private static ComposedBatchingPolicy policy(BatchPlanner<?> planner) {
    return Batching.order(new FirstComeOrder())
        .admission(new FirstChunkAdmission())
        .composition(new IterationLevelComposer())
        .preemption(new LastCandidate())
        .planning(planner)
        .build();
  }

  private static final List<Job> FIVE =
      List.of(
          new Job("a", 0, 2, 3, 3),
          new Job("b", 0, 2, 2, 2),
          new Job("c", 0, 2, 2, 2),
          new Job("d", 0, 2, 4, 4),
          new Job("e", 1, 2, 1, 1));

  private static List<List<String>> starts(Run run) {
    return run.steps().stream().map(Run.Step::admitted).filter(ids -> !ids.isEmpty()).toList();
  }

  @Test
  void aBatchStartsWhenTheOneBeforeHasEnded() {
    Run run = Run.with(policy(new LastIdFirst(2, true, 1_000_000))).run(FIVE);
    assertThat(run.table())
        .containsExactly(
            "c:P2 d:P2 |  | 2",
            "c:D1 d:D1 |  | 2",
            "d:D1 |  | 1",
            "d:D1 |  | 2",
            "a:P2 b:P2 e:P2 |  | 3",
            "a:D1 b:D1 |  | 2",
            "a:D1 |  | 1");
  }

  @Test
  void aGroupStartsInALaterIterationThanTheOneBefore() {
    Run run = Run.with(policy(new LastIdFirst(2, false, 1_000_000))).run(FIVE);
    assertThat(starts(run)).containsExactly(List.of("d", "c"), List.of("b", "a"), List.of("e"));
    assertThat(run.step(1).admitted()).containsExactly("b", "a");
  }

  @Test
  void aRunningBatchOfAnEarlierPlanStandsBeforeANewOne() {
    // Planned anew in every iteration: without the old batch in front, 'e' would start at once.
    Run run = Run.with(policy(new LastIdFirst(2, true, 1))).run(FIVE);
    assertThat(run.step(1).admitted()).isEmpty();
    assertThat(starts(run)).startsWith(List.of("d", "c"), List.of("e", "b"));
  }

  @Test
  void nobodyIsAskedWhileThereIsNoRoomOrNobodyWaits() {
    LastIdFirst planner = new LastIdFirst(1, false, 0);
    ComposedBatchingPolicy policy = policy(planner);
    Run.with(policy).limits(2, Integer.MAX_VALUE).run(FIVE);
    List<Integer> plans = new ArrayList<>();
    BatchPlanner<LastIdFirst.State> counting =
        new BatchPlanner<>() {
          @Override
          public String id() {
            return "counting";
          }

          @Override
          public LastIdFirst.State newState() {
            return planner.newState();
          }

          @Override
          public void plan(LastIdFirst.State state, BatchView view, PlannedOrder order) {
            plans.add((int) view.nowNanos());
            planner.plan(state, view, order);
          }

          @Override
          public long nextPlanNanos(LastIdFirst.State state, BatchView view) {
            return planner.nextPlanNanos(state, view);
          }
        };
    Run run = Run.with(policy(counting)).limits(2, Integer.MAX_VALUE).run(FIVE);
    for (int planned : plans) {
      long running =
          run.steps().stream().filter(step -> step.iteration() == planned).findFirst().stream()
              .mapToLong(step -> step.rows().size() - step.admitted().size())
              .sum();
      assertThat(running).as("running at %s", planned).isLessThan(2);
    }
    assertThat(plans).isNotEmpty();
  }

  @Test
  void aPlanOfARunningSequenceOrOfOneTwiceIsRefused() {
    BatchPlanner<Stateless> twice =
        planner(
            (view, order) -> {
              order.append(view.firstWaiting());
              order.append(view.firstWaiting());
            });
    assertThatThrownBy(() -> Run.with(policy(twice)).run(FIVE))
        .isInstanceOf(PolicyViolationException.class)
        .hasMessageContaining("for request 'a': it stands in the plan already, at place 0");
    BatchPlanner<Stateless> running =
        planner(
            (view, order) ->
                order.append(view.runningCount() > 0 ? view.running(0) : view.firstWaiting()));
    assertThatThrownBy(() -> Run.with(policy(running)).run(FIVE))
        .isInstanceOf(PolicyViolationException.class)
        .hasMessageContaining("a plan holds queued sequences, but it is not queued");
  }

  @Test
  void aPlanIsWrittenWhilePlanningOnly() {
    List<BatchPlanner.PlannedOrder> kept = new ArrayList<>();
    BatchPlanner<Stateless> keeps = planner((view, order) -> kept.add(order));
    Run.with(policy(keeps)).run(FIVE);
    assertThatThrownBy(() -> kept.get(0).endBatch())
        .isInstanceOf(IllegalStateException.class)
        .hasMessage("a planned order may be written to during plan only");
  }

  private interface Script {
    void plan(BatchView view, BatchPlanner.PlannedOrder order);
  }

  private static BatchPlanner<Stateless> planner(Script script) {
    return new BatchPlanner<>() {
      @Override
      public String id() {
        return "scripted";
      }

      @Override
      public Stateless newState() {
        return Stateless.STATE;
      }

      @Override
      public void plan(Stateless state, BatchView view, PlannedOrder order) {
        script.plan(view, order);
      }

      @Override
      public long nextPlanNanos(Stateless state, BatchView view) {
        return view.nowNanos();
      }
    };
  }

  @Property(seed = "61", tries = 600, edgeCases = EdgeCasesMode.NONE)
  void plannedBatchesNeverOverlap(
      @ForAll Workloads.Engine engine,
      @ForAll List<Job> jobs,
      @ForAll @IntRange(min = 1, max = 4) int batch) {
    // All are there at once and planned once.
    List<Job> atOnce =
        jobs.stream().map(j -> new Job(j.id(), 0, j.prompt(), j.output(), j.maxNew())).toList();
    Run run =
        Run.with(policy(new LastIdFirst(batch, true, Long.MAX_VALUE / 2)))
            .pool(engine.blocks(), engine.blockTokens())
            .limits(engine.maxSequences(), Integer.MAX_VALUE)
            .run(atOnce);
    List<String> order = run.finish().keySet().stream().sorted(Comparator.reverseOrder()).toList();
    Map<String, Integer> batchOf = new HashMap<>();
    for (int i = 0; i < order.size(); i++) {
      batchOf.put(order.get(i), i / batch);
    }
    Set<String> live = new HashSet<>();
    for (Run.Step step : run.steps()) {
      live.addAll(step.admitted());
      assertThat(live.stream().map(batchOf::get).distinct().count()).isLessThanOrEqualTo(1);
      live.removeAll(step.finished());
    }
    Statistics.label("preempts").collect(run.preemptions() > 0);
  }
}
