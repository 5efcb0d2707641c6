package io.headway.testkit.mutant;

import static java.util.Objects.requireNonNull;

import io.headway.testkit.scenario.Campaign;

/**
 * A correct subject, which must pass the contract that its mutants must not.
 *
 * @param name what it is, in a few words
 * @param campaign runs the contract against it
 */
public record Reference(String name, Campaign<?> campaign) {
  /** Checks that nothing is null. */
  public Reference {
    requireNonNull(name, "name");
    requireNonNull(campaign, "campaign");
  }
}
