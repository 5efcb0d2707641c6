package io.headway.cli;

import com.fasterxml.jackson.core.JsonFactory;
import com.fasterxml.jackson.core.JsonGenerator;
import io.headway.api.Invariant;
import io.headway.testkit.check.CheckOptions;
import io.headway.testkit.check.CheckReport;
import io.headway.testkit.check.ExplanationSlice;
import io.headway.testkit.check.TraceChecks;
import io.headway.testkit.check.Verdict;
import io.headway.testkit.check.Violation;
import io.headway.testkit.trace.TraceEvent;
import io.headway.testkit.trace.TraceFormatException;
import io.headway.testkit.trace.TraceReader;
import io.headway.testkit.trace.TraceSource;
import io.headway.testkit.trace.TraceWriter;
import io.headway.testkit.trace.VllmTrace;
import java.io.BufferedWriter;
import java.io.IOException;
import java.io.PrintWriter;
import java.io.UncheckedIOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.EnumSet;
import java.util.Iterator;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.NoSuchElementException;
import java.util.Set;
import java.util.concurrent.Callable;
import org.jspecify.annotations.Nullable;
import picocli.CommandLine.Command;
import picocli.CommandLine.Model.CommandSpec;
import picocli.CommandLine.Option;
import picocli.CommandLine.Parameters;
import picocli.CommandLine.Spec;

/**
 * {@code headway check}: checks a decision log against the forty invariants and prints a verdict on
 * each, with the few records that explain a violation. Reads the log as a stream; memory is bounded
 * by live requests and blocks.
 */
@Command(
    name = "check",
    mixinStandardHelpOptions = true,
    description = {
      "Checks a decision log (JSON Lines) against the forty invariants.",
      "",
      "Each rule HOLDS, is VIOLATED, INCONCLUSIVE (the log ends too early to tell) or UNKNOWN"
          + " (a field is missing, which is named). Behind a verdict stands how often the rule"
          + " applied: a rule that never applied says nothing."
    },
    footer = {
      "",
      "Exit codes: 0 nothing violated or open; 1 violated; 2 inconclusive, a required rule was not"
          + " shown, or the log cannot be read (one line file:line: message).",
      "",
      "Examples:",
      "  headway compare --batching vtc --instances 1 --log run.jsonl && headway check run.jsonl",
      "  headway check run.jsonl --require INV-03,INV-08,INV-30 --json",
      "  headway check run.jsonl --same-as again.jsonl",
      "  headway check scheduler-outputs.jsonl --format vllm",
      "",
      "The records are described in docs/trace-format.md."
    })
final class CheckCommand implements Callable<Integer> {
  /** Formats of logs. */
  enum Format {
    /** The decision log. */
    HEADWAY,
    /** Scheduler outputs in the manner of vLLM's v1 engine. */
    VLLM
  }

  @Parameters(paramLabel = "TRACE.jsonl", description = "The log.")
  private Path file = Path.of("");

  @Option(
      names = "--format",
      paramLabel = "FORMAT",
      description = "headway (default) or vllm: scheduler outputs of a vLLM v1 engine.")
  private Format format = Format.HEADWAY;

  @Option(
      names = "--only",
      paramLabel = "RULES",
      split = ",",
      description = "Check these rules only, for example INV-03,INV-08.")
  private List<String> only = new ArrayList<>();

  @Option(
      names = "--require",
      paramLabel = "RULES",
      split = ",",
      description =
          "Rules that are claimed: each must hold and must have applied at least once, or the exit"
              + " code is 2.")
  private List<String> required = new ArrayList<>();

  @Option(
      names = "--same-as",
      paramLabel = "FILE",
      description = "Log of a second run, which must be equal record by record (INV-39).")
  private @Nullable Path second;

  @Option(
      names = "--explain",
      paramLabel = "N",
      description = "Records shown for a violation, at least 3 (default: ${DEFAULT-VALUE}).")
  private int records = ExplanationSlice.DEFAULT_RECORDS;

  @Option(
      names = "--convert",
      paramLabel = "FILE",
      description = "Also write the records as a decision log, for a log of another format.")
  private @Nullable Path converted;

  @Option(names = "--json", description = "Print the report as one JSON object.")
  private boolean json;

  @Spec private CommandSpec spec;

  private long recordCount;

