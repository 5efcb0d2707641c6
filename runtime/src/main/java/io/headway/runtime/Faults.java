package io.headway.runtime;

import java.util.EnumMap;
import java.util.Map;
import org.jspecify.annotations.Nullable;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * What foreign code threw in the middle of calls that have to take effect whole. Such faults are
 * counted and warned about, at most one line per cause and minute of the caller's clock; in strict
 * mode the first one is also kept, for the next call that can throw it without having changed
 * anything.
 */
final class Faults {
  /** Who threw. */
  enum Cause {
    POLICY,
    STEP,
    ROW,
    LISTENER,
    DECISION_LOG,
    KV_EVENTS,
    PREDICTOR,
    BLOCK_KEYS
  }

  /** When a cause was last warned about, and how often it has come up since. */
  private static final class Warned {
    final long nanos;
    long leftOut;

    Warned(long nanos) {
      this.nanos = nanos;
    }
  }

  private static final Logger LOG = LoggerFactory.getLogger(EngineScheduler.class);
  private static final long INTERVAL_NANOS = 60_000_000_000L;

  private final boolean strict;
  private final Map<Cause, Warned> warned = new EnumMap<>(Cause.class);
  private @Nullable Throwable pending;
  private long observerFaults;

  /** The caller's clock. */
  long nowNanos;

  Faults(boolean strict) {
    this.strict = strict;
  }

  boolean strict() {
    return strict;
  }

  /** Returns how often a listener, log, event sink, predictor or hash function has thrown. */
  long observerFaults() {
    return observerFaults;
  }

  /** Takes what an observer threw. Errors of the virtual machine are thrown on. */
  void observed(Cause cause, String whatNow, Throwable fault) {
    throwIfFatal(fault);
    observerFaults++;
    keep(fault);
    warn(cause, "{} threw {}; {}", name(cause), fault, whatNow);
  }

  /** Keeps a fault, in strict mode, unless one is kept already. */
  void keep(Throwable fault) {
    if (strict && pending == null) {
      pending = fault;
    }
  }

  /** Keeps, in any mode, what a call must not throw because part of it has taken effect. */
  void postpone(Throwable fault) {
    throwIfFatal(fault);
    if (pending == null) {
      pending = fault;
    }
  }

  /** Throws the fault that was kept, once. */
  void throwPending() {
    Throwable fault = pending;
    pending = null;
    if (fault instanceof Error error) {
      throw error;
    }
    if (fault instanceof RuntimeException exception) {
      throw exception;
    }
    if (fault != null) {
      throw new IllegalStateException(fault);
    }
  }

  void warn(Cause cause, String format, @Nullable Object... arguments) {
    Warned before = warned.get(cause);
    if (before != null && nowNanos - before.nanos < INTERVAL_NANOS) {
      before.leftOut++;
      return;
    }
    warned.put(cause, new Warned(nowNanos));
    String line =
        before == null || before.leftOut == 0
            ? format
            : format + " (and " + before.leftOut + " times since the last line)";
    LOG.warn(line, arguments);
  }

  /** Lets go through what no guard can make good, such as running out of memory. */
  static void throwIfFatal(Throwable fault) {
    if (fault instanceof VirtualMachineError fatal && !(fault instanceof StackOverflowError)) {
      throw fatal;
    }
  }

  private static String name(Cause cause) {
    return switch (cause) {
      case POLICY -> "the policy";
      case STEP, ROW -> "the engine";
      case LISTENER -> "the listener";
      case DECISION_LOG -> "the decision log";
      case KV_EVENTS -> "the KV event sink";
      case PREDICTOR -> "the length predictor";
      case BLOCK_KEYS -> "the block hash";
    };
  }
}
