package io.headway.testkit.mutant;

import io.headway.testkit.drive.ExpertRoutingRules;
import io.headway.testkit.drive.PredictionRules;
import io.headway.testkit.drive.SpeculationRules;
import io.headway.testkit.scenario.Campaign;
import java.util.Arrays;
import java.util.List;
import org.jspecify.annotations.Nullable;

/** Correct expert routers, length predictors and speculation policies, and their mutants. */
final class PolicyMutants {
  private PolicyMutants() {}

  static List<Reference> references() {
    return List.of(
        new Reference("an expert router with capacity", campaign(PolicyFault.Kind.EXPERTS, null)),
        new Reference("a predictor of mean lengths", campaign(PolicyFault.Kind.LENGTHS, null)),
        new Reference("drafts by what was accepted last", campaign(PolicyFault.Kind.DRAFTS, null)));
  }

  static List<Mutant> all() {
    return Arrays.stream(PolicyFault.values())
        .map(fault -> Mutant.of(fault, campaign(fault.kind(), fault)))
        .toList();
  }

  private static Campaign<?> campaign(PolicyFault.Kind kind, @Nullable PolicyFault fault) {
    return switch (kind) {
      case EXPERTS -> Campaign.of(ExpertRoutingRules.standard(), new ReferenceExpertRouter(fault));
      case LENGTHS -> Campaign.of(PredictionRules.standard(), new ReferenceLengths(fault));
      case DRAFTS -> Campaign.of(SpeculationRules.standard(), new ReferenceDrafts(fault));
    };
  }
}
