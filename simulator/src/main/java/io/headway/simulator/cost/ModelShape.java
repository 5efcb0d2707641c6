package io.headway.simulator.cost;

import io.headway.api.model.DecoderShape;
import java.util.List;
import java.util.Objects;

/**
 * The figures of a decoder-only transformer that decide how long an iteration takes and how many
 * bytes of KV a token needs.
 *
 * <p>{@code parameters} counts every matrix that a token is multiplied with, the LM head included
 * and the input embedding excluded. In a mixture of experts {@code expertParameters} of them belong
 * to routed experts, of which a token activates {@code expertsPerToken} out of {@code experts} in
 * every layer; a dense model has 0 experts.
 *
 * @param name stable lower-case name, such as {@code llama3-8b}
 * @param parameters matrix parameters, LM head included, input embedding excluded; above 0
 * @param layers transformer layers; at least 1
 * @param queryHeads query heads of a layer; a multiple of {@code kvHeads}
 * @param kvHeads key and value heads of a layer; at least 1
 * @param headDim size of a head; at least 1
 * @param hiddenSize width of the residual stream; at least 1
 * @param expertParameters parameters in routed experts, at most {@code parameters}; 0 if dense
 * @param experts routed experts of a layer; 0 if dense
 * @param expertsPerToken routed experts that a token activates in a layer; 0 if dense
 */
