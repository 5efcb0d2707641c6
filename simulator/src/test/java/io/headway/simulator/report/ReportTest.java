package io.headway.simulator.report;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectMapper;
import io.headway.simulator.metrics.RunMetrics;
import io.headway.simulator.metrics.RunRecorder;
import io.headway.simulator.metrics.Slo;
import io.headway.simulator.workload.Workload;
import java.io.IOException;
import java.io.StringReader;
import java.io.StringWriter;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Locale;
import java.util.TimeZone;
import java.util.regex.Matcher;
import java.util.regex.Pattern;
import java.util.stream.Stream;
import javax.xml.parsers.DocumentBuilderFactory;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.xml.sax.InputSource;

class ReportTest {
  private static final String HOSTILE = "<script>alert(1)</script>\" onload='x' & \u0007";

  @Test
  void printsATable() throws IOException {
    StringBuilder out = new StringBuilder();
    TextReport.write(SampleReports.report(2, 1, 400), out);
    List<String> lines = out.toString().lines().toList();
    assertThat(lines.get(0)).isEqualTo("Comparison of routing policies on a conversation workload");
    assertThat(lines.get(1))
        .startsWith("azure-conversation-like: 400 requests in ")
        .contains("/s), mean prompt ");
    assertThat(lines.get(2))
        .isEqualTo(
            "instances 2, model llama3-8b, gpu a100-80g, tensor parallel 1, cost model roofline");
    assertThat(lines.get(4)).contains("TTFT").contains("E2E").contains("SLO");
    assertThat(lines.get(7)).containsPattern("^round-robin × sarathi-serve +400 +0 ");
    assertThat(lines.get(8)).containsPattern("^least-requests × sarathi-serve +400 +0 ");
    assertThat(lines).hasSize(9);
    assertThat(lines).noneMatch(line -> line.endsWith(" "));
    assertThat(lines.get(7)).as("columns are aligned").hasSameSizeAs(lines.get(8));
  }

  @Test
  void showsUncertaintyWithSeveralSeeds() throws IOException {
    StringBuilder out = new StringBuilder();
    TextReport.write(SampleReports.report(1, 3, 200), out);
    assertThat(out).containsPattern("\\d ± \\d").containsPattern("sarathi-serve +200 +0 ");
  }

  @Test
  void jsonIsCompleteAndParses() throws IOException {
    Report report = SampleReports.report(2, 2, 300);
    JsonNode root = new ObjectMapper().readTree(json(report));
    assertThat(root.path("format").asText()).isEqualTo("headway-report/1");
    assertThat(root.path("slo").path("ttftNanos").asLong()).isEqualTo(2_000_000_000L);
    assertThat(root.path("slo").path("e2eNanos").isNull()).isTrue();
    assertThat(root.path("settings").path("model").asText()).isEqualTo("llama3-8b");
    JsonNode run = root.path("contenders").path(1).path("runs").path(1);
    RunMetrics m = report.contenders().get(1).runs().get(1).metrics();
    assertThat(run.path("seed").asLong()).isEqualTo(2);
    assertThat(run.path("counts").path("finished").asInt()).isEqualTo(300);
    assertThat(run.path("latencies").path("e2e").path("maxNanos").asLong())
        .isEqualTo((long) m.latencies().e2e().maxNanos());
    assertThat(run.path("curves").path("ttft").path("nanos")).hasSize(110);
    assertThat(run.path("timelines").path("kvUse").path("means")).hasSize(m.kvUse().buckets());
    assertThat(run.path("fairness").path("tenants")).hasSize(3);
    assertThat(run.path("instances")).hasSize(2);
    JsonNode summary = root.path("contenders").path(0).path("summary");
    assertThat(summary.path("ttft_p50_ms").path("halfWidth").isNumber()).isTrue();
    assertThat(summary.has("policy_nanos_per_decision")).isFalse();
  }

