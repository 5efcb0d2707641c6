package io.headway.testkit.check;

import io.headway.testkit.check.RequestState.Phase;
import org.jspecify.annotations.Nullable;

/** Figures that a trace may report and the state can tell. */
final class Figures {
  private Figures() {}

  /** Returns the true value of a gauge, or null if the state does not tell it. */
  static @Nullable Double of(String name, TraceState state) {
    Long slots = state.config().slots();
    return switch (name) {
      case "waiting" -> (double) state.queued();
      case "running" -> (double) state.count(Phase.RUNNING);
      case "deferred" -> (double) state.count(Phase.DEFERRED);
      case "swapped" -> (double) state.count(Phase.SWAPPED);
      case "transferring" -> (double) state.count(Phase.TRANSFERRING);
      case "live" -> (double) state.live();
      case "inFlight" -> (double) state.flights().size();
      case "held" -> state.tablesKnown() ? (double) state.held(TraceState.DEVICE) : null;
      case "free" -> state.available() < 0 ? null : (double) state.available();
      case "hostHeld" -> (double) state.heldHostBlocks();
      case "full" ->
          slots == null ? null : state.count(Phase.RUNNING) >= slots ? Double.valueOf(1) : 0.0;
      default -> null;
    };
  }

  /** Returns a number without a needless fraction. */
  static String text(double value) {
    return value == Math.rint(value) && Math.abs(value) < 1e15
        ? Long.toString((long) value)
        : Double.toString(value);
  }
}
