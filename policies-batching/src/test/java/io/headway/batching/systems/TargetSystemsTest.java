package io.headway.batching.systems;

import static org.assertj.core.api.Assertions.assertThat;

import io.headway.api.Request;
import io.headway.api.batching.BatchView;
import io.headway.api.batching.PreemptionMode;
import io.headway.batching.Job;
import io.headway.batching.Run;
import io.headway.batching.Watched;
import io.headway.batching.Workloads;
import io.headway.batching.Workloads.Engine;
import io.headway.batching.admission.SloAdmission;
import io.headway.batching.admission.WholePromptAdmission;
import io.headway.batching.composition.Batching;
import io.headway.batching.composition.ComposedBatchingPolicy;
import io.headway.batching.composition.FairBatchingComposer;
import io.headway.batching.composition.FlexComposer;
import io.headway.batching.composition.LatencyProfile;
import io.headway.batching.composition.LinearBatchTime;
import io.headway.batching.composition.SloTiersComposer;
import io.headway.batching.fairness.EquinoxLedger;
import io.headway.batching.fairness.VtcLedger;
import io.headway.batching.order.TokenDeadlineOrder;
import io.headway.batching.order.TokenTargets;
import io.headway.batching.preemption.LastCandidate;
import io.headway.memory.pool.PagedKvBlockPool;
import io.headway.memory.pool.PagedKvConfig;
import io.headway.runtime.BatchPlan;
import io.headway.runtime.EngineScheduler;
import io.headway.runtime.Limits;
import io.headway.runtime.StepResult;
import java.util.ArrayList;
import java.util.Comparator;
import java.util.HashMap;
import java.util.HashSet;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.TreeMap;
import net.jqwik.api.EdgeCasesMode;
import net.jqwik.api.ForAll;
import net.jqwik.api.Property;
import net.jqwik.api.constraints.IntRange;
import net.jqwik.api.constraints.Size;
import net.jqwik.api.domains.Domain;
import net.jqwik.api.domains.DomainContext;
import net.jqwik.api.statistics.Statistics;
import org.junit.jupiter.api.Test;

/** What holds for the systems that keep targets, under exactly their conditions. */
@Domain(Workloads.class)
@Domain(DomainContext.Global.class)
class TargetSystemsTest {
  @Property(seed = "51", tries = 300, edgeCases = EdgeCasesMode.NONE)
  void fairBatchingWithoutSlackIsSarathiServe(
      @ForAll List<Job> jobs,
      @ForAll @IntRange(min = 4, max = 16) int budget,
      @ForAll @IntRange(min = 1, max = 4) int sequences) {
    FairBatchingComposer.Parameters noSlack =
        new FairBatchingComposer.Parameters(
            new TokenTargets(0, 0),
            new LinearBatchTime(0, 1, 0),
            budget,
            budget,
            FairBatchingComposer.NEXT_BATCH_OF_DECODES);
    Run fair =
        Run.with(new FairBatching(noSlack, 0.01).policy())
            .pool(1000, 4)
            .limits(sequences, Integer.MAX_VALUE)
            .run(jobs);
    Run sarathi =
        Run.with(new SarathiServe(budget, 0.01).policy())
            .pool(1000, 4)
            .limits(sequences, Integer.MAX_VALUE)
            .run(jobs);
    assertThat(fair.table()).isEqualTo(sarathi.table());
  }

  @Property(seed = "52", tries = 500, edgeCases = EdgeCasesMode.NONE)
  void fairBatchesStayWithinTheirBudgetAndLeaveNoUrgentDecodeOutThatFits(
      @ForAll Engine engine, @ForAll List<Job> jobs) {
    TokenTargets targets = new TokenTargets(6, 2);
    LinearBatchTime time = new LinearBatchTime(0.2, 0.1, 0.02);
    FairBatchingComposer fair =
        new FairBatchingComposer(new FairBatchingComposer.Parameters(targets, time, 1, 3, 2));
    int[] urgentLeftOut = new int[1];
    Watched.Composer<FairBatchingComposer.State> watched =
        new Watched.Composer<>(
            fair,
            (state, context) -> {
              BatchView view = context.view();
              if (context.draft().batchSequences() > 1) {
                assertThat(state.predictedNanos()).isLessThanOrEqualTo(state.budgetNanos() + 1e-6);
              }
              if (context.draft().preemptions() > 0) {
                return;
              }
              // The urgent ones come first, so that only urgent ones can have taken their room.
              long tokens = 0;
              long held = 0;
              List<Integer> urgent = new ArrayList<>();
              for (int i = 0; i < view.runningCount(); i++) {
                int s = view.running(i);
                boolean isUrgent =
                    view.decoding(s)
                        && view.needTokens(s) > 0
                        && targets.dueNanos(view, s) - view.nowNanos() < 2;
                if (isUrgent) {
                  urgent.add(s);
                  if (context.draft().scheduledTokens(s) > 0) {
                    tokens++;
                    held += view.computedTokens(s);
                  }
                }
              }
              for (int s : urgent) {
                if (context.draft().scheduledTokens(s) == 0) {
                  urgentLeftOut[0]++;
                  assertThat(
                          time.fits(state.budgetNanos(), tokens + 1, held + view.computedTokens(s)))
                      .isFalse();
                }
              }
            });
    Run.with(
            Batching.order(new TokenDeadlineOrder(targets))
                .admission(new WholePromptAdmission(0.01))
                .composition(watched)
                .preemption(new LastCandidate())
                .build())
        .pool(engine.blocks(), engine.blockTokens())
        .limits(engine.maxSequences(), Integer.MAX_VALUE)
        .run(jobs);
    Statistics.label("urgent left out")
        .collect(urgentLeftOut[0] > 0)
        .coverage(seen -> seen.check(true).percentage(share -> share > 1));
  }

