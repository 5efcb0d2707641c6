package io.headway.predictors.prefix;

import io.headway.api.Request;

/**
 * Mirrors which blocks an instance has cached, from its cache events, and answers how many leading
 * prompt tokens of a request it holds: whole blocks present without a gap, at most one token less
 * than the prompt, because the last token is always computed.
 *
 * <p>Block keys are chained: equal keys mean equal content of the block and all before it. If
 * eviction events are lossless and in order the answer never exceeds what is cached. O(blocks) per
 * answer, O(1) per event, no boxing; mutable, not thread-safe.
 */
public final class PrefixMirror {
  private static final int INITIAL_SLOTS = 64;

  private final int blockTokens;
  // Open addressing with linear probing; key 0 is kept aside, so that 0 can mean "empty".
  private long[] slots = new long[INITIAL_SLOTS];
  private int size;
  private boolean zero;

  /**
   * Makes an empty mirror.
   *
   * @param blockTokens tokens in a block, at least 1
   * @throws IllegalArgumentException if it is below 1
   */
  public PrefixMirror(int blockTokens) {
    if (blockTokens < 1) {
      throw new IllegalArgumentException(
          "blockTokens must be at least 1 token, but was " + blockTokens);
    }
    this.blockTokens = blockTokens;
  }

  /**
   * Notes that a block was cached.
   *
   * @param key its key
   */
  public void insert(long key) {
    if (key == 0) {
      zero = true;
      return;
    }
    int at = find(key);
    if (slots[at] == 0) {
      slots[at] = key;
      size++;
      if (size * 2 > slots.length) {
        grow();
      }
    }
  }

  /**
   * Notes that a block was evicted; unknown keys are ignored.
   *
   * @param key its key
   */
  public void evict(long key) {
    if (key == 0) {
      zero = false;
      return;
    }
    int hole = find(key);
    if (slots[hole] == 0) {
      return;
    }
    size--;
    // Close the gap: later entries of the cluster move up unless they already sit at their home.
    int mask = slots.length - 1;
    int at = hole;
    while (true) {
      at = (at + 1) & mask;
      if (slots[at] == 0) {
        break;
      }
      int home = home(slots[at]);
      if (((at - home) & mask) >= ((at - hole) & mask)) {
        slots[hole] = slots[at];
        hole = at;
      }
    }
    slots[hole] = 0;
  }

  /**
   * Returns how many blocks are cached.
   *
   * @return a count
   */
  public int size() {
    return size + (zero ? 1 : 0);
  }

  /**
   * Returns whether a block is cached.
   *
   * @param key its key
   * @return true between its insertion and its eviction
   */
  public boolean contains(long key) {
    return key == 0 ? zero : slots[find(key)] != 0;
  }

  /**
   * Returns the cached prompt tokens of a request that carries block keys.
   *
   * @param request the request
   * @return tokens, 0 to {@code promptTokens - 1}
   */
  public int hitTokens(Request request) {
    int blocks = 0;
    while (blocks < request.blockKeyCount() && contains(request.blockKey(blocks))) {
      blocks++;
    }
    return clip(blocks, request.promptTokens());
  }

  /**
   * Returns the cached prompt tokens behind a chain of block keys.
   *
   * @param keys keys of the prompt's whole blocks in order
   * @param promptTokens at least 1 token
   * @return tokens, 0 to {@code promptTokens - 1}
   * @throws IllegalArgumentException if {@code promptTokens} is below 1
   */
  public int hitTokens(long[] keys, int promptTokens) {
    if (promptTokens < 1) {
      throw new IllegalArgumentException(
          "promptTokens must be at least 1 token, but was " + promptTokens);
    }
    int blocks = 0;
    while (blocks < keys.length && contains(keys[blocks])) {
      blocks++;
    }
    return clip(blocks, promptTokens);
  }

  private int clip(int blocks, int promptTokens) {
    return (int) Math.min((long) blocks * blockTokens, promptTokens - 1L);
  }

  private void grow() {
    long[] old = slots;
    slots = new long[2 * old.length];
    for (long key : old) {
      if (key != 0) {
        slots[find(key)] = key;
      }
    }
  }

  private int find(long key) {
    int mask = slots.length - 1;
    int at = home(key);
    while (slots[at] != 0 && slots[at] != key) {
      at = (at + 1) & mask;
    }
    return at;
  }

  private int home(long key) {
    long mixed = key * 0x9E3779B97F4A7C15L;
    return (int) (mixed >>> 32) & (slots.length - 1);
  }
}
