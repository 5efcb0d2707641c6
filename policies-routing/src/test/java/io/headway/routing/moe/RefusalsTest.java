package io.headway.routing.moe;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import io.headway.api.moe.CapacityRule;
import io.headway.api.moe.ExpertAssignments;
import io.headway.api.moe.ExpertRouter;
import io.headway.api.moe.MoeInputException;
import io.headway.api.moe.RouterInput;
import java.util.List;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

/** What routers refuse, and that they say what was wrong and what would be right. */
class RefusalsTest {
  private static final List<String> LOGIT_ROUTERS =
      List.of(
          "switch",
          "switch-no-token-left-behind",
          "gshard-top2",
          "glam",
          "gshard-top2-mesh-tf",
          "deepspeed-top2",
          "deepspeed-topk",
          "expert-choice",
          "expert-choice:axis=tokens",
          "expert-choice-capped",
          "vmoe",
          "deepseek-moe:topK=2",
          "deepseek-v2:topK=1,devices=2,maxDevices=1",
          "deepseek-v3:topK=1,groups=2,maxGroups=1",
          "qwen-moe:topK=1",
          "hunyuan-recycle",
          "expert-race",
          "base",
          "sinkhorn",
          "top-k:topK=1",
          "tutel");

  private static ExpertRouter<?> router(String spec) {
    return ExpertRouterLawsTest.router(spec);
  }

  private static RouterInput with(double value) {
    return new RouterInput().logits(new double[] {0, 1, 2, value}, 2, 2);
  }

  @Test
  void nanIsRefusedByPosition() {
    for (String spec : LOGIT_ROUTERS) {
      assertThatThrownBy(() -> Batches.route(router(spec), with(Double.NaN)))
          .as(spec)
          .isExactlyInstanceOf(IllegalArgumentException.class)
          .hasMessage("logits[1][1] must be finite or -Infinity, but was NaN");
    }
  }

  @Test
  void plusInfinityIsRefusedByPosition() {
    for (String spec : LOGIT_ROUTERS) {
      assertThatThrownBy(() -> Batches.route(router(spec), with(Double.POSITIVE_INFINITY)))
          .as(spec)
          .hasMessage("logits[1][1] must be finite or -Infinity, but was Infinity");
    }
  }

  @Test
  void aFullyMaskedTokenIsRefused() {
    double[] logits = {0, 1, Double.NEGATIVE_INFINITY, Double.NEGATIVE_INFINITY};
    for (String spec : LOGIT_ROUTERS) {
      assertThatThrownBy(() -> Batches.route(router(spec), new RouterInput().logits(logits, 2, 2)))
          .as(spec)
          .isInstanceOf(MoeInputException.class)
          .hasMessage(
              "logits of token 1 must leave at least 1 expert unmasked, but all were -Infinity")
          .extracting(e -> ((MoeInputException) e).rule())
          .isEqualTo(MoeInputException.Rule.ALL_MASKED);
    }
  }

  @Test
  void nanInSinglePrecisionIsRefusedToo() {
    float[] logits = {0, Float.NaN};
    assertThatThrownBy(
            () -> Batches.route(router("switch"), new RouterInput().logits(logits, 1, 2)))
        .hasMessage("logits[0][1] must be finite or -Infinity, but was NaN");
  }

  @Test
  void missingLogitsAreRefused() {
    for (String spec : LOGIT_ROUTERS) {
      assertThatThrownBy(() -> Batches.route(router(spec), new RouterInput().tokens(2, 2)))
          .as(spec)
          .hasMessage("logits must be given for this router, but were not");
    }
  }

  @Test
  void missingTokenIdsAreRefused() {
    assertThatThrownBy(() -> Batches.route(router("hash-random"), Batches.a()))
        .hasMessage("tokenIds must be given for hash routing, but were not");
  }

  @Test
  void moreChoicesThanExpertsAreRefused() {
    assertThatThrownBy(() -> Batches.route(router("top-k:topK=5"), Batches.a()))
        .hasMessage("topK must lie in 1..4 experts, but was 5");
    assertThatThrownBy(
            () -> Batches.route(router("deepseek-v3:topK=5,groups=4,maxGroups=2"), Batches.d()))
        .hasMessage("topK must lie in 1..4 experts, but was 5");
  }

