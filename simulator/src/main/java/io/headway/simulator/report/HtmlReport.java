package io.headway.simulator.report;

import io.headway.simulator.metrics.Estimate;
import io.headway.simulator.metrics.LatencyCurve;
import io.headway.simulator.metrics.RunMetrics;
import io.headway.simulator.metrics.Slo;
import io.headway.simulator.metrics.Timeline;
import java.io.IOException;
import java.util.ArrayList;
import java.util.List;
import java.util.function.Function;

/**
 * Writes a report as one self-contained HTML page: a table of all figures with their explanations,
 * latency distributions, memory use and queue over time, and the settings. The page makes no
 * request, needs no script, follows the reader's colour scheme and works from 360 pixels up, with
 * the keyboard and on paper.
 *
 * <p>Charts show the first seed of each contender; the tables show all.
 */
public final class HtmlReport {
  private static final int SCALE = HtmlPage.SCALE;
  private static final int MAX_TENANTS = 20;
  private static final int MAX_INTERVALS = 96;
  private static final double NANOS_PER_SECOND = 1e9;

  private final Report report;
  private final Appendable out;
  private final HtmlPage page;

  private HtmlReport(Report report, Appendable out) {
    this.report = report;
    this.out = out;
    this.page = new HtmlPage(out);
  }

  /**
   * Writes a report.
   *
   * @param report what to write
   * @param out where to, UTF-8; not flushed or closed here
   * @throws IOException if writing fails
   */
  public static void write(Report report, Appendable out) throws IOException {
    new HtmlReport(report, out).page();
  }

  private void page() throws IOException {
    page.begin(report.title());
    page.series(report.contenders().size());
    page.body();
    line("<header>");
    line("<h1>" + HtmlPage.escape(report.title()) + "</h1>");
    line("<p>" + HtmlPage.escape(TextReport.workloadLine(report.workload())) + ".</p>");
    line("</header>");
    line("<main>");
    results();
    line("<section aria-labelledby=\"charts\">");
    line("<h2 id=\"charts\">Distributions and time</h2>");
    page.picker(names());
    line("<div class=\"charts\">");
    latencyChart("TTFT", "Time to first token", RunMetrics::ttftCurve);
    latencyChart("TPOT", "Mean time per output token after the first", RunMetrics::tpotCurve);
    latencyChart("E2E", "Time to last token", RunMetrics::e2eCurve);
    timeChart(
        "KV use",
        "Share of the cluster's KV blocks in use",
        RunMetrics::kvUse,
        0.1,
        Numbers::percentTick);
    timeChart("Queue", "Requests waiting in the cluster", RunMetrics::waiting, 1, Numbers::tick);
    timeChart("Batch", "Sequences running in the cluster", RunMetrics::running, 1, Numbers::tick);
    line("</div>");
    line("</section>");
    tenants();
    settings();
    line("</main>");
    page.end();
  }

  private void results() throws IOException {
    List<Column> columns = Column.of(report);
    boolean seeds = report.contenders().stream().anyMatch(c -> c.runs().size() > 1);
    line("<section aria-labelledby=\"results\">");
    line("<h2 id=\"results\">Results</h2>");
    figures("Main figures", columns.stream().filter(Column::isMain).toList());
    line(
        "<p class=\"muted\">Bold: the best value of a column."
            + (seeds
                ? " ± is half of the 95 % confidence interval over the seeds; differences within it"
                    + " mean nothing."
                : "")
            + "</p>");
    line("<details>");
    line("<summary>All figures</summary>");
    figures("All figures", columns);
    line("</details>");
    line("<details>");
    line("<summary>What the columns mean</summary>");
    line("<dl>");
    for (Column column : columns) {
      line(
          "<dt>"
              + HtmlPage.escape(column.fullTitle())
              + "</dt><dd>"
              + HtmlPage.escape(column.explanation())
              + "</dd>");
    }
    line("</dl>");
    line(
        "<p>Quantiles interpolate linearly between the sorted values (position (n − 1) q). Latencies"
            + " are those of simulated time.</p>");
    line("</details>");
    line("</section>");
  }