  @Test
  void isTheSameToTheByteWhateverThePlaceAndLanguage() throws IOException {
    Locale locale = Locale.getDefault();
    TimeZone zone = TimeZone.getDefault();
    String separator = System.getProperty("line.separator");
    List<String> first = files(SampleReports.report(2, 2, 200));
    try {
      Locale.setDefault(Locale.forLanguageTag("ar-EG-u-nu-arab"));
      TimeZone.setDefault(TimeZone.getTimeZone("Asia/Kathmandu"));
      System.setProperty("line.separator", "\r\n");
      assertThat(files(SampleReports.report(2, 2, 200))).isEqualTo(first);
    } finally {
      Locale.setDefault(locale);
      TimeZone.setDefault(zone);
      System.setProperty("line.separator", separator);
    }
    assertThat(first).noneMatch(text -> text.contains("\r"));
  }

  @Test
  void csvHasALinePerRunAndPerRequest() throws IOException {
    Report report = SampleReports.report(2, 2, 50);
    StringBuilder summary = new StringBuilder();
    CsvReport.writeSummary(report, summary);
    List<String> lines = summary.toString().lines().toList();
    assertThat(lines).hasSize(5);
    assertThat(lines.get(0)).startsWith("contender,seed,finished,not_finished,ttft_p50_ms,");
    assertThat(lines.get(0)).doesNotContain("policy");
    int columns = lines.get(0).split(",", -1).length;
    assertThat(lines).allMatch(line -> line.split(",", -1).length == columns);
    StringBuilder requests = new StringBuilder();
    CsvReport.writeRequests(report, requests);
    List<String> rows = requests.toString().lines().toList();
    assertThat(rows).hasSize(1 + 4 * 50);
    assertThat(rows.get(1))
        .startsWith("round-robin × sarathi-serve,1,0,tenant-")
        .contains("finished");
  }

  @Test
  void csvKeepsSpreadsheetsFromRunningNames() throws IOException {
    StringBuilder out = new StringBuilder();
    CsvReport.writeSummary(named("=cmd,\"x\""), out);
    assertThat(out).contains("\"'=cmd,\"\"x\"\"\",1,");
  }

  @Test
  void htmlIsWellFormedAndSelfContained() throws Exception {
    String html = html(SampleReports.report(3, 2, 300));
    parse(html);
    assertThat(html)
        .doesNotContain("http://")
        .doesNotContain("https://")
        .doesNotContain("<script")
        .doesNotContain("url(")
        .doesNotContain("@import")
        .doesNotContain("NaN");
    assertThat(Pattern.compile("(src|href|xlink:href)=").matcher(html).find()).isFalse();
    assertThat(count(html, "<svg viewBox")).isEqualTo(6);
    assertThat(count(html, "<path class=\"line c2\"")).as("six charts and the key").isEqualTo(7);
    assertThat(count(html, "type=\"checkbox\"")).isEqualTo(3);
  }

  @Test
  void everyChartHasATitleAndADescription() throws IOException {
    String html = html(SampleReports.report(2, 1, 300));
    Matcher svg = Pattern.compile("aria-labelledby=\"(chart\\d+t) (chart\\d+d)\"").matcher(html);
    List<String> ids = new ArrayList<>();
    while (svg.find()) {
      ids.add(svg.group(1));
      assertThat(html).contains("<title id=\"" + svg.group(1) + "\">");
      assertThat(html).contains("<desc id=\"" + svg.group(2) + "\">");
    }
    assertThat(ids).hasSize(6).doesNotHaveDuplicates();
    assertThat(html).contains("<html lang=\"en\">").contains("name=\"viewport\"");
  }

  @Test
  void everyColumnIsExplained() throws IOException {
    String html = html(SampleReports.report(2, 1, 100));
    Matcher heading = Pattern.compile("<th scope=\"col\"[^>]* title=\"([^\"]+)\"").matcher(html);
    int headings = 0;
    while (heading.find()) {
      headings++;
      assertThat(html).contains("<dd>" + heading.group(1) + "</dd>");
    }
    assertThat(headings).isGreaterThan(20);
  }

