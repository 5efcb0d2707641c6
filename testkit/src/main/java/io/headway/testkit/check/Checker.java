package io.headway.testkit.check;

import io.headway.api.Invariant;
import io.headway.testkit.trace.TraceEvent;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;
import java.util.TreeSet;
import org.jspecify.annotations.Nullable;

/**
 * Checks one invariant over a trace, record by record. A checker sees each record together with the
 * state before it, remembers only what the state does not hold, and never changes the state.
 *
 * <p>The first violation is kept and the others are counted. A checker that meets a record without
 * a field it needs says which ({@link #missing}) and goes on with what it has, so that a foreign
 * trace can still be caught.
 */
abstract class Checker {
  private static final int MAX_MISSING = 8;

  private final Invariant invariant;
  private final TreeSet<String> missing = new TreeSet<>();
  private long line;
  private long exercised;
  private long violations;
  private @Nullable Violation first;
  private String open = "";

  /**
   * Creates a checker.
   *
   * @param invariant the rule it checks
   */
  Checker(Invariant invariant) {
    this.invariant = invariant;
  }

  /**
   * Returns the rule.
   *
   * @return the rule this checks
   */
  final Invariant invariant() {
    return invariant;
  }

  /**
   * Takes the next record.
   *
   * @param event the record
   * @param before what the records before it have led to
   */
  final void accept(TraceEvent event, TraceState before) {
    line = before.line();
    check(event, before);
  }

  /**
   * Ends the trace.
   *
   * @param last what all records have led to
   * @return what was found
   */
  final Verdict finish(TraceState last) {
    line = last.line();
    end(last);
    Violation violation = first;
    if (violation != null) {
      return verdict(Verdict.Kind.VIOLATED, violation.message());
    }
    if (!missing.isEmpty()) {
      return verdict(Verdict.Kind.UNKNOWN, "");
    }
    return verdict(open.isEmpty() ? Verdict.Kind.HOLDS : Verdict.Kind.INCONCLUSIVE, open);
  }

  private Verdict verdict(Verdict.Kind kind, String detail) {
    return new Verdict(
        invariant,
        kind,
        exercised,
        new ArrayList<>(missing),
        detail,
        Optional.ofNullable(first),
        violations);
  }

  /**
   * Returns the first violation so far.
   *
   * @return the violation, if there is one
   */
  final Optional<Violation> violation() {
    return Optional.ofNullable(first);
  }

  /** Returns whether the rule has been broken. */
  final boolean broken() {
    return first != null;
  }

  /**
   * Judges one record.
   *
   * @param event the record
   * @param before what the records before it have led to
   */
  protected abstract void check(TraceEvent event, TraceState before);

  /**
   * Judges what can only be told at the end: call {@link #inconclusive} for what is still open.
   *
   * @param last what all records have led to
   */
  protected void end(TraceState last) {}

  /** Counts that the rule applied. */
  final void exercised() {
    exercised++;
  }

  /**
   * Notes that the rule was broken.
   *
   * @param message what happened and what would have been right
   * @param requests requests concerned, the most important first
   */
  final void violated(String message, String... requests) {
    violated(message, List.of(requests), List.of());
  }

  /**
   * Notes that the rule was broken.
   *
   * @param message what happened and what would have been right
   * @param requests requests concerned, the most important first
   * @param blocks blocks concerned
   */
  final void violated(String message, List<String> requests, List<Long> blocks) {
    violations++;
    if (first == null) {
      first = new Violation(invariant, line, message, requests, blocks);
    }
  }

  /**
   * Notes that a field or record would be needed.
   *
   * @param name for example {@code STEP.free}, {@code ALLOC}
   */
  final void missing(String name) {
    if (missing.size() < MAX_MISSING) {
      missing.add(name);
    }
  }

  /**
   * Notes that the trace ends before the rule can be decided.
   *
   * @param what what is still open
   */
  final void inconclusive(String what) {
    if (open.isEmpty()) {
      open = what;
    }
  }
}
