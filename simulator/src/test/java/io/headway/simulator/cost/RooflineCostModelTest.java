package io.headway.simulator.cost;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;
import static org.assertj.core.api.Assertions.within;

import io.headway.api.prediction.IterationShape;
import net.jqwik.api.ForAll;
import net.jqwik.api.Property;
import net.jqwik.api.constraints.IntRange;
import org.assertj.core.data.Offset;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

class RooflineCostModelTest {
  private static final Offset<Double> PRINTED = within(5.1e-5); // four decimals of a millisecond

  @ParameterizedTest
  @CsvSource({
    "llama2-7b,  a100-80g, 1, 1024,   0,  0,    0,  87.2822,  78.8528,  4.4094,  0,       0",
    "llama2-7b,  a100-80g, 1,    0,   0, 32, 1000,  25.3995,   8.1008,  0,      12.6587,  0",
    "llama2-7b,  a100-80g, 1,  512, 512, 32, 1000,  62.5152,  41.8905,  3.3060, 12.6587,  0",
    "llama2-7b,  h100,     1, 1024,   0,  0,    0,  30.2735,  24.8631,  1.3903,  0,       0",
    "llama2-7b,  h100,     1,    0,   0, 32, 1000,  17.2754,   4.9306,  0,       7.7048,  0",
    "llama2-70b, a100-80g, 8, 2048,   0,  0,    0, 252.9764, 205.0208, 11.0181,  0,      32.9175",
    "llama2-70b, h100,     8, 2048,   0,  0,    0,  94.6177,  64.6453,  3.4741,  0,      22.4783",
    "opt-13b,    a100-80g, 1,    0,   0, 16,  512,  25.1339,  15.7504,  0,       5.0635,  0",
    "opt-13b,    a100-80g, 1,    0,   0, 64,  512,  41.2843,  15.7504,  0,      20.2539,  0",
    "llama3-8b,  a100-80g, 1,    0,   0, 64, 2048,  27.4443,   9.2018,  0,      12.9625,  0",
  })
  void givesTheGoldenTimes(
      String model,
      String gpu,
      int tp,
      int chunk,
      int history,
      int decodes,
      int context,
      double iteration,
      double linear,
      double attention,
      double kv,
      double comm) {
    RooflineCostModel cost = new RooflineCostModel(ModelShape.named(model), Gpu.named(gpu), tp);
    IterationShape shape = shape(chunk, history, decodes, context);
    assertThat(cost.seconds(shape) * 1e3).isCloseTo(iteration, PRINTED);
    RooflineCostModel.Breakdown parts = cost.breakdown(shape);
    assertThat(parts.linearSeconds() * 1e3).isCloseTo(linear, PRINTED);
    assertThat(parts.attentionSeconds() * 1e3).isCloseTo(attention, PRINTED);
    assertThat(parts.kvSeconds() * 1e3).isCloseTo(kv, PRINTED);
    assertThat(parts.commSeconds() * 1e3).isCloseTo(comm, PRINTED);
    double sum =
        parts.linearSeconds()
            + parts.attentionSeconds()
            + parts.kvSeconds()
            + parts.commSeconds()
            + parts.sequenceSeconds()
            + parts.fixedSeconds();
    assertThat(sum).isCloseTo(cost.seconds(shape), within(1e-15));
  }

  @ParameterizedTest
  @CsvSource({
    "llama2-7b, a100-80g, 1, 112125",
    "llama3-8b, h100, 1, 434799",
    "opt-13b, a100-80g, 1, 56528",
    "llama2-70b, a100-80g, 8, 1338415",
    "llama2-70b, a100-80g, 1, 0",
  })
  void tellsHowManyTokensFit(String model, String gpu, int tp, long tokens) {
    RooflineCostModel cost = new RooflineCostModel(ModelShape.named(model), Gpu.named(gpu), tp);
    assertThat(cost.kvCapacityTokens(RooflineCostModel.DEFAULT_MEMORY_UTILIZATION, 0))
        .isEqualTo(tokens);
  }

  @Test
  void takesNoTimeForNothing() {
    RooflineCostModel cost = new RooflineCostModel(ModelShape.LLAMA3_8B, Gpu.A100_80G, 2);
    assertThat(cost.seconds(new IterationShape())).isZero();
    assertThat(cost.breakdown(new IterationShape()))
        .isEqualTo(new RooflineCostModel.Breakdown(0, 0, 0, 0, 0, 0));
  }