  @Test
  void namesCannotBecomeMarkup() throws Exception {
    String html = html(named(HOSTILE));
    parse(html);
    assertThat(html)
        .doesNotContain("<script")
        .doesNotContain("onload='x'")
        .doesNotContain("\u0007");
    assertThat(html)
        .contains("&lt;script&gt;alert(1)&lt;/script&gt;&quot; onload=&#39;x&#39; &amp;");
    new ObjectMapper().readTree(json(named(HOSTILE)));
  }

  @Test
  void reportsARunInWhichNothingFinished() throws Exception {
    Workload w = Workload.builder("stuck").add(0, 5, 5).build();
    RunRecorder recorder = new RunRecorder(w, Slo.NONE);
    recorder.addInstance(1);
    RunMetrics m = recorder.finish(1_000_000_000L);
    Report report =
        new Report(
            "stuck",
            w,
            Slo.NONE,
            List.of(),
            List.of(new Contender("only", List.of(), List.of(new SeededRun(1, m)))));
    parse(html(report));
    assertThat(json(report)).doesNotContain("NaN");
    StringBuilder text = new StringBuilder();
    TextReport.write(report, text);
    assertThat(text).contains("only").doesNotContain("NaN");
    StringBuilder csv = new StringBuilder();
    CsvReport.writeSummary(report, csv);
    assertThat(csv).doesNotContain("NaN");
  }

  @Test
  void onlyTheBestOfAColumnIsBold() throws IOException {
    String html = html(SampleReports.report(3, 1, 300));
    String body = html.substring(html.indexOf("<tbody>"), html.indexOf("</tbody>"));
    String[] rows = body.split("<tr>");
    assertThat(count(rows[1], "best")).as("the slowest has no best latency").isLessThan(3);
    assertThat(count(rows[3], "best")).isGreaterThan(8);
  }

  @Test
  void coloursStandOutInBothSchemes() throws IOException {
    String html = html(SampleReports.report(1, 1, 20));
    String[] schemes = html.split("prefers-color-scheme: dark", 2);
    for (String scheme : schemes) {
      double background = luminance(scheme, "--bg");
      double panel = luminance(scheme, "--panel");
      for (String text : List.of("--fg", "--muted")) {
        assertThat(contrast(luminance(scheme, text), background)).as(text).isGreaterThan(4.5);
        assertThat(contrast(luminance(scheme, text), panel)).as(text).isGreaterThan(4.5);
      }
      for (int line = 0; line < 8; line++) {
        assertThat(contrast(luminance(scheme, "--s" + line), background))
            .as("--s" + line)
            .isGreaterThan(3);
      }
    }
  }

  /** The contrast ratio of the Web Content Accessibility Guidelines 2.1. */
  private static double contrast(double one, double other) {
    return (Math.max(one, other) + 0.05) / (Math.min(one, other) + 0.05);
  }

  private static double luminance(String css, String variable) {
    Matcher m = Pattern.compile(variable + ": #(..)(..)(..);").matcher(css);
    assertThat(m.find()).as(variable).isTrue();
    return 0.2126 * channel(m.group(1))
        + 0.7152 * channel(m.group(2))
        + 0.0722 * channel(m.group(3));
  }

  private static double channel(String hex) {
    double value = Integer.parseInt(hex, 16) / 255.0;
    return value <= 0.04045 ? value / 12.92 : Math.pow((value + 0.055) / 1.055, 2.4);
  }

