package io.headway.testkit.mutant;

import java.util.List;

/** Correct routers and their mutants. */
final class RouterMutants {
  private RouterMutants() {}

  static List<Reference> references() {
    return List.of();
  }

  static List<Mutant> all() {
    return List.of();
  }
}