  /** One request of a question to {@link SloAdmission}. */
  private record Asked(int prefill, int deadline, int tpot, int memory) {}

  @Test
  void aTargetOfNoTimeIsNeverPromised() {
    SloAdmission planner = new SloAdmission(0, 1);
    planner.begin(10, 5, Integer.MAX_VALUE);
    planner.add(7, 0, 3, 100, 0, 1);
    assertThat(planner.solve()).isTrue();
    assertThat(planner.admittedCount()).isZero();
  }

  @Test
  void aDeadlineBeyondAllTimesLeavesRoomForEverything() {
    SloAdmission planner = new SloAdmission(0, 1e-3);
    planner.begin(10, 5, Integer.MAX_VALUE);
    planner.add(7, 0, 3, Long.MAX_VALUE, 1000000, 1);
    assertThat(planner.solve()).isTrue();
    assertThat(planner.admittedCount()).isOne();
  }

  @Property(seed = "53", tries = 400, edgeCases = EdgeCasesMode.NONE)
  void slosServeAdmitsTheLargestFeasibleSet(
      @ForAll @Size(min = 1, max = 7) List<@IntRange(min = 0, max = 9999) Integer> seeds,
      @ForAll @IntRange(min = 2, max = 20) int memory,
      @ForAll @IntRange(max = 3) int required) {
    List<Asked> asked = new ArrayList<>();
    for (int seed : seeds) {
      asked.add(
          new Asked(1 + seed % 10, 3 + seed / 10 % 10 * 3, 3 + seed / 100 % 3, 1 + seed / 1000));
    }
    SloAdmission planner = new SloAdmission(1, 0.5);
    planner.begin(memory, 5, Integer.MAX_VALUE);
    int first = Math.min(required, asked.size());
    for (int i = 0; i < asked.size(); i++) {
      Asked each = asked.get(i);
      if (i < first) {
        planner.require(each.prefill, each.deadline, each.tpot, each.memory);
      } else {
        planner.add(i, i, each.prefill, each.deadline, each.tpot, each.memory);
      }
    }
    boolean feasible = planner.solve();
    int best = -1;
    int leastPrefill = Integer.MAX_VALUE;
    for (int set = 0; set < 1 << asked.size(); set++) {
      boolean hasRequired = (set & ((1 << first) - 1)) == (1 << first) - 1;
      if (!hasRequired || !feasible(asked, set, memory, 5)) {
        continue;
      }
      int size = Integer.bitCount(set) - first;
      int prefill = prefill(asked, set);
      if (size > best || (size == best && prefill < leastPrefill)) {
        best = size;
        leastPrefill = prefill;
      }
    }
    assertThat(feasible).isEqualTo(best >= 0);
    assertThat(planner.admittedCount()).isEqualTo(Math.max(0, best));
    int members = (1 << first) - 1;
    for (int i = 0; i < planner.admittedCount(); i++) {
      members |= 1 << planner.admitted(i);
    }
    if (best >= 0) {
      assertThat(feasible(asked, members, memory, 5)).isTrue();
      assertThat(prefill(asked, members)).isEqualTo(leastPrefill);
    }
  }

  private static int prefill(List<Asked> asked, int set) {
    int sum = 0;
    for (int i = 0; i < asked.size(); i++) {
      sum += (set >> i & 1) * asked.get(i).prefill;
    }
    return sum;
  }

