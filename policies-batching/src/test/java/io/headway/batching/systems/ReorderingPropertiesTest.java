package io.headway.batching.systems;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.within;

import io.headway.api.batching.BatchDraft;
import io.headway.api.batching.BatchView;
import io.headway.api.batching.PreemptionMode;
import io.headway.api.batching.QueueEnd;
import io.headway.api.batching.QueueOrder;
import io.headway.batching.Job;
import io.headway.batching.Observed;
import io.headway.batching.PreemptivePolicies;
import io.headway.batching.Run;
import io.headway.batching.Workloads;
import io.headway.batching.admission.FirstChunkAdmission;
import io.headway.batching.admission.PeakForecastAdmission;
import io.headway.batching.composition.Batching;
import io.headway.batching.composition.ComposedBatchingPolicy;
import io.headway.batching.composition.PreemptiveComposer;
import io.headway.batching.fairness.DeficitPrefixOrder;
import io.headway.batching.fairness.VtcLedger;
import io.headway.batching.order.ApiCallHandling;
import io.headway.batching.order.AttainedServiceOrder;
import io.headway.batching.order.ClientBufferOrder;
import io.headway.batching.order.FirstComeOrder;
import io.headway.batching.order.LearnedRankOrder;
import io.headway.batching.order.MemoryTimeOrder;
import io.headway.batching.order.PredictedTimeOrder;
import io.headway.batching.order.ProgramTable;
import io.headway.batching.order.QualityOfExperience;
import io.headway.batching.order.Quanta;
import io.headway.batching.order.SkipJoinMlfqOrder;
import io.headway.batching.preemption.LastCandidate;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.HashSet;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.TreeMap;
import net.jqwik.api.Assume;
import net.jqwik.api.EdgeCasesMode;
import net.jqwik.api.ForAll;
import net.jqwik.api.Property;
import net.jqwik.api.constraints.DoubleRange;
import net.jqwik.api.constraints.IntRange;
import net.jqwik.api.constraints.Size;
import net.jqwik.api.domains.Domain;
import net.jqwik.api.domains.DomainContext;
import net.jqwik.api.statistics.Statistics;

/** What the papers prove or promise, under the conditions they name. */
@Domain(Workloads.class)
@Domain(DomainContext.Global.class)
class ReorderingPropertiesTest {
  private static final int ALPHA = 7;

  private static SkipJoinMlfqOrder.Parameters mlfq(Quanta quanta, boolean skipJoin, long alpha) {
    return new SkipJoinMlfqOrder.Parameters(
        quanta,
        PreemptivePolicies.TIMES,
        skipJoin,
        alpha,
        QueueEnd.TAIL,
        1,
        SkipJoinMlfqOrder.Demotion.INCLUSIVE,
        skipJoin ? SkipJoinMlfqOrder.Target.FITTING : SkipJoinMlfqOrder.Target.NEXT,
        PreemptionMode.RECOMPUTE);
  }

  private static ComposedBatchingPolicy preemptive(QueueOrder<?> order, int batchSequences) {
    return Batching.order(order)
        .admission(new FirstChunkAdmission())
        .composition(new PreemptiveComposer(batchSequences, 0, PreemptiveComposer.Refused.STOP, -1))
        .preemption(new LastCandidate())
        .build();
  }

  /** As many slots and blocks as anybody could want. */
  private static Run.Setup ample(io.headway.api.batching.BatchingPolicy<?> policy) {
    return Run.with(policy).pool(2_000, 1).limits(64, Integer.MAX_VALUE);
  }

  // ---- skip-join MLFQ