  private void figures(String name, List<Column> columns) throws IOException {
    line(
        "<div class=\"scroll\" role=\"region\" aria-label=\""
            + HtmlPage.escape(name)
            + "\" tabindex=\"0\">");
    line("<table>");
    line("<thead>");
    out.append("<tr><th class=\"corner\" rowspan=\"2\" scope=\"col\">Contender</th>");
    for (int i = 0; i < columns.size(); ) {
      int span = groupSpan(columns, i);
      out.append("<th scope=\"colgroup\" colspan=\"").append(Integer.toString(span)).append("\">");
      out.append(HtmlPage.escape(columns.get(i).group())).append("</th>");
      i += span;
    }
    line("</tr>");
    out.append("<tr>");
    for (int i = 0; i < columns.size(); i++) {
      Column column = columns.get(i);
      out.append(
          startsGroup(columns, i) ? "<th scope=\"col\" class=\"first\"" : "<th scope=\"col\"");
      out.append(" title=\"").append(HtmlPage.escape(column.explanation())).append("\">");
      out.append(HtmlPage.escape(column.title()));
      out.append(" <span class=\"unit\">")
          .append(HtmlPage.escape(column.unit()))
          .append("</span></th>");
    }
    line("</tr>");
    line("</thead>");
    line("<tbody>");
    for (Contender contender : report.contenders()) {
      out.append("<tr><th scope=\"row\">")
          .append(HtmlPage.breakable(contender.name()))
          .append("</th>");
      for (int i = 0; i < columns.size(); i++) {
        cell(columns.get(i), contender, startsGroup(columns, i));
      }
      line("</tr>");
    }
    line("</tbody>");
    line("</table>");
    line("</div>");
  }

  private void cell(Column column, Contender contender, boolean first) throws IOException {
    Estimate estimate = column.estimate(contender);
    String mean = column.format().apply(estimate.mean());
    // What reads alike is alike best.
    boolean best = report.contenders().size() > 1 && mean.equals(best(column));
    String kind = (first ? "first" : "") + (best ? (first ? " best" : "best") : "");
    out.append(kind.isEmpty() ? "<td>" : "<td class=\"" + kind + "\">");
    out.append(HtmlPage.escape(column.show(estimate)));
    out.append("</td>");
  }

  /** The best mean of a column as it is written; empty if all are alike or nothing is better. */
  private String best(Column column) {
    double best = Double.NaN;
    double worst = Double.NaN;
    for (Contender contender : report.contenders()) {
      double value = column.estimate(contender).mean();
      if (Double.isNaN(value)) {
        continue;
      }
      double signed = column.better() == Column.Better.LOWER ? -value : value;
      best = Double.isNaN(best) ? signed : Math.max(best, signed);
      worst = Double.isNaN(worst) ? signed : Math.min(worst, signed);
    }
    if (Double.isNaN(best) || column.better() == Column.Better.NEITHER) {
      return "";
    }
    String text = column.format().apply(Math.abs(best));
    return text.equals(column.format().apply(Math.abs(worst))) ? "" : text;
  }

  private List<String> names() {
    return report.contenders().stream().map(Contender::name).toList();
  }

  private void latencyChart(
      String name, String description, Function<RunMetrics, LatencyCurve> which)
      throws IOException {
    double min = Double.MAX_VALUE;
    double max = 0;
    for (Contender contender : report.contenders()) {
      LatencyCurve curve = which.apply(contender.runs().get(0).metrics());
      for (int i = 0; i < curve.points(); i++) {
        min = curve.nanos(i) > 0 ? Math.min(min, curve.nanos(i)) : min;
        max = Math.max(max, curve.nanos(i));
      }
    }
    if (max == 0) {
      return;
    }
    Axis x = Axis.logarithmic(Math.max(min, max / 1e6), max, Numbers::durationTick);
    Axis y = Axis.until(1, Numbers::percentTick);
    List<String> paths = new ArrayList<>();
    for (Contender contender : report.contenders()) {
      LatencyCurve curve = which.apply(contender.runs().get(0).metrics());
      StringBuilder path = new StringBuilder();
      for (int i = 0; i < curve.points(); i++) {
        path.append(i == 0 ? 'M' : 'L');
        point(path, x.position(curve.nanos(i)), y.position(curve.probability(i)));
      }
      paths.add(path.toString());
    }
    page.chart(
        names(),
        name,
        description + ": share of requests (up) that took at most so long (across, logarithmic).",
        "latency",
        x,
        y,
        paths);
  }

