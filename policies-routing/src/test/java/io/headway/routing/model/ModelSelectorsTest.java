package io.headway.routing.model;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;
import static org.assertj.core.api.Assertions.within;

import io.headway.api.Decision;
import io.headway.api.RandomSource;
import io.headway.api.Request;
import io.headway.api.config.PolicyRegistry;
import io.headway.api.routing.ModelSelector;
import io.headway.api.routing.RejectCode;
import java.util.Arrays;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Random;
import net.jqwik.api.ForAll;
import net.jqwik.api.Property;
import net.jqwik.api.constraints.DoubleRange;
import net.jqwik.api.constraints.IntRange;
import org.jspecify.annotations.Nullable;
import org.junit.jupiter.api.Test;

/** Tiers, thresholds, cascades and compute budgets, against their rules and by random models. */
class ModelSelectorsTest {
  private static final String SEED = "20261130";
  private static final PolicyRegistry POLICIES = PolicyRegistry.of(new ModelSelectors());

  private static ModelSelector<?> policy(String spec) {
    return POLICIES.create(Decision.MODEL_SELECTION, spec, ModelSelector.class);
  }

  private static <S> Draft choose(ModelSelector<S> policy, Request request, View view) {
    return choose(policy, policy.newState(), request, view);
  }

  private static <S> Draft choose(ModelSelector<S> policy, S state, Request request, View view) {
    Draft draft = new Draft();
    policy.choose(state, request, view, draft);
    assertThat(draft.writes).as("one decision per request").isEqualTo(1);
    return draft;
  }

  private static <S> int escalate(
      ModelSelector<S> policy, View view, int answered, double confidence) {
    return policy.escalate(policy.newState(), Request.of("r", 10, 10), view, answered, confidence);
  }

  // ---- tiers

  @Test
  void tiersAreLookedAtFromTheCheapestUp() {
    View view = View.tiers();
    assertThat(choose(policy("tier-map"), Request.of("r", 8000, 192), view).model).isZero();
    assertThat(choose(policy("tier-map"), Request.of("r", 8000, 193), view).model).isEqualTo(1);
    view.qualityFloor = 0.7;
    assertThat(choose(policy("tier-map"), Request.of("r", 10, 10), view).model).isEqualTo(1);
    view.quality[1] = -1;
    assertThat(choose(policy("tier-map"), Request.of("r", 10, 10), view).model).isEqualTo(2);
  }

  @Test
  void saturationEscalatesOneTierWithinTheBudgetAndElseWaits() {
    View view = View.tiers();
    view.saturated[0] = true;
    Draft escalated = choose(policy("tier-map"), Request.of("r", 10, 10), view);
    assertThat(escalated.decision + escalated.model + escalated.rule).isEqualTo("accept1escalated");
    view.budget = 3.9;
    Draft poor = choose(policy("tier-map"), Request.of("r", 10, 10), view);
    assertThat(poor.decision + poor.model + poor.rule).isEqualTo("queue0saturated");
    view.budget = 99;
    view.saturated[1] = true;
    assertThat(choose(policy("tier-map"), Request.of("r", 10, 10), view).decision)
        .as("never two tiers at once")
        .isEqualTo("queue");
  }

  @Test
  void whatNoModelCanServeIsTurnedAwayWithItsReason() {
    for (String spec : List.of("tier-map", "win-probability", "cascade", "activated-budget")) {
      View view = View.tiers();
      assertThat(choose(policy(spec), Request.of("r", 131_000, 73), view).rejected)
          .as(spec)
          .isEqualTo(RejectCode.NEVER_FITS);
      Arrays.fill(view.admitted, false);
      assertThat(choose(policy(spec), Request.of("r", 10, 10), view).rejected)
          .as(spec)
          .isEqualTo(RejectCode.NO_CANDIDATE);
    }
  }

  @Property(tries = 1000, seed = SEED)
  void everyPolicyChoosesAModelThatCanServe(
      @ForAll long seed,
      @ForAll @IntRange(min = 1, max = 5) int models,
      @ForAll @IntRange(max = 3) int which) {
    String spec =
        List.of("tier-map", "win-probability", "cascade", "activated-budget:burstFlops=1e10")
            .get(which);
    View view = View.random(seed, models);
    Request request = Request.of("r", 1 + (int) (seed >>> 50), 5);
    Draft draft = choose(policy(spec), request, view);
    boolean servable = false;
    for (int m = 0; m < models; m++) {
      servable |= Models.usable(request, view, m);
    }
    if (draft.rejected == null) {
      assertThat(Models.usable(request, view, draft.model)).isTrue();
      assertThat(draft.rule).isNotEmpty();
    } else if (!spec.equals("tier-map")) {
      assertThat(servable).isFalse();
    }
  }

