package io.headway.simulator.workload;

import java.io.IOException;
import java.io.InputStream;
import java.util.List;

/**
 * Reads the project's own CSV format, which can hold every column of a {@link Workload} and into
 * which other sources are easily brought. The header names the columns, in any order:
 *
 * <ul>
 *   <li>exactly one of {@code arrival_seconds}, {@code arrival_millis}, {@code arrival_nanos}: a
 *       decimal number of at least 0; fractions are rounded to the nanosecond;
 *   <li>{@code prompt_tokens} (at least 1) and {@code output_tokens} (at least 0);
 *   <li>optionally {@code tenant}, {@code type}, {@code model}, {@code adapter} (texts), {@code
 *       session} (any text, empty for none) and {@code priority} (a whole number, smaller is more
 *       urgent);
 *   <li>optionally {@code block_ids_N}, such as {@code block_ids_512}: blank-separated numbers, one
 *       per N prompt tokens, the partial last block included.
 * </ul>
 *
 * <p>Any other column is an error, so that a misspelt one is not lost. {@link CsvTraceWriter}
 * writes this format. Thread-safe.
 */
public final class CsvTraceReader implements TraceReader {
  static final String HEADER = "arrival_seconds,prompt_tokens,output_tokens";
  static final String BLOCK_PREFIX = "block_ids_";
  static final List<String> LABELS = List.of("tenant", "type", "model", "adapter");

  private static final List<String> ARRIVALS =
      List.of("arrival_seconds", "arrival_millis", "arrival_nanos");
  private static final int[] ARRIVAL_SCALE = {0, 3, 9};
  private static final int MAX_BLOCK_TOKENS = 1 << 20;

  /** Creates a reader. */
  public CsvTraceReader() {}

  @Override
  public Workload read(String source, InputStream in, TraceOptions options) throws IOException {
    TraceLines lines = new TraceLines(source, in, options);
    CsvRows csv = new CsvRows(lines, HEADER);
    Columns columns = new Columns(csv, lines);
    TraceRows rows = new TraceRows(lines, options);
    while (!rows.full() && csv.next()) {
      String arrival = csv.cell(columns.arrival);
      long nanos = Timestamps.decimalNanos(arrival, columns.arrivalScale);
      if (nanos < 0) {
        throw lines.problem(
            columns.arrivalName
                + " must be a decimal number of at least 0, but was "
                + TraceRows.quote(arrival));
      }
      int prompt = rows.tokens("prompt_tokens", csv.cell(columns.prompt), 1);
      int output = rows.tokens("output_tokens", csv.cell(columns.output), 0);
      if (!rows.add(nanos, columns.arrivalName, prompt, output)) {
        continue;
      }
      for (String label : LABELS) {
        int column = csv.find(label);
        if (column >= 0) {
          rows.label(label, csv.cell(column));
        }
      }
      if (columns.session >= 0) {
        rows.session(csv.cell(columns.session));
      }
      if (columns.priority >= 0) {
        rows.priority(csv.cell(columns.priority));
      }
      if (columns.blocks >= 0) {
        addBlocks(rows, csv.cell(columns.blocks), columns, lines);
      }
    }
    return rows.build(TraceFormat.nameOf(source));
  }

  private static void addBlocks(TraceRows rows, String cell, Columns columns, TraceLines lines) {
    BlockKeys.Builder keys = rows.blocks(columns.blockTokens);
    int position = 0;
    while (position < cell.length()) {
      int blank = cell.indexOf(' ', position);
      int end = blank < 0 ? cell.length() : blank;
      if (end > position) {
        try {
          keys.add(Long.parseLong(cell, position, end, 10));
        } catch (NumberFormatException e) {
          throw lines.problem(
              columns.blocksName
                  + " must be blank-separated 64-bit numbers, but has "
                  + TraceRows.quote(cell.substring(position, end)));
        }
      }
      position = end + 1;
    }
    rows.endBlocks(columns.blocksName);
  }

  /** Where each column is. */
  private static final class Columns {
    final int arrival;
    final String arrivalName;
    final int arrivalScale;
    final int prompt;
    final int output;
    final int session;
    final int priority;
    final int blocks;
    final String blocksName;
    final int blockTokens;

    Columns(CsvRows csv, TraceLines lines) {
      int arrivalIndex = -1;
      int arrivalUnit = 0;
      int blocksIndex = -1;
      for (String column : csv.header()) {
        int unit = ARRIVALS.indexOf(column);
        if (unit >= 0) {
          if (arrivalIndex >= 0) {
            throw lines.problem(
                "the header must have one of " + String.join(", ", ARRIVALS) + ", but has two");
          }
          arrivalIndex = csv.find(column);
          arrivalUnit = unit;
        } else if (column.startsWith(BLOCK_PREFIX)) {
          if (blocksIndex >= 0) {
            throw lines.problem("the header must have one block_ids column, but has two");
          }
          blocksIndex = csv.find(column);
        } else if (!LABELS.contains(column)
            && !List.of("prompt_tokens", "output_tokens", "session", "priority").contains(column)) {
          throw lines.problem(
              "the header has the unknown column "
                  + TraceRows.quote(column)
                  + "; known are "
                  + String.join(", ", ARRIVALS)
                  + ", prompt_tokens, output_tokens, tenant, type, model, adapter, session,"
                  + " priority and block_ids_N");
        }
      }
      if (arrivalIndex < 0) {
        throw lines.problem(
            "the header must have one of "
                + String.join(", ", ARRIVALS)
                + ", but was "
                + TraceRows.quote(String.join(",", csv.header())));
      }
      arrival = arrivalIndex;
      arrivalName = ARRIVALS.get(arrivalUnit);
      arrivalScale = ARRIVAL_SCALE[arrivalUnit];
      prompt = csv.require("prompt_tokens", HEADER);
      output = csv.require("output_tokens", HEADER);
      session = csv.find("session");
      priority = csv.find("priority");
      blocks = blocksIndex;
      blocksName = blocksIndex < 0 ? "" : csv.header().get(blocksIndex);
      blockTokens = blocksIndex < 0 ? 0 : blockTokens(blocksName, lines);
    }

    private static int blockTokens(String column, TraceLines lines) {
      String number = column.substring(BLOCK_PREFIX.length());
      int tokens = -1;
      if (number.length() <= 7 && !number.isEmpty()) {
        tokens = (int) Math.min(Timestamps.decimalNanos(number, 9), MAX_BLOCK_TOKENS + 1L);
      }
      if (tokens < 1 || tokens > MAX_BLOCK_TOKENS) {
        throw lines.problem(
            "the block_ids column must end in its tokens per block, 1.."
                + MAX_BLOCK_TOKENS
                + ", such as block_ids_512, but was "
                + TraceRows.quote(column));
      }
      return tokens;
    }
  }
}
