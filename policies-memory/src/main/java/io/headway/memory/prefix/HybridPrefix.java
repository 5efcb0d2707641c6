package io.headway.memory.prefix;

/**
 * Finds prefix lengths that cache groups of different attention can serve (vLLM's hybrid KV-cache
 * coordinator; Jenga, SOSP 2025).
 *
 * <p>Full attention needs every block: a hit is the run of cached blocks from block 0, and any
 * shorter prefix is a hit too. Sliding attention with a window of {@code w} tokens needs only the
 * last {@code r = ceil((w - 1) / B)} blocks before the hit, so its hits are <em>not</em> closed
 * under shortening and must be searched anew below each candidate length. All methods are pure and
 * work on block copies by index: a block id, or {@link #MISSING}.
 */
public final class HybridPrefix {
  /** Marks an index without a cached block. */
  public static final int MISSING = -1;

  /** Stands for full attention where a number of needed blocks is asked for. */
  public static final int WHOLE_PREFIX = -1;

  private HybridPrefix() {}

  /**
   * Returns how many blocks before a hit a sliding window still reads.
   *
   * @param windowTokens window, at least 1 token
   * @param blockTokens tokens per block, at least 1
   * @return {@code ceil((windowTokens - 1) / blockTokens)}; 0 if every length is a hit
   */
  public static int blocksNeeded(int windowTokens, int blockTokens) {
    return -Math.floorDiv(1 - windowTokens, blockTokens);
  }

  /**
   * Returns the hit of a group with full attention.
   *
   * @param copies cached block by index
   * @param limitBlocks longest hit to report, at most {@code copies.length}
   * @return blocks, up to the first missing one
   */
  public static int fullHit(int[] copies, int limitBlocks) {
    int hit = 0;
    while (hit < limitBlocks && copies[hit] != MISSING) {
      hit++;
    }
    return hit;
  }

  /**
   * Returns the longest hit of a group with sliding attention: the right-most run of {@code
   * neededBlocks} cached blocks that ends at or before the limit, or else the run that begins at
   * block 0.
   *
   * @param copies cached block by index
   * @param limitBlocks longest hit to report, at most {@code copies.length}
   * @param neededBlocks result of {@link #blocksNeeded}; one more with a draft head that gives up
   *     the last block
   * @return blocks of the hit; all but the last {@code neededBlocks} of them are not read
   */
  public static int slidingHit(int[] copies, int limitBlocks, int neededBlocks) {
    if (neededBlocks == 0) {
      return limitBlocks;
    }
    int run = 0;
    for (int i = limitBlocks - 1; i >= 0; i--) {
      run = copies[i] == MISSING ? 0 : run + 1;
      if (run == neededBlocks) {
        return i + run;
      }
    }
    return run;
  }

  /**
   * Returns the longest hit that every group can serve: each group in turn lowers the candidate or
   * keeps it, until none lowers it.
   *
   * @param copies cached block by group and index
   * @param neededBlocks by group: the argument of {@link #slidingHit}, or {@link #WHOLE_PREFIX} for
   *     full attention
   * @param limitBlocks longest hit to report
   * @return blocks
   */
  public static int commonHit(int[][] copies, int[] neededBlocks, int limitBlocks) {
    int candidate = limitBlocks;
    boolean lowered = true;
    while (lowered) {
      lowered = false;
      for (int g = 0; g < neededBlocks.length; g++) {
        int hit =
            neededBlocks[g] == WHOLE_PREFIX
                ? fullHit(copies[g], candidate)
                : slidingHit(copies[g], candidate, neededBlocks[g]);
        if (hit < candidate) {
          candidate = hit;
          lowered = neededBlocks.length > 1;
        }
      }
    }
    return candidate;
  }

  /**
   * Returns how many leading blocks a group with sliding attention never reads again.
   *
   * @param computedTokens tokens whose KV is final, at least 0
   * @param windowTokens window, at least 1 token
   * @param blockTokens tokens per block, at least 1
   * @return blocks that lie wholly before token {@code computedTokens - windowTokens + 1}
   */
  public static int skippedBlocks(int computedTokens, int windowTokens, int blockTokens) {
    return Math.max(0, computedTokens - windowTokens + 1) / blockTokens;
  }
}
