package io.headway.memory.tiering;

import java.util.OptionalDouble;

/**
 * Decides whether a preempted sequence should come back by swapping its KV or by computing it
 * again.
 *
 * <p>With {@code n} tokens, {@code B} tokens per block, {@code m} copies per block of overhead
 * {@code tau}, {@code kappa} KV bytes per token, link rate {@code W}, {@code P} active parameters,
 * {@code L} layers of width {@code h} and compute rate {@code F}:
 *
 * <ul>
 *   <li>{@code t_swap = directions * (ceil(n / B) * m * tau + n * kappa / W)}
 *   <li>{@code t_recompute = (2 P n + 2 L n^2 h) / F} (causal attention)
 *   <li>swap if and only if {@code t_swap < t_recompute}; a tie recomputes
 * </ul>
 *
 * <p>Without a link it is recompute, without compute (an instance that cannot prefill) swap. Since
 * recomputation is convex in the length and swapping linear, a swap that wins at some length wins
 * at every longer one that fills whole blocks. PagedAttention (Kwon et al., SOSP 2023, section 7.3)
 * measured the trade-off; the formulas are roofline arithmetic of this project. Use measured rates,
 * not peak ones, and only the uncached part of a sequence.
 *
 * <p>Immutable and thread-safe. O(1).
 *
 * @param activeParameters parameters used per token, above 0
 * @param kvBytesPerToken KV bytes per token of the whole model, above 0
 * @param linkBytesPerSecond rate between device and host, at least 0; 0 if there is none
 * @param blockTokens tokens per block, at least 1
 * @param copiesPerBlock copies per block: twice the layers when keys and values of each layer lie
 *     apart; at least 0
 * @param copyOverheadSeconds cost of starting one copy, at least 0
 * @param flopsPerSecond achieved compute rate, at least 0; 0 if the instance cannot prefill
 * @param layers layers, at least 0
 * @param width model width, at least 1
 * @param directions 2 to pay for the way out and back, 1 if the way out is hidden or was done
 *     before
 */
