package io.headway.simulator.workload;

import com.fasterxml.jackson.core.JsonFactory;
import com.fasterxml.jackson.core.JsonParser;
import com.fasterxml.jackson.core.JsonProcessingException;
import com.fasterxml.jackson.core.JsonToken;
import com.fasterxml.jackson.core.StreamReadConstraints;
import java.io.IOException;
import java.io.InputStream;
import java.util.Arrays;

/**
 * Reads the Mooncake traces: one JSON object per line with {@code timestamp} (milliseconds since
 * the start), {@code input_length}, {@code output_length} (tokens) and {@code hash_ids}, one id per
 * {@value #BLOCK_TOKENS} prompt tokens including the partial last block. Other fields are ignored.
 *
 * <p>The conversation trace comes in ticks of about 3 s, see {@link Workload#spreadTicks}.
 *
 * <p>Source: R. Qin et al., "Mooncake: Trading More Storage for Less Computation", FAST 2025.
 * Thread-safe.
 */
public final class MooncakeTraceReader implements TraceReader {
  /** Prompt tokens of one block id. */
  public static final int BLOCK_TOKENS = 512;

  private static final JsonFactory JSON =
      JsonFactory.builder()
          .streamReadConstraints(
              StreamReadConstraints.builder()
                  .maxNestingDepth(16)
                  .maxNumberLength(32)
                  .maxNameLength(256)
                  .build())
          .build();

  /** Creates a reader. */
  public MooncakeTraceReader() {}

  @Override
  public Workload read(String source, InputStream in, TraceOptions options) throws IOException {
    TraceLines lines = new TraceLines(source, in, options);
    TraceRows rows = new TraceRows(lines, options);
    Row row = new Row();
    while (!rows.full()) {
      String line = lines.next();
      if (line == null) {
        break;
      }
      if (line.isBlank()) {
        continue;
      }
      row.clear();
      try (JsonParser parser = JSON.createParser(line)) {
        parse(parser, row, lines);
      } catch (JsonProcessingException e) {
        throw lines.problem(
            "the line must be one JSON object, but " + oneLine(e.getOriginalMessage()));
      }
      addTo(rows, row, lines);
    }
    if (lines.lineNumber() == 0) {
      throw lines.problem("the trace must have at least one line, but is empty");
    }
    return rows.build(TraceFormat.nameOf(source));
  }

  private static void addTo(TraceRows rows, Row row, TraceLines lines) {
    require(row.timestampMillis, "timestamp", lines);
    require(row.promptTokens, "input_length", lines);
    require(row.outputTokens, "output_length", lines);
    if (!row.hasHashes) {
      throw lines.problem("hash_ids is missing; it must be an array of block ids");
    }
    if (row.timestampMillis > Long.MAX_VALUE / 2_000_000) {
      throw lines.problem(
          "timestamp must be milliseconds since the start, but was " + row.timestampMillis);
    }
    int prompt = rows.tokens("input_length", Long.toString(row.promptTokens), 1);
    int output = rows.tokens("output_length", Long.toString(row.outputTokens), 0);
    if (rows.add(row.timestampMillis * 1_000_000, "timestamp", prompt, output)) {
      BlockKeys.Builder keys = rows.blocks(BLOCK_TOKENS);
      for (int i = 0; i < row.hashCount; i++) {
        keys.add(row.hashes[i]);
      }
      rows.endBlocks("hash_ids");
    }
  }

  private static void require(long value, String field, TraceLines lines) {
    if (value == Row.ABSENT) {
      throw lines.problem(field + " is missing; it must be a whole number of at least 0");
    }
  }

  private static void parse(JsonParser parser, Row row, TraceLines lines) throws IOException {
    if (parser.nextToken() != JsonToken.START_OBJECT) {
      throw lines.problem("the line must be one JSON object");
    }
    while (parser.nextToken() == JsonToken.FIELD_NAME) {
      String field = parser.currentName();
      JsonToken value = parser.nextToken();
      switch (field) {
        case "timestamp" -> row.timestampMillis = number(parser, value, field, lines);
        case "input_length" -> row.promptTokens = number(parser, value, field, lines);
        case "output_length" -> row.outputTokens = number(parser, value, field, lines);
        case "hash_ids" -> {
          if (value != JsonToken.START_ARRAY) {
            throw lines.problem("hash_ids must be an array of block ids");
          }
          row.hasHashes = true;
          row.hashCount = 0;
          for (JsonToken id = parser.nextToken();
              id != JsonToken.END_ARRAY;
              id = parser.nextToken()) {
            row.addHash(number(parser, id, "hash_ids", lines));
          }
        }
        default -> parser.skipChildren();
      }
    }
    if (parser.nextToken() != null) {
      throw lines.problem("the line must be one JSON object, but more text follows it");
    }
  }

  private static long number(JsonParser parser, JsonToken token, String field, TraceLines lines)
      throws IOException {
    if (token == JsonToken.VALUE_NUMBER_INT
        && parser.getNumberType() != JsonParser.NumberType.BIG_INTEGER
        && parser.getLongValue() >= 0) {
      return parser.getLongValue();
    }
    throw lines.problem(
        field
            + " must be a whole number of at least 0, but was "
            + TraceRows.quote(token == null ? "nothing" : parser.getText()));
  }

  /** A parser's message up to its first line end. */
  private static String oneLine(String message) {
    int end = message.indexOf('\n');
    return end < 0 ? message : message.substring(0, end);
  }

  /** The fields of a line, reused. */
  private static final class Row {
    static final long ABSENT = -1;

    long timestampMillis;
    long promptTokens;
    long outputTokens;
    boolean hasHashes;
    long[] hashes = new long[64];
    int hashCount;

    void clear() {
      timestampMillis = ABSENT;
      promptTokens = ABSENT;
      outputTokens = ABSENT;
      hasHashes = false;
      hashCount = 0;
    }

    void addHash(long id) {
      if (hashCount == hashes.length) {
        hashes = Arrays.copyOf(hashes, hashCount * 2);
      }
      hashes[hashCount++] = id;
    }
  }
}
