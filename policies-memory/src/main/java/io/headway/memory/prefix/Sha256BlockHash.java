package io.headway.memory.prefix;

import static java.util.Objects.requireNonNull;

import io.headway.api.memory.BlockExtras;
import io.headway.api.memory.BlockHash;
import java.nio.ByteBuffer;
import java.security.DigestException;
import java.security.MessageDigest;
import java.security.NoSuchAlgorithmException;

/**
 * Keys of 256 bits: {@code key_i = SHA-256(CBOR([key_{i-1}, [tokens of block i], attributes or
 * null]))} with canonical CBOR, and {@code SHA-256(CBOR(seed))} before the first block.
 *
 * <p>With the same seed and encoding every process computes the same keys. A seed that others do
 * not know keeps them from finding out what is cached by guessing keys. Cost: two compressions of
 * SHA-256 for a block of 16 tokens, no allocation unless the block has attributes.
 *
 * <p>The scheme is that of vLLM's version 1 with its CBOR option; bit equality with a running
 * engine has not been checked.
 *
 * <p>Not thread-safe.
 */
public final class Sha256BlockHash implements BlockHash {
  /** Seed of {@link #Sha256BlockHash()}. */
  public static final String DEFAULT_SEED = "0";

  private static final int WORDS = 4;

  private final BlockEncoding encoding;
  private final MessageDigest sha;
  private final CborWriter cbor = new CborWriter();
  private final byte[] digest = new byte[8 * WORDS];
  private final ByteBuffer words = ByteBuffer.wrap(digest);
  private final long[] root = new long[WORDS];

  /** Makes the default function: seed {@value #DEFAULT_SEED}, plain attributes. */
  public Sha256BlockHash() {
    this(DEFAULT_SEED, BlockEncoding.PLAIN);
  }

  /**
   * Makes a function.
   *
   * @param seed text from which the root key is derived
   * @param encoding how attributes are written
   * @throws IllegalStateException if the platform has no SHA-256, which every Java platform must
   *     have
   */
  public Sha256BlockHash(String seed, BlockEncoding encoding) {
    this.encoding = requireNonNull(encoding, "encoding");
    try {
      sha = MessageDigest.getInstance("SHA-256");
    } catch (NoSuchAlgorithmException e) {
      throw new IllegalStateException("this Java platform has no SHA-256", e);
    }
    cbor.text(requireNonNull(seed, "seed"));
    finish(root, 0);
  }

  @Override
  public int words() {
    return WORDS;
  }

  @Override
  public void root(long[] key, int at) {
    System.arraycopy(root, 0, key, at, WORDS);
  }

  @Override
  public void next(
      long[] parent,
      int parentAt,
      int[] tokens,
      int from,
      int to,
      BlockExtras extras,
      long[] key,
      int at) {
    begin(parent, parentAt, to - from);
    cbor.unsigned(tokens, from, to);
    encoding.write(cbor, extras);
    finish(key, at);
  }

  /**
   * Writes the key of a block whose token ids do not fit 32 bits; otherwise as {@link #next(long[],
   * int, int[], int, int, BlockExtras, long[], int)}.
   *
   * @param parent array that holds the key of the block before it, or the root key
   * @param parentAt index of that key's first word
   * @param tokens array that holds the block's token ids, read as unsigned 64-bit numbers
   * @param from index of the block's first token
   * @param to index after its last token
   * @param extras attributes of the block
   * @param key array that receives the key
   * @param at index of the first word
   */
  public void next(
      long[] parent,
      int parentAt,
      long[] tokens,
      int from,
      int to,
      BlockExtras extras,
      long[] key,
      int at) {
    begin(parent, parentAt, to - from);
    for (int i = from; i < to; i++) {
      cbor.unsigned(tokens[i]);
    }
    encoding.write(cbor, extras);
    finish(key, at);
  }

  private void begin(long[] parent, int parentAt, int tokens) {
    cbor.clear();
    cbor.array(3);
    cbor.words(parent, parentAt, WORDS);
    cbor.array(tokens);
  }

  private void finish(long[] key, int at) {
    sha.update(cbor.buffer(), 0, cbor.size());
    try {
      sha.digest(digest, 0, digest.length);
    } catch (DigestException e) {
      throw new IllegalStateException("SHA-256 must give " + digest.length + " bytes", e);
    }
    for (int w = 0; w < WORDS; w++) {
      key[at + w] = words.getLong(8 * w);
    }
  }
}