public record SwapBreakEven(
    double activeParameters,
    double kvBytesPerToken,
    double linkBytesPerSecond,
    int blockTokens,
    int copiesPerBlock,
    double copyOverheadSeconds,
    double flopsPerSecond,
    int layers,
    int width,
    int directions) {

  /** How the sequence comes back. */
  public enum Recovery {
    /** Move its KV. */
    SWAP,
    /** Compute it again. */
    RECOMPUTE,
    /** It has no tokens: there is nothing to do. */
    NONE
  }

  /**
   * Checks the components.
   *
   * @param activeParameters parameters used per token
   * @param kvBytesPerToken KV bytes per token of the whole model
   * @param linkBytesPerSecond rate between device and host
   * @param blockTokens tokens per block
   * @param copiesPerBlock copies per block
   * @param copyOverheadSeconds cost of starting one copy
   * @param flopsPerSecond achieved compute rate
   * @param layers layers
   * @param width model width
   * @param directions 1 or 2
   * @throws IllegalArgumentException if one of them is out of range, or if there is neither a link
   *     nor compute
   */
  public SwapBreakEven {
    above("activeParameters", activeParameters, 0, true, "parameters");
    above("kvBytesPerToken", kvBytesPerToken, 0, true, "bytes");
    above("linkBytesPerSecond", linkBytesPerSecond, 0, false, "bytes/s");
    above("blockTokens", blockTokens, 1, false, "tokens");
    above("copiesPerBlock", copiesPerBlock, 0, false, "copies");
    above("copyOverheadSeconds", copyOverheadSeconds, 0, false, "seconds");
    above("flopsPerSecond", flopsPerSecond, 0, false, "FLOP/s");
    above("layers", layers, 0, false, "layers");
    above("width", width, 1, false, "elements");
    if (directions != 1 && directions != 2) {
      throw new IllegalArgumentException("directions must be 1 or 2, but was " + directions);
    }
    if (linkBytesPerSecond == 0 && flopsPerSecond == 0) {
      throw new IllegalArgumentException(
          "linkBytesPerSecond and flopsPerSecond must not both be 0: nothing could come back");
    }
  }

  private static void above(
      String name, double value, double bound, boolean strictly, String unit) {
    if (!(strictly ? value > bound : value >= bound) || Double.isInfinite(value)) {
      throw new IllegalArgumentException(
          name
              + " must be finite and "
              + (strictly ? "above " : "at least ")
              + (bound == 0 ? "0" : "1")
              + " "
              + unit
              + ", but was "
              + value);
    }
  }

  /**
   * Returns the time to swap.
   *
   * @param tokens tokens whose KV moves, at least 0
   * @return seconds; empty without a link
   */
  public OptionalDouble swapSeconds(int tokens) {
    requireTokens(tokens);
    if (linkBytesPerSecond == 0) {
      return OptionalDouble.empty();
    }
    long blocks = tokens == 0 ? 0 : (tokens - 1) / blockTokens + 1;
    double copies = (double) blocks * copiesPerBlock * copyOverheadSeconds;
    return OptionalDouble.of(directions * (copies + tokens * kvBytesPerToken / linkBytesPerSecond));
  }

  /**
   * Returns the time to compute the KV again in one prefill.
   *
   * @param tokens tokens to compute, at least 0
   * @return seconds; empty if the instance cannot prefill
   */
  public OptionalDouble recomputeSeconds(int tokens) {
    requireTokens(tokens);
    if (flopsPerSecond == 0) {
      return OptionalDouble.empty();
    }
    double n = tokens;
    double flops = 2 * activeParameters * n + 2.0 * layers * n * n * width;
    return OptionalDouble.of(flops / flopsPerSecond);
  }

  /**
   * Decides how a sequence comes back.
   *
   * @param tokens tokens to bring back, at least 0
   * @return the cheaper way, {@link Recovery#RECOMPUTE} on a tie
   */
  public Recovery decide(int tokens) {
    requireTokens(tokens);
    if (tokens == 0) {
      return Recovery.NONE;
    }
    OptionalDouble swap = swapSeconds(tokens);
    OptionalDouble recompute = recomputeSeconds(tokens);
    if (swap.isEmpty()) {
      return Recovery.RECOMPUTE;
    }
    return recompute.isEmpty() || swap.getAsDouble() < recompute.getAsDouble()
        ? Recovery.SWAP
        : Recovery.RECOMPUTE;
  }

  /**
   * Returns the copy overhead at which both ways cost the same per token, quadratic attention left
   * out: {@code B (2 P / F - 2 kappa / W) / (2 m)}.
   *
   * @return seconds, negative if recomputing is cheaper even without overhead; empty unless there
   *     are two directions, a link, compute and copies
   */
  public OptionalDouble breakEvenCopyOverheadSeconds() {
    if (directions != 2 || linkBytesPerSecond == 0 || flopsPerSecond == 0 || copiesPerBlock == 0) {
      return OptionalDouble.empty();
    }
    double recompute = 2 * activeParameters / flopsPerSecond;
    double transfer = 2 * kvBytesPerToken / linkBytesPerSecond;
    return OptionalDouble.of(blockTokens * (recompute - transfer) / (2.0 * copiesPerBlock));
  }

  /**
   * Returns the link rate at which loading alone costs what recomputing costs, quadratic attention
   * and copy overhead left out: {@code kappa F / (2 P)}.
   *
   * @return bytes per second; empty if the instance cannot prefill
   */
  public OptionalDouble breakEvenBytesPerSecond() {
    return flopsPerSecond == 0
        ? OptionalDouble.empty()
        : OptionalDouble.of(kvBytesPerToken * flopsPerSecond / (2 * activeParameters));
  }

  private static void requireTokens(int tokens) {
    if (tokens < 0) {
      throw new IllegalArgumentException("tokens must be at least 0 tokens, but was " + tokens);
    }
  }
}
