package io.headway.memory.prefix;

import io.headway.api.memory.BlockExtras;
import io.headway.api.memory.BlockHash;

/**
 * Keys of 128 bits: SipHash-2-4 with 128-bit output (Aumasson and Bernstein: SipHash, a fast
 * short-input PRF, INDOCRYPT 2012; the 128-bit variant is the authors' reference code) over the
 * canonical CBOR of {@code [key_{i-1}, [tokens of block i], typed attributes or null]}.
 *
 * <p>Several times faster than SHA-256 and unpredictable to whoever does not know the secret, which
 * is what an open cache needs against made-up collisions; but it is a keyed function, not a
 * collision-resistant hash: whoever knows the secret can make collisions. Share the secret only
 * among instances that share keys.
 *
 * <p>Not thread-safe. Allocates nothing unless the block has attributes.
 */
public final class SipBlockHash implements BlockHash {
  private static final int WORDS = 2;

  private final long secret0;
  private final long secret1;
  private final CborWriter cbor = new CborWriter();
  private final long[] root = new long[WORDS];

  /**
   * Makes a function.
   *
   * @param secret0 first half of the secret
   * @param secret1 second half of the secret
   */
  public SipBlockHash(long secret0, long secret1) {
    this.secret0 = secret0;
    this.secret1 = secret1;
    hash(secret0, secret1, cbor.buffer(), 0, root, 0);
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
    cbor.clear();
    cbor.array(3);
    cbor.words(parent, parentAt, WORDS);
    cbor.array(to - from);
    cbor.unsigned(tokens, from, to);
    BlockEncoding.TYPED.write(cbor, extras);
    hash(secret0, secret1, cbor.buffer(), cbor.size(), key, at);
  }

  /**
   * SipHash-2-4 with 128-bit output; the words are the output bytes read in little-endian order.
   */
  static void hash(long k0, long k1, byte[] data, int length, long[] out, int at) {
    long v0 = k0 ^ 0x736f6d6570736575L;
    long v1 = k1 ^ 0x646f72616e646f6dL ^ 0xee;
    long v2 = k0 ^ 0x6c7967656e657261L;
    long v3 = k1 ^ 0x7465646279746573L;
    int whole = length & ~7;
    for (int i = 0; i <= whole; i += 8) {
      long m = i < whole ? littleEndian(data, i, 8) : littleEndian(data, i, length - i);
      if (i == whole) {
        m |= (long) length << 56;
      }
      v3 ^= m;
      for (int round = 0; round < 2; round++) {
        v0 += v1;
        v1 = Long.rotateLeft(v1, 13) ^ v0;
        v0 = Long.rotateLeft(v0, 32);
        v2 += v3;
        v3 = Long.rotateLeft(v3, 16) ^ v2;
        v0 += v3;
        v3 = Long.rotateLeft(v3, 21) ^ v0;
        v2 += v1;
        v1 = Long.rotateLeft(v1, 17) ^ v2;
        v2 = Long.rotateLeft(v2, 32);
      }
      v0 ^= m;
    }
    v2 ^= 0xee;
    for (int half = 0; half < 2; half++) {
      for (int round = 0; round < 4; round++) {
        v0 += v1;
        v1 = Long.rotateLeft(v1, 13) ^ v0;
        v0 = Long.rotateLeft(v0, 32);
        v2 += v3;
        v3 = Long.rotateLeft(v3, 16) ^ v2;
        v0 += v3;
        v3 = Long.rotateLeft(v3, 21) ^ v0;
        v2 += v1;
        v1 = Long.rotateLeft(v1, 17) ^ v2;
        v2 = Long.rotateLeft(v2, 32);
      }
      out[at + half] = v0 ^ v1 ^ v2 ^ v3;
      v1 ^= 0xdd;
    }
  }

  private static long littleEndian(byte[] data, int from, int bytes) {
    long value = 0;
    for (int i = bytes - 1; i >= 0; i--) {
      value = value << 8 | (data[from + i] & 0xff);
    }
    return value;
  }
}
