package io.headway.testkit.mutant;

import io.headway.testkit.drive.RouterRules;
import io.headway.testkit.scenario.Campaign;
import java.util.Arrays;
import java.util.List;

/** Correct routers and their mutants. */
final class RouterMutants {
  private RouterMutants() {}

  static List<Reference> references() {
    return Arrays.stream(ReferenceRouter.Kind.values())
        .map(
            kind ->
                new Reference(
                    kind.title(),
                    Campaign.of(RouterRules.migrating(), ReferenceRouter.factory(kind, null))))
        .toList();
  }

  static List<Mutant> all() {
    return Arrays.stream(RouterFault.values())
        .map(
            fault ->
                Mutant.of(
                    fault,
                    Campaign.of(
                        RouterRules.migrating(), ReferenceRouter.factory(fault.kind(), fault))))
        .toList();
  }
}
