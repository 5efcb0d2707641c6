package io.headway.simulator.moe;

import io.headway.api.RandomSource;
import java.util.Locale;
import org.jspecify.annotations.Nullable;

/**
 * Generates router logits whose first choices follow a given popularity of the experts.
 *
 * <p>The logit of token {@code t} for expert {@code e} is {@code ln w_e + g} with independent
 * standard Gumbel noise {@code g = -ln(-ln u)}: the largest of a token is expert {@code e} with
 * probability {@code w_e / sum w}, exactly, and the k largest are a draw without replacement.
 * Weights: {@link Kind#UNIFORM} 1; {@link Kind#ZIPF} {@code (rank + 1)^-parameter} with ranks dealt
 * to the experts of each layer by the seed; {@link Kind#HOT_SET} {@code factor} for {@code
 * hotExperts} neighbours and 1 for the others, and the set moves on by one expert every batch.
 *
 * <p>A batch depends on (seed, layer, batch) only, so every router and placement sees the same
 * logits. Immutable and thread-safe.
 *
 * @param kind which popularity
 * @param exponent exponent of ZIPF, 0 to 10; else unused
 * @param hotExperts size of the hot set, at least 1; else unused
 * @param factor popularity of a hot expert relative to another one, 1 to 1e6; else unused
 */
public record TokenSkew(Kind kind, double exponent, int hotExperts, double factor) {
  /** Largest exponent. */
  public static final double MAX_EXPONENT = 10;

  /** Largest popularity of a hot expert. */
  public static final double MAX_FACTOR = 1e6;

  /** All experts equally popular. */
  public static final TokenSkew UNIFORM = new TokenSkew(Kind.UNIFORM, 0, 1, 1);

  private static final long LAYER_STRIDE = 0x9E3779B97F4A7C15L;
  private static final long BATCH_STRIDE = 0xC2B2AE3D27D4EB4FL;

  /** How popularity is spread over experts. */
  public enum Kind {
    /** Evenly. */
    UNIFORM,
    /** By a power of the rank. */
    ZIPF,
    /** A few experts are hot, and which ones changes with time. */
    HOT_SET
  }

  /** Checks the parameters. */
  public TokenSkew {
    if (!(exponent >= 0 && exponent <= MAX_EXPONENT)) {
      throw new IllegalArgumentException(
          "zipf exponent must lie in 0.." + (int) MAX_EXPONENT + ", but was " + exponent);
    }
    if (hotExperts < 1) {
      throw new IllegalArgumentException(
          "hot experts must be at least 1 expert, but was " + hotExperts);
    }
    if (!(factor >= 1 && factor <= MAX_FACTOR)) {
      throw new IllegalArgumentException("hot factor must lie in 1..1e6, but was " + factor);
    }
  }

  /**
   * Reads a skew as users write it: {@code uniform}, {@code zipf:1.1} or {@code hot-set:4:8} (four
   * experts, each eight times as popular).
   *
   * @param text the text
   * @return the skew
   * @throws IllegalArgumentException if the text is none of these or a number is out of range
   */
  public static TokenSkew parse(String text) {
    String[] parts = text.strip().toLowerCase(Locale.ROOT).split(":", -1);
    try {
      if (parts[0].equals("uniform") && parts.length == 1) {
        return UNIFORM;
      }
      if (parts[0].equals("zipf") && parts.length == 2) {
        return new TokenSkew(Kind.ZIPF, Double.parseDouble(parts[1]), 1, 1);
      }
      if (parts[0].equals("hot-set") && parts.length == 3) {
        return new TokenSkew(
            Kind.HOT_SET, 0, Integer.parseInt(parts[1]), Double.parseDouble(parts[2]));
      }
    } catch (NumberFormatException e) {
      throw malformed(text, e);
    }
    throw malformed(text, null);
  }

  private static IllegalArgumentException malformed(String text, @Nullable Exception cause) {
    return new IllegalArgumentException(
        "skew must be uniform, zipf:EXPONENT or hot-set:EXPERTS:FACTOR, such as zipf:1.1, but was '"
            + text
            + "'",
        cause);
  }

  /**
   * Writes the popularity of every expert in one batch of one layer.
   *
   * @param seed selects which experts are popular
   * @param layer layer index
   * @param batch batch index, for what changes with time
   * @param weight receives one weight above 0 per expert
   */
  public void weights(long seed, int layer, int batch, double[] weight) {
    int experts = weight.length;
    if (kind == Kind.HOT_SET && hotExperts > experts) {
      throw new IllegalArgumentException(
          "hot experts must be at most " + experts + " experts, but was " + hotExperts);
    }
    RandomSource random = RandomSource.seeded(seed ^ (layer + 1) * LAYER_STRIDE);
    int[] expert = new int[experts];
    for (int e = 0; e < experts; e++) {
      int j = random.nextInt(e + 1);
      expert[e] = expert[j];
      expert[j] = e;
    }
    for (int rank = 0; rank < experts; rank++) {
      weight[expert[rank]] =
          switch (kind) {
            case UNIFORM -> 1;
            case ZIPF -> StrictMath.pow(rank + 1.0, -exponent);
            case HOT_SET -> Math.floorMod(rank - batch, experts) < hotExperts ? factor : 1;
          };
    }
  }

  /**
   * Writes the logits of one batch at one layer.
   *
   * @param seed selects experts and tokens
   * @param layer layer index
   * @param batch batch index
   * @param tokens tokens, at least 0
   * @param experts experts, at least 1
   * @param logits receives {@code tokens * experts} numbers, row by row
   */
  public void generate(long seed, int layer, int batch, int tokens, int experts, float[] logits) {
    double[] weight = new double[experts];
    weights(seed, layer, batch, weight);
    for (int e = 0; e < experts; e++) {
      weight[e] = StrictMath.log(weight[e]);
    }
    RandomSource random =
        RandomSource.seeded(seed + (layer + 1) * LAYER_STRIDE + (batch + 1) * BATCH_STRIDE);
    for (int i = 0; i < tokens * experts; i++) {
      // Half a step above 0, so that the logarithm is finite.
      double u = random.nextDouble() + 0x1.0p-54;
      logits[i] = (float) (weight[i % experts] - StrictMath.log(-StrictMath.log(u)));
    }
  }
}
