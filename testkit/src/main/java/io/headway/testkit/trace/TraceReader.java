package io.headway.testkit.trace;

import java.io.ByteArrayInputStream;
import java.io.IOException;
import java.io.InputStream;
import java.io.UncheckedIOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import org.jspecify.annotations.Nullable;

/**
 * Reads a trace line by line. What is untrusted is bounded: a line has at most {@value
 * #MAX_LINE_BYTES} bytes, objects and arrays are nested at most {@value #MAX_DEPTH} deep, a text
 * has at most {@value #MAX_TEXT_CHARS} characters. Unknown fields and types are skipped, and so are
 * empty lines.
 */
public final class TraceReader implements TraceSource {
  /** Longest line, in bytes. */
  public static final int MAX_LINE_BYTES = 16 << 20;

  /** Deepest nesting of objects and arrays. */
  public static final int MAX_DEPTH = 8;

  /** Longest text, in characters. */
  public static final int MAX_TEXT_CHARS = 1 << 16;

  private final JsonLines lines;

  private TraceReader(JsonLines lines) {
    this.lines = lines;
  }

  /**
   * Opens a file.
   *
   * @param file a trace
   * @return a reader, to be closed
   * @throws IOException if it cannot be opened
   */
  public static TraceReader open(Path file) throws IOException {
    return of(file.toString(), Files.newInputStream(file));
  }

  /**
   * Reads from a stream.
   *
   * @param origin its name in messages
   * @param in the stream, closed with the reader
   * @return a reader
   */
  public static TraceReader of(String origin, InputStream in) {
    return new TraceReader(new JsonLines(origin, in));
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
    try {
      return event(JsonLines.parse("line", 1, bytes, bytes.length));
    } catch (Fields.Unfit e) {
      throw new TraceFormatException("line", 1, String.valueOf(e.getMessage()));
    }
  }

  @Override
  public @Nullable TraceEvent next() throws IOException {
    Map<String, Object> values;
    while ((values = lines.next()) != null) {
      try {
        TraceEvent event = event(values);
        if (event != null) {
          return event;
        }
      } catch (Fields.Unfit e) {
        throw lines.wrong(e);
      }
    }
    return null;
  }

  @Override
  public long line() {
    return lines.line();
  }

  @Override
  public String text() {
    return lines.text();
  }

  @Override
  public void close() throws IOException {
    lines.close();
  }

  private static @Nullable TraceEvent event(Map<String, Object> values) throws Fields.Unfit {
    String type = new Fields("trace", values).required("type");
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
              f.number("tokens"),
              f.number("reserve"));
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