  @Test
  void writesNumbersForPeople() {
    assertThat(Numbers.significant(0)).isEqualTo("0");
    assertThat(Numbers.significant(0.01234)).isEqualTo("0.0123");
    assertThat(Numbers.significant(0.999)).isEqualTo("1.00");
    assertThat(Numbers.significant(9.994)).isEqualTo("9.99");
    assertThat(Numbers.significant(9.996)).isEqualTo("10.0");
    assertThat(Numbers.significant(99.96)).isEqualTo("100");
    assertThat(Numbers.significant(12_345.6)).isEqualTo("12,346");
    assertThat(Numbers.significant(Double.NaN)).isEqualTo("–");
    assertThat(Numbers.duration(12_300)).isEqualTo("12.3 µs");
    assertThat(Numbers.duration(4.56e9)).isEqualTo("4.56 s");
    assertThat(Numbers.duration(600e9)).isEqualTo("10.0 min");
    assertThat(Numbers.duration(7200e9)).isEqualTo("2.00 h");
    assertThat(Numbers.percent(0.9876)).isEqualTo("98.8 %");
    assertThat(Numbers.tick(0.30000000000000004)).isEqualTo("0.3");
    assertThat(Numbers.tick(1500)).isEqualTo("1500");
    assertThat(Numbers.plusMinus("12.3", 0.449)).isEqualTo("12.3 ± 0.4");
    assertThat(Numbers.plusMinus("1,234", 1_000.6)).isEqualTo("1,234 ± 1,001");
    assertThat(Numbers.plusMinus("336", 0.302)).isEqualTo("336 ± 0.3");
    assertThat(Numbers.plusMinus("1.00", 0.00156)).isEqualTo("1.00 ± 0.002");
    assertThat(Numbers.plusMinus("98.8 %", 0.0123)).isEqualTo("98.8 ± 1.2 %");
  }

  @Test
  void axesHaveFewRoundTicksInsideTheirRange() {
    for (double max : new double[] {0.07, 0.5, 1, 3, 7, 42, 99, 1234, 8e5}) {
      assertTicks(Axis.linear(max, Numbers::tick));
      assertTicks(Axis.until(max, Numbers::tick));
      for (double ratio : new double[] {1, 1.2, 3, 10, 77, 1e3, 1e6, 1e12}) {
        assertTicks(Axis.logarithmic(max * 1e5, max * 1e5 * ratio, Numbers::durationTick));
      }
    }
    assertThat(Axis.linear(7, Numbers::tick).ticks())
        .extracting(Axis.Tick::label)
        .containsExactly("0", "2", "4", "6", "8");
    assertThat(Axis.logarithmic(1e6, 1e9, Numbers::durationTick).ticks())
        .extracting(Axis.Tick::label)
        .contains("10 ms", "1 s");
  }

  @Test
  void folderAppearsAsAWhole(@TempDir Path temp) throws IOException {
    Path target = temp.resolve("a/b/report");
    Path written = ReportFolder.write(SampleReports.report(1, 1, 50), target, true);
    assertThat(written).isEqualTo(target);
    assertThat(names(target))
        .containsExactly("index.html", "report.json", "requests.csv", "summary.csv");
    ReportFolder.write(SampleReports.report(2, 1, 50), target, false);
    assertThat(names(target)).containsExactly("index.html", "report.json", "summary.csv");
    assertThat(Files.readString(target.resolve("summary.csv"))).contains("least-requests");
    assertThat(names(target.getParent())).as("nothing is left beside it").containsExactly("report");
  }

  @Test
  void folderOfSomebodyElseIsLeftAlone(@TempDir Path temp) throws IOException {
    Files.writeString(temp.resolve("thesis.tex"), "years of work");
    Report report = SampleReports.report(1, 1, 20);
    assertThatThrownBy(() -> ReportFolder.write(report, temp, false))
        .isInstanceOf(IOException.class)
        .hasMessage(
            temp.toRealPath()
                + " must be empty or hold an earlier report only, but has thesis.tex; choose another"
                + " folder");
    assertThat(names(temp)).containsExactly("thesis.tex");
    Path file = temp.resolve("thesis.tex");
    assertThatThrownBy(() -> ReportFolder.write(report, file, false))
        .isInstanceOf(IOException.class)
        .hasMessageEndingWith("must be a folder to hold a report, but is a file");
    assertThatThrownBy(() -> ReportFolder.write(report, Path.of("/"), false))
        .isInstanceOf(IOException.class)
        .hasMessage("the report cannot replace the root folder /");
  }

  @Test
  void folderBehindALinkIsReplacedAndTheLinkKept(@TempDir Path temp) throws IOException {
    Path real = Files.createDirectory(temp.resolve("real"));
    Path link = Files.createSymbolicLink(temp.resolve("link"), real);
    ReportFolder.write(SampleReports.report(1, 1, 20), link, false);
    assertThat(Files.isSymbolicLink(link)).isTrue();
    assertThat(names(real)).contains("index.html");
  }

