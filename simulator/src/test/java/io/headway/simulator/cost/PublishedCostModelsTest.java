package io.headway.simulator.cost;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;
import static org.assertj.core.api.Assertions.within;

import io.headway.api.prediction.IterationShape;
import io.headway.simulator.cost.DistServeCostModel.Boundary;
import io.headway.simulator.cost.DistServeCostModel.Coefficients;
import io.headway.simulator.cost.DistServeCostModel.Triple;
import io.headway.simulator.cost.SplitwiseCostModel.Table;
import net.jqwik.api.ForAll;
import net.jqwik.api.Property;
import net.jqwik.api.constraints.IntRange;
import org.assertj.core.data.Offset;
import org.junit.jupiter.api.Test;

class PublishedCostModelsTest {
  private static final Offset<Double> EXACT = within(1e-9);
  private static final Offset<Double> MICROS = within(5e-7);
  private static final Offset<Double> FOUR_DECIMALS = within(5.1e-5);

  @Test
  void givesDistServesGoldenTimes() {
    DistServeCostModel model = new DistServeCostModel(Coefficients.OPT_13B_TP1, 1);
    assertThat(model.millis(prompts(512))).isCloseTo(73.148681, MICROS);
    assertThat(model.millis(prompts(2048))).isCloseTo(257.691791, MICROS);
    assertThat(model.millis(decodes(16, 511))).isCloseTo(25.686671, MICROS);
    assertThat(model.millis(decodes(64, 511))).isCloseTo(42.942577, MICROS);
    assertThat(model.millis(decodes(128, 511))).isCloseTo(65.427768, MICROS);
    assertThat(model.decodeMillis(16, 16 * 512)).isEqualTo(model.millis(decodes(16, 511)));
    assertThat(model.prefillMillis(512, 512 * 512)).isEqualTo(model.millis(prompts(512)));
    assertThat(model.millis(new IterationShape())).isZero();
  }

  @Test
  void dividesDistServesWorkByTheStages() {
    DistServeCostModel one = new DistServeCostModel(Coefficients.OPT_66B_TP4, 1);
    DistServeCostModel two = new DistServeCostModel(Coefficients.OPT_66B_TP4, 2);
    assertThat(two.millis(prompts(300)) - 2).isCloseTo((one.millis(prompts(300)) - 1) / 2, EXACT);
    assertThat(two.millis(decodes(8, 100))).isCloseTo(one.millis(decodes(8, 100)) / 2, EXACT);
    DistServeCostModel dispatched =
        new DistServeCostModel(Coefficients.OPT_66B_TP4, 1, Boundary.PUBLISHED, true);
    assertThat(dispatched.millis(prompts(300)) - one.millis(prompts(300))).isCloseTo(2.03, EXACT);
  }

  @Test
  void keepsDistServesPublishedJumpUnlessAskedForMonotone() {
    DistServeCostModel published = new DistServeCostModel(Coefficients.OPT_13B_TP1, 1);
    assertThat(published.millis(decodes(95, 16))).isLessThan(published.millis(decodes(94, 16)));
  }

  @Property(tries = 200, seed = "42")
  void distServeGrowsWithTheBatchWhenMonotone(
      @ForAll @IntRange(max = 200) int batch,
      @ForAll @IntRange(max = 4096) int context,
      @ForAll @IntRange(max = 4096) int prompt,
      @ForAll @IntRange(max = 4) int which) {
    DistServeCostModel model =
        new DistServeCostModel(Coefficients.presets().get(which), 1, Boundary.MONOTONE, false);
    double base = model.millis(mixed(prompt, batch, context));
    assertThat(model.millis(mixed(prompt, batch + 1, context))).isGreaterThan(base);
    assertThat(model.millis(mixed(prompt + 1, batch, context))).isGreaterThan(base);
    if (batch > 0) {
      assertThat(model.millis(mixed(prompt, batch, context + 1))).isGreaterThan(base);
    }
  }

  @Property(tries = 100, seed = "42")
  void distServesQuadraticTermIsTheSameHoweverAPromptIsCut(
      @ForAll @IntRange(min = 2, max = 4096) int prompt,
      @ForAll @IntRange(min = 1, max = 4095) int at) {
    int first = 1 + at % (prompt - 1);
    Coefficients squaresOnly =
        new Coefficients(
            "squares", new Triple(0, 0, 1), new Triple(0, 0, 0), new Triple(0, 0, 0), 95);
    DistServeCostModel model = new DistServeCostModel(squaresOnly, 1);
    IterationShape tail = new IterationShape();
    tail.addPrefill(prompt - first, first);
    double cut = (model.millis(prompts(first)) - 1) + (model.millis(tail) - 1);
    assertThat(cut).isCloseTo((double) prompt * prompt, within(1e-6));
  }

