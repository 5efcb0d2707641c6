package io.headway.simulator.report;

import io.headway.simulator.moe.MoeRun;
import java.io.IOException;
import java.util.ArrayList;
import java.util.List;

/**
 * Writes a comparison of expert routers as one self-contained HTML page in the style of {@link
 * HtmlReport}: a table, step times before and after re-placement as bars, and how the load lies on
 * the experts.
 */
public final class MoeHtmlReport {
  private static final int MOST_POINTS = 256;

  private final MoeReport report;
  private final HtmlPage page;
  private final List<MoeColumn> columns;

  private MoeHtmlReport(MoeReport report, Appendable out) {
    this.report = report;
    this.page = new HtmlPage(out);
    this.columns = MoeColumn.of(report);
  }

  /**
   * Writes a report.
   *
   * @param report what to write
   * @param out where to, UTF-8; not flushed or closed here
   * @throws IOException if writing fails
   */
  public static void write(MoeReport report, Appendable out) throws IOException {
    new MoeHtmlReport(report, out).write();
  }

  private void write() throws IOException {
    page.begin(report.title());
    page.series(report.routers().size());
    page.body();
    page.line("<header>");
    page.line("<h1>" + HtmlPage.escape(report.title()) + "</h1>");
    page.line("<p>" + HtmlPage.escape(report.summary()) + "</p>");
    page.line("</header>");
    page.line("<main>");
    page.line("<section aria-labelledby=\"results\">");
    page.line("<h2 id=\"results\">Results</h2>");
    table("Main figures", columns.stream().filter(MoeColumn::isMain).toList());
    page.line(
        "<p class=\"muted\">Bold: the best value of a column. Times have none: a router that gives a"
            + " token fewer experts or drops pairs does less work, so compare times at equal pairs per"
            + " token.</p>");
    page.line("<details>");
    page.line("<summary>All figures</summary>");
    table("All figures", columns);
    page.line("</details>");
    page.line("<details>");
    page.line("<summary>What the columns mean</summary>");
    page.line("<dl>");
    for (MoeColumn column : columns) {
      page.line(
          "<dt>"
              + HtmlPage.escape(column.group() + ", " + column.title())
              + "</dt><dd>"
              + HtmlPage.escape(column.explanation())
              + "</dd>");
    }
    page.line("</dl>");
    page.line("</details>");
    page.line("</section>");
    bars();
    loads();
    settings();
    page.line("</main>");
    page.end();
  }

  private void table(String name, List<MoeColumn> shown) throws IOException {
    page.line(
        "<div class=\"scroll\" role=\"region\" aria-label=\""
            + HtmlPage.escape(name)
            + "\" tabindex=\"0\">");
    page.line("<table>");
    page.line("<thead>");
    StringBuilder row =
        new StringBuilder("<tr><th class=\"corner\" rowspan=\"2\" scope=\"col\">Router</th>");
    for (int i = 0; i < shown.size(); ) {
      int span = 1;
      while (i + span < shown.size() && !startsGroup(shown, i + span)) {
        span++;
      }
      row.append("<th scope=\"colgroup\" colspan=\"").append(span).append("\">");
      row.append(HtmlPage.escape(shown.get(i).group())).append("</th>");
      i += span;
    }
    page.line(row + "</tr>");
    row = new StringBuilder("<tr>");
    for (int i = 0; i < shown.size(); i++) {
      MoeColumn column = shown.get(i);
      row.append(startsGroup(shown, i) ? "<th scope=\"col\" class=\"first\"" : "<th scope=\"col\"");
      row.append(" title=\"").append(HtmlPage.escape(column.explanation())).append("\">");
      row.append(HtmlPage.escape(column.title())).append("</th>");
    }
    page.line(row + "</tr>");
    page.line("</thead>");
    page.line("<tbody>");
    for (MoeReport.Routed routed : report.routers()) {
      row = new StringBuilder("<tr><th scope=\"row\">");
      row.append(HtmlPage.escape(routed.name())).append("</th>");
      for (int i = 0; i < shown.size(); i++) {
        String text = shown.get(i).format().apply(shown.get(i).value().applyAsDouble(routed.run()));
        boolean best = text.equals(best(shown.get(i)));
        boolean first = startsGroup(shown, i);
        String kind = (first ? "first" : "") + (best ? (first ? " best" : "best") : "");
        row.append(kind.isEmpty() ? "<td>" : "<td class=\"" + kind + "\">");
        row.append(HtmlPage.escape(text)).append("</td>");
      }
      page.line(row + "</tr>");
    }
    page.line("</tbody>");
    page.line("</table>");
    page.line("</div>");
  }

  private static boolean startsGroup(List<MoeColumn> shown, int i) {
    return i == 0 || !shown.get(i).group().equals(shown.get(i - 1).group());
  }

