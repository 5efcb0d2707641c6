package io.headway.batching.planning;

import static java.util.Objects.requireNonNull;

/**
 * A fitted latency surface over batch size and length: {@code seconds(b, l) = product * b * l +
 * batch * b + length * l + constant}, the form that SCLS and the SLO-aware annealing fit to
 * profiles, once for a prefill and once for a decode iteration. Immutable.
 *
 * <p>The defaults are ours, since neither paper prints a fit: rounded least squares to this
 * project's roofline of Llama-2-7B on one A100-80G, within 15 % (prefill) and 3 % (decode) of it
 * for 1 to 128 sequences of 64 to 4,096 tokens. Fit them to your own engine.
 *
 * @param product seconds per sequence and token
 * @param batch seconds per sequence
 * @param length seconds per token of the longest
 * @param constant seconds
 */
public record LatencySurface(double product, double batch, double length, double constant) {
  /** A prefill iteration of the default engine. */
  public static final LatencySurface DEFAULT_PREFILL = new LatencySurface(8.5e-5, 0, 0, 6e-3);

  /** A decode iteration of the default engine. */
  public static final LatencySurface DEFAULT_DECODE = new LatencySurface(4e-7, 3e-5, 0, 0.012);

  public LatencySurface {
    requireFinite("product", product);
    requireFinite("batch", batch);
    requireFinite("length", length);
    requireFinite("constant", constant);
  }

  private static void requireFinite(String name, double value) {
    if (!Double.isFinite(value)) {
      throw new IllegalArgumentException(name + " must be finite seconds, but was " + value);
    }
  }

  /**
   * Reads four coefficients.
   *
   * @param name the parameter, for the error
   * @param text {@code product/batch/length/constant} in seconds, such as {@code 4e-7/3e-5/0/0.012}
   * @return the surface
   * @throws IllegalArgumentException if these are not four finite numbers
   */
  public static LatencySurface parse(String name, String text) {
    String[] parts = requireNonNull(text, "text").split("/", -1);
    if (parts.length == 4) {
      try {
        return new LatencySurface(
            Double.parseDouble(parts[0]),
            Double.parseDouble(parts[1]),
            Double.parseDouble(parts[2]),
            Double.parseDouble(parts[3]));
      } catch (IllegalArgumentException e) {
        throw malformed(name, text);
      }
    }
    throw malformed(name, text);
  }

  private static IllegalArgumentException malformed(String name, String text) {
    return new IllegalArgumentException(
        name
            + " must be four finite numbers product/batch/length/constant in seconds, such as"
            + " 4e-7/3e-5/0/0.012, but was '"
            + text
            + "'");
  }

  /**
   * Returns one value.
   *
   * @param batchSize sequences
   * @param lengthTokens their common length
   * @return seconds
   */
  public double seconds(double batchSize, double lengthTokens) {
    return product * batchSize * lengthTokens
        + batch * batchSize
        + length * lengthTokens
        + constant;
  }

  /**
   * Returns the sum over consecutive lengths, in closed form: {@code sum of seconds(b, l) for l =
   * after + 1 .. after + count}.
   *
   * @param batchSize sequences
   * @param afterTokens the length before the first
   * @param count how many iterations, at least 0
   * @return seconds
   */
  public double sumSeconds(double batchSize, double afterTokens, double count) {
    double lengths = count * afterTokens + count * (count + 1) / 2;
    return (product * batchSize + length) * lengths + count * (batch * batchSize + constant);
  }

  /**
   * Returns the coefficients as {@link #parse} reads them.
   *
   * @return {@code product/batch/length/constant}
   */
  public String text() {
    return product + "/" + batch + "/" + length + "/" + constant;
  }
}
