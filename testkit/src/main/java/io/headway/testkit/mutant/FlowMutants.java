package io.headway.testkit.mutant;

import java.util.List;

/** Correct fair queues and their mutants. */
final class FlowMutants {
  private FlowMutants() {}

  static List<Reference> references() {
    return List.of();
  }

  static List<Mutant> all() {
    return List.of();
  }
}
