package io.headway.testkit.scenario;

import static java.util.Objects.requireNonNull;

import io.headway.api.Invariant;

/**
 * A rule that a subject broke in one run.
 *
 * @param invariant the rule
 * @param entity what kind of thing broke it, such as {@code request} or {@code block}: shrinking
 *     keeps it, so that it does not slide to another bug
 * @param event position of the event in which it was noticed; the number of events if that was
 *     while the scenario was drained
 * @param step decision in which it was noticed
 * @param sentence what happened, in one sentence
 * @param expected what would have been right; empty if the rule says it all
 */
public record Violation(
    Invariant invariant, String entity, int event, long step, String sentence, String expected) {
  /** Checks that nothing is null. */
  public Violation {
    requireNonNull(invariant, "invariant");
    requireNonNull(entity, "entity");
    requireNonNull(sentence, "sentence");
    requireNonNull(expected, "expected");
  }

  /**
   * Returns whether this is the same rule broken by the same kind of thing.
   *
   * @param other another violation
   * @return true if shrinking from one to the other keeps its target
   */
  public boolean sameTarget(Violation other) {
    return invariant == other.invariant && entity.equals(other.entity);
  }
}
