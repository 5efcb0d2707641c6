package io.headway.api.model;

import java.util.List;
import java.util.Objects;

/**
 * The exact shape of a decoder-only transformer of the Llama family: RMSNorm before attention and
 * feed-forward, rotary positions, grouped-query attention, SwiGLU, and an LM head. Every matrix
 * size follows from it, so that an executor can run the model and a cost model can count it.
 *
 * <p>A layer computes {@code x += o(attention(rope(q(n)), rope(k(n)), v(n)))} with {@code n =
 * rmsNorm(x)}, then {@code x += down(silu(gate(m)) * up(m))} with {@code m = rmsNorm(x)}. In a
 * mixture of experts ({@code experts > 0}) the second half is the gated sum over the experts that a
 * router chose for the token, in every layer. Query head {@code h} reads KV head {@code h / (heads
 * / kvHeads)}. Rotation turns the pairs {@code (i, i + headDim / 2)} by {@code position *
 * ropeTheta^(-2i/headDim)}, the convention of the published checkpoints in safetensors.
 *
 * <p>The presets of published models give the figures of the {@code config.json} that each names;
 * they were compared with copies in the sources of other projects, several of them derived from
 * LitGPT, on 2026-11-30, the files themselves being behind a login or out of reach. Immutable and
 * thread-safe.
 *
 * @param name stable lower-case name, such as {@code llama3-8b}
 * @param vocabularySize token ids, 0 to {@code vocabularySize - 1}; at least 2
 * @param hiddenSize width of the residual stream; at least 1
 * @param intermediateSize width of the feed-forward part, of one expert in a mixture; at least 1
 * @param layers transformer layers; at least 1
 * @param queryHeads query heads of a layer; a multiple of {@code kvHeads}
 * @param kvHeads key and value heads of a layer; at least 1
 * @param headDim size of a head; even, at least 2
 * @param maxPositions longest context, in tokens; at least 1
 * @param ropeTheta base of the rotary frequencies; finite and above 0
 * @param normEpsilon added to the mean square in RMSNorm; finite and above 0
 * @param qkvBias whether query, key and value projections add a bias, as Qwen2 does
 * @param tiedEmbeddings whether the LM head is the embedding matrix
 * @param experts routed experts of a layer; 0 if dense
 * @param expertsPerToken experts that a token takes; 0 if dense
 */