  @Override
  public Integer call() throws IOException {
    Set<Invariant> wanted = only.isEmpty() ? EnumSet.allOf(Invariant.class) : rules("--only", only);
    Set<Invariant> claimed = rules("--require", required);
    if (!wanted.containsAll(claimed)) {
      throw new BadInputException("--require names a rule that --only leaves out");
    }
    if (records < 3) {
      throw new BadInputException("--explain must be at least 3 records, but was " + records);
    }
    if (Files.isDirectory(file)) {
      throw new BadInputException(file + " is a directory; name a file of JSON Lines");
    }
    try {
      CheckReport report = check(wanted);
      Map<Invariant, ExplanationSlice> slices = explain(report);
      List<Verdict> vacuous = report.vacuous(claimed);
      PrintWriter out = spec.commandLine().getOut();
      if (json) {
        print(report, slices, vacuous);
      } else {
        print(report, slices, vacuous, out);
      }
      out.flush();
      return exitCode(report, vacuous);
    } catch (TraceFormatException e) {
      throw new BadInputException(Failure.messageOf(e), e);
    }
  }

  private static int exitCode(CheckReport report, List<Verdict> vacuous) {
    if (!report.violations().isEmpty()) {
      return Main.FAILED;
    }
    boolean open = report.verdicts().stream().anyMatch(v -> v.kind() == Verdict.Kind.INCONCLUSIVE);
    return open || !vacuous.isEmpty() ? Main.BAD_INPUT : Main.OK;
  }

  private static Set<Invariant> rules(String option, List<String> names) {
    EnumSet<Invariant> rules = EnumSet.noneOf(Invariant.class);
    for (String name : names) {
      String code = name.strip().toUpperCase(Locale.ROOT);
      rules.add(
          Arrays.stream(Invariant.values())
              .filter(invariant -> invariant.code().equals(code))
              .findFirst()
              .orElseThrow(
                  () ->
                      new BadInputException(
                          option + " needs rules from INV-01 to INV-40, but got '" + name + "'")));
    }
    return rules;
  }

  private TraceSource open(Path path) throws IOException {
    return format == Format.VLLM ? VllmTrace.open(path) : TraceReader.open(path);
  }

  private CheckReport check(Set<Invariant> wanted) throws IOException {
    Path other = second;
    Path target = converted;
    try (TraceSource source = open(file);
        TraceSource again = other == null ? null : open(other);
        BufferedWriter writer =
            target == null ? null : Files.newBufferedWriter(target, StandardCharsets.UTF_8)) {
      TraceChecks checks =
          again == null
              ? TraceChecks.of(CheckOptions.DEFAULT, wanted::contains)
              : TraceChecks.of(CheckOptions.DEFAULT, wanted::contains, new Records(again));
      TraceWriter lines = writer == null ? null : new TraceWriter(writer);
      TraceEvent event;
      while ((event = source.next()) != null) {
        checks.accept(event, source.line());
        if (lines != null) {
          lines.accept(event);
        }
        recordCount++;
      }
      if (recordCount == 0) {
        throw new BadInputException(file + " has no record of a known type");
      }
      return checks.finish();
    }
  }

  /** Reads the log once more for the records that explain what was found. */
  private Map<Invariant, ExplanationSlice> explain(CheckReport report) throws IOException {
    Map<Invariant, ExplanationSlice> slices = new LinkedHashMap<>();
    long last = 0;
    for (Violation violation : report.violations()) {
      slices.put(violation.invariant(), new ExplanationSlice(violation, records));
      last = Math.max(last, violation.line());
    }
    if (!slices.isEmpty()) {
      try (TraceSource source = open(file)) {
        TraceEvent event;
        while ((event = source.next()) != null && source.line() <= last) {
          for (ExplanationSlice slice : slices.values()) {
            slice.accept(event, source.line());
          }
        }
      }
    }
    return slices;
  }

