package io.headway.batching.planning;

/** When a planner that plans by arrivals plans again: at once, but not twice within a window. */
final class PlanWindow {
  private final long windowNanos;
  private boolean changed;
  private boolean planned;
  private long plannedAtNanos;

  PlanWindow(long windowNanos) {
    this.windowNanos = windowNanos;
  }

  /** Somebody arrived whom no plan knows. */
  void arrived() {
    changed = true;
  }

  void planned(long nowNanos) {
    changed = false;
    planned = true;
    plannedAtNanos = nowNanos;
  }

  long nextNanos() {
    if (!changed) {
      return Long.MAX_VALUE;
    }
    return planned ? plannedAtNanos + windowNanos : Long.MIN_VALUE;
  }
}
