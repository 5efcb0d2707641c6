package io.headway.simulator.workload;

import java.io.IOException;
import java.io.InputStream;
import java.util.Locale;

/**
 * Reads the Azure LLM inference traces: CSV with the columns {@code
 * TIMESTAMP,ContextTokens,GeneratedTokens}.
 *
 * <p>TIMESTAMP is {@code yyyy-MM-dd HH:mm:ss}, with up to nine fraction digits (the 2023 files have
 * seven, 100 ns) and optionally a zone ({@code Z} or {@code ±HH:MM}, as in the 2024 files). The
 * traces hold no content, session or tenant. The kind of work is taken from the file's name: {@code
 * code} if it contains "code", {@code conversation} if it contains "conv", else there is none.
 *
 * <p>Source: P. Patel et al., "Splitwise: Efficient generative LLM inference using phase
 * splitting", ISCA 2024, and the Azure Public Dataset (CC-BY). Thread-safe.
 */
public final class AzureTraceReader implements TraceReader {
  static final String HEADER = "TIMESTAMP,ContextTokens,GeneratedTokens";

  /** Creates a reader. */
  public AzureTraceReader() {}

  @Override
  public Workload read(String source, InputStream in, TraceOptions options) throws IOException {
    TraceLines lines = new TraceLines(source, in, options);
    CsvRows csv = new CsvRows(lines, HEADER);
    int timestamp = csv.require("TIMESTAMP", HEADER);
    int context = csv.require("ContextTokens", HEADER);
    int generated = csv.require("GeneratedTokens", HEADER);
    String type = typeOf(source);
    TraceRows rows = new TraceRows(lines, options);
    while (!rows.full() && csv.next()) {
      Long nanos = Timestamps.dateTimeNanos(csv.cell(timestamp));
      if (nanos == null) {
        throw lines.problem(
            "TIMESTAMP must be yyyy-MM-dd HH:mm:ss with up to 9 fraction digits and maybe a zone,"
                + " but was "
                + TraceRows.quote(csv.cell(timestamp)));
      }
      int prompt = rows.tokens("ContextTokens", csv.cell(context), 1);
      int output = rows.tokens("GeneratedTokens", csv.cell(generated), 0);
      if (rows.add(nanos, "TIMESTAMP", prompt, output) && !type.isEmpty()) {
        rows.label("type", type);
      }
    }
    return rows.build(TraceFormat.nameOf(source));
  }

  private static String typeOf(String source) {
    String name = TraceFormat.nameOf(source).toLowerCase(Locale.ROOT);
    return name.contains("code") ? "code" : name.contains("conv") ? "conversation" : "";
  }
}
