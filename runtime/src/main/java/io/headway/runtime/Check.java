package io.headway.runtime;

import java.util.Objects;

/** Argument checks whose messages name parameter, rule, value and unit. */
final class Check {
  private Check() {}

  static long atLeast(String name, long value, long least, String unit) {
    if (value < least) {
      throw new IllegalArgumentException(
          name + " must be at least " + least + " " + unit + ", but was " + value);
    }
    return value;
  }

  static long range(String name, long value, long least, long most, String unit) {
    if (value < least || value > most) {
      throw new IllegalArgumentException(
          name + " must be from " + least + " to " + most + " " + unit + ", but was " + value);
    }
    return value;
  }

  static <T> T notNull(String name, T value) {
    return Objects.requireNonNull(value, name);
  }
}
