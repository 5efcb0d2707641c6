package io.headway.memory.footprint;

/** Argument checks of this package: name, rule, unit, value received. */
final class Checks {
  private Checks() {}

  static void atLeast(String name, long value, long minimum, String unit) {
    if (value < minimum) {
      throw new IllegalArgumentException(
          name
              + " must be at least "
              + minimum
              + " "
              + unit
              + (minimum == 1 ? "" : "s")
              + ", but was "
              + value);
    }
  }

  static int toInt(String name, long value) {
    if (value != (int) value) {
      throw new IllegalArgumentException(
          name + " must be at most " + Integer.MAX_VALUE + ", but would be " + value);
    }
    return (int) value;
  }
}