  /** The definition, word for word. */
  private static boolean feasible(List<Asked> asked, int set, int memory, int most) {
    List<Asked> members = new ArrayList<>();
    for (int i = 0; i < asked.size(); i++) {
      if ((set >> i & 1) == 1) {
        members.add(asked.get(i));
      }
    }
    if (members.isEmpty()) {
      return true;
    }
    int tau = members.stream().mapToInt(Asked::tpot).min().orElseThrow();
    int room = (int) Math.floor((tau - 1) / 0.5) - members.size();
    members.sort(Comparator.comparingInt(Asked::deadline));
    int sum = 0;
    boolean inTime = true;
    for (Asked member : members) {
      sum += member.prefill;
      int behind = sum;
      // Of equal deadlines the order does not matter only if all of them are counted.
      inTime &= behind <= member.deadline / tau * room;
    }
    return room >= 0
        && inTime
        && members.size() <= most
        && members.stream().mapToInt(Asked::memory).sum() <= memory;
  }

  @Property(seed = "54", tries = 300, edgeCases = EdgeCasesMode.NONE)
  void slosServeKeepsWhatItPromised(
      @ForAll List<Job> jobs,
      @ForAll @IntRange(min = 1, max = 6) int sequences,
      @ForAll @IntRange(min = 20, max = 60) int blocks) {
    long fixed = 10;
    long perToken = 5;
    TokenTargets targets = new TokenTargets(250, 60);
    SloTiersComposer tiers =
        new SloTiersComposer(new SloTiersComposer.Parameters(targets, fixed, perToken, 16));
    Set<String> promised = new HashSet<>();
    Set<String> lost = new HashSet<>();
    Watched.Composer<SloTiersComposer.State> watched =
        new Watched.Composer<>(
            tiers,
            (state, context) -> {
              BatchView view = context.view();
              for (int s = view.firstWaiting(); s != BatchView.NONE; s = view.nextWaiting(s)) {
                note(state, view, s, promised, lost);
              }
              for (int i = 0; i < view.runningCount(); i++) {
                note(state, view, view.running(i), promised, lost);
              }
            });
    EngineScheduler scheduler =
        EngineScheduler.builder()
            .policy(
                Batching.order(new TokenDeadlineOrder(targets))
                    .admission(new WholePromptAdmission(0))
                    .composition(watched)
                    .preemption(new LastCandidate())
                    .build())
            .limits(Limits.of(sequences, Integer.MAX_VALUE))
            .pool(PagedKvBlockPool.of(PagedKvConfig.of(1, blocks).withPrefixCaching(false)))
            .strict()
            .build();
    Map<String, Job> byId = new HashMap<>();
    jobs.forEach(job -> byId.put(job.id(), job));
    List<Job> pending = new ArrayList<>(jobs);
    pending.sort(Comparator.comparingInt(Job::arrival).thenComparing(Job::id));
    Map<String, List<Long>> tokens = new TreeMap<>();
    Map<String, Integer> produced = new HashMap<>();
    long now = 0;
    long arrivalUnit = 40;
    while (!pending.isEmpty() || !scheduler.isIdle()) {
      while (!pending.isEmpty() && pending.get(0).arrival() * arrivalUnit <= now) {
        scheduler.submit(pending.remove(0).request(arrivalUnit), now);
      }
      if (scheduler.isIdle()) {
        now = Math.max(now, pending.isEmpty() ? now : pending.get(0).arrival() * arrivalUnit);
        continue;
      }
      BatchPlan plan = scheduler.next(now);
      now += fixed + perToken * plan.tokens();
      StepResult result = new StepResult().begin(plan);
      for (int row = 0; row < plan.rows(); row++) {
        if (plan.emits(row)) {
          String id = scheduler.request(plan.handle(row)).id();
          result.token(row, 0);
          tokens.computeIfAbsent(id, i -> new ArrayList<>()).add(now);
          if (produced.merge(id, 1, Integer::sum) == byId.get(id).output()) {
            result.stop(row);
          }
        }
      }
      scheduler.complete(result, now);
    }
    assertThat(lost).as("promises taken back").isEmpty();
    for (String id : promised) {
      List<Long> times = tokens.get(id);
      Request request = byId.get(id).request(arrivalUnit);
      assertThat(times.get(0) - request.arrivalNanos())
          .as("TTFT of " + id)
          .isLessThanOrEqualTo(250);
      for (int i = 1; i < times.size(); i++) {
        assertThat(times.get(i) - times.get(i - 1)).as("TPOT of " + id).isLessThanOrEqualTo(60);
      }
    }
    Statistics.label("declines")
        .collect(promised.size() < tokens.size())
        .coverage(seen -> seen.check(true).percentage(share -> share > 15));
    Statistics.label("promises")
        .collect(!promised.isEmpty())
        .coverage(seen -> seen.check(true).percentage(share -> share > 50));
  }

  private static void note(
      SloTiersComposer.State state,
      BatchView view,
      int sequence,
      Set<String> promised,
      Set<String> lost) {
    String id = view.request(sequence).id();
    if (state.isPromised(sequence)) {
      promised.add(id);
    } else if (promised.contains(id)) {
      lost.add(id);
    }
  }

