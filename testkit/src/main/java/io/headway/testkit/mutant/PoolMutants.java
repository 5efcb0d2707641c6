package io.headway.testkit.mutant;

import java.util.List;

/** Correct block pools and their mutants. */
final class PoolMutants {
  private PoolMutants() {}

  static List<Reference> references() {
    return List.of();
  }

  static List<Mutant> all() {
    return List.of();
  }
}
