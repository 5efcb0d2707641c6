package io.headway.simulator.report;

import io.headway.simulator.metrics.RequestTable;
import io.headway.simulator.metrics.RunMetrics;
import java.io.IOException;
import java.math.BigDecimal;
import java.math.MathContext;
import java.util.Locale;

/**
 * Writes the figures of a report as CSV: UTF-8 text with LF line ends, a dot as the decimal sign,
 * empty cells for what does not exist. Reproducible: the real cost of policies is left out.
 */
public final class CsvReport {
  private static final MathContext DIGITS = new MathContext(12);

  private CsvReport() {}

  /**
   * Writes one line per contender and seed, with every reproducible figure.
   *
   * @param report what to write
   * @param out where to; not flushed or closed here
   * @throws IOException if writing fails
   */
  public static void writeSummary(Report report, Appendable out) throws IOException {
    out.append("contender,seed");
    for (Column column : Column.ALL) {
      if (column.reproducible()) {
        out.append(',').append(column.id());
      }
    }
    out.append('\n');
    for (Contender contender : report.contenders()) {
      for (SeededRun run : contender.runs()) {
        out.append(escape(contender.name())).append(',').append(Long.toString(run.seed()));
        for (Column column : Column.ALL) {
          if (column.reproducible()) {
            out.append(',').append(number(column.value().applyAsDouble(run.metrics())));
          }
        }
        out.append('\n');
      }
    }
  }

  /**
   * Writes one line per contender, seed and request.
   *
   * @param report what to write
   * @param out where to; not flushed or closed here
   * @throws IOException if writing fails
   */
  public static void writeRequests(Report report, Appendable out) throws IOException {
    out.append(
        "contender,seed,request,tenant,arrival_nanos,prompt_tokens,output_tokens,outcome,instance,"
            + "first_token_nanos,end_nanos,emitted_tokens,cached_tokens,preemptions,ttft_nanos,"
            + "tpot_nanos,e2e_nanos\n");
    for (Contender contender : report.contenders()) {
      for (SeededRun run : contender.runs()) {
        String prefix = escape(contender.name()) + "," + run.seed() + ",";
        for (int row = 0; row < run.metrics().requests().size(); row++) {
          out.append(prefix);
          writeRequest(run.metrics(), row, out);
        }
      }
    }
  }

  private static void writeRequest(RunMetrics metrics, int row, Appendable out) throws IOException {
    RequestTable table = metrics.requests();
    out.append(Integer.toString(row))
        .append(',')
        .append(escape(table.workload().tenants().name(table.workload().tenants().code(row))))
        .append(',')
        .append(Long.toString(table.workload().arrivalNanos(row)))
        .append(',')
        .append(Integer.toString(table.workload().promptTokens(row)))
        .append(',')
        .append(Integer.toString(table.workload().outputTokens(row)))
        .append(',')
        .append(table.outcome(row).name().toLowerCase(Locale.ROOT))
        .append(',')
        .append(present(table.instance(row)))
        .append(',')
        .append(present(table.firstTokenNanos(row)))
        .append(',')
        .append(present(table.endNanos(row)))
        .append(',')
        .append(Integer.toString(table.emittedTokens(row)))
        .append(',')
        .append(Integer.toString(table.cachedTokens(row)))
        .append(',')
        .append(Integer.toString(table.preemptions(row)))
        .append(',')
        .append(present(table.ttftNanos(row)))
        .append(',')
        .append(present(table.tpotNanos(row)))
        .append(',')
        .append(present(table.e2eNanos(row)))
        .append('\n');
  }

  private static String present(long value) {
    return value == RequestTable.NONE ? "" : Long.toString(value);
  }

  /** Twelve significant digits by exact arithmetic, since Double.toString changed in JDK 19. */
  static String number(double value) {
    if (Double.isNaN(value)) {
      return "";
    }
    BigDecimal rounded = new BigDecimal(value).round(DIGITS);
    return rounded.signum() == 0 ? "0" : rounded.stripTrailingZeros().toPlainString();
  }

  /** A cell, quoted where it must be. */
  static String escape(String cell) {
    boolean plain = cell.chars().noneMatch(c -> c == ',' || c == '"' || c == '\n' || c == '\r');
    // A formula at the start of a cell would be run by spreadsheets.
    String safe = cell.matches("(?s)[=+@-].*") ? "'" + cell : cell;
    return plain ? safe : '"' + safe.replace("\"", "\"\"") + '"';
  }
}
