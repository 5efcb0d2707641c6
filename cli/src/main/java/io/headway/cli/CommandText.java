package io.headway.cli;

/** Text that several commands print alike. */
final class CommandText {
  private CommandText() {}

  /** Returns a number without a needless fraction: {@code 2}, {@code 1.5}. */
  static String number(double value) {
    return value == Math.rint(value) && Math.abs(value) < 1e15
        ? Long.toString((long) value)
        : Double.toString(value);
  }
}
