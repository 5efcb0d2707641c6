package io.headway.routing.moe;

/** Checks of settings that several configurations share. */
final class Checks {
  private Checks() {}

  static void coefficient(String name, double value) {
    if (!(value >= 0) || Double.isInfinite(value)) {
      throw new IllegalArgumentException(name + " must be finite and at least 0, but was " + value);
    }
  }

  static void atLeast(String name, int least, int value, String unit) {
    if (value < least) {
      throw new IllegalArgumentException(
          name + " must be at least " + least + " " + unit + ", but was " + value);
    }
  }

  static void fraction(String name, double value) {
    if (!(value >= 0 && value <= 1)) {
      throw new IllegalArgumentException(name + " must lie in 0..1, but was " + value);
    }
  }

  static void positive(String name, double value) {
    if (!(value > 0) || Double.isInfinite(value)) {
      throw new IllegalArgumentException(name + " must be finite and above 0, but was " + value);
    }
  }
}
