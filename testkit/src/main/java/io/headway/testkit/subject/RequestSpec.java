package io.headway.testkit.subject;

import io.headway.api.Request;

/**
 * A request of a scenario with everything that a model could see of it. Immutable; the array is not
 * to be changed.
 *
 * @param id unique name; names ascend in order of arrival
 * @param promptTokenIds the prompt
 * @param maxNewTokens most output tokens
 * @param arrivalNanos when it comes
 * @param priority smaller is more urgent
 * @param tenant who pays, or empty
 * @param adapter LoRA adapter, or empty
 * @param salt cache salt, or empty
 * @param deadlineNanos when it expires; {@link Long#MAX_VALUE} if never
 * @param predictedTokens predicted output; 0 if there is no prediction
 * @param handsOver whether only its prompt and first token are computed here
 * @param deferred whether it must not start before it is said to be ready
 * @param mediaItems media items in the prompt, each from its start to the next one's
 * @param mediaUnits units of the encoder cache that each takes while its tokens are computed
 */
@SuppressWarnings("ArrayRecordComponent") // Written once, read on every position of every step.
public record RequestSpec(
    String id,
    int[] promptTokenIds,
    int maxNewTokens,
    long arrivalNanos,
    int priority,
    String tenant,
    String adapter,
    String salt,
    long deadlineNanos,
    int predictedTokens,
    boolean handsOver,
    boolean deferred,
    int mediaItems,
    int mediaUnits) {
  /**
   * Returns the length of the prompt.
   *
   * @return tokens, at least 1
   */
  public int promptTokens() {
    return promptTokenIds.length;
  }

  /**
   * Returns the most KV entries that this request can hold: the last output token is never written.
   *
   * @return tokens
   */
  public int maxKvTokens() {
    return promptTokens() + maxNewTokens - 1;
  }

  /**
   * Returns where a media item begins: they divide the prompt evenly, and the first begins it.
   *
   * @param item 0 to {@link #mediaItems} - 1
   * @return position in the prompt
   */
  public int mediaStart(int item) {
    return (int) ((long) item * promptTokens() / mediaItems);
  }

  /**
   * Returns whether a deadline was given.
   *
   * @return true if it can expire
   */
  public boolean hasDeadline() {
    return deadlineNanos != Long.MAX_VALUE;
  }

  /**
   * Makes the request as this library's schedulers take it.
   *
   * @param config says what requests carry for prefix caching
   * @return the request
   */
  public Request toRequest(EngineConfig config) {
    Request.Builder request =
        Request.builder(id, promptTokens(), maxNewTokens)
            .arrivalNanos(arrivalNanos)
            .priority(priority)
            .tenant(tenant)
            .adapter(adapter)
            .cacheSalt(salt)
            .deadlineNanos(deadlineNanos);
    if (predictedTokens > 0) {
      request.predictedOutputTokens(predictedTokens);
    }
    switch (config.keys()) {
      case NONE -> {}
      case TOKENS -> request.tokenIds(promptTokenIds);
      case BLOCK_KEYS -> request.blockKeys(blockKeys(config.blockTokens()));
    }
    return request.build();
  }

  /** Returns keys of the whole prompt blocks; equal keys mean equal content so far. */
  private long[] blockKeys(int blockTokens) {
    long[] keys = new long[promptTokens() / blockTokens];
    long hash = 1;
    for (int i = 0; i < keys.length * blockTokens; i++) {
      hash = (hash + promptTokenIds[i]) * 0x9e3779b97f4a7c15L;
      keys[i / blockTokens] = hash;
    }
    return keys;
  }

  @Override
  public String toString() {
    StringBuilder text = new StringBuilder(id);
    text.append("(P=").append(promptTokens()).append(",M=").append(maxNewTokens);
    if (priority != 0) {
      text.append(",p=").append(priority);
    }
    append(text, "tenant", tenant);
    append(text, "adapter", adapter);
    append(text, "salt", salt);
    if (mediaItems > 0) {
      text.append(",media=").append(mediaItems).append('x').append(mediaUnits);
    }
    if (hasDeadline()) {
      text.append(",deadline=").append(deadlineNanos);
    }
    if (predictedTokens > 0) {
      text.append(",predicted=").append(predictedTokens);
    }
    return text.append(handsOver ? ",handed over)" : deferred ? ",deferred)" : ")").toString();
  }

  private static void append(StringBuilder text, String name, String value) {
    if (!value.isEmpty()) {
      text.append(',').append(name).append('=').append(value);
    }
  }
}