  @Test
  void failureLeavesTheEarlierReport(@TempDir Path temp) throws IOException {
    Path target = temp.resolve("report");
    ReportFolder.write(SampleReports.report(1, 1, 20), target, false);
    byte[] before = Files.readAllBytes(target.resolve("index.html"));
    // A tenant whose name is half a surrogate pair cannot be written as UTF-8.
    assertThatThrownBy(() -> ReportFolder.write(named("broken \uD800"), target, false))
        .isInstanceOf(IOException.class);
    assertThat(Files.readAllBytes(target.resolve("index.html"))).isEqualTo(before);
    assertThat(names(temp)).containsExactly("report");
  }

  @Test
  void refusesWhatCannotBe() {
    assertThatThrownBy(() -> new Contender("c", List.of(), List.of()))
        .isInstanceOf(IllegalArgumentException.class)
        .hasMessage("runs of c must have at least 1, but are 0");
    RunMetrics m = SampleReports.run(SampleReports.workload(1, 5), 1);
    assertThatThrownBy(
            () -> new Contender("c", List.of(), List.of(new SeededRun(1, m), new SeededRun(1, m))))
        .isInstanceOf(IllegalArgumentException.class)
        .hasMessage("runs of c must have different seeds, but 2 share 1");
    Contender c = new Contender("c", List.of(), List.of(new SeededRun(1, m)));
    assertThatThrownBy(
            () -> new Report("t", SampleReports.workload(1, 5), Slo.NONE, List.of(), List.of(c, c)))
        .isInstanceOf(IllegalArgumentException.class)
        .hasMessage("contenders must have different names, but 2 share 1 names");
  }

  private static void assertTicks(Axis axis) {
    assertThat(axis.ticks().size()).isBetween(1, 7);
    double before = -1;
    for (Axis.Tick tick : axis.ticks()) {
      assertThat(tick.at()).isBetween(0.0, 1.0).isGreaterThan(before);
      before = tick.at();
    }
    assertThat(axis.ticks()).extracting(Axis.Tick::label).doesNotHaveDuplicates();
  }

  private static Report named(String name) {
    Workload w = SampleReports.workload(1, 30);
    return new Report(
        name,
        w,
        Slo.NONE,
        List.of(new Setting(name, name)),
        List.of(
            new Contender(
                name,
                List.of(new Setting(name, name)),
                List.of(new SeededRun(1, SampleReports.run(w, 1))))));
  }

  private static List<String> files(Report report) throws IOException {
    StringBuilder text = new StringBuilder();
    StringBuilder summary = new StringBuilder();
    StringBuilder requests = new StringBuilder();
    TextReport.write(report, text);
    CsvReport.writeSummary(report, summary);
    CsvReport.writeRequests(report, requests);
    return List.of(
        text.toString(), summary.toString(), requests.toString(), json(report), html(report));
  }

  private static String json(Report report) throws IOException {
    StringWriter out = new StringWriter();
    JsonReport.write(report, out);
    return out.toString();
  }

  private static String html(Report report) throws IOException {
    StringBuilder out = new StringBuilder();
    HtmlReport.write(report, out);
    return out.toString();
  }

  /** Parses the page as XML, once the elements without an end are closed. */
  private static void parse(String html) throws Exception {
    String xml =
        html.replaceFirst("(?s)<style>.*?</style>", "<style></style>")
            .replaceAll("<(meta[^>]*|input[^>]*)>", "<$1/>")
            .replace(" checked/>", " checked=\"\"/>")
            .replace("<!DOCTYPE html>", "");
    DocumentBuilderFactory.newInstance()
        .newDocumentBuilder()
        .parse(new InputSource(new StringReader(xml)));
  }

  private static int count(String text, String part) {
    return text.split(Pattern.quote(part), -1).length - 1;
  }

  private static List<String> names(Path folder) throws IOException {
    try (Stream<Path> files = Files.list(folder)) {
      return files.map(file -> file.getFileName().toString()).sorted().toList();
    }
  }
}
