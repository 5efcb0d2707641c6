package io.headway.routing.moe;

import io.headway.api.moe.CapacityRule;

/**
 * Gives every expert the slots that the batch really needs, up to a ceiling, as Tutel does.
 *
 * <p>With {@code q = ceil(T / E)}: {@code factor > 0} gives {@code k * floor(factor * q)} slots and
 * drops the overflow; {@code factor = 0} gives the largest demand and drops nothing; {@code factor
 * < 0} gives the largest demand up to {@code k * floor(-factor * q)}. The result is rounded up to
 * the alignment. Products with a factor get at least one slot as long as there are tokens.
 *
 * <p>Hwang et al.: Tutel, MLSys 2023 (arXiv 2206.03382). Departure: the minimum of one slot; the
 * authors' code truncates {@code floor(factor * q)} to 0 when there are fewer tokens than experts.
 *
 * @param factor capacity factor, finite; its sign selects the rule, see above
 * @param alignment unit in slots, at least 1
 */
public record TutelCapacity(double factor, int alignment) implements CapacityRule {
  private static final double NOISE = 1e-12;

  /** Checks the settings. */
  public TutelCapacity {
    if (!(Math.abs(factor) < Double.POSITIVE_INFINITY)) {
      throw new IllegalArgumentException("capacity factor must be finite, but was " + factor);
    }
    Checks.atLeast("alignment", 1, alignment, "slot");
  }

  /**
   * Returns {@code q}, the average tokens per expert, rounded up.
   *
   * @param tokens tokens of the group, with several devices the maximum over them
   * @param experts routed experts
   * @return {@code ceil(tokens / experts)}
   */
  public static int tokensPerExpert(int tokens, int experts) {
    return (int) ((tokens + (long) experts - 1) / experts);
  }

  /**
   * Returns the capacity factor that a capacity amounts to.
   *
   * @param slots slots per expert
   * @param choicesPerToken experts each token asks for
   * @param tokens tokens of the group
   * @param experts routed experts
   * @return {@code slots / (k q)}; 0 without tokens or choices
   */
  public static double effectiveFactor(int slots, int choicesPerToken, int tokens, int experts) {
    double demand = (double) choicesPerToken * tokensPerExpert(tokens, experts);
    return demand == 0 ? 0 : slots / demand;
  }

  @Override
  public int slots(int tokens, int experts, int choicesPerToken, int maxDemand) {
    long slots = maxDemand;
    if (factor != 0) {
      double perChoice = Math.floor(Math.abs(factor) * tokensPerExpert(tokens, experts) + NOISE);
      long ceiling = (long) (choicesPerToken * perChoice);
      if (ceiling == 0 && tokens > 0) {
        ceiling = 1;
      }
      slots = factor > 0 ? ceiling : Math.min(maxDemand, ceiling);
    }
    long aligned = (slots + alignment - 1) / alignment * alignment;
    return (int) Math.min(aligned, Integer.MAX_VALUE);
  }

  @Override
  public boolean readsDemand() {
    return factor <= 0;
  }
}
