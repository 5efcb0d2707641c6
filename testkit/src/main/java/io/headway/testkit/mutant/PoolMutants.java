package io.headway.testkit.mutant;

import io.headway.testkit.drive.PoolRules;
import io.headway.testkit.scenario.Campaign;
import io.headway.testkit.subject.PoolFactory;
import java.util.Arrays;
import java.util.List;

/** Correct block pools and their mutants. */
final class PoolMutants {
  private PoolMutants() {}

  static List<Reference> references() {
    return List.of(new Reference("reference pool", attack(PoolFault.NONE)));
  }

  static List<Mutant> all() {
    return Arrays.stream(PoolFault.values())
        .filter(fault -> fault != PoolFault.NONE)
        .map(fault -> Mutant.of(fault, attack(fault)))
        .toList();
  }

  private static Campaign<PoolFactory> attack(PoolFault fault) {
    return Campaign.of(PoolRules.standard(), ReferencePool.with(fault));
  }
}
