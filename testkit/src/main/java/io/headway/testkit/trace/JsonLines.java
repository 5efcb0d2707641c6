package io.headway.testkit.trace;

import com.fasterxml.jackson.core.JsonFactory;
import com.fasterxml.jackson.core.JsonParser;
import com.fasterxml.jackson.core.JsonProcessingException;
import com.fasterxml.jackson.core.JsonToken;
import com.fasterxml.jackson.core.StreamReadConstraints;
import java.io.IOException;
import java.io.InputStream;
import java.io.UncheckedIOException;
import java.nio.charset.StandardCharsets;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import org.jspecify.annotations.Nullable;

/** Reads JSON Lines with bounds on the length of a line, of a text, and on nesting. */
final class JsonLines {
  private static final JsonFactory JSON =
      JsonFactory.builder()
          .streamReadConstraints(
              StreamReadConstraints.builder()
                  .maxNestingDepth(TraceReader.MAX_DEPTH)
                  .maxStringLength(TraceReader.MAX_TEXT_CHARS)
                  .maxNameLength(1_000)
                  .maxNumberLength(40)
                  .build())
          .disable(JsonFactory.Feature.CANONICALIZE_FIELD_NAMES)
          .build();

  private final String origin;
  private final InputStream in;
  private final byte[] chunk = new byte[1 << 16];
  private byte[] text = new byte[1 << 12];
  private int at;
  private int end;
  private int length;
  private long line;

  JsonLines(String origin, InputStream in) {
    this.origin = origin;
    this.in = in;
  }

  /** Reads on to the next line that is not empty; returns its object, or null at the end. */
  @Nullable Map<String, Object> next() throws IOException {
    while (readLine()) {
      if (length > 0) {
        return parse(origin, line, text, length);
      }
    }
    return null;
  }

  long line() {
    return line;
  }

  String text() {
    return new String(text, 0, length, StandardCharsets.UTF_8);
  }

  TraceFormatException wrong(Exception e) {
    return new TraceFormatException(origin, line, String.valueOf(e.getMessage()));
  }

  void close() throws IOException {
    in.close();
  }

  static Map<String, Object> parse(String origin, long line, byte[] json, int length) {
    try (JsonParser parser = JSON.createParser(json, 0, length)) {
      if (parser.nextToken() != JsonToken.START_OBJECT) {
        throw new TraceFormatException(origin, line, "a line must be one JSON object");
      }
      Map<String, Object> values = object(parser);
      if (parser.nextToken() != null) {
        throw new TraceFormatException(origin, line, "a line must be one JSON object, alone");
      }
      return values;
    } catch (Fields.Unfit e) {
      throw new TraceFormatException(origin, line, String.valueOf(e.getMessage()));
    } catch (JsonProcessingException e) {
      throw new TraceFormatException(origin, line, "not JSON: " + e.getOriginalMessage());
    } catch (IOException e) {
      throw new UncheckedIOException(e);
    }
  }

  /** Reads the next line into the buffer; returns whether there was one. */
  private boolean readLine() throws IOException {
    length = 0;
    boolean any = false;
    while (true) {
      if (at == end) {
        end = in.read(chunk, 0, chunk.length);
        at = 0;
        if (end <= 0) {
          end = 0;
          line += any ? 1 : 0;
          trim();
          return any;
        }
      }
      any = true;
      int from = at;
      while (at < end && chunk[at] != '\n') {
        at++;
      }
      append(from, at - from);
      if (at < end) {
        at++;
        line++;
        trim();
        return true;
      }
    }
  }

  private void append(int from, int count) {
    if (length + count > TraceReader.MAX_LINE_BYTES) {
      throw new TraceFormatException(
          origin,
          line + 1,
          "a line must have at most "
              + TraceReader.MAX_LINE_BYTES
              + " bytes, but this one has more");
    }
    if (length + count > text.length) {
      text = Arrays.copyOf(text, Math.max(length + count, text.length * 2));
    }
    System.arraycopy(chunk, from, text, length, count);
    length += count;
  }

  /** Cuts blanks and a carriage return off the end of the line. */
  private void trim() {
    while (length > 0 && text[length - 1] >= 0 && text[length - 1] <= ' ') {
      length--;
    }
  }

  private static Map<String, Object> object(JsonParser parser) throws IOException, Fields.Unfit {
    Map<String, Object> values = new LinkedHashMap<>();
    while (parser.nextToken() != JsonToken.END_OBJECT) {
      String name = parser.currentName();
      parser.nextToken();
      Object value = value(parser);
      if (value != null && values.put(name, value) != null) {
        throw new Fields.Unfit("the field '" + name + "' is given twice");
      }
    }
    return values;
  }

  private static @Nullable Object value(JsonParser parser) throws IOException, Fields.Unfit {
    return switch (parser.currentToken()) {
      case START_OBJECT -> object(parser);
      case START_ARRAY -> {
        // Foreign logs have nulls in arrays; whoever reads the array refuses what does not fit.
        List<@Nullable Object> list = new ArrayList<>();
        while (parser.nextToken() != JsonToken.END_ARRAY) {
          list.add(value(parser));
        }
        yield list;
      }
      case VALUE_STRING -> parser.getText();
      case VALUE_NUMBER_INT ->
          switch (parser.getNumberType()) {
            case INT, LONG -> (Object) parser.getLongValue();
            default ->
                throw new Fields.Unfit(
                    "a whole number must have at most 64 bits, but was " + parser.getText());
          };
      case VALUE_NUMBER_FLOAT -> parser.getDoubleValue();
      case VALUE_TRUE -> true;
      case VALUE_FALSE -> false;
      default -> null;
    };
  }
}
