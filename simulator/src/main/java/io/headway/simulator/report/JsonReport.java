package io.headway.simulator.report;

import com.fasterxml.jackson.core.JsonFactory;
import com.fasterxml.jackson.core.JsonGenerator;
import com.fasterxml.jackson.core.StreamWriteFeature;
import com.fasterxml.jackson.core.util.DefaultIndenter;
import com.fasterxml.jackson.core.util.DefaultPrettyPrinter;
import io.headway.simulator.metrics.Distribution;
import io.headway.simulator.metrics.Estimate;
import io.headway.simulator.metrics.LatencyCurve;
import io.headway.simulator.metrics.RunMetrics;
import io.headway.simulator.metrics.Slo;
import io.headway.simulator.metrics.Timeline;
import io.headway.simulator.workload.Workload;
import io.headway.simulator.workload.WorkloadStatistics;
import java.io.IOException;
import java.io.Writer;
import java.util.List;

/**
 * Writes a report as JSON ({@code "format": "headway-report/1"}): settings, workload, and per
 * contender every figure, distribution and timeline of every run.
 *
 * <p>Reproducible to the byte: fields have a fixed order, lines end in LF, times are whole
 * nanoseconds, other numbers have twelve significant digits (what does not exist is null), there is
 * no date and no machine in it, and the real cost of policies is left out.
 */
public final class JsonReport {
  /** The name and version of the format, its first field. */
  public static final String FORMAT = "headway-report/1";

  private final JsonGenerator json;

  private JsonReport(JsonGenerator json) {
    this.json = json;
  }

  /**
   * Writes a report.
   *
   * @param report what to write
   * @param out where to; flushed but not closed
   * @throws IOException if writing fails
   */
  public static void write(Report report, Writer out) throws IOException {
    JsonFactory factory =
        JsonFactory.builder().disable(StreamWriteFeature.AUTO_CLOSE_TARGET).build();
    try (JsonGenerator json = factory.createGenerator(out)) {
      json.setPrettyPrinter(
          new DefaultPrettyPrinter().withObjectIndenter(new DefaultIndenter("  ", "\n")));
      new JsonReport(json).report(report);
      json.writeRaw('\n');
    }
  }

  private void report(Report report) throws IOException {
    json.writeStartObject();
    json.writeStringField("format", FORMAT);
    json.writeStringField("title", report.title());
    workload(report.workload());
    slo(report.slo());
    settings("settings", report.settings());
    json.writeArrayFieldStart("contenders");
    for (Contender contender : report.contenders()) {
      json.writeStartObject();
      json.writeStringField("name", contender.name());
      settings("policies", contender.policies());
      summary(contender);
      json.writeArrayFieldStart("runs");
      for (SeededRun run : contender.runs()) {
        run(run);
      }
      json.writeEndArray();
      json.writeEndObject();
    }
    json.writeEndArray();
    json.writeEndObject();
  }

  private void workload(Workload workload) throws IOException {
    json.writeObjectFieldStart("workload");
    json.writeStringField("name", workload.name());
    json.writeNumberField("requests", workload.size());
    json.writeNumberField("durationNanos", workload.durationNanos());
    json.writeNumberField("droppedRows", workload.droppedRows());
    json.writeNumberField("failedRows", workload.failedRows());
    if (workload.size() > 0) {
      WorkloadStatistics statistics = new WorkloadStatistics(workload);
      number(
          "meanRatePerSecond",
          workload.durationNanos() == 0 ? Double.NaN : statistics.meanRatePerSecond());
      json.writeNumberField("totalPromptTokens", statistics.totalPromptTokens());
      json.writeNumberField("totalOutputTokens", statistics.totalOutputTokens());
      number("promptMean", statistics.promptMean());
      number("outputMean", statistics.outputMean());
      json.writeNumberField("tenants", workload.tenants().count());
    }
    json.writeEndObject();
  }

  private void slo(Slo slo) throws IOException {
    json.writeObjectFieldStart("slo");
    limit("ttftNanos", slo.ttftNanos());
    limit("tpotNanos", slo.tpotNanos());
    limit("e2eNanos", slo.e2eNanos());
    json.writeEndObject();
  }

  private void limit(String name, long nanos) throws IOException {
    if (nanos == Slo.UNLIMITED_NANOS) {
      json.writeNullField(name);
    } else {
      json.writeNumberField(name, nanos);
    }
  }

  private void settings(String name, List<Setting> settings) throws IOException {
    json.writeObjectFieldStart(name);
    for (Setting setting : settings) {
      json.writeStringField(setting.name(), setting.value());
    }
    json.writeEndObject();
  }

  private void summary(Contender contender) throws IOException {
    json.writeObjectFieldStart("summary");
    for (Column column : Column.ALL) {
      if (column.reproducible()) {
        Estimate estimate = column.estimate(contender);
        json.writeObjectFieldStart(column.id());
        number("mean", estimate.mean());
        number("halfWidth", estimate.halfWidth());
        json.writeEndObject();
      }
    }
    json.writeEndObject();
  }

