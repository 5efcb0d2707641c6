package io.headway.executor.weights;

import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.channels.FileChannel;
import java.nio.file.Path;

/**
 * One matrix or vector in a file.
 *
 * @param file for messages
 * @param channel the open file
 * @param offset first byte
 * @param type number format
 * @param rows rows as stored
 * @param columns columns as stored; whole blocks of the format
 * @param interleavedHeadDim size of a head whose rotated pairs are stored side by side, as GGUF
 *     does for Llama; 0 if rows are in the layout's own order
 */
record FileTensor(
    Path file,
    FileChannel channel,
    long offset,
    ElementType type,
    long rows,
    long columns,
    int interleavedHeadDim) {
  private static final int BUFFER_BYTES = 1 << 16;

  static ByteBuffer newBuffer() {
    return ByteBuffer.allocateDirect(BUFFER_BYTES).order(ByteOrder.LITTLE_ENDIAN);
  }

  void read(long from, float[] into, int at, int count, ByteBuffer buffer) {
    long element = from;
    int to = at;
    int left = count;
    while (left > 0) {
      long row = element / columns;
      long column = element % columns;
      int run = (int) Math.min(left, columns - column);
      readStored(stored(row) * columns + column, into, to, run, buffer);
      element += run;
      to += run;
      left -= run;
    }
  }

  /** The row of the file that holds a row of the layout. */
  private long stored(long row) {
    if (interleavedHeadDim == 0) {
      return row;
    }
    int half = interleavedHeadDim / 2;
    long head = row / interleavedHeadDim;
    int inHead = (int) (row % interleavedHeadDim);
    return head * interleavedHeadDim + 2L * (inHead % half) + inHead / half;
  }

  private void readStored(long first, float[] into, int at, int count, ByteBuffer buffer) {
    int size = type.blockElements();
    long element = first;
    int to = at;
    int left = count;
    while (left > 0) {
      long block = element / size;
      int inBlock = (int) (element % size);
      int run = Math.min(left, BUFFER_BYTES / type.blockBytes() * size - inBlock);
      int blocks = (inBlock + run + size - 1) / size;
      fill(buffer, offset + block * type.blockBytes(), blocks * type.blockBytes());
      for (int i = 0; i < run; i++) {
        int e = inBlock + i;
        into[to + i] = type.element(buffer, e / size * type.blockBytes(), e % size);
      }
      element += run;
      to += run;
      left -= run;
    }
  }

  private void fill(ByteBuffer buffer, long position, int bytes) {
    buffer.clear().limit(bytes);
    try {
      while (buffer.hasRemaining()) {
        if (channel.read(buffer, position + buffer.position()) < 0) {
          throw new WeightFormatException(
              file, "ends before byte " + (position + bytes) + "; it was cut while being read");
        }
      }
    } catch (IOException e) {
      throw new UncheckedIOException(file + ": cannot be read: " + e.getMessage(), e);
    }
  }
}
