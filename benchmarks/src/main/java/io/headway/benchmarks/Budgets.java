package io.headway.benchmarks;

import java.io.BufferedReader;
import java.io.IOException;
import java.io.InputStreamReader;
import java.io.PrintStream;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Collection;
import java.util.List;
import java.util.Locale;
import java.util.Objects;
import org.jspecify.annotations.Nullable;
import org.openjdk.jmh.results.Result;
import org.openjdk.jmh.results.RunResult;
import org.openjdk.jmh.runner.Runner;
import org.openjdk.jmh.runner.RunnerException;
import org.openjdk.jmh.runner.options.ChainedOptionsBuilder;
import org.openjdk.jmh.runner.options.OptionsBuilder;
import org.openjdk.jmh.runner.options.TimeValue;
import org.openjdk.jmh.runner.options.VerboseMode;

/**
 * Runs every benchmark that has a time budget, shortly, and prints it as ratios: to its budget, and
 * to a recorded baseline after both were divided by the {@link Yardstick} of their own run, so that
 * a slower machine does not look like slower code. A report to be read, not a test: the exit status
 * tells only whether everything ran.
 *
 * <p>{@code java -cp benchmarks.jar io.headway.benchmarks.Budgets [--record FILE] [PART OF A
 * NAME]}. With {@code --record} the measured values are written as a new baseline.
 */
public final class Budgets {
  private static final String RESOURCE = "budgets.csv";
  private static final String HEADER = "name;benchmark;parameters;unit;budget;baseline";
  private static final int COLUMNS = 6;
  private static final String YARDSTICK = "yardstick";

  /** One budget: what is run, what it may take (0: no budget of its own), what it once took. */
  private record Entry(
      String name,
      String benchmark,
      String parameters,
      String unit,
      double budget,
      double baseline) {

    static Entry parse(String line) {
      String[] cells = line.split(";", -1);
      if (cells.length != COLUMNS) {
        throw new IllegalStateException(
            RESOURCE + ": a line must be '" + HEADER + "', but was '" + line + "'");
      }
      return new Entry(
          cells[0],
          cells[1],
          cells[2],
          cells[3],
          Double.parseDouble(cells[4]),
          Double.parseDouble(cells[5]));
    }

    String line(double measured) {
      return String.join(
          ";",
          name,
          benchmark,
          parameters,
          unit,
          Double.toString(budget),
          String.format(Locale.ROOT, "%.4g", measured));
    }
  }

  private Budgets() {}

  /**
   * Runs and prints.
   *
   * @param args see {@link Budgets}
   * @throws IOException if the baseline cannot be written
   * @throws RunnerException if a benchmark fails
   */
  public static void main(String[] args) throws IOException, RunnerException {
    Path record = null;
    String part = "";
    for (int i = 0; i < args.length; i++) {
      if (args[i].equals("--record") && i + 1 < args.length) {
        record = Path.of(args[++i]);
      } else if (!args[i].startsWith("-") && part.isEmpty()) {
        part = args[i];
      } else {
        System.err.println("budgets: usage: [--record FILE] [PART OF A NAME]");
        System.exit(2);
      }
    }
    report(entries(), part, record, System.out);
  }

  private static List<Entry> entries() throws IOException {
    List<Entry> entries = new ArrayList<>();
    try (BufferedReader lines =
        new BufferedReader(
            new InputStreamReader(
                Objects.requireNonNull(Budgets.class.getResourceAsStream(RESOURCE), RESOURCE),
                StandardCharsets.UTF_8))) {
      String header = lines.readLine();
      if (!HEADER.equals(header)) {
        throw new IllegalStateException(RESOURCE + " must begin with '" + HEADER + "'");
      }
      for (String line = lines.readLine(); line != null; line = lines.readLine()) {
        entries.add(Entry.parse(line));
      }
    }
    if (entries.isEmpty() || !entries.get(0).name.equals(YARDSTICK)) {
      throw new IllegalStateException(RESOURCE + ": the first entry must be the yardstick");
    }
    return entries;
  }

  private static void report(
      List<Entry> entries, String part, @Nullable Path record, PrintStream out)
      throws IOException, RunnerException {
    List<String> recorded = new ArrayList<>(List.of(HEADER));
    out.printf(
        Locale.ROOT,
        "%-42s %10s %-6s %10s %10s%n",
        "budget",
        "measured",
        "",
        "of budget",
        "of before");
    double machine = 1;
    for (Entry entry : entries) {
      boolean yardstick = entry.name.equals(YARDSTICK);
      if (!yardstick && !entry.name.contains(part)) {
        continue;
      }
      double measured = measure(entry);
      recorded.add(entry.line(measured));
      if (yardstick) {
        machine = measured / entry.baseline;
      }
      out.printf(
          Locale.ROOT,
          "%-42s %10.4g %-6s %10s %10.2f%n",
          entry.name,
          measured,
          entry.unit,
          entry.budget > 0 ? String.format(Locale.ROOT, "%.2f", measured / entry.budget) : "",
          yardstick ? machine : measured / entry.baseline / machine);
    }
    out.println(
        "'of before': divided by the yardstick; for the yardstick itself, how slow this machine is.");
    if (record != null) {
      Files.write(record, recorded);
    }
  }

  private static double measure(Entry entry) throws RunnerException {
    ChainedOptionsBuilder options =
        new OptionsBuilder()
            .include("^io\\.headway\\.benchmarks\\." + entry.benchmark.replace(".", "\\.") + "$")
            .forks(1)
            .shouldFailOnError(true)
            .verbosity(VerboseMode.SILENT);
    // Single shots take their counts from the benchmark, since they warm up by number, not by time.
    if (!entry.benchmark.startsWith("DecodeStep")) {
      options
          .warmupIterations(3)
          .warmupTime(TimeValue.seconds(1))
          .measurementIterations(3)
          .measurementTime(TimeValue.seconds(1));
    }
    for (String parameter : entry.parameters.split(" ", -1)) {
      int equals = parameter.indexOf('=');
      if (equals > 0) {
        options.param(parameter.substring(0, equals), parameter.substring(equals + 1));
      }
    }
    Collection<RunResult> results = new Runner(options.build()).run();
    if (results.size() != 1) {
      throw new IllegalStateException(
          entry.name + " must name one benchmark, but names " + results.size());
    }
    Result<?> result = results.iterator().next().getPrimaryResult();
    if (!result.getScoreUnit().equals(entry.unit)) {
      throw new IllegalStateException(
          entry.name
              + " must be measured in "
              + entry.unit
              + ", but was in "
              + result.getScoreUnit());
    }
    return result.getScore();
  }
}
