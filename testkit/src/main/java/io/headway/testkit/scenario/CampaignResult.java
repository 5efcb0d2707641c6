package io.headway.testkit.scenario;

import io.headway.api.Invariant;
import java.util.Map;
import java.util.Optional;

/**
 * What a campaign found.
 *
 * @param seed it started from
 * @param tries scenarios that were run
 * @param failure the first broken rule with its minimal scenario, if any was broken
 * @param exercised how often each rule could have been broken
 * @param labels how many scenarios showed each kind of situation
 */
public record CampaignResult(
    long seed,
    int tries,
    Optional<Failure> failure,
    Map<Invariant, Long> exercised,
    Map<String, Integer> labels) {
  /**
   * Returns the rule that was broken.
   *
   * @return what killed the subject, if anything did
   */
  public Optional<Invariant> killedBy() {
    return failure.map(found -> found.violation().invariant());
  }
}
