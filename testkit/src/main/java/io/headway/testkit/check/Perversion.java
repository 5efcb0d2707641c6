package io.headway.testkit.check;

/**
 * A way to spoil a checker, for showing that its tests would notice. Used by the tests of the
 * testkit itself.
 */
public enum Perversion {
  /** Violations are not reported. */
  SILENT,
  /** Everything is reported as a violation. */
  ALARMING,
  /** A field that is missing is not reported. */
  IGNORANT,
  /** What is still open is not reported. */
  HASTY,
  /** Nothing counts as an exercise. */
  UNCOUNTED;

  Verdict apply(Verdict verdict) {
    return switch (this) {
      case SILENT ->
          verdict.kind() == Verdict.Kind.VIOLATED ? with(verdict, Verdict.Kind.HOLDS) : verdict;
      case ALARMING -> with(verdict, Verdict.Kind.VIOLATED);
      case IGNORANT ->
          verdict.kind() == Verdict.Kind.UNKNOWN ? with(verdict, Verdict.Kind.HOLDS) : verdict;
      case HASTY ->
          verdict.kind() == Verdict.Kind.INCONCLUSIVE ? with(verdict, Verdict.Kind.HOLDS) : verdict;
      case UNCOUNTED ->
          new Verdict(
              verdict.invariant(),
              verdict.kind(),
              0,
              verdict.missing(),
              verdict.detail(),
              verdict.violation(),
              verdict.violations());
    };
  }

  private static Verdict with(Verdict verdict, Verdict.Kind kind) {
    return new Verdict(
        verdict.invariant(),
        kind,
        verdict.exercised(),
        verdict.missing(),
        verdict.detail(),
        verdict.violation(),
        verdict.violations());
  }
}