  // ---- win probability

  @Test
  void theThresholdIsTheQuantileOfTheCalibrationSet() {
    double[] w = {0.8, 0.1, 0.5, 0.2, 0.35};
    assertThat(WinProbabilitySelector.calibrate(w, 0.4)).isEqualTo(0.5);
    assertThat(WinProbabilitySelector.calibrate(w, 1)).isEqualTo(0.1);
    assertThat(WinProbabilitySelector.calibrate(w, 0.1)).isInfinite();
    assertThat(WinProbabilitySelector.calibrate(new double[] {0.5, 0.5, 0.9}, 0.4)).isEqualTo(0.9);
  }

  @Property(tries = 500, seed = SEED)
  void aCalibratedThresholdIsTheSmallestThatKeepsTheShare(
      @ForAll long seed,
      @ForAll @IntRange(min = 1, max = 40) int n,
      @ForAll @DoubleRange(min = 0, max = 1) double share) {
    Random random = new Random(seed);
    double[] w = random.doubles(n).map(x -> Math.rint(x * 10) / 10).toArray();
    double alpha = WinProbabilitySelector.calibrate(w, share);
    assertThat(share(w, alpha)).isLessThanOrEqualTo(share + 1e-9);
    for (double smaller : w) {
      if (smaller < alpha) {
        assertThat(share(w, smaller)).isGreaterThan(share);
      }
    }
  }

  private static double share(double[] w, double alpha) {
    return (double) Arrays.stream(w).filter(x -> x >= alpha).count() / w.length;
  }

  @Property(tries = 500, seed = SEED)
  void raisingTheThresholdNeverRaisesTheStrongShare(
      @ForAll @DoubleRange(min = 0, max = 1) double win,
      @ForAll @DoubleRange(min = 0, max = 1) double low,
      @ForAll @DoubleRange(min = 0, max = 1) double more) {
    View view = View.tiers();
    view.winProbability = win;
    int at = choose(new WinProbabilitySelector(low), Request.of("r", 1, 1), view).model;
    int above = choose(new WinProbabilitySelector(low + more), Request.of("r", 1, 1), view).model;
    assertThat(above).isLessThanOrEqualTo(at);
    assertThat(at).isEqualTo(win >= low ? 2 : 0);
  }

  @Test
  void anUnknownWinGoesToTheStrongModel() {
    View view = View.tiers();
    view.winProbability = -1;
    assertThat(choose(policy("win-probability:alpha=1"), Request.of("r", 1, 1), view).model)
        .isEqualTo(2);
    assertThat(choose(policy("win-probability:alpha=1.1"), Request.of("r", 1, 1), view).model)
        .as("above 1 is never strong")
        .isZero();
    view.winProbability = Double.NaN;
    assertThat(choose(policy("win-probability:alpha=1"), Request.of("r", 1, 1), view).model)
        .isEqualTo(2);
  }

  // ---- cascade

  @Test
  void aCascadeGoesUpUntilAnAnswerIsGoodEnough() {
    ModelSelector<?> cascade = policy("cascade:thresholds=0.75/0.5");
    View view = View.tiers();
    assertThat(choose(cascade, Request.of("r", 10, 10), view).model).isZero();
    assertThat(escalate(cascade, view, 0, 0.75)).isEqualTo(ModelSelector.NONE);
    assertThat(escalate(cascade, view, 0, Math.nextDown(0.75))).isEqualTo(1);
    assertThat(escalate(cascade, view, 0, Double.NaN)).isEqualTo(1);
    assertThat(escalate(cascade, view, 1, 0.5)).isEqualTo(ModelSelector.NONE);
    assertThat(escalate(cascade, view, 1, 0.4)).isEqualTo(2);
    assertThat(escalate(cascade, view, 2, 0)).as("the last answer stays").isEqualTo(-1);
    view.admitted[1] = false;
    assertThat(escalate(cascade, view, 0, 0.1)).as("who may not be asked is skipped").isEqualTo(2);
  }

  @Test
  void aCascadeOfOneLevelKeepsItsAnswer() {
    double[][] one = {{0.1}, {0.9}};
    CascadeThresholds found =
        CascadeThresholds.search(one, new double[][] {{3}, {1}}, new double[] {2}, 2, 4);
    assertThat(found.meanLoss()).isEqualTo(2);
    assertThat(found.meanCost()).isEqualTo(2);
    ModelSelector<?> cascade = new CascadeSelector(found.thresholds());
    View view = View.random(1, 1);
    Arrays.fill(view.admitted, true);
    assertThat(choose(cascade, Request.of("r", 1, 1), view).model).isZero();
    assertThat(escalate(cascade, view, 0, 0)).isEqualTo(ModelSelector.NONE);
  }

