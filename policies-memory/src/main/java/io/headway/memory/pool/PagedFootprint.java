package io.headway.memory.pool;

import io.headway.api.memory.KvFootprint;

/**
 * The blocks of a paged pool: {@code groups * ceil(n / blockTokens)}.
 *
 * @param blockTokens tokens per block, at least 1
 * @param groups cache groups, each with a table of its own, at least 1
 */
record PagedFootprint(int blockTokens, int groups) implements KvFootprint {
  @Override
  public int blocks(int lengthTokens) {
    if (lengthTokens < 0) {
      throw new IllegalArgumentException(
          "lengthTokens must be at least 0 tokens, but was " + lengthTokens);
    }
    return groups * perGroup(lengthTokens);
  }

  /** Returns the length of each group's table. */
  int perGroup(int lengthTokens) {
    return lengthTokens == 0 ? 0 : (lengthTokens - 1) / blockTokens + 1;
  }
}
