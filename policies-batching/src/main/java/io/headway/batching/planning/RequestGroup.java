package io.headway.batching.planning;

import static java.util.Objects.requireNonNull;

import io.headway.batching.internal.Arguments;

/**
 * Requests of one model and one objective, served first come, first served: the unit that QLM
 * plans.
 *
 * @param model the model they need
 * @param requests how many, at least 0
 * @param tokensPerRequest output tokens of one, at least 0; 100 in the artifact
 * @param sloSeconds time left until their objective is missed
 * @param tokensPerSecond throughput of the model, Theta, above 0
 */
public record RequestGroup(
    String model,
    int requests,
    double tokensPerRequest,
    double sloSeconds,
    double tokensPerSecond) {
  public RequestGroup {
    requireNonNull(model, "model");
    Arguments.atLeast("requests", requests, 0, "requests");
    Arguments.notNegative("tokensPerRequest", tokensPerRequest, "tokens");
    Arguments.positive("tokensPerSecond", tokensPerSecond, "tokens/s");
  }

  /**
   * Returns how long the whole group takes.
   *
   * @return {@code requests * tokensPerRequest / tokensPerSecond}, seconds
   */
  public double seconds() {
    return requests * tokensPerRequest / tokensPerSecond;
  }
}