  @Test
  void givesSplitwisesGoldenTimes() {
    SplitwiseCostModel a100 = new SplitwiseCostModel(Table.LLAMA2_70B_A100);
    assertThat(a100.millis(prompts(1500))).isCloseTo(217.5012, FOUR_DECIMALS);
    assertThat(a100.millis(decodes(3000, 100))).isCloseTo(46.0579, FOUR_DECIMALS);
    assertThat(a100.millis(prompts(64))).isCloseTo(64.6450, FOUR_DECIMALS);
    assertThat(a100.millis(prompts(6000))).isCloseTo(1206.9561, FOUR_DECIMALS);
    assertThat(a100.millis(mixed(1500, 8, 100))).isCloseTo(240.2985, FOUR_DECIMALS);
    assertThat(a100.millis(new IterationShape())).isZero();
    SplitwiseCostModel h100 = new SplitwiseCostModel(Table.LLAMA2_70B_H100);
    assertThat(h100.millis(prompts(1500))).isCloseTo(104.0552, FOUR_DECIMALS);
    assertThat(h100.millis(decodes(3000, 100))).isCloseTo(31.4905, FOUR_DECIMALS);
    assertThat(h100.millis(prompts(64))).isCloseTo(61.4550, FOUR_DECIMALS);
    assertThat(h100.millis(prompts(6000))).isCloseTo(587.8494, FOUR_DECIMALS);
    assertThat(h100.millis(mixed(1500, 8, 100))).isCloseTo(114.9484, FOUR_DECIMALS);
  }

  @Test
  void splitwiseGoesThroughItsPoints() {
    SplitwiseCostModel model = new SplitwiseCostModel(Table.BLOOM_176B_H100);
    assertThat(model.millis(prompts(128))).isCloseTo(48.28, EXACT);
    assertThat(model.millis(prompts(4096))).isCloseTo(649.60, EXACT);
    assertThat(model.millis(prompts(32768))).isCloseTo(4996.45, EXACT);
    SplitwiseCostModel capped = new SplitwiseCostModel(Table.named("bloom-176b-h100-capped"));
    assertThat(capped.millis(prompts(4096))).isCloseTo(649.60 * 1.3, EXACT);
    assertThat(capped.millis(decodes(4096, 9))).isCloseTo(37.53, EXACT);
  }

  @Test
  void givesPreblesPublishedTimes() {
    PrebleCostModel a100 = new PrebleCostModel(PrebleCostModel.Device.A100);
    assertThat(a100.linearMillis(256)).isCloseTo(18.38622272, EXACT);
    assertThat(a100.linearMillis(255)).isEqualTo(10.5);
    assertThat(a100.linearMillis(63)).isEqualTo(8.96);
    assertThat(a100.seconds(prompts(256))).isCloseTo(0.01838622272, EXACT);
    PrebleCostModel a6000 = new PrebleCostModel(PrebleCostModel.Device.A6000);
    assertThat(a6000.linearMillis(384)).isCloseTo(45.84527264, EXACT);
    assertThat(a6000.extendMillis(384, 1024)).isCloseTo(51.294747377777774, EXACT);
    assertThat(a6000.extendMillis(200, 1025)).isCloseTo(33.27738888888888, EXACT);
    assertThat(a6000.extendMillis(191, 9000)).isCloseTo(26.481111111111108, EXACT);
    IterationShape shape = new IterationShape();
    shape.addPrefill(380, 20);
    shape.addDecodes(4, 624);
    assertThat(a6000.seconds(shape)).isCloseTo(0.051294747377777774, EXACT);
    assertThat(a6000.seconds(new IterationShape())).isZero();
    assertThatThrownBy(() -> a100.attentionMillis(1))
        .isInstanceOf(IllegalStateException.class)
        .hasMessage("no attention fit was published for A100");
  }