  @Test
  void countsThatDoNotDivideAreRefusedAsSuch() {
    assertThatThrownBy(() -> Batches.route(router("gshard-top2:groups=3"), Batches.a()))
        .hasMessage("tokens must be a multiple of groups = 3, but was 8")
        .extracting(e -> ((MoeInputException) e).rule())
        .isEqualTo(MoeInputException.Rule.NOT_DIVISIBLE);
    assertThatThrownBy(() -> Batches.route(router("base"), Batches.ties()))
        .hasMessage("tokens must be a multiple of experts = 4, but was 6");
    assertThatThrownBy(() -> Batches.route(router("deepseek-v2:devices=3"), Batches.d()))
        .hasMessage("experts must be a multiple of devices = 3, but was 8");
    assertThatThrownBy(() -> Batches.route(router("deepseek-v3:groups=3"), Batches.d()))
        .hasMessage("experts must be a multiple of groups = 3, but was 8");
    assertThatThrownBy(
            () -> Batches.route(router("expert-race:pairs=9,grouping=per-token"), Batches.a()))
        .hasMessage("pairs must be a multiple of 8 tokens, but was 9");
  }

  @Test
  void anImpossibleCapIsInfeasible() {
    assertThatThrownBy(
            () -> Batches.route(router("expert-choice-capped:slots=4,tokenCap=1"), Batches.a()))
        .hasMessage("tokenCap must be at least 2 experts for 4 experts x 4 tokens, but was 1")
        .extracting(e -> ((MoeInputException) e).rule())
        .isEqualTo(MoeInputException.Rule.INFEASIBLE);
  }

  @Test
  void masksThatLeaveTooFewTokensAreInfeasibleForTheExactSolver() {
    double minus = Double.NEGATIVE_INFINITY;
    double[] logits = {0, minus, 0, minus, 0, 1};
    assertThatThrownBy(
            () ->
                Batches.route(
                    router("expert-choice-capped:slots=2,tokenCap=2,solver=exact"),
                    new RouterInput().logits(logits, 3, 2)))
        .hasMessageStartingWith("masks must leave every expert 2 tokens");
  }

  @Test
  void aWrongPermutationIsRefused() {
    ExpertRouter<?> router = router("hunyuan-recycle:slots=2");
    assertThatThrownBy(() -> Batches.route(router, Batches.a().permutation(new int[] {0})))
        .hasMessage("permutation must have one entry per free slot, 2, but had 1");
    assertThatThrownBy(() -> Batches.route(router, Batches.a().permutation(new int[] {0, 0})))
        .hasMessage("permutation must hold each of 0..1 once, but entry 1 was 0");
  }

  @Test
  void aBiasOfOtherExpertsIsRefused() {
    DeepSeekV3Router router =
        new DeepSeekV3Router(new DeepSeekV3Router.Config(2, 2, 1, 2.5, 0.0001));
    DeepSeekV3Router.Bias bias = router.newState();
    bias.set(new double[4]);
    assertThatThrownBy(() -> router.route(Batches.d(), bias, new ExpertAssignments()))
        .hasMessage("experts must be 4 as in the biases, but was 8");
    assertThatThrownBy(() -> bias.set(new double[] {0, Double.NaN}))
        .hasMessage("bias[1] must be finite, but was NaN");
    assertThatThrownBy(() -> bias.update(new int[] {1, -2, 0, 0}, 4, 0.001))
        .hasMessage("load[1] must be at least 0 pairs, but was -2");
    assertThatThrownBy(() -> bias.update(new int[] {1, 2}, 4, 0.001))
        .hasMessage("load must have an entry for each of 4 experts, but had 2");
  }

  @Test
  void badNoiseIsRefused() {
    double[] noise = new double[32];
    noise[7] = Double.NaN;
    assertThatThrownBy(() -> Batches.route(router("vmoe"), Batches.a().noise(noise)))
        .hasMessage("noise[1][3] must be finite, but was NaN");
  }

  @Test
  void settingsAreCheckedWithNameValueAndUnit() {
    assertThatThrownBy(() -> CapacityRule.fixed(-1))
        .hasMessage("slots must be at least 0 slots, but was -1");
    assertThatThrownBy(() -> CapacityRule.factor(Double.NaN))
        .hasMessage("capacity factor must be finite and at least 0, but was NaN");
    assertThatThrownBy(() -> CapacityRule.factor(1).multipleOf(0))
        .hasMessage("multipleOf must be at least 1 slot, but was 0");
    assertThatThrownBy(() -> new SwitchRouter.Config(CapacityRule.unlimited(), FillOrder.TOKEN, -1))
        .hasMessage("lossCoefficient must be finite and at least 0, but was -1.0");
    assertThatThrownBy(() -> router("gshard-top2-mesh-tf:threshold=0"))
        .hasMessage("threshold must be above 0 for RANDOM, but was 0.0");
    assertThatThrownBy(() -> HashRouter.balanced(new long[] {3, -1}, 2))
        .hasMessage("frequencies[1] must lie in 0..2^53, but was -1");
    assertThatThrownBy(() -> HashRouter.balanced(new long[] {3}, 2).expert(1, 2))
        .hasMessage("tokenId must lie in 0..0, but was 1");
    assertThatThrownBy(() -> new TutelCapacity(Double.NaN, 1))
        .hasMessage("capacity factor must be finite, but was NaN");
    assertThatThrownBy(() -> router("top-k:topK=0"))
        .hasMessageContaining("topK must be a whole number of at least 1 experts, but was '0'");
  }

