package io.headway.batching;

import io.headway.api.Lane;
import io.headway.api.Request;
import java.util.Objects;

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
 * @param expires iteration from which work of the batch lane is not started any more; {@link
 *     #INTERACTIVE} for interactive requests
 * @param shared leading prompt tokens that all requests of the tenant have in common; 0 to say
 *     nothing about the prompt
 */
public record Job(
    String id,
    int arrival,
    int prompt,
    int output,
    int maxNew,
    int priority,
    String tenant,
    int predicted,
    int expires,
    int shared) {
  /** Not batch work. */
  public static final int INTERACTIVE = -1;

  public Job(String id, int arrival, int prompt, int output, int maxNew) {
    this(id, arrival, prompt, output, maxNew, 0, "", 0);
  }

  public Job(
      String id,
      int arrival,
      int prompt,
      int output,
      int maxNew,
      int priority,
      String tenant,
      int predicted) {
    this(id, arrival, prompt, output, maxNew, priority, tenant, predicted, INTERACTIVE, 0);
  }

  /** Makes it work of the batch lane. */
  public Job inLane(int iteration) {
    return new Job(
        id, arrival, prompt, output, maxNew, priority, tenant, predicted, iteration, shared);
  }

  public boolean isInteractive() {
    return expires == INTERACTIVE;
  }

  public Job withPriority(int value) {
    return new Job(id, arrival, prompt, output, maxNew, value, tenant, predicted, expires, shared);
  }

  public Job withTenant(String name) {
    return new Job(id, arrival, prompt, output, maxNew, priority, name, predicted, expires, shared);
  }

  public Job withPrediction(int tokens) {
    return new Job(id, arrival, prompt, output, maxNew, priority, tenant, tokens, expires, shared);
  }

  public Job withShared(int tokens) {
    return new Job(
        id, arrival, prompt, output, maxNew, priority, tenant, predicted, expires, tokens);
  }

  /** The request as submitted, with so many nanoseconds to an iteration. */
  public Request request(long iterationNanos) {
    Request.Builder request =
        Request.builder(id, prompt, maxNew)
            .arrivalNanos(arrival * iterationNanos)
            .priority(priority)
            .tenant(tenant);
    if (predicted > 0) {
      request.predictedOutputTokens(predicted);
    }
    if (!isInteractive()) {
      request.lane(Lane.BATCH).expiresNanos(expires * iterationNanos);
    }
    if (shared > 0) {
      int[] tokens = new int[prompt];
      for (int i = 0; i < prompt; i++) {
        tokens[i] = i < shared ? i : Objects.hash(id, i);
      }
      request.tokenIds(tokens);
    }
    return request.build();
  }
}