  private void run(SeededRun run) throws IOException {
    RunMetrics m = run.metrics();
    json.writeStartObject();
    json.writeNumberField("seed", run.seed());
    json.writeNumberField("durationNanos", m.durationNanos());
    RunMetrics.Counts counts = m.counts();
    json.writeObjectFieldStart("counts");
    json.writeNumberField("arrived", counts.arrived());
    json.writeNumberField("finished", counts.finished());
    json.writeNumberField("rejected", counts.rejected());
    json.writeNumberField("expired", counts.expired());
    json.writeNumberField("failed", counts.failed());
    json.writeNumberField("unfinished", counts.unfinished());
    json.writeNumberField("failedInSource", counts.failedInSource());
    json.writeNumberField("preemptions", counts.preemptions());
    json.writeNumberField("promptTokens", counts.promptTokens());
    json.writeNumberField("outputTokens", counts.outputTokens());
    json.writeNumberField("cachedTokens", counts.cachedTokens());
    json.writeEndObject();
    json.writeObjectFieldStart("latencies");
    distribution("ttft", m.latencies().ttft());
    distribution("tpot", m.latencies().tpot());
    distribution("tbt", m.latencies().tbt());
    distribution("e2e", m.latencies().e2e());
    json.writeEndObject();
    json.writeObjectFieldStart("rates");
    number("requestsPerSecond", m.rates().requestsPerSecond());
    number("outputTokensPerSecond", m.rates().outputTokensPerSecond());
    number("totalTokensPerSecond", m.rates().totalTokensPerSecond());
    number("goodputPerSecond", m.rates().goodputPerSecond());
    number("sloAttainment", m.rates().sloAttainment());
    json.writeEndObject();
    instances(m.instances());
    fairness(m);
    json.writeObjectFieldStart("curves");
    curve("ttft", m.ttftCurve());
    curve("tpot", m.tpotCurve());
    curve("e2e", m.e2eCurve());
    json.writeEndObject();
    json.writeObjectFieldStart("timelines");
    timeline("kvUse", m.kvUse());
    timeline("waiting", m.waiting());
    timeline("running", m.running());
    json.writeEndObject();
    json.writeEndObject();
  }

  private void instances(List<RunMetrics.InstanceMetrics> instances) throws IOException {
    json.writeArrayFieldStart("instances");
    for (RunMetrics.InstanceMetrics instance : instances) {
      json.writeStartObject();
      json.writeNumberField("iterations", instance.iterations());
      json.writeNumberField("busyNanos", instance.busyNanos());
      json.writeNumberField("prefillTokens", instance.prefillTokens());
      json.writeNumberField("decodeTokens", instance.decodeTokens());
      number("kvMean", instance.kvMean());
      number("kvMax", instance.kvMax());
      number("waitingMean", instance.waitingMean());
      json.writeNumberField("waitingMax", instance.waitingMax());
      json.writeEndObject();
    }
    json.writeEndArray();
  }

  private void fairness(RunMetrics metrics) throws IOException {
    RunMetrics.Fairness fairness = metrics.fairness();
    if (fairness == null) {
      json.writeNullField("fairness");
      return;
    }
    json.writeObjectFieldStart("fairness");
    number("jainIndex", fairness.jainIndex());
    if (fairness.maxServiceGapTokens() < 0) {
      json.writeNullField("maxServiceGapTokens");
    } else {
      json.writeNumberField("maxServiceGapTokens", fairness.maxServiceGapTokens());
    }
    json.writeArrayFieldStart("tenants");
    for (RunMetrics.TenantMetrics tenant : fairness.tenants()) {
      json.writeStartObject();
      json.writeStringField("name", tenant.name());
      json.writeNumberField("arrived", tenant.arrived());
      json.writeNumberField("finished", tenant.finished());
      json.writeNumberField("serviceTokens", tenant.serviceTokens());
      number("tokensPerSecond", tenant.tokensPerSecond());
      distribution("ttft", tenant.ttft());
      distribution("e2e", tenant.e2e());
      json.writeEndObject();
    }
    json.writeEndArray();
    json.writeEndObject();
  }

  private void distribution(String name, Distribution distribution) throws IOException {
    json.writeObjectFieldStart(name);
    json.writeNumberField("count", distribution.count());
    number("meanNanos", distribution.meanNanos());
    number("p50Nanos", distribution.p50Nanos());
    number("p90Nanos", distribution.p90Nanos());
    number("p99Nanos", distribution.p99Nanos());
    number("maxNanos", distribution.maxNanos());
    json.writeEndObject();
  }

  private void curve(String name, LatencyCurve curve) throws IOException {
    json.writeObjectFieldStart(name);
    json.writeArrayFieldStart("probabilities");
    for (int i = 0; i < curve.points(); i++) {
      number(curve.probability(i));
    }
    json.writeEndArray();
    json.writeArrayFieldStart("nanos");
    for (int i = 0; i < curve.points(); i++) {
      number(curve.nanos(i));
    }
    json.writeEndArray();
    json.writeEndObject();
  }

  private void timeline(String name, Timeline timeline) throws IOException {
    json.writeObjectFieldStart(name);
    json.writeNumberField("widthNanos", timeline.widthNanos());
    json.writeNumberField("endNanos", timeline.endNanos());
    json.writeArrayFieldStart("means");
    for (int b = 0; b < timeline.buckets(); b++) {
      number(timeline.mean(b));
    }
    json.writeEndArray();
    json.writeArrayFieldStart("maxima");
    for (int b = 0; b < timeline.buckets(); b++) {
      number(timeline.max(b));
    }
    json.writeEndArray();
    json.writeEndObject();
  }

  private void number(String name, double value) throws IOException {
    json.writeFieldName(name);
    number(value);
  }

  private void number(double value) throws IOException {
    if (Double.isNaN(value)) {
      json.writeNull();
    } else {

      json.writeNumber(CsvReport.number(value));
    }
  }
}
