package io.headway.simulator.report;

import io.headway.simulator.workload.Workload;
import io.headway.simulator.workload.WorkloadStatistics;
import java.io.IOException;
import java.util.ArrayList;
import java.util.List;
import java.util.function.Function;
import java.util.stream.Collectors;

/**
 * Writes a report as a table for the console: one line per contender, the main figures only; with
 * several seeds, means and the half-widths of their 95 % confidence intervals.
 */
public final class TextReport {
  private static final String GAP = "  ";

  private TextReport() {}

  /**
   * Writes a report.
   *
   * @param report what to write
   * @param out where to; not flushed or closed here
   * @throws IOException if writing fails
   */
  public static void write(Report report, Appendable out) throws IOException {
    out.append(report.title()).append('\n');
    out.append(workloadLine(report.workload())).append('\n');
    String settings =
        report.settings().stream()
            .map(setting -> setting.name() + " " + setting.value())
            .collect(Collectors.joining(", "));
    if (!settings.isEmpty()) {
      out.append(settings).append('\n');
    }
    out.append('\n');
    List<Column> columns = Column.of(report).stream().filter(Column::isMain).toList();
    List<List<String>> lines = new ArrayList<>();
    lines.add(header(columns, Column::group));
    lines.add(header(columns, Column::title));
    lines.add(header(columns, Column::unit));
    for (Contender contender : report.contenders()) {
      List<String> line = new ArrayList<>();
      line.add(contender.name());
      for (Column column : columns) {
        line.add(column.show(column.estimate(contender)));
      }
      lines.add(line);
    }
    write(lines, out);
  }

  /** A sentence about a workload. */
  static String workloadLine(Workload workload) {
    if (workload.size() == 0) {
      return workload.name() + ": no requests";
    }
    WorkloadStatistics statistics = new WorkloadStatistics(workload);
    return workload.name()
        + ": "
        + Numbers.whole(workload.size())
        + " requests"
        + (workload.durationNanos() == 0
            ? ""
            : " in "
                + Numbers.duration((double) workload.durationNanos())
                + " ("
                + Numbers.significant(statistics.meanRatePerSecond())
                + "/s)")
        + ", mean prompt "
        + Numbers.significant(statistics.promptMean())
        + " and output "
        + Numbers.significant(statistics.outputMean())
        + " tokens";
  }

  private static List<String> header(List<Column> columns, Function<Column, String> text) {
    List<String> line = new ArrayList<>();
    line.add("");
    String before = "";
    for (Column column : columns) {
      String shown = text.apply(column);
      boolean group = shown.equals(column.group()) && shown.equals(before);
      line.add(group ? "" : shown);
      before = shown;
    }
    return line;
  }

  private static void write(List<List<String>> lines, Appendable out) throws IOException {
    int columns = lines.get(0).size();
    int[] widths = new int[columns];
    for (List<String> line : lines) {
      for (int i = 0; i < columns; i++) {
        widths[i] = Math.max(widths[i], line.get(i).codePointCount(0, line.get(i).length()));
      }
    }
    for (List<String> line : lines) {
      StringBuilder text = new StringBuilder();
      for (int i = 0; i < columns; i++) {
        String cell = line.get(i);
        String pad = " ".repeat(widths[i] - cell.codePointCount(0, cell.length()));
        text.append(i == 0 ? cell + pad : GAP + pad + cell);
      }
      out.append(text.toString().stripTrailing()).append('\n');
    }
  }
}
