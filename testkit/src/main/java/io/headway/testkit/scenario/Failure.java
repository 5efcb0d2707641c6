package io.headway.testkit.scenario;

import io.headway.api.Invariant;
import java.util.List;

/**
 * A broken rule, made small.
 *
 * @param original scenario that was drawn
 * @param minimal scenario that it was shrunk to
 * @param violation how the minimal scenario breaks the rule
 * @param also other rules that the minimal scenario breaks
 * @param moments the run of the minimal scenario, line by line
 * @param digest SHA-256 of the trace of the minimal scenario
 * @param runs runs that shrinking took
 * @param exhausted whether the budget ended shrinking
 * @param exercised how often the rule could have been broken before it was
 */
public record Failure(
    Scenario original,
    Scenario minimal,
    Violation violation,
    List<Invariant> also,
    List<Moment> moments,
    String digest,
    int runs,
    boolean exhausted,
    long exercised) {
  /** Copies the lists. */
  public Failure {
    also = List.copyOf(also);
    moments = List.copyOf(moments);
  }

  /**
   * Shrinks a scenario that breaks a rule.
   *
   * @param contract runs it
   * @param factory makes the subjects
   * @param scenario breaks the rule
   * @param violation how
   * @param maxRuns most runs
   * @param exercised how often the rule could have been broken before it was
   * @param <F> makes subjects
   * @return the failure
   */
  public static <F> Failure of(
      ScenarioContract<F> contract,
      F factory,
      Scenario scenario,
      Violation violation,
      int maxRuns,
      long exercised) {
    Minimiser.Result result =
        Minimiser.minimise(
            candidate -> contract.run(factory, candidate, false), scenario, violation, maxRuns);
    Outcome outcome = contract.run(factory, result.scenario(), true);
    return new Failure(
        scenario,
        result.scenario(),
        result.violation(),
        outcome.violations().stream()
            .map(Violation::invariant)
            .filter(other -> other != violation.invariant())
            .distinct()
            .toList(),
        outcome.moments(),
        outcome.digest(),
        result.runs(),
        result.exhausted(),
        exercised);
  }
}