  @Property(seed = "71", tries = 500, edgeCases = EdgeCasesMode.NONE)
  void aFirstIterationFitsTheQuantumJoined(
      @ForAll @IntRange(min = 1, max = 50) int first,
      @ForAll @IntRange(min = 2, max = 5) int ratio,
      @ForAll @IntRange(min = 1, max = 8) int levels,
      @ForAll @IntRange(min = 1, max = 100_000) int iteration) {
    Quanta quanta = Quanta.geometric(first, ratio, levels);
    int joined = quanta.joinLevel(iteration);
    assertThat(joined == levels || quanta.nanos(joined) >= iteration).isTrue();
    assertThat(joined == 1 || quanta.nanos(joined - 1) < iteration).isTrue();
    if (joined < levels) {
      int demoted = quanta.demotedLevel(joined, iteration);
      assertThat(demoted).isGreaterThan(joined);
      assertThat(demoted == levels || quanta.nanos(demoted) >= iteration).isTrue();
    }
  }

  @Property(seed = "72", tries = 600, edgeCases = EdgeCasesMode.NONE)
  void whoHasNotRunForAlphaIsInLevelOneAtTheNextSelection(
      @ForAll List<Job> jobs, @ForAll Workloads.Engine engine) {
    SkipJoinMlfqOrder order = new SkipJoinMlfqOrder(mlfq(PreemptivePolicies.QUANTA, true, ALPHA));
    int[] checked = new int[1];
    Observed policy =
        new Observed(preemptive(order, 1)) {
          private final Map<Integer, Long> lastRun = new HashMap<>();

          @Override
          protected void serving(BatchView view, int s, int prefill, int output) {
            lastRun.put(s, view.nowNanos());
          }

          @Override
          public void onQueued(ComposedBatchingPolicy.State state, BatchView view, int s) {
            super.onQueued(state, view, s);
            if (view.preemptions(s) == 0) {
              lastRun.put(s, view.arrivalNanos(s));
            }
          }

          @Override
          protected void planned(BatchView view, BatchDraft draft) {
            for (int s : live()) {
              if (view.nowNanos() - lastRun.get(s) >= ALPHA) {
                assertThat(of(order).level(s)).isEqualTo(1);
                checked[0]++;
              }
            }
          }
        };
    Run.with(policy)
        .pool(engine.blocks(), engine.blockTokens())
        .limits(engine.maxSequences(), engine.maxTokens())
        .run(jobs);
    Statistics.label("somebody starved")
        .collect(checked[0] > 0)
        .coverage(seen -> seen.check(true).percentage(share -> share > 40));
  }

  @Property(seed = "73", tries = 500, edgeCases = EdgeCasesMode.NONE)
  void theBatchIsAPrefixOfTheOrder(
      @ForAll List<Job> jobs,
      @ForAll @IntRange(min = 1, max = 4) int most,
      @ForAll boolean levels) {
    if (levels) {
      assertPrefix(
          new PredictedTimeOrder(
              new PredictedTimeOrder.Parameters(PreemptivePolicies.TIMES, 2e-9, 2, 3, 5)),
          jobs,
          most);
    } else {
      assertPrefix(new SkipJoinMlfqOrder(mlfq(PreemptivePolicies.QUANTA, true, ALPHA)), jobs, most);
    }
  }

  private static <S> void assertPrefix(QueueOrder<S> order, List<Job> jobs, int most) {
    Observed policy =
        new Observed(preemptive(order, most)) {
          @Override
          protected void planned(BatchView view, BatchDraft draft) {
            List<Integer> all = live();
            all.sort((a, b) -> order.compare(of(order), view, a, b));
            for (int i = 0; i < all.size(); i++) {
              assertThat(draft.scheduledTokens(all.get(i)) > 0).isEqualTo(i < most);
            }
          }
        };
    ample(policy).run(jobs);
  }

  @Property(seed = "74", tries = 300, edgeCases = EdgeCasesMode.NONE)
  void oneLevelIsFirstComeFirstServed(@ForAll List<Job> jobs, @ForAll Workloads.Engine engine) {
    assertThat(
            run(new SkipJoinMlfqOrder(mlfq(Quanta.of(1_000_000), true, 0)), engine, jobs).table())
        .isEqualTo(run(new ByArrival(), engine, jobs).table());
  }

