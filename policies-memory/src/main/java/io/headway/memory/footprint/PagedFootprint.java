package io.headway.memory.footprint;

import io.headway.api.memory.KvFootprint;

/**
 * The blocks of a paged pool: {@code groups * ceil(n / blockTokens)}.
 *
 * @param blockTokens tokens per block, at least 1
 * @param groups cache groups, each with a table of its own, at least 1
 */
public record PagedFootprint(int blockTokens, int groups) implements KvFootprint {
  /**
   * Checks the components.
   *
   * @param blockTokens tokens per block
   * @param groups cache groups
   * @throws IllegalArgumentException if one of them is below 1
   */
  public PagedFootprint {
    Checks.atLeast("blockTokens", blockTokens, 1, "token");
    Checks.atLeast("groups", groups, 1, "group");
  }

  @Override
  public int blocks(int lengthTokens) {
    return Checks.toInt("blocks", (long) groups * blocksPerGroup(lengthTokens));
  }

  /**
   * Returns the length of each group's table.
   *
   * @param lengthTokens tokens, at least 0
   * @return {@code ceil(lengthTokens / blockTokens)}
   */
  public int blocksPerGroup(int lengthTokens) {
    Checks.atLeast("lengthTokens", lengthTokens, 0, "token");
    return lengthTokens == 0 ? 0 : (lengthTokens - 1) / blockTokens + 1;
  }

  @Override
  public int reachTokens(int lengthTokens, int blocks) {
    return Math.max(
        lengthTokens, (int) Math.min(Integer.MAX_VALUE, (long) (blocks / groups) * blockTokens));
  }
}
