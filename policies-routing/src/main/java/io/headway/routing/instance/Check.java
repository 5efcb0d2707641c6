package io.headway.routing.instance;

/** Argument checks whose messages name parameter, rule, value and unit. */
final class Check {
  private Check() {}

  static int atLeast(String name, int value, int least, String unit) {
    if (value < least) {
      throw new IllegalArgumentException(
          name + " must be at least " + least + " " + unit + ", but was " + value);
    }
    return value;
  }

  static long atLeast(String name, long value, long least, String unit) {
    if (value < least) {
      throw new IllegalArgumentException(
          name + " must be at least " + least + " " + unit + ", but was " + value);
    }
    return value;
  }

  /** Accepts finite values of at least {@code least}. */
  static double atLeast(String name, double value, double least, String unit) {
    if (!(value >= least) || Double.isInfinite(value)) {
      throw new IllegalArgumentException(
          name + " must be finite and at least " + least + unit(unit) + ", but was " + value);
    }
    return value;
  }

  static double range(String name, double value, double least, double most, String unit) {
    if (!(value >= least && value <= most)) {
      throw new IllegalArgumentException(
          name + " must be from " + least + " to " + most + unit(unit) + ", but was " + value);
    }
    return value;
  }

  private static String unit(String unit) {
    return unit.isEmpty() ? "" : " " + unit;
  }
}
