package io.headway.memory.footprint;

import io.headway.api.memory.KvFootprint;

/**
 * One unit per sequence, whatever its length: engines that reserve a whole context for each slot.
 *
 * @param contextTokens longest sequence that a slot holds, at least 1
 */
public record ContextFootprint(int contextTokens) implements KvFootprint {
  /**
   * Checks the component.
   *
   * @param contextTokens longest sequence that a slot holds
   * @throws IllegalArgumentException if it is below 1
   */
  public ContextFootprint {
    Checks.atLeast("contextTokens", contextTokens, 1, "token");
  }

  /**
   * Returns the slots of a sequence.
   *
   * @param lengthTokens tokens, at least 0
   * @return 0 for an empty sequence, 1 up to the context, {@link Integer#MAX_VALUE} beyond it,
   *     which no pool can supply
   */
  @Override
  public int blocks(int lengthTokens) {
    Checks.atLeast("lengthTokens", lengthTokens, 0, "token");
    if (lengthTokens == 0) {
      return 0;
    }
    return lengthTokens <= contextTokens ? 1 : Integer.MAX_VALUE;
  }

  @Override
  public int reachTokens(int lengthTokens, int blocks) {
    return blocks == 0 ? lengthTokens : Math.max(lengthTokens, contextTokens);
  }
}
