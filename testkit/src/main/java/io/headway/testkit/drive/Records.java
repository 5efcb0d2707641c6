package io.headway.testkit.drive;

import io.headway.testkit.check.TraceChecks;
import io.headway.testkit.check.Verdict;
import io.headway.testkit.scenario.Observations;
import io.headway.testkit.trace.TraceEvent;
import io.headway.testkit.trace.TraceSink;

/** Passes every record of a subject to the checks, and what they find on. */
final class Records implements TraceSink {
  private final TraceChecks checks;
  private final Observations seen;
  private boolean reported;

  Records(TraceChecks checks, Observations seen) {
    this.checks = checks;
    this.seen = seen;
  }

  @Override
  public void accept(TraceEvent event) {
    checks.accept(event);
    if (!reported) {
      checks
          .violation()
          .ifPresent(
              found -> {
                reported = true;
                seen.violated(found.invariant(), "trace", found.message(), "");
              });
    }
  }

  void finish() {
    for (Verdict verdict : checks.finish().verdicts()) {
      seen.exercised(verdict.invariant(), verdict.exercised());
      verdict
          .violation()
          .ifPresent(found -> seen.violated(found.invariant(), "trace", found.message(), ""));
    }
  }
}