  private static Run run(QueueOrder<?> order, Workloads.Engine engine, List<Job> jobs) {
    return Run.with(preemptive(order, 0))
        .pool(engine.blocks(), engine.blockTokens())
        .limits(engine.maxSequences(), engine.maxTokens())
        .run(jobs);
  }

  /** First come, first served for preempted sequences, too. */
  private static final class ByArrival implements QueueOrder<io.headway.api.Stateless> {
    private final FirstComeOrder order = new FirstComeOrder();

    @Override
    public String id() {
      return order.id();
    }

    @Override
    public io.headway.api.Stateless newState() {
      return order.newState();
    }

    @Override
    public int compare(io.headway.api.Stateless state, BatchView view, int a, int b) {
      return order.compare(state, view, a, b);
    }
  }

  // ---- Autellix

  @Property(seed = "75", tries = 300, edgeCases = EdgeCasesMode.NONE)
  void programsOfOneCallAreServedAsByPlainMlfq(
      @ForAll List<Job> jobs, @ForAll Workloads.Engine engine) {
    AttainedServiceOrder programs =
        new AttainedServiceOrder(
            new AttainedServiceOrder.Parameters(
                AttainedServiceOrder.Scope.PLAS, PreemptivePolicies.QUANTA, 0, 1, 10));
    SkipJoinMlfqOrder plain = new SkipJoinMlfqOrder(mlfq(PreemptivePolicies.QUANTA, false, 0));
    assertThat(run(programs, engine, jobs).table()).isEqualTo(run(plain, engine, jobs).table());
  }

  @Property(seed = "76", tries = 300, edgeCases = EdgeCasesMode.NONE)
  void prioritiesNeverFallAlongAPath(
      @ForAll @Size(min = 1, max = 12) List<@IntRange(min = 0, max = 1000) Integer> services,
      @ForAll @Size(min = 12, max = 12) List<@IntRange(min = 0, max = 4095) Integer> parents) {
    ProgramTable table = new ProgramTable(100);
    long[] priority = new long[services.size()];
    long total = 0;
    for (int c = 0; c < services.size(); c++) {
      for (int p = 0; p < c; p++) {
        if ((parents.get(c) >> p & 1) == 1) {
          priority[c] = Math.max(priority[c], table.pathNanos("c" + p));
        }
      }
      table.finished("program", "c" + c, priority[c], services.get(c), 0);
      total += services.get(c);
      for (int p = 0; p < c; p++) {
        if ((parents.get(c) >> p & 1) == 1) {
          assertThat(priority[c]).isGreaterThanOrEqualTo(priority[p] + services.get(p));
        }
      }
    }
    assertThat(table.attainedNanos("program")).isEqualTo(total);
  }

  @Property(seed = "77", tries = 500, edgeCases = EdgeCasesMode.NONE)
  void aProgramGoesOnInTheLevelItsCallsHaveReached(
      @ForAll @IntRange(min = 0, max = 300) int attained) {
    Quanta quanta = Quanta.of(1, 2, 4, 8, 16);
    int level = quanta.levelOfAttained(attained);
    long before = 0;
    for (int l = 1; l < level; l++) {
      before += quanta.nanos(l);
    }
    assertThat((long) attained).isGreaterThanOrEqualTo(before);
    assertThat(level == 5 || attained < before + quanta.nanos(level)).isTrue();
  }

  // ---- learning to rank

