package io.headway.batching;

import io.headway.api.Request;

/**
 * One request of a test.
 *
 * @param id its id
 * @param arrival iteration in which it is submitted
 * @param prompt prompt tokens
 * @param output tokens after which the engine stops it
 * @param maxNew declared cap, at least {@code output}
 * @param priority smaller is more urgent
 * @param tenant who pays
 * @param predicted predicted output tokens, 0 for none
 */
public record Job(
    String id,
    int arrival,
    int prompt,
    int output,
    int maxNew,
    int priority,
    String tenant,
    int predicted) {
  public Job(String id, int arrival, int prompt, int output, int maxNew) {
    this(id, arrival, prompt, output, maxNew, 0, "", 0);
  }

  public Job withPriority(int value) {
    return new Job(id, arrival, prompt, output, maxNew, value, tenant, predicted);
  }

  public Job withTenant(String name) {
    return new Job(id, arrival, prompt, output, maxNew, priority, name, predicted);
  }

  public Job withPrediction(int tokens) {
    return new Job(id, arrival, prompt, output, maxNew, priority, tenant, tokens);
  }

  /** The request as submitted; the clock counts iterations. */
  public Request request() {
    Request.Builder request =
        Request.builder(id, prompt, maxNew).arrivalNanos(arrival).priority(priority).tenant(tenant);
    if (predicted > 0) {
      request.predictedOutputTokens(predicted);
    }
    return request.build();
  }
}
