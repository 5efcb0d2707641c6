package io.headway.runtime;

/**
 * Keeps what a decision log throws away from the calls that it records. A log with a hole would
 * prove nothing, so after its first fault nothing more is written.
 */
final class GuardedLog implements DecisionLog {
  private final DecisionLog log;
  private final Faults faults;
  private boolean off;

  GuardedLog(DecisionLog log, Faults faults) {
    this.log = log;
    this.faults = faults;
  }

  @Override
  public void line(CharSequence json) {
    if (off) {
      return;
    }
    try {
      log.line(json);
    } catch (Throwable e) {
      off = true;
      faults.observed(Faults.Cause.DECISION_LOG, "nothing more is written to it", e);
    }
  }
}