  private void print(
      CheckReport report,
      Map<Invariant, ExplanationSlice> slices,
      List<Verdict> vacuous,
      PrintWriter out) {
    out.println(file + ": " + recordCount + " records");
    for (Verdict verdict : report.verdicts()) {
      String kind =
          verdict.kind() == Verdict.Kind.UNKNOWN
              ? "UNKNOWN(" + String.join(", ", verdict.missing()) + ")"
              : verdict.kind().name();
      out.printf(
          Locale.ROOT,
          "%s  %-12s %12d x  %s%n",
          verdict.invariant().code(),
          kind,
          verdict.exercised(),
          verdict.invariant().title());
      if (verdict.kind() == Verdict.Kind.INCONCLUSIVE) {
        out.println("        " + verdict.detail());
      }
    }
    for (Violation violation : report.violations()) {
      Verdict verdict = report.verdict(violation.invariant());
      out.println();
      out.println(
          violation.invariant().code()
              + " "
              + violation.invariant().title()
              + ": VIOLATED at "
              + file
              + ":"
              + violation.line()
              + " ("
              + verdict.violations()
              + " in all)");
      out.println("  " + violation.message());
      ExplanationSlice slice = slices.get(violation.invariant());
      if (slice != null) {
        slice.lines().forEach(line -> out.println("  " + shortened(line.toString())));
      }
    }
    for (Verdict verdict : vacuous) {
      out.println();
      out.println(
          verdict.invariant().code()
              + " is required, but was not shown: "
              + verdict
              + ", applied "
              + verdict.exercised()
              + " times");
    }
    out.println();
    StringBuilder total = new StringBuilder("total:");
    for (Verdict.Kind kind : Verdict.Kind.values()) {
      long count = report.verdicts().stream().filter(v -> v.kind() == kind).count();
      total.append(' ').append(count).append(' ').append(kind.name().toLowerCase(Locale.ROOT));
      total.append(kind == Verdict.Kind.HOLDS ? "" : ",");
    }
    out.println(total);
  }

  private static String shortened(String line) {
    return line.length() <= 400 ? line : line.substring(0, 400) + " ...";
  }

  private void print(
      CheckReport report, Map<Invariant, ExplanationSlice> slices, List<Verdict> vacuous)
      throws IOException {
    try (JsonGenerator out =
        new JsonFactory()
            .createGenerator(spec.commandLine().getOut())
            .disable(JsonGenerator.Feature.AUTO_CLOSE_TARGET)
            .useDefaultPrettyPrinter()) {
      out.writeStartObject();
      out.writeStringField("trace", file.toString());
      out.writeNumberField("records", recordCount);
      out.writeArrayFieldStart("verdicts");
      for (Verdict verdict : report.verdicts()) {
        out.writeStartObject();
        out.writeStringField("invariant", verdict.invariant().code());
        out.writeStringField("title", verdict.invariant().title());
        out.writeStringField("verdict", verdict.kind().name());
        out.writeNumberField("exercised", verdict.exercised());
        out.writeArrayFieldStart("missing");
        for (String field : verdict.missing()) {
          out.writeString(field);
        }
        out.writeEndArray();
        out.writeStringField("detail", verdict.detail());
        out.writeNumberField("violations", verdict.violations());
        if (verdict.violation().isPresent()) {
          out.writeNumberField("line", verdict.violation().get().line());
          out.writeArrayFieldStart("explanation");
          ExplanationSlice slice = slices.get(verdict.invariant());
          for (ExplanationSlice.Line line :
              slice == null ? List.<ExplanationSlice.Line>of() : slice.lines()) {
            out.writeStartObject();
            out.writeNumberField("line", line.number());
            out.writeFieldName("record");
            out.writeRawValue(TraceWriter.line(line.record()));
            out.writeEndObject();
          }
          out.writeEndArray();
        }
        out.writeEndObject();
      }
      out.writeEndArray();
      out.writeArrayFieldStart("vacuous");
      for (Verdict verdict : vacuous) {
        out.writeString(verdict.invariant().code());
      }
      out.writeEndArray();
      out.writeEndObject();
    }
    spec.commandLine().getOut().println();
  }

  /** The records of a source as an iterator. */
  private static final class Records implements Iterator<TraceEvent> {
    private final TraceSource source;
    private @Nullable TraceEvent ahead;

    Records(TraceSource source) {
      this.source = source;
    }

    @Override
    public boolean hasNext() {
      if (ahead == null) {
        try {
          ahead = source.next();
        } catch (IOException e) {
          throw new UncheckedIOException(e);
        }
      }
      return ahead != null;
    }

    @Override
    public TraceEvent next() {
      TraceEvent event = hasNext() ? ahead : null;
      if (event == null) {
        throw new NoSuchElementException();
      }
      ahead = null;
      return event;
    }
  }
}