  @Test
  void theFirstPriceIsAlwaysWithinABudgetOfIt() {
    // 0.1 added up over so many samples exceeds their number times 0.1 by far more than an ulp.
    double[][] scores = new double[200_000][2];
    CascadeThresholds found =
        CascadeThresholds.search(scores, scores, new double[] {0.1, 1}, 0.1, 1);
    assertThat(found.meanCost()).isEqualTo(0.1);
    assertThat(found.thresholds()).containsExactly(0);
  }

  @Property(tries = 500, seed = SEED)
  void aCascadeCostsAtLeastTheCheapestAndAtMostEverybody(
      @ForAll long seed, @ForAll @IntRange(min = 1, max = 5) int models) {
    View view = View.random(seed, models);
    Arrays.fill(view.admitted, true);
    Arrays.fill(view.context, 1000);
    Random random = new Random(seed);
    ModelSelector<?> cascade = policy("cascade");
    int model = choose(cascade, Request.of("r", 10, 10), view).model;
    double cost = view.price(model);
    for (int next = model; next >= 0; ) {
      next = escalate(cascade, view, next, random.nextDouble());
      cost += next < 0 ? 0 : view.price(next);
      assertThat(next).isNotEqualTo(model);
      model = next;
    }
    assertThat(cost).isBetween(view.price(0), Arrays.stream(view.prices).sum() + 1e-9);
  }

  @Property(tries = 60, seed = SEED)
  void theSearchForThresholdsEqualsTryingEveryPair(
      @ForAll long seed, @ForAll @IntRange(min = 1, max = 7) int samples) {
    Random random = new Random(seed);
    double[][] scores = new double[samples][3];
    double[][] losses = new double[samples][3];
    for (int s = 0; s < samples; s++) {
      for (int level = 0; level < 3; level++) {
        scores[s][level] = random.nextInt(5) / 4.0;
        losses[s][level] = random.nextInt(4);
      }
    }
    double[] prices = {1, 3, 10};
    double budget = 1 + random.nextInt(14);
    CascadeThresholds found = CascadeThresholds.search(scores, losses, prices, budget, samples);
    double best = Double.POSITIVE_INFINITY;
    for (double first : new double[] {0, 0.25, 0.5, 0.75, 1}) {
      for (double second : new double[] {0, 0.25, 0.5, 0.75, 1}) {
        double[] result = replay(scores, losses, prices, first, second);
        if (result[1] <= budget + 1e-9) {
          best = Math.min(best, result[0]);
        }
      }
    }
    assertThat(found.meanLoss()).isCloseTo(best, within(1e-12));
    assertThat(found.meanCost()).isLessThanOrEqualTo(budget + 1e-9);
    double[] replayed =
        replay(scores, losses, prices, found.thresholds()[0], found.thresholds()[1]);
    assertThat(replayed[0]).isCloseTo(found.meanLoss(), within(1e-12));
    assertThat(replayed[1]).isCloseTo(found.meanCost(), within(1e-12));
  }

  /** What the policy itself would lose and cost on recorded answers. */
  private static double[] replay(
      double[][] scores, double[][] losses, double[] prices, double first, double second) {
    CascadeSelector policy = new CascadeSelector(first, second);
    View view = View.tiers();
    double loss = 0;
    double cost = 0;
    for (int s = 0; s < scores.length; s++) {
      int model = 0;
      cost += prices[0];
      for (int next = escalate(policy, view, 0, scores[s][0]);
          next >= 0;
          next = escalate(policy, view, model, scores[s][model])) {
        model = next;
        cost += prices[model];
      }
      loss += losses[s][model];
    }
    return new double[] {loss / scores.length, cost / scores.length};
  }

  // ---- budget of activated parameters

  @Test
  void hunyuanLargeFitsWhereADenseModelOfItsQualityDoesNot() {
    View view = View.activated(52_000_000_000L, 72_700_000_000L, 21_000_000_000L, 7_600_000_000L);
    assertThat(budgeted(1.2e14, view)).isEqualTo("accept 0 within-budget");
    assertThat(budgeted(4e13, view)).isEqualTo("accept 3 within-budget");
    assertThat(budgeted(1e12, view)).isEqualTo("accept 3 over-budget");
    assertThat(budgeted(1.454e14, view)).as("exactly enough").isEqualTo("accept 1 within-budget");
  }

