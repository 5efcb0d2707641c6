package io.headway.memory.prefix;

import java.nio.ByteBuffer;
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

  /** In the five low bits of a head: the value itself below this, else how many bytes follow. */
  private static final int ONE_BYTE = 24;

  private static final int TWO_BYTES = 25;
  private static final int FOUR_BYTES = 26;
  private static final int EIGHT_BYTES = 27;

  private byte[] buffer = new byte[256];

  /** The same bytes, most significant first. */
  private ByteBuffer view = ByteBuffer.wrap(buffer);

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

  /** Writes numbers from 0 to 2^32 - 1, given as unsigned ints, each as {@link #unsigned} does. */
  void unsigned(int[] values, int from, int to) {
    ensure(5 * (to - from));
    byte[] bytes = buffer;
    int at = size;
    for (int i = from; i < to; i++) {
      int value = values[i];
      if (value >>> 16 != 0) {
        bytes[at] = (byte) FOUR_BYTES;
        view.putInt(at + 1, value);
        at += 5;
      } else if (value >= 1 << 8) {
        bytes[at] = (byte) TWO_BYTES;
        bytes[at + 1] = (byte) (value >>> 8);
        bytes[at + 2] = (byte) value;
        at += 3;
      } else if (value >= ONE_BYTE) {
        bytes[at] = (byte) ONE_BYTE;
        bytes[at + 1] = (byte) value;
        at += 2;
      } else {
        bytes[at++] = (byte) value;
      }
    }
    size = at;
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
      view.putLong(size, source[from + i]);
      size += 8;
    }
  }

  private void head(int majorType, long value) {
    ensure(9);
    int type = majorType << 5;
    if (value >= 0 && value < ONE_BYTE) {
      buffer[size++] = (byte) (type | (int) value);
    } else if (value >= 0 && value <= 0xffL) {
      buffer[size++] = (byte) (type | ONE_BYTE);
      putLong(value, 1);
    } else if (value >= 0 && value <= 0xffffL) {
      buffer[size++] = (byte) (type | TWO_BYTES);
      putLong(value, 2);
    } else if (value >= 0 && value <= 0xffffffffL) {
      buffer[size++] = (byte) (type | FOUR_BYTES);
      putLong(value, 4);
    } else {
      buffer[size++] = (byte) (type | EIGHT_BYTES);
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
      view = ByteBuffer.wrap(buffer);
    }
  }
}
