package io.headway.cli;

import io.headway.testkit.vectors.ConformanceVector;
import io.headway.testkit.vectors.VectorFormatException;
import io.headway.testkit.vectors.VectorOutcome;
import io.headway.testkit.vectors.VectorReader;
import io.headway.testkit.vectors.VectorRunner;
import io.headway.testkit.vectors.VectorSuite;
import java.io.PrintWriter;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.concurrent.Callable;
import picocli.CommandLine.Command;
import picocli.CommandLine.Model.CommandSpec;
import picocli.CommandLine.Option;
import picocli.CommandLine.Parameters;
import picocli.CommandLine.Spec;

/**
 * {@code headway vectors}: runs conformance vectors against the library and prints, per suite and
 * algorithm, how many passed, failed and are unsupported, with the first difference of each
 * failure.
 */
@Command(
    name = "vectors",
    mixinStandardHelpOptions = true,
    description = {
      "Runs conformance vectors (format headway-vectors/1) against the library.",
      "Exit code 0: all passed; 1: some failed or are unsupported; 2: a file cannot be read."
    })
final class VectorsCommand implements Callable<Integer> {
  @Parameters(
      arity = "0..*",
      paramLabel = "PATH",
      description =
          "Files, or folders of *.json files. Default: the suites that come with Headway.")
  private List<Path> paths = new ArrayList<>();

  @Option(
      names = "--allow-unsupported",
      description = "Do not count vectors without an implementation as failures.")
  private boolean allowUnsupported;

  @Option(
      names = "--algorithm",
      paramLabel = "ID",
      description = "Run only this algorithm; may be repeated.")
  private List<String> algorithms = new ArrayList<>();

  @Spec private CommandSpec spec;

  @Override
  public Integer call() {
    PrintWriter out = spec.commandLine().getOut();
    List<VectorSuite> suites = new ArrayList<>();
    try {
      if (paths.isEmpty()) {
        VectorReader.bundledNames().forEach(name -> suites.add(VectorReader.bundled(name)));
      } else {
        paths.forEach(path -> suites.addAll(VectorReader.read(path)));
      }
    } catch (VectorFormatException e) {
      throw new BadInputException(Failure.messageOf(e), e);
    }
    VectorRunner runner = VectorRunner.standard();
    Tally total = new Tally();
    for (VectorSuite suite : suites) {
      print(suite, runner, out, total);
    }
    if (total.count() == 0) {
      throw new BadInputException(
          "no vector was selected"
              + (algorithms.isEmpty()
                  ? ""
                  : ": no suite has the algorithm " + String.join(" or ", algorithms)));
    }
    out.println("total: " + total);
    out.flush();
    return total.failed == 0 && (allowUnsupported || total.unsupported == 0)
        ? Main.OK
        : Main.FAILED;
  }

  private void print(VectorSuite suite, VectorRunner runner, PrintWriter out, Tally total) {
    Map<String, Tally> byAlgorithm = new LinkedHashMap<>();
    List<VectorOutcome> failures = new ArrayList<>();
    Tally ofSuite = new Tally();
    for (ConformanceVector vector : suite.vectors()) {
      if (!algorithms.isEmpty() && !algorithms.contains(vector.algorithm())) {
        continue;
      }
      VectorOutcome outcome = runner.run(vector);
      byAlgorithm.computeIfAbsent(vector.algorithm(), name -> new Tally()).add(outcome);
      ofSuite.add(outcome);
      total.add(outcome);
      if (outcome.status() == VectorOutcome.Status.FAILED) {
        failures.add(outcome);
      }
    }
    if (ofSuite.count() == 0) {
      return;
    }
    out.println(suite.name() + " (" + suite.origin() + "): " + ofSuite);
    int width = byAlgorithm.keySet().stream().mapToInt(String::length).max().orElse(0);
    byAlgorithm.forEach(
        (algorithm, tally) ->
            out.println("  " + algorithm + " ".repeat(width - algorithm.length()) + "  " + tally));
    for (VectorOutcome failure : failures) {
      out.println("  FAILED " + failure.vector().id() + " " + failure.difference());
    }
  }

  private static final class Tally {
    private int passed;
    private int failed;
    private int unsupported;

    void add(VectorOutcome outcome) {
      switch (outcome.status()) {
        case PASSED -> passed++;
        case FAILED -> failed++;
        case UNSUPPORTED -> unsupported++;
      }
    }

    int count() {
      return passed + failed + unsupported;
    }

    @Override
    public String toString() {
      return passed + " passed, " + failed + " failed, " + unsupported + " unsupported";
    }
  }
}