  @Test
  void agreesWithThePublishedDecodeFitWithinFourPercent() {
    RooflineCostModel roofline = new RooflineCostModel(ModelShape.OPT_13B, Gpu.A100_80G, 1);
    DistServeCostModel fit = new DistServeCostModel(DistServeCostModel.Coefficients.OPT_13B_TP1, 1);
    for (int batch : new int[] {16, 64}) {
      IterationShape shape = shape(0, 0, batch, 512);
      assertThat(roofline.seconds(shape) / fit.seconds(shape)).isBetween(0.96, 1.04);
    }
  }

  @Property(tries = 200, seed = "42")
  void growsWithEveryPart(
      @ForAll @IntRange(min = 1, max = 4096) int chunk,
      @ForAll @IntRange(max = 16384) int history,
      @ForAll @IntRange(max = 256) int decodes,
      @ForAll @IntRange(max = 8192) int context,
      @ForAll @IntRange(max = 3) int which) {
    RooflineCostModel cost = model(which);
    double base = cost.seconds(shape(chunk, history, decodes, context));
    assertThat(cost.seconds(shape(chunk + 1, history, decodes, context))).isGreaterThan(base);
    assertThat(cost.seconds(shape(chunk, history + 1, decodes, context))).isGreaterThan(base);
    assertThat(cost.seconds(shape(chunk, history, decodes + 1, context))).isGreaterThan(base);
    if (decodes > 0) {
      assertThat(cost.seconds(shape(chunk, history, decodes, context + 1))).isGreaterThan(base);
    }
    IterationShape another = shape(chunk, history, decodes, context);
    another.addPrefill(1, 0);
    assertThat(cost.seconds(another)).isGreaterThan(base);
  }

  @Property(tries = 200, seed = "42")
  void neverGainsBySplittingAPrefill(
      @ForAll @IntRange(min = 2, max = 8192) int prompt,
      @ForAll @IntRange(min = 1, max = 8191) int at,
      @ForAll @IntRange(max = 3) int which) {
    int first = 1 + at % (prompt - 1);
    RooflineCostModel cost = model(which);
    IterationShape head = shape(first, 0, 0, 0);
    IterationShape tail = shape(prompt - first, first, 0, 0);
    IterationShape whole = shape(prompt, 0, 0, 0);
    assertThat(cost.seconds(head) + cost.seconds(tail)).isGreaterThan(cost.seconds(whole));
    assertThat(cost.breakdown(head).attentionSeconds() + cost.breakdown(tail).attentionSeconds())
        .as("attention is additive over chunks")
        .isCloseTo(cost.breakdown(whole).attentionSeconds(), within(1e-12));
  }

  @Property(tries = 100, seed = "42")
  void dividesArithmeticByTheDevices(
      @ForAll @IntRange(min = 1, max = 4096) int chunk,
      @ForAll @IntRange(max = 64) int decodes,
      @ForAll @IntRange(min = 2, max = 16) int tp) {
    IterationShape shape = shape(chunk, 7, decodes, 300);
    RooflineCostModel.Breakdown one =
        new RooflineCostModel(ModelShape.LLAMA2_70B, Gpu.H100, 1).breakdown(shape);
    RooflineCostModel.Breakdown many =
        new RooflineCostModel(ModelShape.LLAMA2_70B, Gpu.H100, tp).breakdown(shape);
    assertThat(many.linearSeconds() * tp).isCloseTo(one.linearSeconds(), within(1e-12));
    assertThat(many.attentionSeconds() * tp).isCloseTo(one.attentionSeconds(), within(1e-12));
    assertThat(many.kvSeconds() * tp).isCloseTo(one.kvSeconds(), within(1e-12));
  }

  @Property(tries = 200, seed = "42")
  void decodesMoreTokensPerSecondInLargerBatches(
      @ForAll @IntRange(min = 1, max = 1024) int batch,
      @ForAll @IntRange(max = 8192) int context,
      @ForAll @IntRange(max = 3) int which) {
    RooflineCostModel cost = model(which);
    double now = batch / cost.seconds(shape(0, 0, batch, context));
    double next = (batch + 1) / cost.seconds(shape(0, 0, batch + 1, context));
    assertThat(next).isGreaterThanOrEqualTo(now);
  }

  @Property(tries = 200, seed = "42")
  void jumpsToTheSameNanosecond(
      @ForAll @IntRange(max = 300) int batch,
      @ForAll @IntRange(max = 8192) int context,
      @ForAll @IntRange(max = 60) int iterations,
      @ForAll @IntRange(max = 3) int which) {
    RooflineCostModel cost = model(which);
    IterationShape jumping = shape(0, 0, batch, context);
    long[] nanos = new long[iterations];
    cost.decodeNanos(jumping, iterations, nanos);
    IterationShape stepping = shape(0, 0, batch, context);
    for (int i = 0; i < iterations; i++) {
      assertThat(nanos[i]).isEqualTo(cost.nanos(stepping));
      stepping.advanceDecodes(1);
    }
    assertThat(jumping.decodeContextTokens()).isEqualTo(stepping.decodeContextTokens());
  }

