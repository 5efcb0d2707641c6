package io.headway.executor;

/** The number format in which an executor holds weights, KV and activations. */
public enum Precision {
  /**
   * Storage in bfloat16, the upper half of a binary32 rounded to nearest, with arithmetic in
   * binary32. On GPUs only.
   */
  BFLOAT16(2),
  /** IEEE 754 binary32. */
  FLOAT(4),
  /** IEEE 754 binary64. */
  DOUBLE(8);

  private final int bytes;

  Precision(int bytes) {
    this.bytes = bytes;
  }

  /**
   * Returns the size of one number.
   *
   * @return bytes
   */
  public int bytes() {
    return bytes;
  }
}
