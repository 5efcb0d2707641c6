package io.headway.routing.moe;

/**
 * How many parameters a mixture-of-experts model has and how many of them a token uses: compute
 * follows the activated ones, memory all of them. An expert is a gated feed-forward block of {@code
 * 3 * hidden * width} parameters; attention and embeddings count as dense. Immutable.
 *
 * @param moeLayers mixture-of-experts layers, at least 1
 * @param experts routed experts per layer, at least 1
 * @param topK routed experts a token activates per layer, from 0 to {@code experts}
 * @param hidden width of the residual stream, at least 1
 * @param expertWidth inner width of a routed expert, at least 1
 * @param sharedExperts shared experts per layer, at least 0
 * @param sharedWidth inner width of a shared expert, at least 0
 * @param denseParameters parameters outside the experts, at least 0
 */
public record MoeModelSize(
    int moeLayers,
    int experts,
    int topK,
    int hidden,
    int expertWidth,
    int sharedExperts,
    int sharedWidth,
    long denseParameters) {
  private static final int MATRICES_PER_EXPERT = 3;

  /** Experts of DeepSeek-V3: 58 layers of 256 routed, 8 active, 1 shared; nothing dense counted. */
  public static final MoeModelSize DEEPSEEK_V3 =
      new MoeModelSize(58, 256, 8, 7168, 2048, 1, 2048, 0);

  /** Experts of DeepSeek-V2: 59 layers of 160 routed, 6 active, 2 shared; nothing dense counted. */
  public static final MoeModelSize DEEPSEEK_V2 =
      new MoeModelSize(59, 160, 6, 5120, 1536, 2, 1536, 0);

  /** Experts of Qwen1.5-MoE-A2.7B: 24 layers of 60 routed, 4 active, 1 shared of width 5632. */
  public static final MoeModelSize QWEN15_MOE = new MoeModelSize(24, 60, 4, 2048, 1408, 1, 5632, 0);

  /** Checks the counts. */
  public MoeModelSize {
    Checks.atLeast("moeLayers", 1, moeLayers, "layer");
    Checks.atLeast("experts", 1, experts, "expert");
    TokenChoice.requireTopK("topK", topK, 0, experts);
    Checks.atLeast("hidden", 1, hidden, "element");
    Checks.atLeast("expertWidth", 1, expertWidth, "element");
    Checks.atLeast("sharedExperts", 0, sharedExperts, "experts");
    Checks.atLeast("sharedWidth", 0, sharedWidth, "elements");
    if (denseParameters < 0) {
      throw new IllegalArgumentException(
          "denseParameters must be at least 0 parameters, but was " + denseParameters);
    }
  }

  /**
   * Returns the parameters of one routed expert.
   *
   * @return {@code 3 * hidden * expertWidth}
   */
  public long expertParameters() {
    return gated(expertWidth);
  }

  private long gated(int width) {
    return Math.multiplyExact((long) MATRICES_PER_EXPERT * hidden, (long) width);
  }

  /**
   * Returns the parameters of all routed experts of all layers.
   *
   * @return parameters
   */
  public long routedTotal() {
    return Math.multiplyExact(expertParameters(), (long) moeLayers * experts);
  }

  /**
   * Returns the parameters of routed experts that one token activates.
   *
   * @return parameters over all layers
   */
  public long routedActive() {
    return Math.multiplyExact(expertParameters(), (long) moeLayers * topK);
  }

  /**
   * Returns the parameters of all shared experts of all layers; every token activates them.
   *
   * @return parameters
   */
  public long sharedTotal() {
    return Math.multiplyExact(gated(sharedWidth), (long) moeLayers * sharedExperts);
  }

  /**
   * Returns all parameters.
   *
   * @return routed, shared and dense
   */
  public long total() {
    return Math.addExact(Math.addExact(routedTotal(), sharedTotal()), denseParameters);
  }

  /**
   * Returns the parameters that one token activates.
   *
   * @return active routed, shared and dense
   */
  public long activated() {
    return Math.addExact(Math.addExact(routedActive(), sharedTotal()), denseParameters);
  }

  /**
   * Returns the share of parameters that one token activates.
   *
   * @return from 0 to 1; 1 if {@code topK} is {@code experts}
   */
  public double activatedFraction() {
    return (double) activated() / total();
  }

  /**
   * Returns how many different experts of a layer a batch is expected to touch under uniform
   * independent routing, which drives memory traffic in decode: {@code E (1 - (1 - k/E)^T)}.
   *
   * @param experts routed experts E, at least 1
   * @param topK experts per token k, from 0 to {@code experts}
   * @param tokens tokens T of the batch, at least 0
   * @return from 0 to {@code experts}
   */
  public static double expectedDistinctExperts(int experts, int topK, int tokens) {
    Checks.atLeast("experts", 1, experts, "expert");
    TokenChoice.requireTopK("topK", topK, 0, experts);
    Checks.atLeast("tokens", 0, tokens, "tokens");
    return experts * (1 - StrictMath.pow(1 - (double) topK / experts, tokens));
  }
}