  @Property(seed = "55", tries = 300, edgeCases = EdgeCasesMode.NONE)
  void equinoxByTokensAloneIsVtc(
      @ForAll Engine engine, @ForAll List<Job> jobs, @ForAll boolean predicts) {
    Equinox equinox =
        new Equinox(
            new EquinoxLedger.Parameters(
                1,
                0,
                new EquinoxLedger.DiscountedTokens(1, 2, 0),
                EquinoxLedger.DeviceSeconds.DEFAULT,
                0.02,
                predicts));
    Vtc vtc =
        new Vtc(
            VtcLedger.Parameters.DEFAULT.withPrediction(
                predicts ? VtcLedger.Prediction.REQUEST : VtcLedger.Prediction.NONE));
    assertThat(reserving(equinox.policy(), engine, jobs).table())
        .isEqualTo(reserving(vtc.policy(), engine, jobs).table());
  }

  private static Run reserving(ComposedBatchingPolicy policy, Engine engine, List<Job> jobs) {
    return Run.with(policy)
        .pool(engine.blocks() * engine.blockTokens(), 1)
        .limits(engine.maxSequences(), Integer.MAX_VALUE)
        .run(jobs);
  }

  @Property(seed = "56", tries = 400, edgeCases = EdgeCasesMode.NONE)
  void shepherdPreemptsOnlyForAMuchLargerBatch(
      @ForAll List<Job> jobs, @ForAll @IntRange(min = 1, max = 3) int ratio) {
    // Targets that nobody can miss and memory for everybody: a batch is the whole queue.
    FlexComposer.Parameters flex =
        new FlexComposer.Parameters(ratio, new TokenTargets(1_000_000, 1_000_000), 1, 1);
    Run run =
        Run.with(new Shepherd(flex).policy())
            .pool(10_000, 1)
            .limits(16, Integer.MAX_VALUE)
            .run(jobs);
    int running = 0;
    for (Run.Step step : run.steps()) {
      if (!step.admitted().isEmpty()) {
        if (!step.preempted().isEmpty()) {
          Set<String> fresh = new HashSet<>(step.admitted());
          fresh.removeAll(step.preempted());
          assertThat(fresh.size()).isGreaterThanOrEqualTo(ratio * running);
        }
        running = step.admitted().size();
      } else {
        assertThat(step.preempted()).isEmpty();
      }
    }
    Statistics.label("preempts")
        .collect(run.preemptions() > 0)
        .coverage(seen -> seen.check(true).percentage(share -> share > 15));
  }

  @Property(seed = "57", tries = 500, edgeCases = EdgeCasesMode.NONE)
  void onlineWorkUnderConServeIsAsIfAlone(
      @ForAll Engine engine,
      @ForAll List<Job> jobs,
      @ForAll @IntRange(min = 3, max = 12) int budget,
      @ForAll boolean swaps) {
    ConServe conServe =
        new ConServe(
            LatencyProfile.parse("1:0.1," + budget + ":0.2," + 10 * budget + ":0.3"),
            200_000_000,
            swaps ? PreemptionMode.SWAP : PreemptionMode.RECOMPUTE,
            0.01);
    List<Job> online = jobs.stream().filter(job -> job.isInteractive()).toList();
    Run mixed = lanes(conServe.policy(), engine, jobs);
    Run alone = lanes(conServe.policy(), engine, online);
    if (!swaps) {
      assertThat(lanes(new SarathiServe(budget, 0.01).policy(), engine, online).table())
          .isEqualTo(alone.table());
    }
    for (Job job : online) {
      assertThat(mixed.firstToken().get(job.id())).isEqualTo(alone.firstToken().get(job.id()));
      assertThat(mixed.finish().get(job.id())).isEqualTo(alone.finish().get(job.id()));
    }
    if (swaps) {
      // Nothing of an offline prompt is computed twice while the host has room.
      Map<String, Integer> computed = new HashMap<>();
      mixed.steps().stream()
          .flatMap(step -> step.rows().stream())
          .forEach(row -> computed.merge(row.id(), row.tokens(), Integer::sum));
      for (Job job : jobs) {
        boolean offline = !job.isInteractive();
        if (offline && mixed.finish().containsKey(job.id())) {
          assertThat(computed.get(job.id())).isEqualTo(job.prompt() + job.output() - 1);
        }
      }
    }
    Statistics.label("preempts")
        .collect(mixed.preemptions() > 0)
        .coverage(seen -> seen.check(true).percentage(share -> share > 15));
  }

  private static Run lanes(ComposedBatchingPolicy policy, Engine engine, List<Job> jobs) {
    return Run.with(policy)
        .pool(engine.blocks(), engine.blockTokens())
        .host(10 * engine.blocks())
        .limits(engine.maxSequences(), Integer.MAX_VALUE)
        .run(jobs);
  }
}