  private static String budgeted(double burst, View view) {
    Draft draft =
        choose(
            policy("activated-budget:flopsPerSecond=0,burstFlops=" + burst),
            Request.builder("r", 800, 4096).predictedOutputTokens(200).build(),
            view);
    return draft.decision + " " + draft.model + " " + draft.rule;
  }

  @Test
  void aDeadlineBoundsTheComputeToo() {
    View view = View.activated(21_000_000_000L, 52_000_000_000L);
    Request request =
        Request.builder("r", 800, 200).deadlineNanos(500_000_000L).build(); // half a second
    assertThat(choose(policy("activated-budget:servingFlopsPerSecond=1e14"), request, view).model)
        .isZero();
    assertThat(choose(policy("activated-budget"), request, view).model).isEqualTo(1);
    view.nowNanos = 600_000_000L;
    assertThat(choose(policy("activated-budget:servingFlopsPerSecond=1e14"), request, view).rule)
        .isEqualTo("over-budget");
  }

  @Property(tries = 200, seed = SEED)
  void aTenantNeverSpendsMoreThanItsBucketExceptFlagged(@ForAll long seed) {
    Random random = new Random(seed);
    View view = View.activated(1_000, 10_000, 100_000);
    ActivatedBudgetSelector policy =
        new ActivatedBudgetSelector(
            new ActivatedBudgetSelector.Config(
                1e6, 5e6, 0, ActivatedBudgetSelector.OverBudget.values()[random.nextInt(2)]));
    ActivatedBudgetSelector.Buckets state = policy.newState();
    Map<String, Double> spent = new HashMap<>();
    for (int i = 0; i < 60; i++) {
      view.nowNanos += random.nextInt(400_000_000);
      String tenant = "t" + random.nextInt(2);
      int prompt = 1 + random.nextInt(40);
      Request request = Request.builder("r" + i, prompt, 10).tenant(tenant).build();
      Draft draft = choose(policy, state, request, view);
      if (draft.rule.equals("within-budget")) {
        spent.merge(
            tenant,
            ActivatedBudgetSelector.flops(prompt, 10, view.activatedParameters(draft.model)),
            Double::sum);
      }
      assertThat(spent.getOrDefault(tenant, 0.0))
          .isLessThanOrEqualTo(5e6 + 1e6 * view.nowNanos / 1e9 + 1);
      assertThat(state.flops(tenant)).isBetween(0.0, 5e6);
    }
    assertThat(state.flops("nobody")).isNegative();
  }

  @Test
  void aClockSetBackFillsNoSpanTwice() {
    View view = View.activated(1);
    ActivatedBudgetSelector policy =
        new ActivatedBudgetSelector(
            new ActivatedBudgetSelector.Config(
                100, 1000, 0, ActivatedBudgetSelector.OverBudget.REJECT));
    ActivatedBudgetSelector.Buckets state = policy.newState();
    Request all = Request.of("r", 400, 100); // 1000 FLOPs
    view.nowNanos = 5_000_000_000L;
    assertThat(choose(policy, state, all, view).rule).isEqualTo("within-budget");
    view.nowNanos = 0;
    assertThat(choose(policy, state, all, view).rule).isEqualTo("over-budget");
    view.nowNanos = 5_000_000_000L;
    assertThat(choose(policy, state, all, view).rule).isEqualTo("over-budget");
    assertThat(state.flops("")).isZero();
  }

  @Test
  void beyondTheBudgetARequestMayBeTurnedAway() {
    View view = View.activated(7_600_000_000L);
    assertThat(
            choose(
                    policy("activated-budget:burstFlops=1,overBudget=reject"),
                    Request.of("r", 800, 200),
                    view)
                .rejected)
        .isEqualTo(RejectCode.OVERLOAD);
  }

  // ---- refusals