  @Test
  void readsOnlyTheExpertsThatTheBatchTouches() {
    ModelShape mixtral = ModelShape.MIXTRAL_8X7B;
    double shared = mixtral.parameters() - mixtral.expertParameters();
    assertThat(mixtral.touchedParameters(0)).isEqualTo(shared);
    assertThat(mixtral.touchedParameters(1))
        .isCloseTo(shared + mixtral.expertParameters() / 4, within(1.0));
    assertThat(mixtral.touchedParameters(1)).isEqualTo(mixtral.activatedParameters());
    assertThat(mixtral.touchedParameters(100_000)).isEqualTo(mixtral.parameters());
    assertThat(ModelShape.LLAMA3_8B.touchedParameters(1)).isEqualTo(7.505e9);
    assertThat(ModelShape.LLAMA3_8B.activatedParameters()).isEqualTo(7.505e9);
  }

  @Test
  void countsDraftsAndPaddingAsTokenPositions() {
    RooflineCostModel cost = new RooflineCostModel(ModelShape.LLAMA3_8B, Gpu.A100_80G, 1);
    IterationShape verify = new IterationShape();
    IterationShape plain = new IterationShape();
    for (int i = 0; i < 64; i++) {
      verify.addVerify(1000, 4);
      plain.addDecode(1000);
    }
    double perToken = 2 * 7.505e9 / (0.55 * 312e12);
    assertThat(cost.breakdown(verify).linearSeconds()).isCloseTo(64 * 5 * perToken, within(1e-15));
    assertThat(cost.breakdown(verify).kvSeconds()).isEqualTo(cost.breakdown(plain).kvSeconds());
    plain.addPadding(4 * 64);
    assertThat(cost.seconds(plain)).isEqualTo(cost.seconds(verify));
  }

  @Test
  void refusesWhatCannotBe() {
    assertThatThrownBy(() -> new RooflineCostModel(ModelShape.OPT_13B, Gpu.H100, 0))
        .isInstanceOf(IllegalArgumentException.class)
        .hasMessage("tensorParallel must be at least 1 devices, but was 0");
    assertThatThrownBy(() -> Gpu.named("a1000"))
        .isInstanceOf(IllegalArgumentException.class)
        .hasMessage("gpu must be one of a100-80g, h100, h200, l4, but was \"a1000\"");
    assertThatThrownBy(() -> ModelShape.named("gpt"))
        .isInstanceOf(IllegalArgumentException.class)
        .hasMessageStartingWith("model must be one of llama2-7b, llama3-8b, opt-13b,");
    assertThatThrownBy(() -> ModelShape.dense("m", 1e9, 2, 6, 4, 64, 512))
        .isInstanceOf(IllegalArgumentException.class)
        .hasMessage("queryHeads must be a multiple of kvHeads (4 heads), but was 6");
    assertThatThrownBy(() -> new Gpu("g", 1, Double.NaN, 1, 1, 1))
        .isInstanceOf(IllegalArgumentException.class)
        .hasMessage("hbmBytesPerSecond must be above 0 bytes per second and finite, but was NaN");
    assertThatThrownBy(() -> new RooflineEfficiencies(1.5, 0.2, 0.8, 0.65, 0.004, 2e-5, 1e-5, 2, 2))
        .isInstanceOf(IllegalArgumentException.class)
        .hasMessage("computeEfficiency must be above 0 and at most 1, but was 1.5");
  }

  private static RooflineCostModel model(int which) {
    return switch (which) {
      case 0 -> new RooflineCostModel(ModelShape.LLAMA2_7B, Gpu.A100_80G, 1);
      case 1 -> new RooflineCostModel(ModelShape.LLAMA3_70B, Gpu.H200, 4);
      case 2 -> new RooflineCostModel(ModelShape.MIXTRAL_8X7B, Gpu.H100, 2);
      default -> new RooflineCostModel(ModelShape.LLAMA3_8B, Gpu.L4, 1);
    };
  }

  private static IterationShape shape(int chunk, int history, int decodes, int context) {
    IterationShape shape = new IterationShape();
    if (chunk > 0) {
      shape.addPrefill(chunk, history);
    }
    shape.addDecodes(decodes, (long) decodes * context);
    return shape;
  }
}