  private void timeChart(
      String name,
      String description,
      Function<RunMetrics, Timeline> which,
      double leastMax,
      Axis.Label label)
      throws IOException {
    double end = 0;
    double max = leastMax;
    for (Contender contender : report.contenders()) {
      Timeline timeline = which.apply(contender.runs().get(0).metrics()).atMost(MAX_INTERVALS);
      end = Math.max(end, (double) timeline.endNanos());
      for (int b = 0; b < timeline.buckets(); b++) {
        max = Math.max(max, timeline.mean(b));
      }
    }
    if (end == 0) {
      return;
    }
    boolean minutes = end >= 300 * NANOS_PER_SECOND;
    double unit = minutes ? 60 * NANOS_PER_SECOND : NANOS_PER_SECOND;
    Axis x = Axis.until(end / unit, Numbers::tick);
    Axis y = Axis.linear(max, label);
    List<String> paths = new ArrayList<>();
    for (Contender contender : report.contenders()) {
      Timeline timeline = which.apply(contender.runs().get(0).metrics()).atMost(MAX_INTERVALS);
      StringBuilder path = new StringBuilder();
      for (int b = 0; b < timeline.buckets(); b++) {
        double to = Math.min((double) timeline.endNanos(), (b + 1.0) * timeline.widthNanos());
        int height = SCALE - (int) Math.round(y.position(timeline.mean(b)) * SCALE);
        path.append(b == 0 ? "M0 " : "V").append(height);
        path.append('H').append(Math.round(x.position(to / unit) * SCALE));
      }
      paths.add(path.toString());
    }
    page.chart(
        names(),
        name,
        description + " (up, mean per interval) over simulated time (across).",
        minutes ? "minutes" : "seconds",
        x,
        y,
        paths);
  }

  private void tenants() throws IOException {
    List<Contender> fair =
        report.contenders().stream()
            .filter(c -> c.runs().get(0).metrics().fairness() != null)
            .toList();
    if (fair.isEmpty()) {
      return;
    }
    line("<section aria-labelledby=\"tenants\">");
    line("<h2 id=\"tenants\">Tenants</h2>");
    line("<div class=\"scroll\" role=\"region\" aria-labelledby=\"tenants\" tabindex=\"0\">");
    line("<table>");
    line(
        "<caption>First seed. Service counts prompt tokens and twice the output tokens of finished"
            + " requests; speed is service over the sum of their E2E.</caption>");
    line(
        "<thead><tr><th class=\"corner\" scope=\"col\">Contender</th><th scope=\"col\" class=\"text\">Tenant</th><th"
            + " scope=\"col\">Arrived</th><th scope=\"col\">Finished</th><th scope=\"col\">Service <span"
            + " class=\"unit\">tokens</span></th><th scope=\"col\">Speed <span"
            + " class=\"unit\">tokens/s</span></th><th scope=\"col\">TTFT p50</th><th"
            + " scope=\"col\">TTFT p99</th><th scope=\"col\">E2E p50</th><th scope=\"col\">E2E"
            + " p99</th></tr></thead>");
    line("<tbody>");
    for (Contender contender : fair) {
      RunMetrics.Fairness fairness = contender.runs().get(0).metrics().fairness();
      List<RunMetrics.TenantMetrics> tenants = fairness == null ? List.of() : fairness.tenants();
      int shown = Math.min(MAX_TENANTS, tenants.size());
      int rows = shown + (tenants.size() > shown ? 1 : 0);
      String name =
          "<th scope=\"rowgroup\" rowspan=\""
              + rows
              + "\">"
              + HtmlPage.breakable(contender.name())
              + "</th>";
      for (int t = 0; t < shown; t++) {
        line("<tr>" + (t == 0 ? name : "") + tenantCells(tenants.get(t)) + "</tr>");
      }
      if (tenants.size() > shown) {
        line(
            "<tr><td class=\"text\" colspan=\"9\">and "
                + (tenants.size() - shown)
                + " more, see report.json</td></tr>");
      }
    }
    line("</tbody>");
    line("</table>");
    line("</div>");
    line("</section>");
  }

