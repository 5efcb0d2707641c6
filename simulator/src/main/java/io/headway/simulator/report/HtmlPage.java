package io.headway.simulator.report;

import java.io.IOException;
import java.io.InputStream;
import java.io.UncheckedIOException;
import java.nio.charset.StandardCharsets;
import java.util.List;
import java.util.Locale;

/**
 * What the pages of all reports share: head and style sheet, colours of series, a picker for them,
 * and line charts. The page makes no request and needs no script.
 */
final class HtmlPage {
  /** Coordinates of a chart run from 0 to this. */
  static final int SCALE = 10_000;

  private static final int COLOURS = 8;
  private static final String[] DASHES = {"", "7 4", "2 3", "10 3 2 3"};

  private final Appendable out;
  private int charts;

  HtmlPage(Appendable out) {
    this.out = out;
  }

  /** Writes everything up to the open style element. */
  void begin(String title) throws IOException {
    line("<!DOCTYPE html>");
    line("<html lang=\"en\">");
    line("<head>");
    line("<meta charset=\"utf-8\">");
    line("<meta name=\"viewport\" content=\"width=device-width, initial-scale=1\">");
    line("<meta name=\"color-scheme\" content=\"light dark\">");
    // Nothing but the inline styles of this page may load, whatever a name in it contains.
    line(
        "<meta http-equiv=\"Content-Security-Policy\" content=\"default-src 'none'; style-src"
            + " 'unsafe-inline'\">");
    line("<title>" + escape(title) + "</title>");
    line("<style>");
    line(stylesheet());
  }

  /** Writes colour, dash and visibility of every series. */
  void series(int count) throws IOException {
    for (int c = 0; c < count; c++) {
      line(
          ".c"
              + c
              + " { stroke: var(--s"
              + c % COLOURS
              + "); stroke-dasharray: "
              + dash(c)
              + ";"
              + width(c)
              + " }");
      line("body:has(#show" + c + ":not(:checked)) .plot .c" + c + " { display: none; }");
    }
  }

  /** Closes the head and opens the body. */
  void body() throws IOException {
    line("</style>");
    line("</head>");
    line("<body>");
  }

  /** Closes the page. */
  void end() throws IOException {
    line("</body>");
    line("</html>");
  }

  /** Writes a check box per series that shows or hides it in all charts. */
  void picker(List<String> names) throws IOException {
    line("<fieldset class=\"pick\">");
    line("<legend>Show in the charts</legend>");
    for (int c = 0; c < names.size(); c++) {
      line(
          "<label><input type=\"checkbox\" id=\"show"
              + c
              + "\" checked><svg class=\"key\" viewBox=\"0 0 32 12\" aria-hidden=\"true\"><path"
              + " class=\"line c"
              + c
              + "\" d=\"M0 6H32\"/></svg>"
              + breakable(names.get(c))
              + "</label>");
    }
    line("</fieldset>");
  }

  /** Writes a line chart with one path per series, in coordinates 0 to {@link #SCALE}. */
  void chart(
      List<String> series,
      String name,
      String description,
      String across,
      Axis x,
      Axis y,
      List<String> paths)
      throws IOException {
    String id = "chart" + charts++;
    line("<figure>");
    line(
        "<figcaption><h3>" + escape(name) + "</h3><p>" + escape(description) + "</p></figcaption>");
    line("<div class=\"plot\">");
    line(
        "<svg viewBox=\"0 0 "
            + SCALE
            + " "
            + SCALE
            + "\" preserveAspectRatio=\"none\" role=\"img\" aria-labelledby=\""
            + id
            + "t "
            + id
            + "d\">");
    line("<title id=\"" + id + "t\">" + escape(name) + "</title>");
    line(
        "<desc id=\""
            + id
            + "d\">"
            + escape(description)
            + " The table of results has the figures.</desc>");
    StringBuilder grid = new StringBuilder();
    for (Axis.Tick tick : x.ticks()) {
      grid.append('M').append(Math.round(tick.at() * SCALE)).append(" 0V").append(SCALE);
    }
    for (Axis.Tick tick : y.ticks()) {
      grid.append("M0 ").append(SCALE - Math.round(tick.at() * SCALE)).append('H').append(SCALE);
    }
    line("<path class=\"grid\" d=\"" + grid + "\"/>");
    line("<path class=\"axis\" d=\"M0 0V" + SCALE + "H" + SCALE + "\"/>");
    for (int c = 0; c < paths.size(); c++) {
      if (!paths.get(c).isEmpty()) {
        line(
            "<path class=\"line c"
                + c
                + "\" d=\""
                + paths.get(c)
                + "\"><title>"
                + escape(series.get(c))
                + "</title></path>");
      }
    }
    line("</svg>");
    for (Axis.Tick tick : x.ticks()) {
      line(
          "<span class=\"tick x\" aria-hidden=\"true\" style=\"left:"
              + percent(tick.at())
              + "\">"
              + escape(tick.label())
              + "</span>");
    }
    for (Axis.Tick tick : y.ticks()) {
      line(
          "<span class=\"tick y\" aria-hidden=\"true\" style=\"bottom:"
              + percent(tick.at())
              + "\">"
              + escape(tick.label())
              + "</span>");
    }
    line("<span class=\"axis-name\" aria-hidden=\"true\">" + escape(across) + "</span>");
    line("</div>");
    line("</figure>");
  }

  /** Writes one line. */
  void line(String text) throws IOException {
    out.append(text).append('\n');
  }

  /** Colours and dashes are used up after so many series; then lines get thinner. */
  private static String width(int series) {
    int rounds = series / (COLOURS * DASHES.length);
    return rounds == 0 ? "" : " stroke-width: " + (rounds == 1 ? "1.1" : "3") + ";";
  }

  private static String dash(int series) {
    String dash = DASHES[(series + series / COLOURS) % DASHES.length];
    return dash.isEmpty() ? "none" : dash;
  }

  /** A share as a length in style sheets. */
  static String percent(double share) {
    return String.format(Locale.ROOT, "%.2f%%", share * 100);
  }

  private static String stylesheet() {
    try (InputStream in = HtmlPage.class.getResourceAsStream("report.css")) {
      if (in == null) {
        throw new IllegalStateException("the resource report.css is missing from the library");
      }
      return new String(in.readAllBytes(), StandardCharsets.UTF_8).strip();
    } catch (IOException e) {
      throw new UncheckedIOException(e);
    }
  }

  /**
   * A name as HTML that is broken after a colon, comma or equals sign before it is broken within a
   * word.
   */
  static String breakable(String name) {
    return escape(name).replace(":", ":<wbr/>").replace(",", ",<wbr/>").replace("=", "=<wbr/>");
  }

  /** Text as HTML, safe inside elements and quoted attributes; control characters become blanks. */
  static String escape(String text) {
    StringBuilder html = new StringBuilder(text.length());
    for (int i = 0; i < text.length(); i++) {
      char c = text.charAt(i);
      switch (c) {
        case '&' -> html.append("&amp;");
        case '<' -> html.append("&lt;");
        case '>' -> html.append("&gt;");
        case '"' -> html.append("&quot;");
        case '\'' -> html.append("&#39;");
        default -> html.append(Character.isISOControl(c) ? ' ' : c);
      }
    }
    return html.toString();
  }
}
