package io.headway.executor.weights;

import java.nio.ByteBuffer;

/** A number format of tensors in files. */
enum ElementType {
  F32(1, 4),
  F16(1, 2),
  BF16(1, 2),
  /** Blocks of 32: a binary16 scale, then 32 signed bytes. */
  Q8_0(32, 34);

  static final String SUPPORTED = "F32, F16, BF16 and, in GGUF, Q8_0";

  private final int blockElements;
  private final int blockBytes;

  ElementType(int blockElements, int blockBytes) {
    this.blockElements = blockElements;
    this.blockBytes = blockBytes;
  }

  int blockElements() {
    return blockElements;
  }

  int blockBytes() {
    return blockBytes;
  }

  /** Bytes of a row; the elements must be whole blocks. */
  long bytes(long elements) {
    return elements / blockElements * blockBytes;
  }

  /** Decodes one element of a block that starts at an index of the buffer. */
  float element(ByteBuffer blocks, int block, int inBlock) {
    return switch (this) {
      case F32 -> blocks.getFloat(block);
      case F16 -> half(blocks.getShort(block));
      case BF16 -> Float.intBitsToFloat(blocks.getShort(block) << 16);
      case Q8_0 -> half(blocks.getShort(block)) * blocks.get(block + 2 + inBlock);
    };
  }

  /** Converts IEEE 754 binary16. */
  static float half(short bits) {
    int exponent = bits >> 10 & 0x1F;
    int fraction = bits & 0x3FF;
    float magnitude =
        exponent == 0
            ? fraction * 0x1p-24f
            : exponent == 0x1F
                ? (fraction == 0 ? Float.POSITIVE_INFINITY : Float.NaN)
                : Float.intBitsToFloat((exponent + 112) << 23 | fraction << 13);
    return bits < 0 ? -magnitude : magnitude;
  }
}