  @Property(seed = "78", tries = 500, edgeCases = EdgeCasesMode.NONE)
  void promotedSequencesRunTheirPeriodBeforeAnybodyElse(
      @ForAll List<Job> jobs,
      @ForAll @IntRange(min = 1, max = 5) int starvation,
      @ForAll @IntRange(min = 1, max = 4) int period,
      @ForAll @IntRange(min = 1, max = 3) int slots) {
    LearnedRankOrder order = new LearnedRankOrder(starvation, period);
    int[] promotedSeen = new int[1];
    Observed policy =
        new Observed(preemptive(order, slots)) {
          private final Map<Integer, Integer> ran = new HashMap<>();
          private final Map<Integer, Integer> promotions = new HashMap<>();
          private final Set<Integer> promoted = new HashSet<>();

          @Override
          protected void serving(BatchView view, int s, int prefill, int output) {
            ran.merge(s, 1, Integer::sum);
          }

          @Override
          public void onEnded(
              ComposedBatchingPolicy.State state,
              BatchView view,
              int s,
              io.headway.api.batching.End end) {
            super.onEnded(state, view, s, end);
            promoted.remove(s);
            promotions.remove(s);
          }

          @Override
          protected void planned(BatchView view, BatchDraft draft) {
            LearnedRankOrder.State state = of(order);
            boolean leftOut = false;
            boolean othersRun = false;
            for (int s : live()) {
              boolean again = state.promotions(s) > promotions.getOrDefault(s, 0);
              promotions.put(s, state.promotions(s));
              if (again) {
                ran.put(s, 0);
                promoted.add(s);
                promotedSeen[0]++;
              }
              if (promoted.contains(s) && ran.getOrDefault(s, 0) < period) {
                assertThat(state.isPromoted(s)).as("promoted until its period is over").isTrue();
              } else if (promoted.remove(s)) {
                assertThat(state.isPromoted(s)).as("demoted after its period").isFalse();
              }
              boolean runs = draft.scheduledTokens(s) > 0;
              leftOut |= state.isPromoted(s) && !runs;
              othersRun |= !state.isPromoted(s) && runs;
            }
            assertThat(leftOut && othersRun).as("a promoted one waits for a slot").isFalse();
          }
        };
    ample(policy).run(jobs);
    Statistics.label("promotions")
        .collect(promotedSeen[0] > 0)
        .coverage(seen -> seen.check(true).percentage(share -> share > 40));
  }

  @Property(seed = "79", tries = 200, edgeCases = EdgeCasesMode.NONE)
  void onlyRanksMatter(@ForAll List<Job> jobs, @ForAll Workloads.Engine engine) {
    List<Job> predicted = new ArrayList<>();
    List<Job> transformed = new ArrayList<>();
    for (Job job : jobs) {
      int rank = Math.max(1, job.predicted());
      predicted.add(job.withPrediction(rank));
      transformed.add(job.withPrediction(rank * rank * 3 + 1));
    }
    assertThat(run(new LearnedRankOrder(3, 2), engine, transformed).table())
        .isEqualTo(run(new LearnedRankOrder(3, 2), engine, predicted).table());
  }

  // ---- SSJF

  @Property(seed = "80", tries = 300, edgeCases = EdgeCasesMode.NONE)
  void exactPredictionsMinimiseTheMeanCompletionTimeOnOneServer(
      @ForAll @Size(min = 1, max = 6) List<@IntRange(min = 1, max = 9) Integer> outputs) {
    List<Job> jobs = new ArrayList<>();
    for (int i = 0; i < outputs.size(); i++) {
      jobs.add(new Job("r" + i, 0, 1, outputs.get(i), 9).withPrediction(outputs.get(i)));
    }
    Run run = Run.with(Ssjf.DEFAULT.policy()).pool(100, 1).limits(1, 100).run(jobs);
    int total = run.finish().values().stream().mapToInt(end -> end + 1).sum();
    assertThat(total).isEqualTo(leastTotal(outputs));
  }

  /** By trying all orders. */
  private static int leastTotal(List<Integer> outputs) {
    return least(new ArrayList<>(outputs), 0);
  }

  private static int least(List<Integer> left, int now) {
    if (left.isEmpty()) {
      return 0;
    }
    int best = Integer.MAX_VALUE;
    for (int i = 0; i < left.size(); i++) {
      List<Integer> rest = new ArrayList<>(left);
      int end = now + rest.remove(i);
      best = Math.min(best, end + least(rest, end));
    }
    return best;
  }

