package io.headway.testkit.trace;

import com.fasterxml.jackson.core.JsonFactory;
import com.fasterxml.jackson.core.JsonParser;
import com.fasterxml.jackson.core.JsonProcessingException;
import com.fasterxml.jackson.core.JsonToken;
import com.fasterxml.jackson.core.StreamReadConstraints;
import java.io.BufferedInputStream;
import java.io.ByteArrayInputStream;
import java.io.Closeable;
import java.io.IOException;
import java.io.InputStream;
import java.io.UncheckedIOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import org.jspecify.annotations.Nullable;

/**
 * Reads a trace line by line. What is untrusted is bounded: a line has at most {@value
 * #MAX_LINE_BYTES} bytes, objects and arrays are nested at most {@value #MAX_DEPTH} deep, a text
 * has at most {@value #MAX_TEXT_CHARS} characters. Unknown fields and types are skipped, and so are
 * empty lines.
 */
public final class TraceReader implements Closeable {
  /** Longest line, in bytes. */
  public static final int MAX_LINE_BYTES = 16 << 20;

  /** Deepest nesting of objects and arrays. */
  public static final int MAX_DEPTH = 8;

  /** Longest text, in characters. */
  public static final int MAX_TEXT_CHARS = 1 << 16;

  private static final JsonFactory JSON =
      JsonFactory.builder()
          .streamReadConstraints(
              StreamReadConstraints.builder()
                  .maxNestingDepth(MAX_DEPTH)
                  .maxStringLength(MAX_TEXT_CHARS)
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

  private TraceReader(String origin, InputStream in) {
    this.origin = origin;
    this.in = in;
  }

  /**
   * Opens a file.
   *
   * @param file a trace
   * @return a reader, to be closed
   * @throws IOException if it cannot be opened
   */
  public static TraceReader open(Path file) throws IOException {
    return new TraceReader(file.toString(), Files.newInputStream(file));
  }

  /**
   * Reads from a stream.
   *
   * @param origin its name in messages
   * @param in the stream, closed with the reader
   * @return a reader
   */
  public static TraceReader of(String origin, InputStream in) {
    return new TraceReader(origin, new BufferedInputStream(in));
  }

  /**
   * Reads a trace that is given as text.
   *
   * @param origin its name in messages
   * @param lines the lines of the trace
   * @return all records
   * @throws TraceFormatException if a line cannot be read
   */
  public static List<TraceEvent> parse(String origin, String lines) {
    List<TraceEvent> events = new ArrayList<>();
    try (TraceReader reader =
        of(origin, new ByteArrayInputStream(lines.getBytes(StandardCharsets.UTF_8)))) {
      TraceEvent event;
      while ((event = reader.next()) != null) {
        events.add(event);
      }
    } catch (IOException e) {
      throw new UncheckedIOException(e);
    }
    return events;
  }

  /**
   * Reads one line.
   *
   * @param json the line
   * @return the record, or null if its type is unknown
   * @throws TraceFormatException if it cannot be read
   */
  public static @Nullable TraceEvent parseLine(CharSequence json) {
    byte[] bytes = json.toString().getBytes(StandardCharsets.UTF_8);
    return event("line", 1, bytes, bytes.length);
  }

  /**
   * Reads on to the next record of a known type.
   *
   * @return the record, or null at the end
   * @throws IOException if the stream fails
   * @throws TraceFormatException if a line cannot be read
   */
  public @Nullable TraceEvent next() throws IOException {
    while (readLine()) {
      if (length > 0) {
        TraceEvent event = event(origin, line, text, length);
        if (event != null) {
          return event;
        }
      }
    }
    return null;
  }

  /**
   * Returns the line of the record that {@link #next} returned last.
   *
   * @return from 1
   */
  public long line() {
    return line;
  }

  /**
   * Returns the text of the line that was read last.
   *
   * @return the line, without its end
   */
  public String text() {
    return new String(text, 0, length, StandardCharsets.UTF_8);
  }

  @Override
  public void close() throws IOException {
    in.close();
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
    if (length + count > MAX_LINE_BYTES) {
      throw new TraceFormatException(
          origin,
          line + 1,
          "a line must have at most " + MAX_LINE_BYTES + " bytes, but this one has more");
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

  private static @Nullable TraceEvent event(String origin, long line, byte[] json, int length) {
    try (JsonParser parser = JSON.createParser(json, 0, length)) {
      if (parser.nextToken() != JsonToken.START_OBJECT) {
        throw new TraceFormatException(origin, line, "a line must be one JSON object");
      }
      Map<String, Object> values = object(parser);
      if (parser.nextToken() != null) {
        throw new TraceFormatException(origin, line, "a line must be one JSON object, alone");
      }
      return event(new Fields("trace", values).required("type"), values);
    } catch (Fields.Unfit e) {
      throw new TraceFormatException(origin, line, String.valueOf(e.getMessage()));
    } catch (JsonProcessingException e) {
      throw new TraceFormatException(origin, line, "not JSON: " + e.getOriginalMessage());
    } catch (IOException e) {
      throw new UncheckedIOException(e);
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
        List<Object> list = new ArrayList<>();
        while (parser.nextToken() != JsonToken.END_ARRAY) {
          Object element = value(parser);
          if (element == null) {
            throw new Fields.Unfit("an array must not contain null");
          }
          list.add(element);
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

  private static @Nullable TraceEvent event(String type, Map<String, Object> values)
      throws Fields.Unfit {
    Fields f = new Fields(type, values);
    Long now = f.number("now");
    String named = f.text("on");
    String on = named == null ? "" : named;
    return switch (type) {
      case "CONFIG" ->
          new TraceEvent.Config(
              now,
              on,
              f.number("schema"),
              f.text("policy"),
              f.text("routing"),
              f.text("kvMode"),
              f.number("blockTokens"),
              f.number("groups"),
              f.number("blocks"),
              f.number("hostBlocks"),
              f.number("watermark"),
              f.number("tokenBudget"),
              f.number("slots"),
              f.number("adapterCap"),
              f.number("queueCap"),
              f.number("chunkCap"),
              f.number("depth"),
              f.number("retries"),
              f.number("lease"),
              f.number("nullBlock"),
              f.numbers("spans"),
              f.number("window"),
              f.texts("order"),
              f.texts("rules"),
              f.decimals("claims"),
              f.decimals("pools"));
      case "ARRIVE" ->
          new TraceEvent.Arrive(
              now,
              on,
              f.required("r"),
              f.number("prompt"),
              f.number("maxNew"),
              f.number("arrival"),
              f.number("priority"),
              f.text("tenant"),
              f.text("adapter"),
              f.number("deadline"),
              f.number("minNew"),
              f.number("delivered"),
              f.text("isolation"),
              f.texts("content"),
              f.texts("keys"),
              f.text("flow"),
              f.number("bytes"));
      case "REJECT" ->
          new TraceEvent.Reject(
              now,
              on,
              f.required("r"),
              f.text("reason"),
              f.number("prompt"),
              f.number("maxNew"),
              f.number("arrival"),
              f.number("priority"),
              f.text("tenant"),
              f.text("adapter"),
              f.number("deadline"),
              f.number("output"),
              f.text("detail"),
              f.text("flow"),
              f.number("bytes"));
      case "CANCEL", "EXPIRE", "FINISH" ->
          new TraceEvent.Ended(
              now,
              on,
              TraceEvent.Ended.Kind.valueOf(f.type()),
              f.required("r"),
              f.text("reason"),
              f.number("output"));
      case "DEFER" ->
          new TraceEvent.Defer(now, on, f.required("r"), f.text("for"), f.text("reason"));
      case "PROMOTE" -> new TraceEvent.Promote(now, on, f.required("r"), f.text("event"));
      case "ATTEMPT" ->
          new TraceEvent.Attempt(
              now,
              on,
              f.required("r"),
              f.text("outcome"),
              f.flag("fits"),
              f.number("tokens"),
              f.number("demand"),
              f.number("supply"),
              f.number("reserve"),
              f.number("headroom"));
      case "HIT" ->
          new TraceEvent.Hit(
              now, on, f.required("r"), f.number("tokens"), f.text("tier"), f.texts("keys"));
      case "ALLOC", "SHARE", "RELEASE", "PIN", "UNPIN" ->
          new TraceEvent.Blocks(
              now,
              on,
              TraceEvent.Blocks.Kind.valueOf(f.type()),
              f.required("r"),
              f.numbers("blocks"),
              f.number("units"),
              f.number("group"),
              f.text("pool"),
              f.number("at"),
              f.numbers("refs"));
      case "PUBLISH", "EVICT" ->
          new TraceEvent.Keyed(
              now,
              on,
              TraceEvent.Keyed.Kind.valueOf(f.type()),
              f.number("block"),
              f.text("key"),
              f.text("parent"),
              f.number("group"),
              f.text("tier"),
              f.number("copies"));
      case "STEP" ->
          new TraceEvent.Step(
              now,
              on,
              f.number("step"),
              f.rows("batch"),
              f.number("total"),
              f.number("padding"),
              f.number("waiting"),
              f.number("running"),
              f.number("free"));
      case "IDLE" ->
          new TraceEvent.Idle(
              now,
              on,
              f.number("waiting"),
              f.number("running"),
              f.number("free"),
              f.number("until"));
      case "REBUILT" -> new TraceEvent.Rebuilt(now, on, f.rows("batch"));
      case "COMPLETE" -> new TraceEvent.Complete(now, on, f.number("step"));
      case "FAIL" -> new TraceEvent.Fail(now, on, f.number("step"), f.text("reason"));
      case "OUTPUT" ->
          new TraceEvent.Output(
              now,
              on,
              f.number("step"),
              f.required("r"),
              f.number("accepted"),
              f.number("position"));
      case "XFER_BEGIN" ->
          new TraceEvent.XferBegin(
              now,
              on,
              f.number("transfer"),
              f.text("r"),
              f.text("direction"),
              f.numbers("blocks"),
              f.number("tokens"));
      case "XFER_END" ->
          new TraceEvent.XferEnd(
              now,
              on,
              f.number("transfer"),
              f.text("r"),
              f.text("direction"),
              f.text("result"),
              f.number("tokens"),
              f.number("known"),
              f.number("delivered"));
      case "TIER" ->
          new TraceEvent.Tier(
              now,
              on,
              f.text("r"),
              f.text("entry"),
              f.text("from"),
              f.text("to"),
              f.text("result"),
              f.number("blocks"));
      case "PREEMPT" ->
          new TraceEvent.Preempt(
              now, on, f.required("r"), f.text("mode"), f.text("beneficiary"), f.text("cause"));
      case "RESUME" -> new TraceEvent.Resume(now, on, f.required("r"), f.number("computed"));
      case "MIGRATE" ->
          new TraceEvent.Migrate(
              now,
              on,
              f.required("r"),
              f.text("from"),
              f.text("to"),
              f.number("delivered"),
              f.number("minNew"),
              f.number("maxNew"),
              f.flag("movable"));
      case "ROUTE" ->
          new TraceEvent.Route(
              now,
              on,
              f.required("r"),
              f.text("policy"),
              f.text("instance"),
              f.number("incarnation"),
              f.text("prefill"),
              f.text("rule"),
              f.number("deadline"),
              f.texts("fallbacks"),
              f.texts("keys"),
              f.candidates("candidates"));
      case "LEDGER" ->
          new TraceEvent.Ledger(
              now,
              on,
              f.text("instance"),
              f.number("incarnation"),
              f.number("amount"),
              f.text("r"),
              f.text("cause"),
              f.text("phase"));
      case "INSTANCE" ->
          new TraceEvent.InstanceState(
              now,
              on,
              f.text("instance"),
              f.number("incarnation"),
              f.text("state"),
              f.text("role"),
              f.number("cap"));
      case "INDEX" ->
          new TraceEvent.Index(
              now,
              on,
              f.text("instance"),
              f.number("incarnation"),
              f.text("action"),
              f.texts("keys"),
              f.text("r"),
              f.number("copies"));
      case "FLOW" ->
          new TraceEvent.Flow(
              now,
              on,
              f.text("flow"),
              f.text("action"),
              f.number("count"),
              f.number("bytes"),
              f.number("limitCount"),
              f.number("limitBytes"));
      case "GAUGE" ->
          new TraceEvent.Gauge(now, on, f.text("name"), f.decimal("value"), f.flag("used"));
      case "DRAINED" -> new TraceEvent.Drained(now, on);
      default -> null;
    };
  }
}
