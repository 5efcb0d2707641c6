package io.headway.batching.fairness;

import io.headway.batching.internal.Arguments;

/**
 * What serving a request costs: {@code h(p, n) = inputPrice * p + outputPrice * n + crossPrice * p
 * * n + squarePrice * n^2 + fixedPrice} for {@code p} prompt and {@code n} output tokens.
 * Immutable.
 *
 * <p>Source: Sheng et al., Fairness in Serving Large Language Models, OSDI 2024; the profiled
 * coefficients are those of its artifact, github.com/Ying1123/VTC-artifact.
 *
 * @param inputPrice weighted tokens per prompt token, at least 0
 * @param outputPrice weighted tokens per output token, at least 0
 * @param crossPrice per prompt token and output token, at least 0
 * @param squarePrice per output token squared, at least 0
 * @param fixedPrice per request, at least 0
 */
public record ServiceCost(
    double inputPrice,
    double outputPrice,
    double crossPrice,
    double squarePrice,
    double fixedPrice) {
  /** The paper's prices: 1 for an input token, 2 for an output token. */
  public static final ServiceCost DEFAULT = linear(1, 2);

  /** The artifact's fit to measured times. */
  public static final ServiceCost PROFILED =
      new ServiceCost(0.2100, 0.1008, 0.003987, 0.003247, 1.146);

  public ServiceCost {
    Arguments.notNegative("inputPrice", inputPrice, "weighted tokens per token");
    Arguments.notNegative("outputPrice", outputPrice, "weighted tokens per token");
    Arguments.notNegative("crossPrice", crossPrice, "weighted tokens per token squared");
    Arguments.notNegative("squarePrice", squarePrice, "weighted tokens per token squared");
    Arguments.notNegative("fixedPrice", fixedPrice, "weighted tokens");
  }

  /**
   * Returns the cost without cross, square and fixed terms.
   *
   * @param inputPrice weighted tokens per prompt token, at least 0
   * @param outputPrice weighted tokens per output token, at least 0
   * @return {@code inputPrice * p + outputPrice * n}
   */
  public static ServiceCost linear(double inputPrice, double outputPrice) {
    return new ServiceCost(inputPrice, outputPrice, 0, 0, 0);
  }

  /**
   * Returns the cost of a request.
   *
   * @param promptTokens p
   * @param outputTokens n
   * @return h(p, n)
   */
  public double of(double promptTokens, double outputTokens) {
    return inputPrice * promptTokens
        + outputPrice * outputTokens
        + crossPrice * promptTokens * outputTokens
        + squarePrice * outputTokens * outputTokens
        + fixedPrice;
  }

  /**
   * Returns what one output token adds.
   *
   * @param promptTokens p
   * @param outputToken n, which output token it is, from 1
   * @return {@code h(p, n) - h(p, n - 1)}
   */
  public double ofOutputToken(int promptTokens, int outputToken) {
    return outputPrice + crossPrice * promptTokens + squarePrice * (2.0 * outputToken - 1);
  }

  /**
   * Returns whether every output token costs the same.
   *
   * @return true without cross and square terms
   */
  public boolean isLinear() {
    return crossPrice == 0 && squarePrice == 0;
  }
}
