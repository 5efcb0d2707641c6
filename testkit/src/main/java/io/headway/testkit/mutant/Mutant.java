package io.headway.testkit.mutant;

import static java.util.Objects.requireNonNull;

import io.headway.api.Invariant;
import io.headway.testkit.scenario.Campaign;
import io.headway.testkit.scenario.CampaignResult;
import java.util.List;

/**
 * A subject with one planted bug, and the contract that must find it.
 *
 * @param id name of the bug, such as {@code B-27a}
 * @param title what is wrong, in one line
 * @param source where it was reported, or which family it belongs to
 * @param expected rules that it must break, the most important first
 * @param campaign runs the contract against the subject
 */
public record Mutant(
    String id, String title, String source, List<Invariant> expected, Campaign<?> campaign) {
  /** Copies the list. */
  public Mutant {
    requireNonNull(id, "id");
    requireNonNull(title, "title");
    requireNonNull(source, "source");
    requireNonNull(campaign, "campaign");
    expected = List.copyOf(expected);
    if (expected.isEmpty()) {
      throw new IllegalArgumentException(
          "expected must name a rule, but mutant " + id + " has none");
    }
  }

  /**
   * Makes a mutant.
   *
   * @param fault the bug
   * @param campaign runs the contract against a subject that has it
   * @return the mutant
   */
  public static Mutant of(Fault fault, Campaign<?> campaign) {
    return new Mutant(fault.id(), fault.title(), fault.source(), fault.expected(), campaign);
  }

  /**
   * Looks for any broken rule.
   *
   * @param seed equal seeds give equal attacks
   * @param tries most scenarios
   * @return what was found; the scenario that shows it is made small
   */
  public CampaignResult attack(long seed, int tries) {
    return campaign.seed(seed).tries(tries).run();
  }
}