  @Test
  void settingsAreRefusedByName() {
    assertThatThrownBy(() -> new WinProbabilitySelector(Double.NaN))
        .hasMessage("alpha must be at least 0, but was NaN");
    assertThatThrownBy(() -> WinProbabilitySelector.calibrate(new double[0], 0.5))
        .hasMessage("winProbabilities must have at least 1 entry, but had 0");
    assertThatThrownBy(() -> WinProbabilitySelector.calibrate(new double[] {2}, 0.5))
        .hasMessage("winProbabilities[0] must lie in 0..1, but was 2.0");
    assertThatThrownBy(() -> policy("cascade:thresholds=0.5/x"))
        .hasMessage(
            "thresholds must be numbers from 0 to 1 with a slash between them, such as 0.75/0.5,"
                + " but was '0.5/x'");
    assertThatThrownBy(() -> policy("cascade:thresholds=0.5/1.5"))
        .hasMessage("thresholds[1] must lie in 0..1, but was 1.5");
    assertThatThrownBy(
            () ->
                new ActivatedBudgetSelector.Config(
                    -1, 0, 0, ActivatedBudgetSelector.OverBudget.REJECT))
        .hasMessage("flopsPerSecond must be finite and at least 0 FLOPs, but was -1.0");
    double[][] one = {{0.5, 0.5}};
    assertThatThrownBy(() -> CascadeThresholds.search(one, one, new double[] {2, 3}, 1, 4))
        .hasMessage("meanCostBudget must be at least the first price, 2.0, but was 1.0");
    assertThatThrownBy(
            () -> CascadeThresholds.search(one, one, new double[] {2, 3}, 9, Integer.MAX_VALUE))
        .hasMessage("gridSize must lie in 1..1000000 steps, but was 2147483647");
    assertThatThrownBy(() -> CascadeThresholds.search(one, one, new double[] {2}, 9, 4))
        .hasMessage("sample 0 must have 1 scores and losses, but had 2 and 2");
  }

  private static final class View implements ModelSelector.ModelView {
    private final double[] prices;
    private final double[] quality;
    private final int[] context;
    private final long[] activated;
    private final boolean[] admitted;
    private final boolean[] saturated;
    private long nowNanos;
    private double qualityFloor;
    private double budget = 99;
    private double winProbability = 0.5;

    View(int models) {
      prices = new double[models];
      quality = new double[models];
      context = new int[models];
      activated = new long[models];
      admitted = new boolean[models];
      saturated = new boolean[models];
      Arrays.fill(context, 1_000_000);
      Arrays.fill(admitted, true);
    }

    static View tiers() {
      View view = new View(3);
      double[] prices = {1, 4, 20};
      double[] quality = {0.6, 0.8, 0.9};
      int[] context = {8192, 32_768, 131_072};
      for (int m = 0; m < 3; m++) {
        view.prices[m] = prices[m];
        view.quality[m] = quality[m];
        view.context[m] = context[m];
        view.activated[m] = 1_000_000L * (m + 1);
      }
      return view;
    }

    static View activated(long... parameters) {
      View view = new View(parameters.length);
      System.arraycopy(parameters, 0, view.activated, 0, parameters.length);
      return view;
    }

    static View random(long seed, int models) {
      Random random = new Random(seed);
      View view = new View(models);
      for (int m = 0; m < models; m++) {
        view.prices[m] = m + random.nextDouble();
        view.quality[m] = random.nextDouble();
        view.context[m] = 1 + random.nextInt(20_000);
        view.activated[m] = 1 + random.nextInt(1_000_000);
        view.admitted[m] = random.nextInt(4) > 0;
        view.saturated[m] = random.nextBoolean();
      }
      view.winProbability = random.nextDouble() * 2 - 1;
      view.qualityFloor = random.nextDouble();
      view.budget = random.nextInt(models + 1);
      return view;
    }

    @Override
    public long nowNanos() {
      return nowNanos;
    }

    @Override
    public RandomSource random() {
      return RandomSource.seeded(1);
    }

    @Override
    public int size() {
      return prices.length;
    }

    @Override
    public String name(int model) {
      return "m" + model;
    }

    @Override
    public long activatedParameters(int model) {
      return activated[model];
    }

    @Override
    public int contextTokens(int model) {
      return context[model];
    }

    @Override
    public double quality(int model, Request request) {
      return quality[model];
    }

    @Override
    public double price(int model) {
      return prices[model];
    }

    @Override
    public boolean admits(int model, Request request) {
      return admitted[model];
    }

    @Override
    public boolean saturated(int model) {
      return saturated[model];
    }

    @Override
    public double qualityFloor(Request request) {
      return qualityFloor;
    }

    @Override
    public double priceBudget(Request request) {
      return budget;
    }

    @Override
    public double winProbability(Request request) {
      return winProbability;
    }
  }

  private static final class Draft implements ModelSelector.ModelDraft {
    private int writes;
    private String decision = "";
    private String rule = "";
    private int model = -1;
    private @Nullable RejectCode rejected;

    @Override
    public void accept(int model) {
      writes++;
      decision = "accept";
      this.model = model;
    }

    @Override
    public void queue(int model) {
      writes++;
      decision = "queue";
      this.model = model;
    }

    @Override
    public void reject(RejectCode code) {
      writes++;
      decision = "reject";
      rejected = code;
    }

    @Override
    public void rule(String rule) {
      this.rule = rule;
    }
  }
}
