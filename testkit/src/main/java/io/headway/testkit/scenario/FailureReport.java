package io.headway.testkit.scenario;

import io.headway.api.Invariant;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.Locale;
import java.util.StringJoiner;

/**
 * Prints a failure so that it can be pasted into an issue: the rule in one sentence, the few lines
 * that matter, and how to run it again.
 */
public final class FailureReport {
  /** System property that names a scenario file to be run instead of drawing scenarios. */
  public static final String REPLAY_PROPERTY = "testkit.replay";

  /** Where failures are written, below the working directory. */
  public static final Path DIRECTORY = Path.of("target", "testkit", "failures");

  private static final int MAX_LINES = 40;

  private FailureReport() {}

  /**
   * Returns where a failure is written.
   *
   * @param failure the failure
   * @return {@code target/testkit/failures/INV-03-<hash>.json}; equal failures have equal names
   */
  public static Path file(Failure failure) {
    String json = ScenarioJson.write(failure.minimal());
    String hash = String.format(Locale.ROOT, "%08x", json.hashCode());
    return DIRECTORY.resolve(failure.violation().invariant().code() + "-" + hash + ".json");
  }

  /**
   * Writes the minimal scenario of a failure to its {@link #file}.
   *
   * @param failure the failure
   * @return the file
   * @throws UncheckedIOException if it cannot be written
   */
  public static Path save(Failure failure) {
    Path file = file(failure);
    try {
      Files.createDirectories(DIRECTORY);
      Files.writeString(file, ScenarioJson.write(failure.minimal()));
      return file;
    } catch (IOException e) {
      throw new UncheckedIOException("cannot write failure " + file, e);
    }
  }

  /**
   * Prints a failure.
   *
   * @param failure the failure
   * @return several lines, each ended
   */
  public static String print(Failure failure) {
    Violation violation = failure.violation();
    Invariant rule = violation.invariant();
    StringBuilder out = new StringBuilder(1_024);
    out.append(rule.code()).append(' ').append(rule.title());
    out.append(" — VIOLATED at step ").append(violation.step()).append('\n');
    out.append("  ").append(violation.sentence()).append("\n\n");
    String config = failure.minimal().configText();
    out.append("  config  ").append(config.isEmpty() ? "every number at its least" : config);
    out.append('\n');
    table(out, failure.moments(), violation, failure.minimal().events().size());
    if (!violation.expected().isEmpty()) {
      out.append("  expected: ").append(violation.expected()).append('\n');
    }
    if (!failure.also().isEmpty()) {
      StringJoiner others = new StringJoiner(", ", "  also broken: ", "\n");
      failure.also().forEach(other -> others.add(other.code()));
      out.append(others);
    }
    out.append("  shrunk ").append(failure.original().events().size());
    out.append(" -> ").append(failure.minimal().events().size()).append(" events in ");
    out.append(failure.runs()).append(" runs");
    out.append(failure.exhausted() ? " (budget used up)" : "");
    out.append("; exercised ").append(failure.exercised()).append(" times before\n");
    out.append("  replay: -D").append(REPLAY_PROPERTY).append('=').append(unix(file(failure)));
    out.append("   seed=").append(failure.original().seed()).append('\n');
    out.append("  trace SHA-256 ").append(failure.digest()).append('\n');
    out.append("  scenario ").append(ScenarioJson.write(failure.minimal()).replace("\n", "\n  "));
    return out.toString().stripTrailing() + "\n";
  }

  private static String unix(Path path) {
    return path.toString().replace('\\', '/');
  }

  private static void table(
      StringBuilder out, List<Moment> moments, Violation violation, int events) {
    if (moments.isEmpty()) {
      return;
    }
    int text = "event".length();
    int running = "running".length();
    int free = "free".length();
    for (Moment moment : moments) {
      text = Math.max(text, moment.text().length());
      running = Math.max(running, moment.running().length());
      free = Math.max(free, moment.free().length());
    }
    String format = "  %4s  %-" + text + "s  %-" + running + "s  %" + free + "s  %s";
    line(out, String.format(Locale.ROOT, format, "step", "event", "running", "free", "note"));
    int here = here(moments, violation);
    int from = Math.max(0, here + 1 - MAX_LINES);
    if (from > 0) {
      out.append("        … ").append(from).append(" lines before\n");
    }
    boolean draining = false;
    for (int i = from; i <= here; i++) {
      Moment moment = moments.get(i);
      if (!draining && moment.event() >= events) {
        out.append("        (drained from here on: no more arrivals, every result delivered)\n");
        draining = true;
      }
      String note =
          moment.note() + (i == here ? (moment.note().isEmpty() ? "" : "   ") + "<-- here" : "");
      line(
          out,
          String.format(
              Locale.ROOT,
              format,
              moment.step(),
              moment.text(),
              moment.running(),
              moment.free(),
              note));
    }
  }

  /** Returns the last line up to the violation. */
  private static int here(List<Moment> moments, Violation violation) {
    int here = 0;
    for (int i = 0; i < moments.size(); i++) {
      Moment moment = moments.get(i);
      if (moment.event() < violation.event()
          || (moment.event() == violation.event() && moment.step() <= violation.step())) {
        here = i;
      }
    }
    return here;
  }

  private static void line(StringBuilder out, String text) {
    out.append(text.stripTrailing()).append('\n');
  }
}
