package io.headway.testkit.check;

import io.headway.api.Invariant;
import java.util.List;
import java.util.Optional;

/**
 * What one check found.
 *
 * @param invariant the rule
 * @param kind the answer
 * @param exercised how often the rule applied; a rule that holds without ever having applied says
 *     nothing
 * @param missing fields or records, such as {@code STEP.free}, without which the rule cannot be
 *     decided, in alphabetical order
 * @param detail what is still open, or the message of the violation; otherwise empty
 * @param violation the first violation
 * @param violations how many violations there are
 */
public record Verdict(
    Invariant invariant,
    Kind kind,
    long exercised,
    List<String> missing,
    String detail,
    Optional<Violation> violation,
    long violations) {
  /** Copies the list. */
  public Verdict {
    missing = List.copyOf(missing);
  }

  /** Kinds of answers, the worst first. */
  public enum Kind {
    /** A record proves that the rule was broken. */
    VIOLATED,
    /** The trace ends before it can be told. */
    INCONCLUSIVE,
    /** The trace lacks a field or record that the rule needs. */
    UNKNOWN,
    /** Nothing in the trace breaks the rule. */
    HOLDS
  }

  /**
   * Returns whether the rule holds and has applied at least once.
   *
   * @return false for a rule that was never put to the test
   */
  public boolean convincing() {
    return kind == Kind.HOLDS && exercised > 0;
  }

  /**
   * Says it in one line.
   *
   * @return for example {@code INV-08 UNKNOWN(STEP.free)}
   */
  @Override
  public String toString() {
    return invariant.code()
        + " "
        + kind
        + (kind == Kind.UNKNOWN ? "(" + String.join(", ", missing) + ")" : "")
        + (detail.isEmpty() ? "" : ": " + detail);
  }
}