  // ---- Past-Future

  private static PastFuture pastFuture(PeakForecastAdmission.Forecast forecast) {
    return new PastFuture(
        PeakForecastAdmission.Parameters.DEFAULT.withForecast(forecast).withReserveFraction(0), 1);
  }

  @Property(seed = "81", tries = 500, edgeCases = EdgeCasesMode.NONE)
  void nobodyIsEvictedWhenPredictionsHold(@ForAll List<Job> jobs, @ForAll Workloads.Engine engine) {
    List<Job> exact = jobs.stream().map(job -> job.withPrediction(job.output())).toList();
    Run predicted =
        Run.with(pastFuture(PeakForecastAdmission.Forecast.PREDICTED).policy())
            .pool(engine.blocks(), engine.blockTokens())
            .limits(engine.maxSequences(), engine.maxTokens())
            .run(exact);
    assertThat(predicted.preemptions()).isZero();
    Run declared =
        Run.with(pastFuture(PeakForecastAdmission.Forecast.DECLARED).policy())
            .pool(engine.blocks(), engine.blockTokens())
            .limits(engine.maxSequences(), engine.maxTokens())
            .run(jobs);
    assertThat(declared.preemptions()).isZero();
    Run artifact =
        Run.with(new Vtc(VtcLedger.Parameters.DEFAULT, Vtc.Fits.PEAK, 1).policy())
            .pool(engine.blocks(), engine.blockTokens())
            .limits(engine.maxSequences(), engine.maxTokens())
            .run(jobs);
    assertThat(artifact.preemptions()).isZero();
  }

  @Property(seed = "82", tries = 200, edgeCases = EdgeCasesMode.NONE)
  void newRequestsAreConsideredEverySoManyIterations(@ForAll List<Job> jobs) {
    Run run =
        Run.with(new Vtc(VtcLedger.Parameters.DEFAULT, Vtc.Fits.RESERVE, 4).policy())
            .pool(500, 1)
            .limits(2, Integer.MAX_VALUE)
            .run(jobs);
    int last = Integer.MIN_VALUE;
    Set<String> running = new HashSet<>();
    for (Run.Step step : run.steps()) {
      if (!step.admitted().isEmpty()) {
        assertThat(running.isEmpty() || step.iteration() - last >= 4).isTrue();
        last = step.iteration();
      }
      running.addAll(step.admitted());
      running.removeAll(step.finished());
    }
  }

  // ---- DLPM

