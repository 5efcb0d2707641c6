package io.headway.api.memory;

/** Argument checks of this package: name, rule, unit, value received. */
final class Arguments {
  private Arguments() {}

  static void atLeast(String name, long value, long minimum, String unit) {
    if (value < minimum) {
      throw new IllegalArgumentException(
          name + " must be at least " + amount(minimum, unit) + ", but was " + value);
    }
  }

  private static String amount(long value, String unit) {
    if (unit.isEmpty()) {
      return Long.toString(value);
    }
    return value + " " + unit + (value == 1 ? "" : "s");
  }
}
