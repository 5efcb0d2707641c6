package io.headway.simulator.workload;

import java.io.IOException;

/**
 * Writes a workload in the project's own CSV format, so that reading it again with {@link
 * CsvTraceReader} gives the same rows. Arrivals are written in nanoseconds, which loses nothing.
 */
public final class CsvTraceWriter {
  private CsvTraceWriter() {}

  /**
   * Writes a workload, one line per request after the header, LF line ends.
   *
   * @param workload what to write
   * @param out where to; not flushed or closed here
   * @throws IOException if writing fails
   * @throws IllegalArgumentException if a text of the workload cannot stand in a cell, since it has
   *     blanks at an end or a line end inside
   */
  public static void write(Workload workload, Appendable out) throws IOException {
    Labels[] labels = {
      workload.tenants(), workload.types(), workload.models(), workload.adapters()
    };
    out.append("arrival_nanos,prompt_tokens,output_tokens");
    for (int i = 0; i < labels.length; i++) {
      if (labels[i].isPresent()) {
        out.append(',').append(CsvTraceReader.LABELS.get(i));
        requireCells(labels[i], CsvTraceReader.LABELS.get(i));
      }
    }
    out.append(workload.hasSessions() ? ",session" : "");
    out.append(workload.hasPriorities() ? ",priority" : "");
    if (workload.hasBlocks()) {
      out.append(',')
          .append(CsvTraceReader.BLOCK_PREFIX)
          .append(Integer.toString(workload.blocks().blockTokens()));
    }
    out.append('\n');
    for (int row = 0; row < workload.size(); row++) {
      out.append(Long.toString(workload.arrivalNanos(row)))
          .append(',')
          .append(Integer.toString(workload.promptTokens(row)))
          .append(',')
          .append(Integer.toString(workload.outputTokens(row)));
      for (Labels column : labels) {
        if (column.isPresent()) {
          out.append(',').append(CsvRows.escape(column.name(column.code(row))));
        }
      }
      if (workload.hasSessions()) {
        out.append(',');
        if (workload.session(row) != Workload.NO_SESSION) {
          out.append(Integer.toString(workload.session(row)));
        }
      }
      if (workload.hasPriorities()) {
        out.append(',').append(Integer.toString(workload.priority(row)));
      }
      if (workload.hasBlocks()) {
        BlockKeys blocks = workload.blocks();
        for (int k = 0; k < blocks.count(row); k++) {
          out.append(k == 0 ? ',' : ' ').append(Long.toString(blocks.id(row, k)));
        }
      }
      out.append('\n');
    }
  }

  private static void requireCells(Labels column, String name) {
    for (String text : column.names()) {
      if (!text.equals(text.strip()) || text.indexOf('\n') >= 0 || text.indexOf('\r') >= 0) {
        throw new IllegalArgumentException(
            name
                + " must have no blank at an end and no line end to be written as CSV, but was "
                + TraceRows.quote(text));
      }
    }
  }
}
