package io.headway.simulator.cost;

import java.util.List;

/** Argument checks shared by the cost models, so that their messages read alike. */
final class CostChecks {
  private CostChecks() {}

  static void positive(double value, String name, String unit) {
    if (!(value > 0) || Double.isInfinite(value)) {
      throw new IllegalArgumentException(
          name + " must be above 0 " + unit + " and finite, but was " + value);
    }
  }

  static void notNegative(double value, String name, String unit) {
    if (!(value >= 0) || Double.isInfinite(value)) {
      throw new IllegalArgumentException(
          name + " must be at least 0 " + unit + " and finite, but was " + value);
    }
  }

  static void finite(double value, String name, String unit) {
    if (!Double.isFinite(value)) {
      throw new IllegalArgumentException(
          name + " must be a finite number of " + unit + ", but was " + value);
    }
  }

  static void fraction(double value, String name) {
    if (!(value > 0 && value <= 1)) {
      throw new IllegalArgumentException(name + " must be above 0 and at most 1, but was " + value);
    }
  }

  static void atLeast(long value, long minimum, String name, String unit) {
    if (value < minimum) {
      throw new IllegalArgumentException(
          name + " must be at least " + minimum + " " + unit + ", but was " + value);
    }
  }

  static IllegalArgumentException unknown(String what, List<String> known, String received) {
    return new IllegalArgumentException(
        what + " must be one of " + String.join(", ", known) + ", but was \"" + received + "\"");
  }
}