  private static String tenantCells(RunMetrics.TenantMetrics tenant) {
    return "<td class=\"text\">"
        + HtmlPage.escape(tenant.name())
        + "</td><td>"
        + Numbers.whole(tenant.arrived())
        + "</td><td>"
        + Numbers.whole(tenant.finished())
        + "</td><td>"
        + Numbers.whole((double) tenant.serviceTokens())
        + "</td><td>"
        + Numbers.significant(tenant.tokensPerSecond())
        + "</td><td>"
        + Numbers.duration(tenant.ttft().p50Nanos())
        + "</td><td>"
        + Numbers.duration(tenant.ttft().p99Nanos())
        + "</td><td>"
        + Numbers.duration(tenant.e2e().p50Nanos())
        + "</td><td>"
        + Numbers.duration(tenant.e2e().p99Nanos())
        + "</td>";
  }

  private void settings() throws IOException {
    List<Setting> all = new ArrayList<>();
    Slo slo = report.slo();
    if (slo.isLimited()) {
      all.add(new Setting("objectives", objectives(slo)));
    }
    all.addAll(report.settings());
    long seeds = report.contenders().get(0).runs().size();
    all.add(new Setting("seeds", Long.toString(seeds)));
    line("<section aria-labelledby=\"settings\">");
    line("<h2 id=\"settings\">Settings</h2>");
    line("<div class=\"scroll\" role=\"region\" aria-labelledby=\"settings\" tabindex=\"0\">");
    line("<table class=\"settings\">");
    line("<tbody>");
    for (Setting setting : all) {
      settingRow(setting.name(), setting.value());
    }
    for (Contender contender : report.contenders()) {
      if (!contender.policies().isEmpty()) {
        settingRow(
            contender.name(),
            String.join(
                ", ", contender.policies().stream().map(p -> p.name() + " " + p.value()).toList()));
      }
    }
    line("</tbody>");
    line("</table>");
    line("</div>");
    line("</section>");
  }

  private static String objectives(Slo slo) {
    List<String> limits = new ArrayList<>();
    addLimit(limits, "TTFT", slo.ttftNanos());
    addLimit(limits, "TPOT", slo.tpotNanos());
    addLimit(limits, "E2E", slo.e2eNanos());
    return String.join(", ", limits);
  }

  private static void addLimit(List<String> limits, String name, long nanos) {
    if (nanos != Slo.UNLIMITED_NANOS) {
      limits.add(name + " at most " + Numbers.duration((double) nanos));
    }
  }

  private void settingRow(String name, String value) throws IOException {
    line(
        "<tr><th scope=\"row\">"
            + HtmlPage.breakable(name)
            + "</th><td>"
            + HtmlPage.breakable(value)
            + "</td></tr>");
  }

  private static int groupSpan(List<Column> columns, int from) {
    int to = from;
    while (to < columns.size() && columns.get(to).group().equals(columns.get(from).group())) {
      to++;
    }
    return to - from;
  }

  private static boolean startsGroup(List<Column> columns, int index) {
    return index == 0 || !columns.get(index).group().equals(columns.get(index - 1).group());
  }

  private static void point(StringBuilder path, double x, double y) {
    path.append(Math.round(x * SCALE)).append(' ').append(SCALE - Math.round(y * SCALE));
  }

  private void line(String text) throws IOException {
    out.append(text).append('\n');
  }
}
