package io.headway.simulator.report;

import com.fasterxml.jackson.core.JsonFactory;
import com.fasterxml.jackson.core.JsonGenerator;
import com.fasterxml.jackson.core.StreamWriteFeature;
import com.fasterxml.jackson.core.util.DefaultIndenter;
import com.fasterxml.jackson.core.util.DefaultPrettyPrinter;
import java.io.IOException;
import java.io.PrintWriter;
import java.io.Writer;
import java.nio.file.Path;
import java.util.List;
import java.util.Locale;

/**
 * Writes a comparison of expert routers as text, CSV, JSON ({@code "format": "headway-moe/1"}) and
 * as a folder with all of them. Equal inputs give equal bytes.
 */
public final class MoeTables {
  /** Name and version of the JSON format. */
  public static final String FORMAT = "headway-moe/1";

  private MoeTables() {}

  /**
   * Writes the main figures as a table for a console.
   *
   * @param report what to write
   * @param out where to
   */
  public static void text(MoeReport report, PrintWriter out) {
    List<MoeColumn> columns = MoeColumn.of(report).stream().filter(MoeColumn::isMain).toList();
    int rows = report.routers().size() + 2;
    String[][] cells = new String[rows][columns.size() + 1];
    cells[0][0] = "";
    cells[1][0] = "router";
    for (int c = 0; c < columns.size(); c++) {
      boolean first = c == 0 || !columns.get(c).group().equals(columns.get(c - 1).group());
      cells[0][c + 1] = first ? columns.get(c).group() : "";
      cells[1][c + 1] = columns.get(c).title();
      for (int r = 0; r < report.routers().size(); r++) {
        cells[r + 2][c + 1] =
            columns
                .get(c)
                .format()
                .apply(columns.get(c).value().applyAsDouble(report.routers().get(r).run()));
      }
    }
    for (int r = 0; r < report.routers().size(); r++) {
      cells[r + 2][0] = report.routers().get(r).name();
    }
    int[] width = new int[columns.size() + 1];
    for (String[] row : cells) {
      for (int c = 0; c < row.length; c++) {
        width[c] = Math.max(width[c], row[c].length());
      }
    }
    for (String[] row : cells) {
      StringBuilder line =
          new StringBuilder(String.format(Locale.ROOT, "%-" + width[0] + "s", row[0]));
      for (int c = 1; c < row.length; c++) {
        line.append("  ").append(String.format(Locale.ROOT, "%" + width[c] + "s", row[c]));
      }
      out.println(line.toString().stripTrailing());
    }
  }

  /**
   * Writes one line per router.
   *
   * @param report what to write
   * @param out where to; not flushed or closed here
   * @throws IOException if writing fails
   */
  public static void csv(MoeReport report, Appendable out) throws IOException {
    List<MoeColumn> columns = MoeColumn.of(report);
    out.append("router");
    for (MoeColumn column : columns) {
      out.append(',').append(column.id());
    }
    out.append('\n');
    for (MoeReport.Routed routed : report.routers()) {
      out.append(CsvReport.escape(routed.name()));
      for (MoeColumn column : columns) {
        out.append(',').append(CsvReport.number(column.value().applyAsDouble(routed.run())));
      }
      out.append('\n');
    }
  }

  /**
   * Writes everything as JSON.
   *
   * @param report what to write
   * @param out where to; flushed but not closed
   * @throws IOException if writing fails
   */
  public static void json(MoeReport report, Writer out) throws IOException {
    JsonFactory factory =
        JsonFactory.builder().disable(StreamWriteFeature.AUTO_CLOSE_TARGET).build();
    List<MoeColumn> columns = MoeColumn.of(report);
    try (JsonGenerator json = factory.createGenerator(out)) {
      json.setPrettyPrinter(
          new DefaultPrettyPrinter().withObjectIndenter(new DefaultIndenter("  ", "\n")));
      json.writeStartObject();
      json.writeStringField("format", FORMAT);
      json.writeStringField("title", report.title());
      json.writeObjectFieldStart("settings");
      for (Setting setting : report.settings()) {
        json.writeStringField(setting.name(), setting.value());
      }
      json.writeEndObject();
      json.writeArrayFieldStart("routers");
      for (MoeReport.Routed routed : report.routers()) {
        json.writeStartObject();
        json.writeStringField("name", routed.name());
        for (MoeColumn column : columns) {
          json.writeFieldName(column.id());
          json.writeNumber(CsvReport.number(column.value().applyAsDouble(routed.run())));
        }
        json.writeNumberField("assigned_pairs", routed.run().assignedPairs());
        json.writeNumberField("dropped_pairs", routed.run().droppedPairs());
        json.writeArrayFieldStart("expert_share_by_rank");
        for (double share : routed.run().expertShare()) {
          json.writeNumber(CsvReport.number(share));
        }
        json.writeEndArray();
        json.writeEndObject();
      }
      json.writeEndArray();
      json.writeEndObject();
      json.writeRaw('\n');
    }
  }

  /**
   * Writes a folder with {@code index.html}, {@code report.json} and {@code summary.csv}, whole or
   * not at all.
   *
   * @param report what to write
   * @param folder the folder to make or to replace; missing parents are made
   * @return the folder's real path
   * @throws IOException if the folder holds anything but a report, or if writing fails
   */
  public static Path folder(MoeReport report, Path folder) throws IOException {
    return ReportFolder.write(
        folder,
        fresh -> {
          ReportFolder.file(fresh, "index.html", out -> MoeHtmlReport.write(report, out));
          ReportFolder.file(fresh, "report.json", out -> json(report, out));
          ReportFolder.file(fresh, "summary.csv", out -> csv(report, out));
        });
  }
}
