package io.headway.testkit.mutant;

import io.headway.testkit.drive.FairQueueRules;
import io.headway.testkit.scenario.Campaign;
import java.util.Arrays;
import java.util.List;

/** A correct fair queue and its mutants. */
final class FlowMutants {
  private FlowMutants() {}

  static List<Reference> references() {
    return List.of(
        new Reference(
            "a queue that serves flows alike",
            Campaign.of(FairQueueRules.standard(), ReferenceFairQueue.factory(null))));
  }

  static List<Mutant> all() {
    return Arrays.stream(FlowFault.values())
        .map(
            fault ->
                Mutant.of(
                    fault,
                    Campaign.of(FairQueueRules.standard(), ReferenceFairQueue.factory(fault))))
        .toList();
  }
}
