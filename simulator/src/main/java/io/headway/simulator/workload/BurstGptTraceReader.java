package io.headway.simulator.workload;

import java.io.IOException;
import java.io.InputStream;
import java.util.Locale;

/**
 * Reads the BurstGPT traces: CSV whose columns are mapped by their names, since releases differ.
 * Needed are {@code Timestamp} (seconds), {@code Request tokens} and {@code Response tokens};
 * {@code Model}, {@code Session ID} and {@code Log Type} are used where present, other columns
 * ignored. The log types become the kinds {@code conversation} and {@code api}. A response of 0
 * tokens marks a failed request: {@link TraceOptions.ZeroOutput} says what becomes of it.
 *
 * <p>Source: Y. Wang et al., "BurstGPT: A Real-world Workload Dataset to Optimize LLM Serving
 * Systems", KDD 2025. Thread-safe.
 */
public final class BurstGptTraceReader implements TraceReader {
  static final String HEADER =
      "Timestamp,Session ID,Elapsed time,Model,Request tokens,Response tokens,Total tokens,Log"
          + " Type";

  /** Creates a reader. */
  public BurstGptTraceReader() {}

  @Override
  public Workload read(String source, InputStream in, TraceOptions options) throws IOException {
    TraceLines lines = new TraceLines(source, in, options);
    CsvRows csv = new CsvRows(lines, HEADER);
    int timestamp = csv.require("Timestamp", HEADER);
    int request = csv.require("Request tokens", HEADER);
    int response = csv.require("Response tokens", HEADER);
    int model = csv.find("Model");
    int session = csv.find("Session ID");
    int logType = csv.find("Log Type");
    TraceRows rows = new TraceRows(lines, options);
    while (!rows.full() && csv.next()) {
      long nanos = Timestamps.decimalNanos(csv.cell(timestamp), 0);
      if (nanos < 0) {
        throw lines.problem(
            "Timestamp must be seconds of at least 0, but was "
                + TraceRows.quote(csv.cell(timestamp)));
      }
      int prompt = rows.tokens("Request tokens", csv.cell(request), 1);
      int output = rows.tokens("Response tokens", csv.cell(response), 0);
      if (!rows.add(nanos, "Timestamp", prompt, output)) {
        continue;
      }
      if (model >= 0) {
        rows.label("model", csv.cell(model));
      }
      if (session >= 0) {
        rows.session(csv.cell(session));
      }
      if (logType >= 0) {
        rows.label("type", typeOf(csv.cell(logType)));
      }
    }
    return rows.build(TraceFormat.nameOf(source));
  }

  private static String typeOf(String logType) {
    String lower = logType.toLowerCase(Locale.ROOT);
    return lower.startsWith("conversation")
        ? "conversation"
        : lower.startsWith("api") ? "api" : logType;
  }
}