public record ModelShape(
    String name,
    double parameters,
    int layers,
    int queryHeads,
    int kvHeads,
    int headDim,
    int hiddenSize,
    double expertParameters,
    int experts,
    int expertsPerToken) {

  /**
   * Llama 2 7B: 6.607e9 parameters, within 0.01 % of {@link DecoderShape#LLAMA2_7B} counted, 32
   * layers, 32 query and 32 KV heads.
   */
  public static final ModelShape LLAMA2_7B = dense("llama2-7b", 6.607e9, 32, 32, 32, 128, 4096);

  /**
   * Llama 3 8B: 7.505e9 parameters, within 0.01 % of {@link DecoderShape#LLAMA3_8B} counted, 32
   * layers, 32 query and 8 KV heads.
   */
  public static final ModelShape LLAMA3_8B = dense("llama3-8b", 7.505e9, 32, 32, 8, 128, 4096);

  /**
   * OPT 13B: 40 layers of width 5120, 40 query and 40 KV heads. The 12.846e9 parameters are not
   * verified: {@code 12 d^2} per layer and an LM head of 50,272 tokens make 12.840e9. A step of
   * this shape is what the roofline's efficiencies were set by, so the figure is kept.
   */
  public static final ModelShape OPT_13B = dense("opt-13b", 12.846e9, 40, 40, 40, 128, 5120);

  /**
   * Llama 2 70B: 68.714e9 parameters, within 0.01 % of {@link DecoderShape#LLAMA2_70B} counted, 80
   * layers, 64 query and 8 KV heads.
   */
  public static final ModelShape LLAMA2_70B = dense("llama2-70b", 68.714e9, 80, 64, 8, 128, 8192);

  /**
   * Llama 3 70B, counted from its published configuration: per layer 2 x 8192 x 8192 (query,
   * output), 2 x 8192 x 1024 (key, value) and 3 x 8192 x 28672 (feed-forward), and an LM head of
   * 8192 x 128256.
   */
  public static final ModelShape LLAMA3_70B =
      dense("llama3-70b", 80 * 855_638_016.0 + 1_050_673_152.0, 80, 64, 8, 128, 8192);

  /**
   * Mixtral 8x7B, counted from its published configuration: per layer 41,943,040 attention
   * parameters, a router of 4096 x 8 and eight experts of 3 x 4096 x 14336, two of them active per
   * token, and an LM head of 4096 x 32000.
   */
  public static final ModelShape MIXTRAL_8X7B =
      new ModelShape(
          "mixtral-8x7b",
          32 * (41_943_040.0 + 32_768 + 8 * 176_160_768.0) + 131_072_000.0,
          32,
          32,
          8,
          128,
          4096,
          32 * 8 * 176_160_768.0,
          8,
          2);

  private static final List<ModelShape> PRESETS =
      List.of(LLAMA2_7B, LLAMA3_8B, OPT_13B, LLAMA2_70B, LLAMA3_70B, MIXTRAL_8X7B);

  /** Checks that the figures are positive and agree with each other. */
  public ModelShape {
    Objects.requireNonNull(name, "name");
    CostChecks.positive(parameters, "parameters", "parameters");
    CostChecks.atLeast(layers, 1, "layers", "layers");
    CostChecks.atLeast(kvHeads, 1, "kvHeads", "heads");
    CostChecks.atLeast(queryHeads, 1, "queryHeads", "heads");
    CostChecks.atLeast(headDim, 1, "headDim", "elements");
    CostChecks.atLeast(hiddenSize, 1, "hiddenSize", "elements");
    CostChecks.atLeast(experts, 0, "experts", "experts");
    if (queryHeads % kvHeads != 0) {
      throw new IllegalArgumentException(
          "queryHeads must be a multiple of kvHeads ("
              + kvHeads
              + " heads), but was "
              + queryHeads);
    }
    if (experts == 0) {
      if (expertParameters != 0 || expertsPerToken != 0) {
        throw new IllegalArgumentException(
            "a dense model (experts = 0) must have expertParameters 0 and expertsPerToken 0, but"
                + " had "
                + expertParameters
                + " and "
                + expertsPerToken);
      }
    } else {
      CostChecks.positive(expertParameters, "expertParameters", "parameters");
      if (expertParameters > parameters) {
        throw new IllegalArgumentException(
            "expertParameters must be at most parameters ("
                + parameters
                + "), but was "
                + expertParameters);
      }
      if (expertsPerToken < 1 || expertsPerToken > experts) {
        throw new IllegalArgumentException(
            "expertsPerToken must be in 1.." + experts + " experts, but was " + expertsPerToken);
      }
    }
  }

  /**
   * Returns the shape of a dense model.
   *
   * @param name stable lower-case name
   * @param parameters matrix parameters, LM head included, input embedding excluded; above 0
   * @param layers transformer layers; at least 1
   * @param queryHeads query heads of a layer; a multiple of {@code kvHeads}
   * @param kvHeads key and value heads of a layer; at least 1
   * @param headDim size of a head; at least 1
   * @param hiddenSize width of the residual stream; at least 1
   * @return a shape without experts
   */
  public static ModelShape dense(
      String name,
      double parameters,
      int layers,
      int queryHeads,
      int kvHeads,
      int headDim,
      int hiddenSize) {
    return new ModelShape(
        name, parameters, layers, queryHeads, kvHeads, headDim, hiddenSize, 0, 0, 0);
  }

  /**
   * Returns what decides the cost of a model whose exact shape is known, counted from that shape.
   *
   * @param decoder the model as an executor runs it
   * @return its figures
   */
  public static ModelShape of(DecoderShape decoder) {
    return new ModelShape(
        decoder.name(),
        (double) decoder.matrixParameters(),
        decoder.layers(),
        decoder.queryHeads(),
        decoder.kvHeads(),
        decoder.headDim(),
        decoder.hiddenSize(),
        (double) decoder.expertParameters(),
        decoder.experts(),
        decoder.expertsPerToken());
  }

  /**
   * Returns the presets, in a fixed order.
   *
   * @return the named models
   */
  public static List<ModelShape> presets() {
    return PRESETS;
  }

  /**
   * Returns the preset of a name.
   *
   * @param name a preset's name
   * @return the shape
   * @throws IllegalArgumentException if no preset has this name; the message lists those there are
   */
  public static ModelShape named(String name) {
    for (ModelShape shape : PRESETS) {
      if (shape.name.equals(name)) {
        return shape;
      }
    }
    throw CostChecks.unknown("model", PRESETS.stream().map(ModelShape::name).toList(), name);
  }

  /**
   * Returns the KV bytes of one token in all layers: {@code 2 * layers * kvHeads * headDim *
   * bytesPerKvElement}.
   *
   * @param bytesPerKvElement bytes of one stored element; above 0
   * @return bytes per token over all devices of the instance
   */
  public double kvBytesPerToken(double bytesPerKvElement) {
    CostChecks.positive(bytesPerKvElement, "bytesPerKvElement", "bytes");
    return 2.0 * layers * kvHeads * headDim * bytesPerKvElement;
  }

  /**
   * Returns the parameters that one token is multiplied with: all of a dense model, and of a
   * mixture of experts the shared ones with {@code expertsPerToken / experts} of the others.
   *
   * @return activated parameters per token
   */
  public double activatedParameters() {
    return experts == 0
        ? parameters
        : parameters - expertParameters + expertParameters * expertsPerToken / experts;
  }

  /**
   * Returns the parameters that an iteration over {@code tokens} tokens reads. In a mixture of
   * experts with uniform independent routing a token misses an expert with probability {@code 1 -
   * k/E}, so that the expected share of experts touched is {@code 1 - (1 - k/E)^tokens}, never more
   * than all of them. Uniform routing is an assumption of this project; skewed routing touches
   * fewer.
   *
   * @param tokens tokens of the iteration; at least 0
   * @return parameters read, non-decreasing in {@code tokens}
   */
  public double touchedParameters(long tokens) {
    if (experts == 0) {
      return parameters;
    }
    double missed = StrictMath.pow(1.0 - (double) expertsPerToken / experts, (double) tokens);
    return parameters - expertParameters + expertParameters * (1.0 - missed);
  }
}