  @Property(seed = "83", tries = 300, edgeCases = EdgeCasesMode.NONE)
  void tenantsBackloggedTogetherDifferByAtMostTheBound(
      @ForAll @IntRange(min = 1, max = 60) int quantum,
      @ForAll @IntRange(min = 16, max = 60) int capacity,
      @ForAll @Size(min = 20, max = 50) List<@IntRange(min = 0, max = 59) Integer> shapes) {
    List<Job> jobs = new ArrayList<>();
    int longest = 0;
    for (int i = 0; i < shapes.size(); i++) {
      int prompt = 1 + shapes.get(i) % 10;
      int output = 1 + shapes.get(i) / 10;
      longest = Math.max(longest, prompt);
      String tenant = i % 2 == 0 ? "a" : "b";
      jobs.add(new Job("r" + (100 + i), 0, prompt, output, output).withTenant(tenant));
    }
    DeficitPrefixOrder order =
        new DeficitPrefixOrder(new DeficitPrefixOrder.Parameters(quantum, 1, 2, Map.of()));
    double bound = DeficitPrefixOrder.serviceBound(quantum, 1, 2, longest, capacity);
    double[] greatest = new double[1];
    ComposedBatchingPolicy composed =
        Batching.order(order)
            .admission(io.headway.batching.admission.WholeOutputAdmission.declared())
            .composition(new io.headway.batching.composition.IterationLevelComposer())
            .build();
    Observed policy =
        new Observed(composed) {
          private final Map<String, Double> service = new TreeMap<>(Map.of("a", 0.0, "b", 0.0));

          private void add(BatchView view, int s, double amount) {
            service.merge(view.tenantName(view.tenant(s)), amount, Double::sum);
          }

          @Override
          protected void admitting(BatchView view, int s) {
            assertThat(of(order).deficit(view.tenant(s))).as("credit at admission").isPositive();
            add(view, s, view.promptTokens(s));
          }

          @Override
          protected void serving(BatchView view, int s, int prefill, int output) {
            add(view, s, 2.0 * output);
          }

          @Override
          protected void planned(BatchView view, BatchDraft draft) {
            Set<String> waiting = new HashSet<>();
            for (int s = view.firstWaiting(); s != BatchView.NONE; s = view.nextWaiting(s)) {
              waiting.add(view.tenantName(view.tenant(s)));
              assertThat(of(order).deficit(view.tenant(s))).isLessThanOrEqualTo(quantum);
            }
            if (waiting.size() == 2) {
              double difference = Math.abs(service.get("a") - service.get("b"));
              greatest[0] = Math.max(greatest[0], difference / bound);
              assertThat(difference).isLessThanOrEqualTo(bound);
            }
          }
        };
    Run.with(policy).pool(capacity, 1).limits(64, Integer.MAX_VALUE).run(jobs);
    Statistics.label("tightness above a tenth")
        .collect(greatest[0] > 0.1)
        .coverage(seen -> seen.check(true).percentage(share -> share > 30));
  }

  // ---- ALISE, Andes, TokenFlow, LAMPS

  @Property(seed = "84", tries = 300, edgeCases = EdgeCasesMode.NONE)
  void estimatedWaitsNeverFallAlongTheOrder(
      @ForAll @Size(max = 20) List<@IntRange(min = 0, max = 100) Integer> times,
      @ForAll @IntRange(min = 1, max = 4) int slots) {
    double[] seconds = times.stream().mapToDouble(t -> t / 10.0).toArray();
    double[] waits = PredictedTimeOrder.estimatedWaitSeconds(seconds, slots);
    double ahead = 0;
    for (int i = 0; i < waits.length; i++) {
      assertThat(waits[i]).isCloseTo(ahead / slots, within(1e-9));
      ahead += seconds[i];
    }
  }

  @Property(seed = "85", tries = 500, edgeCases = EdgeCasesMode.NONE)
  void qualityIsAFractionAndDelayNeverRaisesIt(
      @ForAll @Size(min = 2, max = 15) List<@IntRange(min = 0, max = 30) Integer> gaps,
      @ForAll @IntRange(min = 0, max = 13) int delayed,
      @ForAll @DoubleRange(min = 0.1, max = 10) double speed,
      @ForAll @DoubleRange(min = 0, max = 3) double first) {
    double[] deliveries = new double[gaps.size()];
    double now = 0;
    for (int i = 0; i < deliveries.length; i++) {
      now += gaps.get(i) / 10.0;
      deliveries[i] = now;
    }
    double quality = QualityOfExperience.of(deliveries, first, speed);
    assertThat(quality).isBetween(0.0, 1.0);
    Assume.that(delayed < deliveries.length - 1);
    double[] later = deliveries.clone();
    later[delayed] = deliveries[delayed + 1];
    double[] digestedBefore = QualityOfExperience.digestSeconds(deliveries, speed);
    double[] digestedAfter = QualityOfExperience.digestSeconds(later, speed);
    int last = deliveries.length - 1;
    Assume.that(digestedAfter[last] == digestedBefore[last]);
    assertThat(QualityOfExperience.of(later, first, speed)).isLessThanOrEqualTo(quality + 1e-12);
  }

