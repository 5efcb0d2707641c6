package io.headway.testkit.mutant;

import java.util.List;

/** Correct schedulers and their mutants. */
final class EngineMutants {
  private EngineMutants() {}

  static List<Reference> references() {
    return List.of();
  }

  static List<Mutant> all() {
    return List.of();
  }
}
