package io.headway.testkit.drive;

import io.headway.api.Invariant;
import io.headway.api.PolicyViolationException;
import io.headway.testkit.scenario.Observations;

/** Calls a subject; whatever it throws is a violation, which ends the run. */
final class Guarded {
  /** Ends a run whose subject threw. */
  static final class Halt extends RuntimeException {
    private static final long serialVersionUID = 1L;

    Halt() {
      super(null, null, false, false);
    }
  }

  /** A call. */
  interface Call {
    void run();
  }

  private Guarded() {}

  static void call(Observations seen, String what, Call call) {
    seen.exercised(Invariant.INV_02);
    try {
      call.run();
    } catch (PolicyViolationException e) {
      seen.violated(e.rule(), "policy", what + " threw: " + e.getMessage(), "");
      throw new Halt();
    } catch (RuntimeException e) {
      StackTraceElement[] stack = e.getStackTrace();
      String at = stack.length == 0 ? "" : " at " + stack[0];
      seen.violated(
          Invariant.INV_02,
          "exception",
          what + " threw " + e + at,
          "no exception, since every input is legal");
      throw new Halt();
    }
  }
}
