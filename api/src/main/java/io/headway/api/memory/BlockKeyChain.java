package io.headway.api.memory;

import static java.util.Objects.requireNonNull;

import java.util.Arrays;
import java.util.Objects;
import org.jspecify.annotations.Nullable;

/**
 * Names the content of one sequence block by block: its tokens so far and one chained key per full
 * block.
 *
 * <p>The scheduler that owns the sequence appends the prompt when the request arrives and every
 * accepted output token when its step has completed; draft tokens do not belong here before they
 * are verified. Key {@code i} is computed once, when block {@code i} is full: {@code key_i =
 * H(key_{i-1}, tokens of block i, attributes of block i)}. A chain may also be made of {@linkplain
 * #precomputed keys that the caller computed}; it then has no tokens and matches only other chains
 * made that way.
 *
 * <p>Not thread-safe. Steady state allocates nothing but the growth of two arrays.
 */
public final class BlockKeyChain {
  private static final int[] NO_TOKENS = {};

  private final @Nullable BlockHash hash;
  private final int words;
  private final int blockTokens;
  private final PrefixAttributes attributes;
  private final BlockExtras firstExtras;
  private final BlockExtras laterExtras;

  /** Derived attributes by block; used only where they differ from block to block. */
  private BlockExtras[] extrasByBlock = {};

  private int[] tokens = NO_TOKENS;
  private int tokenCount;

  /** The root key, then one key per full block. */
  private long[] keys;

  private int blocks;

  private BlockKeyChain(
      @Nullable BlockHash hash, int words, int blockTokens, PrefixAttributes attributes) {
    Arguments.atLeast("blockTokens", blockTokens, 1, "token");
    if (words < 1 || words > BlockKey.MAX_WORDS) {
      throw new IllegalArgumentException(
          "words must be between 1 and "
              + BlockKey.MAX_WORDS
              + " words of 64 bits, but was "
              + words);
    }
    this.hash = hash;
    this.words = words;
    this.blockTokens = blockTokens;
    this.attributes = requireNonNull(attributes, "attributes");
    firstExtras = attributes.extras(0, blockTokens);
    laterExtras =
        attributes.uniformAfterFirst() ? attributes.extras(1, blockTokens) : BlockExtras.NONE;
    keys = new long[words];
  }

  /**
   * Makes an empty chain whose keys are computed from tokens.
   *
   * @param hash hash function; used by one chain at a time
   * @param blockTokens tokens per block, at least 1
   * @param attributes what separates this sequence's blocks from others'
   * @return a new chain without tokens
   * @throws IllegalArgumentException if {@code blockTokens} is below 1
   */
  public static BlockKeyChain of(BlockHash hash, int blockTokens, PrefixAttributes attributes) {
    BlockKeyChain chain =
        new BlockKeyChain(requireNonNull(hash, "hash"), hash.words(), blockTokens, attributes);
    hash.root(chain.keys, 0);
    return chain;
  }

  /**
   * Makes a chain of keys that the caller computed; equal keys (under equal attributes) promise
   * equal content of that block and all before it.
   *
   * @param keys the keys, first block first, {@code words} longs each; copied
   * @param words longs per key, 1 to {@value BlockKey#MAX_WORDS}
   * @param blockTokens tokens per block, at least 1
   * @param attributes what separates this sequence's blocks from others'
   * @return a new chain with {@code keys.length / words} blocks and no tokens
   * @throws IllegalArgumentException if the array does not hold whole keys or a number is out of
   *     range
   */
  public static BlockKeyChain precomputed(
      long[] keys, int words, int blockTokens, PrefixAttributes attributes) {
    BlockKeyChain chain = new BlockKeyChain(null, words, blockTokens, attributes);
    chain.appendKeys(keys);
    return chain;
  }

  /**
   * Appends keys that the caller computed.
   *
   * @param more whole keys; copied
   * @throws IllegalStateException if the keys of this chain are computed from tokens
   * @throws IllegalArgumentException if the array does not hold whole keys
   */
  public void appendKeys(long[] more) {
    if (hash != null) {
      throw new IllegalStateException(
          "appendKeys needs a chain of precomputed keys, but this one computes keys from tokens");
    }
    if (more.length % words != 0) {
      throw new IllegalArgumentException(
          "keys must hold a multiple of " + words + " longs, but has " + more.length);
    }
    int end = (blocks + 1) * words;
    ensureKeyCapacity(end + more.length);
    System.arraycopy(more, 0, keys, end, more.length);
    int from = blocks;
    blocks += more.length / words;
    for (int i = from; i < blocks; i++) {
      deriveExtras(i);
    }
  }

  /**
   * Appends one token.
   *
   * @param token token id, read as an unsigned 32-bit number
   * @throws IllegalStateException if the keys of this chain were precomputed
   */
  public void append(int token) {
    BlockHash function = requireHash();
    if (tokenCount == tokens.length) {
      tokens = Arrays.copyOf(tokens, Math.max(64, tokens.length + (tokens.length >> 1)));
    }
    tokens[tokenCount++] = token;
    keyFullBlocks(function);
  }

  /**
   * Appends tokens.
   *
   * @param source array that holds the token ids; copied
   * @param from index of the first token
   * @param to index after the last token
   * @throws IllegalStateException if the keys of this chain were precomputed
   * @throws IndexOutOfBoundsException if the range is not within the array
   */
  public void append(int[] source, int from, int to) {
    Objects.checkFromToIndex(from, to, source.length);
    BlockHash function = requireHash();
    int count = to - from;
    if (tokenCount + count > tokens.length) {
      tokens =
          Arrays.copyOf(tokens, Math.max(tokenCount + count, tokens.length + (tokens.length >> 1)));
    }
    System.arraycopy(source, from, tokens, tokenCount, count);
    tokenCount += count;
    keyFullBlocks(function);
  }

