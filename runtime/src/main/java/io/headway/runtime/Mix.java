package io.headway.runtime;

/** 64-bit mixing for indexes inside one process. Not for secrets. */
final class Mix {
  private static final long FNV_OFFSET = 0xcbf29ce484222325L;
  private static final long FNV_PRIME = 0x100000001b3L;

  private Mix() {}

  /** The finaliser of SplitMix64, a bijection. */
  static long bits(long value) {
    long z = value + 0x9E3779B97F4A7C15L;
    z = (z ^ (z >>> 30)) * 0xBF58476D1CE4E5B9L;
    z = (z ^ (z >>> 27)) * 0x94D049BB133111EBL;
    return z ^ (z >>> 31);
  }

  /** Adds a text to a hash. The length is mixed in, so that texts do not run into each other. */
  static long text(long hash, String text) {
    long h = FNV_OFFSET;
    for (int i = 0; i < text.length(); i++) {
      h = (h ^ text.charAt(i)) * FNV_PRIME;
    }
    return bits(hash ^ bits(h + text.length()));
  }
}