  /** The best value of a column as it is written; empty if all read alike or none is better. */
  private String best(MoeColumn column) {
    if (column.better() == Column.Better.NEITHER) {
      return "";
    }
    double sign = column.better() == Column.Better.LOWER ? -1 : 1;
    double best = Double.NEGATIVE_INFINITY;
    double worst = Double.POSITIVE_INFINITY;
    for (MoeReport.Routed routed : report.routers()) {
      double value = sign * column.value().applyAsDouble(routed.run());
      best = Math.max(best, value);
      worst = Math.min(worst, value);
    }
    String text = column.format().apply(sign * best);
    return text.equals(column.format().apply(sign * worst)) ? "" : text;
  }

  private void bars() throws IOException {
    double most = 0;
    for (MoeReport.Routed routed : report.routers()) {
      for (MoeRun.PlacedRun placed : routed.run().placements()) {
        most = Math.max(most, placed.stepSeconds());
      }
    }
    page.line("<section aria-labelledby=\"times\">");
    page.line("<h2 id=\"times\">Step time by placement</h2>");
    page.line(
        "<p class=\"muted\">One bar per placement: time in the experts of the slowest device"
            + " (solid) and in both exchanges (hatched). Shorter is better. A device reads the"
            + " weights of every expert slot it uses: with little work per slot, more replicas cost"
            + " more time than balance saves.</p>");
    page.line("<div class=\"bars\">");
    for (MoeReport.Routed routed : report.routers()) {
      page.line("<h3>" + HtmlPage.escape(routed.name()) + "</h3>");
      for (int p = 0; p < report.placements().size(); p++) {
        MoeRun.PlacedRun placed = routed.run().placements().get(p);
        double scale = most == 0 ? 0 : 1 / most;
        page.line(
            "<div class=\"bar\"><span class=\"bar-name\">"
                + HtmlPage.escape(report.placements().get(p))
                + "</span><span class=\"track\"><span class=\"part p"
                + p % 2
                + "\" style=\"width:"
                + HtmlPage.percent(placed.computeSeconds() * scale)
                + "\"></span><span class=\"part hatched p"
                + p % 2
                + "\" style=\"width:"
                + HtmlPage.percent(placed.exchangeSeconds() * scale)
                + "\"></span></span><span class=\"bar-value\">"
                + HtmlPage.escape(Numbers.duration(placed.stepSeconds() * 1e9))
                + "</span></div>");
      }
    }
    page.line("</div>");
    page.line("</section>");
  }

  private void loads() throws IOException {
    List<String> names = report.routers().stream().map(MoeReport.Routed::name).toList();
    int experts = report.routers().get(0).run().expertShare().size();
    double most = 0;
    for (MoeReport.Routed routed : report.routers()) {
      most = Math.max(most, relative(routed, 0, experts));
    }
    Axis x = Axis.until(experts, Numbers::tick);
    Axis y = Axis.linear(Math.max(most, 1), Numbers::tick);
    List<String> paths = new ArrayList<>();
    int step = Math.max(1, experts / MOST_POINTS);
    for (MoeReport.Routed routed : report.routers()) {
      StringBuilder path = new StringBuilder();
      for (int rank = 0; rank < experts; rank += step) {
        int height =
            HtmlPage.SCALE
                - (int) Math.round(y.position(relative(routed, rank, experts)) * HtmlPage.SCALE);
        path.append(rank == 0 ? "M0 " : "V").append(height);
        path.append('H')
            .append(Math.round(x.position(Math.min(experts, rank + step)) * HtmlPage.SCALE));
      }
      paths.add(path.toString());
    }
    page.line("<section aria-labelledby=\"charts\">");
    page.line("<h2 id=\"charts\">Load of the experts</h2>");
    page.picker(names);
    page.line("<div class=\"charts\">");
    page.chart(
        names,
        "Expert load by rank",
        "Load relative to the mean (up), experts of a layer from the busiest to the idlest (across),"
            + " averaged over layers and batches; 1 everywhere is perfect balance.",
        "rank of the expert",
        x,
        y,
        paths);
    page.line("</div>");
    page.line("</section>");
  }

  private static double relative(MoeReport.Routed routed, int rank, int experts) {
    return routed.run().expertShare().get(rank) * experts;
  }

  private void settings() throws IOException {
    page.line("<section aria-labelledby=\"settings\">");
    page.line("<h2 id=\"settings\">Settings</h2>");
    page.line("<div class=\"scroll\" role=\"region\" aria-labelledby=\"settings\" tabindex=\"0\">");
    page.line("<table class=\"settings\">");
    page.line("<tbody>");
    for (Setting setting : report.settings()) {
      page.line(
          "<tr><th scope=\"row\">"
              + HtmlPage.escape(setting.name())
              + "</th><td>"
              + HtmlPage.escape(setting.value())
              + "</td></tr>");
    }
    page.line("</tbody>");
    page.line("</table>");
    page.line("</div>");
    page.line("</section>");
  }
}