  @Test
  void inputsAreCheckedWithNameAndUnit() {
    assertThatThrownBy(() -> new RouterInput().logits(new double[7], 2, 4))
        .hasMessage("logits must hold at least 8 numbers for 2 tokens x 4 experts, but held 7");
    assertThatThrownBy(() -> new RouterInput().logits(new float[9], 2, 4, 2, 4))
        .hasMessage("logits must hold at least 10 numbers for 2 tokens x 4 experts, but held 9");
    assertThatThrownBy(() -> new RouterInput().logits(new float[9], 0, 3, 2, 4))
        .hasMessage("rowStride must be at least experts = 4 logits, but was 3");
    assertThatThrownBy(() -> new RouterInput().tokens(-1, 4))
        .hasMessage("tokens must be at least 0 tokens, but was -1");
    assertThatThrownBy(() -> new RouterInput().tokens(1, 0))
        .hasMessage("experts must be at least 1 expert, but was 0");
    assertThatThrownBy(() -> Batches.a().padding(new boolean[7]))
        .hasMessage("padding must have 8 entries, but had 7");
    assertThatThrownBy(() -> Batches.a().sequenceLengths(new int[] {3, 4}))
        .hasMessage("sequenceLengths must sum to 8 tokens, but summed to 7");
    assertThatThrownBy(() -> Batches.a().pairBudgets(new int[] {1, 2}))
        .hasMessage("pairBudgets must have 1 entries, but had 2");
  }

  @ParameterizedTest
  @ValueSource(strings = {"NaN", "Infinity", "-Infinity"})
  void resultsRefuseGatesThatAreNotFinite(String gate) {
    ExpertAssignments out = new ExpertAssignments();
    out.begin(Batches.a(), 2, 1);
    assertThatThrownBy(() -> out.assign(0, 0, 1, 0, Double.parseDouble(gate)))
        .hasMessage("gate of token 0 at expert 1 must be finite, but was " + gate);
  }

  @Test
  void resultsRefuseWhatNoRouterMayDecide() {
    ExpertAssignments out = new ExpertAssignments();
    out.begin(
        Batches.a().padding(new boolean[] {true, false, false, false, false, false, false, false}),
        2,
        1);
    assertThatThrownBy(() -> out.assign(0, 0, 1, 0, 1))
        .hasMessage("token must not be padding, but token 0 is");
    out.assign(3, 0, 1, 0, 1);
    assertThatThrownBy(() -> out.assign(2, 0, 1, 1, 1))
        .hasMessage("token must lie in 3..7, ascending, but was 2");
    assertThatThrownBy(() -> out.assign(3, 0, 1, 2, 1))
        .hasMessage(
            "pair of token 3 must name an expert in 0..3 and a slot below 2, but named expert 1 and"
                + " slot 2");
    assertThatThrownBy(out::pairCount)
        .isInstanceOf(IllegalStateException.class)
        .hasMessage("end() must come before the result is read");
    out.end();
    assertThat(out.pairCount()).isEqualTo(1);
    assertThatThrownBy(() -> out.pairByExpert(0))
        .hasMessage("indexByExpert() must come before reading by expert");
    assertThatThrownBy(() -> out.signals().value(MoeSignals.AUXILIARY_LOSS))
        .hasMessage("signal must have been reported, but auxiliaryLoss was not; see SignalLevel");
  }

  @Test
  void aBatchWithoutTokensOrWithOneExpertIsLegal() {
    for (String spec : LOGIT_ROUTERS) {
      ExpertAssignments none =
          Batches.route(router(spec), new RouterInput().logits(new double[0], 0, 4));
      assertThat(none.pairCount() + none.dropCount() + none.unroutedCount()).as(spec).isZero();
      assertThat(none.indexByExpert().expertOffset(4)).isZero();
    }
    for (String spec :
        List.of(
            "switch",
            "gshard-top2",
            "deepspeed-top2",
            "expert-choice",
            "base",
            "sinkhorn",
            "top-k:topK=1",
            "vmoe:topK=1",
            "deepseek-v3:topK=1,groups=1",
            "hunyuan-recycle")) {
      ExpertAssignments one =
          Batches.route(router(spec), new RouterInput().logits(new double[] {0.5, -2}, 2, 1));
      assertThat(one.load(0)).as(spec).isEqualTo(2);
    }
  }
}
