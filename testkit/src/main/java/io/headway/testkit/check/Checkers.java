package io.headway.testkit.check;

import java.util.List;

/** All checkers, by number. */
final class Checkers {
  private Checkers() {}

  /** Makes fresh checkers. */
  static List<Checker> all(CheckOptions options) {
    return List.of(
        new RequestConservation(),
        new LegalLifecycle(),
        new DecisionClosure(),
        new TokenBudgets(),
        new Caps(),
        new ContiguousWork(),
        new BlockConservation(),
        new ReferenceTruth(),
        new NoAliasing(),
        new ExactlyOnceOutput());
  }
}
