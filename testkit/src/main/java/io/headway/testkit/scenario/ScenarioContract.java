package io.headway.testkit.scenario;

/**
 * Draws scenarios for a kind of subject, runs them and checks every rule that applies to it. Plain
 * Java: needs no test engine.
 *
 * @param <F> makes subjects, and says what they claim
 */
public interface ScenarioContract<F> {
  /**
   * Returns what scenarios consist of.
   *
   * @return the vocabulary of this domain
   */
  Vocabulary vocabulary();

  /**
   * Draws a scenario that respects what the subjects claim.
   *
   * @param factory makes the subjects
   * @param seed equal seeds give equal scenarios
   * @return the scenario
   */
  Scenario draw(F factory, long seed);

  /**
   * Runs a scenario against a fresh subject. Never throws because of what the subject does: that is
   * a violation.
   *
   * @param factory makes the subject
   * @param scenario of this domain's vocabulary
   * @param detailed whether to keep lines and a digest for reports
   * @return what was seen
   */
  Outcome run(F factory, Scenario scenario, boolean detailed);
}