  @Property(seed = "86", tries = 400, edgeCases = EdgeCasesMode.NONE)
  void nobodyYieldsToAWaitingOneWhoseBufferWouldRunDry(@ForAll List<Job> jobs) {
    double moveSecondsPerToken = 2e-10;
    ClientBufferOrder order =
        new ClientBufferOrder(
            new ClientBufferOrder.Parameters(4e8, moveSecondsPerToken, PreemptionMode.RECOMPUTE));
    ComposedBatchingPolicy composed =
        Batching.order(order)
            .admission(new FirstChunkAdmission())
            .composition(new PreemptiveComposer(0, 0, PreemptiveComposer.Refused.SKIP, -1))
            .preemption(order)
            .build();
    int[] preemptions = new int[1];
    Observed policy =
        new Observed(composed) {
          @Override
          protected void preempting(BatchView view, int s) {
            preemptions[0]++;
            double move = moveSecondsPerToken * view.computedTokens(s) * 1e9;
            assertThat((double) order.bufferNanos(of(order), view, s)).isGreaterThan(move);
          }
        };
    // Blocks are ample, so whoever yields does it for the slot of a waiting one.
    Run.with(policy).pool(2_000, 1).limits(2, Integer.MAX_VALUE).run(jobs);
    Statistics.label("preempts")
        .collect(preemptions[0] > 0)
        .coverage(seen -> seen.check(true).percentage(share -> share > 20));
  }

  @Property(seed = "87", tries = 300, edgeCases = EdgeCasesMode.NONE)
  void longerCallsNeverTurnBackToPreserving(
      @ForAll @IntRange(min = 1, max = 5000) int context,
      @ForAll @IntRange(min = 0, max = 20_000) int others,
      @ForAll @DoubleRange(min = 0, max = 1) double forward,
      @ForAll @DoubleRange(min = 0, max = 1) double swap) {
    boolean left = false;
    for (double api = 0; api < 40; api += 0.5) {
      ApiCallHandling choice = ApiCallHandling.choose(context, others, api, forward, swap);
      assertThat(left && choice == ApiCallHandling.PRESERVE).isFalse();
      left |= choice != ApiCallHandling.PRESERVE;
      for (ApiCallHandling other : ApiCallHandling.values()) {
        // Wastes that rounding alone tells apart are a tie.
        assertThat(choice.wasteTokenSeconds(context, others, api, forward, swap))
            .isLessThanOrEqualTo(
                other.wasteTokenSeconds(context, others, api, forward, swap) * (1 + 1e-9));
      }
    }
  }

  @Property(seed = "88", tries = 400, edgeCases = EdgeCasesMode.NONE)
  void whoWasLeftOutTooLongGoesFirstUntilItIsDone(
      @ForAll List<Job> jobs, @ForAll @IntRange(min = 1, max = 3) int slots) {
    int starvation = 5;
    MemoryTimeOrder order =
        new MemoryTimeOrder(
            new MemoryTimeOrder.Parameters(PreemptivePolicies.TIMES, 1e-10, starvation, 2));
    Observed policy =
        new Observed(preemptive(order, slots)) {
          private final Map<Integer, Long> idleSince = new HashMap<>();
          private final Set<Integer> first = new HashSet<>();

          @Override
          public void onQueued(ComposedBatchingPolicy.State state, BatchView view, int s) {
            super.onQueued(state, view, s);
            if (view.preemptions(s) == 0) {
              idleSince.put(s, view.iteration());
              first.remove(s);
            }
          }

          @Override
          protected void serving(BatchView view, int s, int prefill, int output) {
            idleSince.put(s, view.iteration());
          }

          @Override
          protected void planned(BatchView view, BatchDraft draft) {
            for (int s : live()) {
              if (view.iteration() - idleSince.get(s) >= starvation) {
                first.add(s);
              }
              assertThat(of(order).goesFirst(s)).isEqualTo(first.contains(s));
            }
          }
        };
    ample(policy).run(jobs);
  }
}
