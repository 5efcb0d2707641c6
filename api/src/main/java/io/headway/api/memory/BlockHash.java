package io.headway.api.memory;

import io.headway.api.ImplementedByUsers;

/**
 * Computes the key of a full block from the key before it, its tokens and its attributes.
 *
 * <p>Equal input must give equal keys in every process with the same configuration, so that
 * instances can share a store. A key is only an address: pools compare content and attributes
 * before they take a hit, so even a bad hash costs hits and never correctness within one pool.
 * Where keys leave the process (a shared store, a router's index) the function must be
 * collision-resistant.
 *
 * <p>Not thread-safe unless an implementation says so; one object per scheduler.
 */
@ImplementedByUsers
public interface BlockHash {
  /**
   * Returns the length of the keys.
   *
   * @return 64-bit words, 1 to {@value BlockKey#MAX_WORDS}
   */
  int words();

  /**
   * Writes the key that stands before the first block of every chain.
   *
   * @param key array that receives {@link #words()} words
   * @param at index of the first word
   */
  void root(long[] key, int at);

  /**
   * Writes the key of a block.
   *
   * @param parent array that holds the key of the block before it, or the root key
   * @param parentAt index of that key's first word
   * @param tokens array that holds the block's token ids, read as unsigned 32-bit numbers
   * @param from index of the block's first token
   * @param to index after its last token
   * @param extras attributes of the block, {@link BlockExtras#NONE} if there are none
   * @param key array that receives {@link #words()} words; may be {@code parent}
   * @param at index of the first word
   */
  void next(
      long[] parent,
      int parentAt,
      int[] tokens,
      int from,
      int to,
      BlockExtras extras,
      long[] key,
      int at);
}