public record DecoderShape(
    String name,
    int vocabularySize,
    int hiddenSize,
    int intermediateSize,
    int layers,
    int queryHeads,
    int kvHeads,
    int headDim,
    int maxPositions,
    double ropeTheta,
    double normEpsilon,
    boolean qkvBias,
    boolean tiedEmbeddings,
    int experts,
    int expertsPerToken) {

  /** A model small enough for tests: 2 layers of width 32, 4 query heads on 2 KV heads. */
  public static final DecoderShape TINY =
      new DecoderShape("tiny", 96, 32, 64, 2, 4, 2, 8, 4096, 1e4, 1e-5, false, false, 0, 0);

  /** {@link #TINY} with QKV bias and tied embeddings, as small Qwen2 models have them. */
  public static final DecoderShape TINY_BIAS =
      new DecoderShape("tiny-bias", 96, 32, 64, 2, 4, 2, 8, 4096, 1e6, 1e-6, true, true, 0, 0);

  /** {@link #TINY} with 4 experts of width 32 in every layer, 2 per token. */
  public static final DecoderShape TINY_MOE =
      new DecoderShape("tiny-moe", 96, 32, 32, 2, 4, 2, 8, 4096, 1e4, 1e-5, false, false, 4, 2);

  /** About 7 million parameters: fast on a CPU, yet large enough that time grows with work. */
  public static final DecoderShape SMALL =
      new DecoderShape("small", 2048, 256, 688, 6, 8, 4, 32, 8192, 1e4, 1e-5, false, false, 0, 0);

  /** {@link #SMALL} as a mixture: 8 experts of width 344 in every layer, 2 per token. */
  public static final DecoderShape SMALL_MOE =
      new DecoderShape(
          "small-moe", 2048, 256, 344, 6, 8, 4, 32, 8192, 1e4, 1e-5, false, false, 8, 2);

  /** Llama 2 7B: {@code meta-llama/Llama-2-7b-hf}. */
  public static final DecoderShape LLAMA2_7B =
      new DecoderShape(
          "llama2-7b",
          32_000,
          4_096,
          11_008,
          32,
          32,
          32,
          128,
          4_096,
          1e4,
          1e-5,
          false,
          false,
          0,
          0);

  /** Llama 2 70B: {@code meta-llama/Llama-2-70b-hf}. */
  public static final DecoderShape LLAMA2_70B =
      new DecoderShape(
          "llama2-70b",
          32_000,
          8_192,
          28_672,
          80,
          64,
          8,
          128,
          4_096,
          1e4,
          1e-5,
          false,
          false,
          0,
          0);

  /**
   * Llama 3 8B: {@code meta-llama/Meta-Llama-3-8B}. Its {@code rms_norm_eps} is not verified: it is
   * the default of sources derived from LitGPT, which set no other for it.
   */
  public static final DecoderShape LLAMA3_8B =
      new DecoderShape(
          "llama3-8b",
          128_256,
          4_096,
          14_336,
          32,
          32,
          8,
          128,
          8_192,
          5e5,
          1e-5,
          false,
          false,
          0,
          0);

  /**
   * Qwen2.5 7B: {@code Qwen/Qwen2.5-7B-Instruct}, QKV bias, 28 query heads on 4 KV heads. The base
   * model allows 131,072 positions instead of 32,768.
   */
  public static final DecoderShape QWEN2_5_7B =
      new DecoderShape(
          "qwen2.5-7b",
          152_064,
          3_584,
          18_944,
          28,
          28,
          4,
          128,
          32_768,
          1e6,
          1e-6,
          true,
          false,
          0,
          0);

  /** Mixtral 8x7B: {@code mistralai/Mixtral-8x7B-v0.1}, 8 experts in every layer, 2 per token. */
  public static final DecoderShape MIXTRAL_8X7B =
      new DecoderShape(
          "mixtral-8x7b",
          32_000,
          4_096,
          14_336,
          32,
          32,
          8,
          128,
          32_768,
          1e6,
          1e-5,
          false,
          false,
          8,
          2);

  private static final List<DecoderShape> PRESETS =
      List.of(
          TINY,
          TINY_BIAS,
          TINY_MOE,
          SMALL,
          SMALL_MOE,
          LLAMA2_7B,
          LLAMA2_70B,
          LLAMA3_8B,
          QWEN2_5_7B,
          MIXTRAL_8X7B);

  /** Checks that the figures are in range and agree with each other. */
  public DecoderShape {
    Objects.requireNonNull(name, "name");
    if (name.isEmpty()) {
      throw new IllegalArgumentException("name must not be empty");
    }
    atLeast("vocabularySize", vocabularySize, 2, "token ids");
    atLeast("hiddenSize", hiddenSize, 1, "elements");
    atLeast("intermediateSize", intermediateSize, 1, "elements");
    atLeast("layers", layers, 1, "layers");
    atLeast("kvHeads", kvHeads, 1, "heads");
    atLeast("queryHeads", queryHeads, 1, "heads");
    atLeast("headDim", headDim, 2, "elements");
    atLeast("maxPositions", maxPositions, 1, "tokens");
    atLeast("experts", experts, 0, "experts");
    if (queryHeads % kvHeads != 0) {
      throw new IllegalArgumentException(
          "queryHeads must be a multiple of kvHeads (" + kvHeads + "), but was " + queryHeads);
    }
    if (headDim % 2 != 0) {
      throw new IllegalArgumentException(
          "headDim must be even, since rotary positions turn pairs, but was " + headDim);
    }
    positive("ropeTheta", ropeTheta);
    positive("normEpsilon", normEpsilon);
    if (experts == 0 ? expertsPerToken != 0 : expertsPerToken < 1 || expertsPerToken > experts) {
      throw new IllegalArgumentException(
          "expertsPerToken must be "
              + (experts == 0 ? "0 in a dense model" : "from 1 to experts = " + experts)
              + ", but was "
              + expertsPerToken);
    }
  }

  /**
   * Returns the presets, in a fixed order.
   *
   * @return the named models
   */
  public static List<DecoderShape> presets() {
    return PRESETS;
  }

  /**
   * Returns the preset of a name.
   *
   * @param name a preset's name
   * @return the shape
   * @throws IllegalArgumentException if no preset has this name; the message lists those there are
   */
  public static DecoderShape named(String name) {
    Objects.requireNonNull(name, "name");
    for (DecoderShape shape : PRESETS) {
      if (shape.name.equals(name)) {
        return shape;
      }
    }
    throw new IllegalArgumentException(
        "model must be one of "
            + PRESETS.stream().map(DecoderShape::name).toList()
            + ", but was '"
            + name
            + "'");
  }

  /**
   * Returns whether the feed-forward parts are mixtures of experts.
   *
   * @return true if {@code experts > 0}
   */
  public boolean isMixture() {
    return experts > 0;
  }

  /**
   * Returns the width of all query heads.
   *
   * @return {@code queryHeads * headDim}
   */
  public int queryWidth() {
    return queryHeads * headDim;
  }

  /**
   * Returns the width of all key heads, and of all value heads.
   *
   * @return {@code kvHeads * headDim}
   */
  public int kvWidth() {
    return kvHeads * headDim;
  }

  /**
   * Returns the parameters of all matrices that a token is multiplied with, the LM head included
   * and the input embedding excluded.
   *
   * @return parameters, all experts counted
   */
  public long matrixParameters() {
    long attention = (long) hiddenSize * (2L * queryWidth() + 2L * kvWidth());
    long feedForward =
        isMixture()
            ? (long) hiddenSize * experts + experts * expertParametersOfLayer()
            : expertParametersOfLayer();
    return layers * (attention + feedForward) + (long) vocabularySize * hiddenSize;
  }

  /**
   * Returns the parameters of all routed experts of all layers.
   *
   * @return parameters; 0 if dense
   */
  public long expertParameters() {
    return (long) layers * experts * expertParametersOfLayer();
  }

  /**
   * Returns every parameter a checkpoint of this model stores: matrices, embedding unless tied,
   * norms and biases.
   *
   * @return parameters
   */
  public long storedParameters() {
    long norms = hiddenSize * (2L * layers + 1);
    long biases = qkvBias ? layers * (queryWidth() + 2L * kvWidth()) : 0;
    long embedding = tiedEmbeddings ? 0 : (long) vocabularySize * hiddenSize;
    return matrixParameters() + embedding + norms + biases;
  }

  /**
   * Returns the KV elements of one token in all layers.
   *
   * @return {@code 2 * layers * kvHeads * headDim}
   */
  public long kvElementsPerToken() {
    return 2L * layers * kvWidth();
  }

  /** One feed-forward block: gate, up and down. */
  private long expertParametersOfLayer() {
    return 3L * hiddenSize * intermediateSize;
  }

  private static void atLeast(String name, int value, int least, String unit) {
    if (value < least) {
      throw new IllegalArgumentException(
          name + " must be at least " + least + " " + unit + ", but was " + value);
    }
  }

  private static void positive(String name, double value) {
    if (!(value > 0) || Double.isInfinite(value)) {
      throw new IllegalArgumentException(name + " must be finite and above 0, but was " + value);
    }
  }
}
