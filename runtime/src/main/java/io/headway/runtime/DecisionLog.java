package io.headway.runtime;

import io.headway.api.ImplementedByUsers;

/**
 * Takes the decision log: one JSON object per line, without line end, in the order of events. Never
 * contains prompts or tokens.
 *
 * <p>Lines are described in {@code docs/decision-log.md}. The text is a reused buffer: copy it or
 * write it before returning. Called on the scheduler's thread; must not call the scheduler.
 */
@ImplementedByUsers
@FunctionalInterface
public interface DecisionLog {
  /** Number of the schema that the lines follow, as written in the CONFIG record. */
  int SCHEMA = 1;

  /**
   * Takes one record.
   *
   * @param json one JSON object, valid during this call
   */
  void line(CharSequence json);
}
