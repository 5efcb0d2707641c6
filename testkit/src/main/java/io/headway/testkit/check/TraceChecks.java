package io.headway.testkit.check;

import io.headway.api.Invariant;
import io.headway.testkit.trace.TraceEvent;
import io.headway.testkit.trace.TraceSink;
import java.util.ArrayList;
import java.util.Iterator;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.function.Predicate;
import org.jspecify.annotations.Nullable;

/**
 * Runs checkers over a trace, record by record. Records of different schedulers ({@code on}) are
 * judged apart, each with a state of its own; the worst answer counts. Not thread-safe.
 */
public final class TraceChecks implements TraceSink {
  private final CheckOptions options;
  private final Predicate<Invariant> wanted;
  private final Map<String, Run> runs = new LinkedHashMap<>();
  private final @Nullable Iterator<TraceEvent> second;
  private Run current;
  private String currentName = "";
  private boolean broken;
  private long line;

  /** One scheduler's trace. */
  private static final class Run {
    final TraceState state = new TraceState();
    final List<Checker> checkers;

    Run(List<Checker> checkers) {
      this.checkers = checkers;
    }
  }

  private TraceChecks(
      CheckOptions options, Predicate<Invariant> wanted, @Nullable Iterator<TraceEvent> second) {
    this.options = options;
    this.wanted = wanted;
    this.second = second;
    current = newRun();
    runs.put(currentName, current);
  }

  /**
   * Starts a check of all invariants with the catalogue's bounds.
   *
   * @return checks that have seen nothing
   */
  public static TraceChecks all() {
    return of(CheckOptions.DEFAULT, invariant -> true);
  }

  /**
   * Starts a check.
   *
   * @param options bounds of the liveness rules
   * @param wanted which rules
   * @return checks that have seen nothing
   */
  public static TraceChecks of(CheckOptions options, Predicate<Invariant> wanted) {
    return new TraceChecks(options, wanted, null);
  }

  /**
   * Starts a check that also compares a trace with that of a second run (INV-39). Both must be of
   * one scheduler.
   *
   * @param options bounds of the liveness rules
   * @param wanted which rules
   * @param second records of the second run in order, read as the check proceeds
   * @return checks that have seen nothing
   */
  public static TraceChecks of(
      CheckOptions options, Predicate<Invariant> wanted, Iterator<TraceEvent> second) {
    return new TraceChecks(options, wanted, second);
  }

  /**
   * Checks a whole trace against all invariants.
   *
   * @param trace its records
   * @return what was found
   */
  public static CheckReport check(List<TraceEvent> trace) {
    TraceChecks checks = all();
    trace.forEach(checks::accept);
    return checks.finish();
  }

  private Run newRun() {
    return new Run(
        Checkers.all(options, runs.isEmpty() ? second : null).stream()
            .filter(checker -> wanted.test(checker.invariant()))
            .toList());
  }

  @Override
  public void accept(TraceEvent event) {
    accept(event, line + 1);
  }

  /**
   * Takes a record that stands on a given line.
   *
   * @param event the record
   * @param number its line, larger than that of the record before
   */
  public void accept(TraceEvent event, long number) {
    line = number;
    if (!event.on().equals(currentName)) {
      currentName = event.on();
      current = runs.computeIfAbsent(currentName, name -> newRun());
    }
    TraceState state = current.state;
    state.line(number);
    for (Checker checker : current.checkers) {
      checker.accept(event, state);
      broken |= checker.broken();
    }
    state.apply(event);
  }

  /**
   * Returns the earliest violation so far.
   *
   * @return the violation, if there is one
   */
  public Optional<Violation> violation() {
    if (!broken) {
      return Optional.empty();
    }
    Violation earliest = null;
    for (Run run : runs.values()) {
      for (Checker checker : run.checkers) {
        Violation found = checker.violation().orElse(null);
        if (found != null && (earliest == null || found.line() < earliest.line())) {
          earliest = found;
        }
      }
    }
    return Optional.ofNullable(earliest);
  }

  /**
   * Ends the trace. To be called once.
   *
   * @return what was found
   */
  public CheckReport finish() {
    Map<Invariant, Verdict> verdicts = new LinkedHashMap<>();
    for (Run run : runs.values()) {
      if (run.state.untouched() && runs.size() > 1) {
        continue;
      }
      for (Checker checker : run.checkers) {
        verdicts.merge(checker.invariant(), checker.finish(run.state), CheckReport::worse);
      }
    }
    return new CheckReport(new ArrayList<>(verdicts.values()));
  }
}
