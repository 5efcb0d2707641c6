package io.headway.memory.prefix;

import java.nio.charset.StandardCharsets;
import java.util.Arrays;

/**
 * Writes canonical CBOR (RFC 8949, core deterministic encoding: shortest integer form, definite
 * lengths) into a reused buffer. Only what block keys need.
 */
final class CborWriter {
  private static final int UNSIGNED = 0;
  private static final int NEGATIVE = 1;
  private static final int BYTES = 2;
  private static final int TEXT = 3;
  private static final int ARRAY = 4;
  private static final byte NULL = (byte) 0xf6;

  private byte[] buffer = new byte[256];
  private int size;

  void clear() {
    size = 0;
  }

  byte[] buffer() {
    return buffer;
  }

  int size() {
    return size;
  }

  /** Writes a number from 0 to 2^64 - 1, given as an unsigned long. */
  void unsigned(long value) {
    head(UNSIGNED, value);
  }

  void signed(long value) {
    if (value >= 0) {
      head(UNSIGNED, value);
    } else {
      head(NEGATIVE, -1 - value);
    }
  }

  void array(int length) {
    head(ARRAY, length);
  }

  void text(String value) {
    byte[] utf8 = value.getBytes(StandardCharsets.UTF_8);
    head(TEXT, utf8.length);
    ensure(utf8.length);
    System.arraycopy(utf8, 0, buffer, size, utf8.length);
    size += utf8.length;
  }

  void nothing() {
    ensure(1);
    buffer[size++] = NULL;
  }

  /** Writes words as one byte string, most significant byte first. */
  void words(long[] source, int from, int count) {
    head(BYTES, 8L * count);
    ensure(8 * count);
    for (int i = 0; i < count; i++) {
      putLong(source[from + i], 8);
    }
  }

  private void head(int majorType, long value) {
    ensure(9);
    int type = majorType << 5;
    if (value >= 0 && value < 24) {
      buffer[size++] = (byte) (type | (int) value);
    } else if (value >= 0 && value <= 0xffL) {
      buffer[size++] = (byte) (type | 24);
      putLong(value, 1);
    } else if (value >= 0 && value <= 0xffffL) {
      buffer[size++] = (byte) (type | 25);
      putLong(value, 2);
    } else if (value >= 0 && value <= 0xffffffffL) {
      buffer[size++] = (byte) (type | 26);
      putLong(value, 4);
    } else {
      buffer[size++] = (byte) (type | 27);
      putLong(value, 8);
    }
  }

  private void putLong(long value, int bytes) {
    for (int shift = 8 * (bytes - 1); shift >= 0; shift -= 8) {
      buffer[size++] = (byte) (value >>> shift);
    }
  }

  private void ensure(int more) {
    if (size + more > buffer.length) {
      buffer = Arrays.copyOf(buffer, Math.max(size + more, 2 * buffer.length));
    }
  }
}
