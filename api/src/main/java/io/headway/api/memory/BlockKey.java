package io.headway.api.memory;

import java.util.Objects;

/**
 * Names the content of one full KV block together with everything before it: 64 to 256 bits, most
 * significant word first.
 *
 * <p>Hot paths keep keys as longs in a {@link BlockKeyChain}; this value type is for events,
 * indexes and logs. Immutable and thread-safe.
 */
public final class BlockKey {
  /** Longest key, in 64-bit words. */
  public static final int MAX_WORDS = 4;

  /** The absence of a key: the parent of the first block of a chain. */
  public static final BlockKey NONE = new BlockKey(0, 0, 0, 0, 0);

  private final int words;
  private final long word0;
  private final long word1;
  private final long word2;
  private final long word3;

  private BlockKey(int words, long word0, long word1, long word2, long word3) {
    this.words = words;
    this.word0 = word0;
    this.word1 = word1;
    this.word2 = word2;
    this.word3 = word3;
  }

  /**
   * Returns the key stored in an array.
   *
   * @param key array that holds the words
   * @param from index of the first word
   * @param words number of words, 1 to {@value #MAX_WORDS}
   * @return the key
   * @throws IllegalArgumentException if {@code words} is out of range
   */
  public static BlockKey of(long[] key, int from, int words) {
    if (words < 1 || words > MAX_WORDS) {
      throw new IllegalArgumentException(
          "words must be between 1 and " + MAX_WORDS + " words of 64 bits, but was " + words);
    }
    Objects.checkFromIndexSize(from, words, key.length);
    return new BlockKey(
        words,
        key[from],
        words > 1 ? key[from + 1] : 0,
        words > 2 ? key[from + 2] : 0,
        words > 3 ? key[from + 3] : 0);
  }

  /**
   * Returns the length of this key.
   *
   * @return 64-bit words, 0 for {@link #NONE}
   */
  public int words() {
    return words;
  }

  /**
   * Returns one word of this key.
   *
   * @param index 0 (most significant) to {@code words() - 1}
   * @return 64 bits
   * @throws IndexOutOfBoundsException if the key has no such word
   */
  public long word(int index) {
    return switch (Objects.checkIndex(index, words)) {
      case 0 -> word0;
      case 1 -> word1;
      case 2 -> word2;
      default -> word3;
    };
  }

  @Override
  public boolean equals(Object other) {
    return other instanceof BlockKey that
        && words == that.words
        && word0 == that.word0
        && word1 == that.word1
        && word2 == that.word2
        && word3 == that.word3;
  }

  @Override
  public int hashCode() {
    return Long.hashCode(word0 + 31 * (word1 + 31 * (word2 + 31 * word3))) + words;
  }

  /**
   * Returns this key in hexadecimal, 16 digits per word.
   *
   * @return the digits, empty for {@link #NONE}
   */
  @Override
  public String toString() {
    StringBuilder hex = new StringBuilder(16 * words);
    for (int i = 0; i < words; i++) {
      String digits = Long.toHexString(word(i));
      hex.append("0".repeat(16 - digits.length())).append(digits);
    }
    return hex.toString();
  }
}
