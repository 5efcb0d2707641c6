package io.headway.simulator.workload;

import java.io.IOException;
import java.io.InputStream;
import java.nio.ByteBuffer;
import java.nio.charset.CharacterCodingException;
import java.nio.charset.CharsetDecoder;
import java.nio.charset.CodingErrorAction;
import java.nio.charset.StandardCharsets;
import java.util.Arrays;
import org.jspecify.annotations.Nullable;

/**
 * The lines of a trace, read with bounded memory: a line that is too long is reported as soon as
 * its limit is passed, without reading the rest of it.
 *
 * <p>Lines end in LF or CR LF; the last one may have no end; a UTF-8 byte order mark at the start
 * is skipped.
 */
final class TraceLines {
  private static final int BUFFER_BYTES = 1 << 16;

  private final String source;
  private final InputStream in;
  private final long maxBytes;
  private final int maxLineBytes;
  private final byte[] buffer = new byte[BUFFER_BYTES];
  private final CharsetDecoder decoder =
      StandardCharsets.UTF_8
          .newDecoder()
          .onMalformedInput(CodingErrorAction.REPORT)
          .onUnmappableCharacter(CodingErrorAction.REPORT);
  private int position;
  private int limit;
  private long bytesRead;
  private byte[] line = new byte[256];
  private int lineBytes;
  private long lineNumber;

  TraceLines(String source, InputStream in, TraceOptions options) {
    this.source = source;
    this.in = in;
    this.maxBytes = options.maxBytes();
    this.maxLineBytes = options.maxLineBytes();
  }

  /** The next line without its end, or null at the end of the input. */
  @Nullable String next() throws IOException {
    lineBytes = 0;
    boolean ended = false;
    boolean any = false;
    while (!ended) {
      if (position == limit && !fill()) {
        break;
      }
      any = true;
      int end = position;
      while (end < limit && buffer[end] != '\n') {
        end++;
      }
      append(position, end);
      ended = end < limit;
      position = ended ? end + 1 : end;
    }
    if (!any) {
      return null;
    }
    lineNumber++;
    int length = lineBytes;
    if (length > 0 && line[length - 1] == '\r') {
      length--;
    }
    int start = lineNumber == 1 && startsWithMark(length) ? 3 : 0;
    try {
      return decoder.decode(ByteBuffer.wrap(line, start, length - start)).toString();
    } catch (CharacterCodingException e) {
      throw new TraceFormatException(source, lineNumber, "the line must be UTF-8 text");
    }
  }

  /** The number of the line that {@link #next} returned last, from 1. */
  long lineNumber() {
    return lineNumber;
  }

  TraceFormatException problem(String message) {
    return new TraceFormatException(source, Math.max(lineNumber, 1), message);
  }

  private boolean fill() throws IOException {
    int read = in.read(buffer, 0, buffer.length);
    if (read < 0) {
      return false;
    }
    bytesRead += read;
    if (bytesRead > maxBytes) {
      throw new TraceFormatException(
          source,
          lineNumber + 1,
          "the trace must be at most " + maxBytes + " bytes; raise maxBytes to read a longer one");
    }
    position = 0;
    limit = read;
    return true;
  }

  private void append(int from, int to) {
    int added = to - from;
    // One byte more than the limit is allowed for the CR of a CR LF.
    if (lineBytes + added > maxLineBytes + 1
        || (lineBytes + added == maxLineBytes + 1 && buffer[to - 1] != '\r')) {
      throw new TraceFormatException(
          source,
          lineNumber + 1,
          "the line must be at most "
              + maxLineBytes
              + " bytes, but is longer; is this a text file with one request per line?");
    }
    if (lineBytes + added > line.length) {
      line = Arrays.copyOf(line, Math.max(lineBytes + added, line.length * 2));
    }
    System.arraycopy(buffer, from, line, lineBytes, added);
    lineBytes += added;
  }

  private boolean startsWithMark(int length) {
    return length >= 3
        && line[0] == (byte) 0xEF
        && line[1] == (byte) 0xBB
        && line[2] == (byte) 0xBF;
  }
}
