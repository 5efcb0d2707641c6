package io.headway.executor.gpu.device;

/**
 * How matrices, activations and KV are stored on a device; arithmetic accumulates in 32-bit floats
 * either way.
 */
public enum ElementType {
  /** IEEE single precision, 4 bytes. */
  F32(4),
  /** bfloat16, 2 bytes: 8 bits of exponent, 7 of mantissa. */
  BF16(2);

  private final int bytes;

  ElementType(int bytes) {
    this.bytes = bytes;
  }

  /**
   * Returns the size of one element.
   *
   * @return bytes
   */
  public int bytes() {
    return bytes;
  }

  /**
   * Returns the bits that store a value, rounded to nearest, ties to even; NaN stays NaN.
   *
   * @param value any value
   * @return the low 16 bits for {@link #BF16}, 32 for {@link #F32}
   */
  public int encode(float value) {
    int bits = Float.floatToRawIntBits(value);
    if (this == F32) {
      return bits;
    }
    if (Float.isNaN(value)) {
      return (bits >>> 16) | 0x40;
    }
    return (bits + 0x7fff + ((bits >>> 16) & 1)) >>> 16;
  }

  /**
   * Returns the value of stored bits.
   *
   * @param bits as {@link #encode} gives them
   * @return the value
   */
  public float decode(int bits) {
    return Float.intBitsToFloat(this == F32 ? bits : bits << 16);
  }

  /**
   * Returns a value as it comes back after being stored.
   *
   * @param value any value
   * @return the nearest that can be stored
   */
  public float round(float value) {
    return decode(encode(value));
  }
}