  /**
   * Forgets tokens at the end, with the keys of blocks that are no longer full.
   *
   * @param lengthTokens tokens that remain, at most {@link #tokenCount()}
   * @throws IllegalStateException if the keys of this chain were precomputed
   * @throws IllegalArgumentException if {@code lengthTokens} is negative or above the count
   */
  public void truncate(int lengthTokens) {
    requireHash();
    if (lengthTokens < 0 || lengthTokens > tokenCount) {
      throw new IllegalArgumentException(
          "lengthTokens must be between 0 and " + tokenCount + " tokens, but was " + lengthTokens);
    }
    tokenCount = lengthTokens;
    blocks = lengthTokens / blockTokens;
  }

  /**
   * Returns the block size.
   *
   * @return tokens per block
   */
  public int blockTokens() {
    return blockTokens;
  }

  /**
   * Returns what separates this sequence's blocks from others'.
   *
   * @return the attributes given at construction
   */
  public PrefixAttributes attributes() {
    return attributes;
  }

  /**
   * Returns how many blocks are full and keyed.
   *
   * @return blocks, at least 0
   */
  public int blockCount() {
    return blocks;
  }

  /**
   * Returns how many tokens were appended.
   *
   * @return tokens; 0 for a chain of precomputed keys
   */
  public int tokenCount() {
    return tokenCount;
  }

  /**
   * Returns whether tokens stand behind the keys, so that content can be compared.
   *
   * @return false for a chain of precomputed keys
   */
  public boolean hasTokens() {
    return hash != null;
  }

  /**
   * Returns one token.
   *
   * @param position 0 to {@code tokenCount() - 1}
   * @return the token id
   * @throws IndexOutOfBoundsException if there is no such token
   */
  public int token(int position) {
    return tokens[Objects.checkIndex(position, tokenCount)];
  }

  /**
   * Returns the length of the keys.
   *
   * @return longs per key
   */
  public int words() {
    return words;
  }

  /**
   * Returns one word of a key.
   *
   * @param block block index from 0, or -1 for the root key
   * @param word 0 (most significant) to {@code words() - 1}
   * @return 64 bits
   */
  public long word(int block, int word) {
    return keys[(block + 1) * words + word];
  }

  /**
   * Copies the key of a block.
   *
   * @param block 0 to {@code blockCount() - 1}
   * @param target array that receives {@code words()} longs
   * @param at index of the first
   */
  public void copyKey(int block, long[] target, int at) {
    int from = (block + 1) * words;
    for (int w = 0; w < words; w++) {
      target[at + w] = keys[from + w];
    }
  }

  /**
   * Returns the key of a block as a value.
   *
   * @param block 0 to {@code blockCount() - 1}
   * @return the key
   * @throws IndexOutOfBoundsException if the block is not keyed
   */
  public BlockKey key(int block) {
    return BlockKey.of(keys, (Objects.checkIndex(block, blocks) + 1) * words, words);
  }

  /**
   * Returns the attributes of a block. The same object is returned for the same block every time.
   *
   * @param block 0 to {@code blockCount() - 1}
   * @return the attributes
   */
  public BlockExtras extras(int block) {
    if (block == 0) {
      return firstExtras;
    }
    return extrasByBlock.length == 0 ? laterExtras : extrasByBlock[block];
  }

  /**
   * Copies the tokens of a block.
   *
   * @param block 0 to {@code blockCount() - 1}
   * @param target array that receives {@code blockTokens()} ids
   * @param at index of the first
   */
  public void copyTokens(int block, int[] target, int at) {
    System.arraycopy(tokens, block * blockTokens, target, at, blockTokens);
  }

  /**
   * Returns whether a block has exactly the given tokens.
   *
   * @param block 0 to {@code blockCount() - 1}
   * @param other array that holds {@code blockTokens()} ids
   * @param at index of the first
   * @return true if all are equal
   */
  public boolean tokensEqual(int block, int[] other, int at) {
    int from = block * blockTokens;
    return Arrays.equals(tokens, from, from + blockTokens, other, at, at + blockTokens);
  }

  private BlockHash requireHash() {
    if (hash == null) {
      throw new IllegalStateException(
          "tokens need a chain that computes keys, but the keys of this one were precomputed");
    }
    return hash;
  }

  private void keyFullBlocks(BlockHash function) {
    // Asked at every token: a product takes less than a division.
    if (tokenCount < (long) (blocks + 1) * blockTokens) {
      return;
    }
    int full = tokenCount / blockTokens;
    ensureKeyCapacity((full + 1) * words);
    while (blocks < full) {
      deriveExtras(blocks);
      int parentAt = blocks * words;
      int from = blocks * blockTokens;
      function.next(
          keys, parentAt, tokens, from, from + blockTokens, extras(blocks), keys, parentAt + words);
      blocks++;
    }
  }

  private void deriveExtras(int block) {
    if (attributes.uniformAfterFirst()) {
      return;
    }
    if (block >= extrasByBlock.length) {
      int length = extrasByBlock.length;
      extrasByBlock = Arrays.copyOf(extrasByBlock, Math.max(block + 1, 2 * length));
      Arrays.fill(extrasByBlock, length, extrasByBlock.length, BlockExtras.NONE);
    }
    extrasByBlock[block] = attributes.extras(block, blockTokens);
  }

  private void ensureKeyCapacity(int longs) {
    if (longs > keys.length) {
      keys = Arrays.copyOf(keys, Math.max(longs, keys.length + (keys.length >> 1)));
    }
  }
}