  @Test
  void givesTheGoldenServiceTimes() {
    RooflineCostModel model = new RooflineCostModel(ModelShape.LLAMA2_7B, Gpu.A100_80G, 1);
    ServiceTimes whole = new ServiceTimes(model, ServiceTimes.WHOLE_PROMPT);
    assertThat(whole.prefillSeconds(1024, 0)).isCloseTo(0.08728217040559443, EXACT);
    assertThat(whole.isolatedSeconds(1024, 0, 5)).isCloseTo(0.13738957941302643, EXACT);
    assertThat(whole.chunks(1024, 768)).containsExactly(256);
    assertThat(whole.prefillSeconds(1024, 768)).isCloseTo(0.02566149785062937, EXACT);
    assertThat(whole.isolatedSeconds(1024, 768, 2)).isCloseTo(0.03818775672564352, EXACT);
    assertThat(whole.isolatedSeconds(16, 0, 1)).isCloseTo(0.012121927377355917, EXACT);
    assertThat(whole.chunks(1024, 1024)).isEmpty();
    assertThat(whole.prefillSeconds(1024, 1024)).isZero();
    ServiceTimes chunked = new ServiceTimes(model, 512);
    assertThat(chunked.chunks(1300, 0)).containsExactly(512, 512, 276);
    assertThat(chunked.prefillSeconds(1300, 0)).isCloseTo(0.11927125527272728, EXACT);
    assertThat(chunked.isolatedSeconds(1300, 0, 3)).isCloseTo(0.14454253128585587, EXACT);
    assertThat(chunked.decodeSeconds(5, 32, 1000)).isCloseTo(4 * 0.02539949070056966, EXACT);
  }

  @Test
  void givesTheTransferTimesOfSplitwise() {
    double gib = 1 << 30;
    KvTransferModel fast = KvTransferModel.of(327_680, 200 * gib);
    assertThat(fast.bytes(1500)).isEqualTo(491_520_000);
    assertThat(fast.serializedSeconds(1500)).isCloseTo(2.2888e-3, within(5e-8));
    assertThat(fast.exposedSeconds(1500)).isCloseTo(0.22888e-3, within(5e-9));
    assertThat(fast.exposedSeconds(511)).isEqualTo(fast.serializedSeconds(511));
    assertThat(fast.exposedSeconds(512)).isEqualTo(fast.overlappedSeconds(512));
    assertThat(KvTransferModel.of(327_680, 12.5 * gib).serializedSeconds(1500))
        .isCloseTo(36.62e-3, within(5e-6));
    assertThatThrownBy(() -> new KvTransferModel(1, 1, 0.5, 0))
        .isInstanceOf(IllegalArgumentException.class)
        .hasMessage("overlapFactor must be at least 1 and finite, but was 0.5");
  }

  @Test
  void refusesWhatCannotBe() {
    assertThatThrownBy(() -> Coefficients.named("opt-175b"))
        .isInstanceOf(IllegalArgumentException.class)
        .hasMessage(
            "coefficients must be one of opt-13b-tp1, opt-13b-tp2, opt-13b-tp4, opt-66b-tp4,"
                + " opt-66b-tp8, but was \"opt-175b\"");
    assertThatThrownBy(() -> new DistServeCostModel(Coefficients.OPT_13B_TP1, 0))
        .isInstanceOf(IllegalArgumentException.class)
        .hasMessage("pipelineParallel must be at least 1 stages, but was 0");
    assertThatThrownBy(
            () ->
                new Table("t", new double[] {2, 2}, new double[] {1, 1}, new double[] {1, 1}, 1.1))
        .isInstanceOf(IllegalArgumentException.class)
        .hasMessage("batchTokens must ascend strictly, but had 2.0 before 2.0");
    assertThatThrownBy(
            () -> new Table("t", new double[] {1, 2}, new double[] {1}, new double[] {1, 1}, 1.1))
        .isInstanceOf(IllegalArgumentException.class)
        .hasMessage("promptMillis must have 2 points as batchTokens, but had 1");
    ServiceTimes times = new ServiceTimes(new PrebleCostModel(PrebleCostModel.Device.A100), 100);
    assertThatThrownBy(() -> times.prefillSeconds(10, 11))
        .isInstanceOf(IllegalArgumentException.class)
        .hasMessage("cachedTokens must be in 0..10 tokens, but was 11");
  }

  private static IterationShape prompts(int tokens) {
    return mixed(tokens, 0, 0);
  }

  private static IterationShape decodes(int batch, int context) {
    return mixed(0, batch, context);
  }

  private static IterationShape mixed(int prompt, int batch, int context) {
    IterationShape shape = new IterationShape();
    if (prompt > 0) {
      shape.addPrefill(prompt, 0);
    }
    shape.addDecodes(batch, (long) batch * context);
    return shape;
  }
}
