package io.headway.runtime;

import org.jspecify.annotations.Nullable;

/** Charges in order of time, linked through themselves. A charge is in one such list at most. */
final class ChargeList {
  private @Nullable Charge oldest;
  private @Nullable Charge newest;

  @Nullable Charge oldest() {
    return oldest;
  }

  void append(Charge charge) {
    charge.older = newest;
    charge.newer = null;
    if (newest == null) {
      oldest = charge;
    } else {
      newest.newer = charge;
    }
    newest = charge;
  }

  void remove(Charge charge) {
    Charge before = charge.older;
    Charge after = charge.newer;
    if (before == null) {
      oldest = after;
    } else {
      before.newer = after;
    }
    if (after == null) {
      newest = before;
    } else {
      after.older = before;
    }
    charge.older = null;
    charge.newer = null;
  }
}
