package io.headway.batching.internal;

/** Argument checks whose messages name parameter, rule, value received and unit. */
public final class Arguments {
  private Arguments() {}

  /**
   * Checks a lower bound.
   *
   * @param name the parameter
   * @param value its value
   * @param least least value allowed
   * @param unit its unit in the plural
   * @return the value
   * @throws IllegalArgumentException if it is below
   */
  public static int atLeast(String name, int value, int least, String unit) {
    if (value < least) {
      throw new IllegalArgumentException(
          name + " must be at least " + least + " " + unit + ", but was " + value);
    }
    return value;
  }

  /**
   * Checks a lower bound.
   *
   * @param name the parameter
   * @param value its value
   * @param least least value allowed
   * @param unit its unit in the plural
   * @return the value
   * @throws IllegalArgumentException if it is below
   */
  public static long atLeast(String name, long value, long least, String unit) {
    if (value < least) {
      throw new IllegalArgumentException(
          name + " must be at least " + least + " " + unit + ", but was " + value);
    }
    return value;
  }

  /**
   * Checks that a number is finite and not negative.
   *
   * @param name the parameter
   * @param value its value
   * @param unit its unit in the plural
   * @return the value
   * @throws IllegalArgumentException if it is negative, infinite or NaN
   */
  public static double notNegative(String name, double value, String unit) {
    if (!(value >= 0) || Double.isInfinite(value)) {
      throw new IllegalArgumentException(
          name + " must be finite and at least 0 " + unit + ", but was " + value);
    }
    return value;
  }

  /**
   * Checks that a number is finite and above 0.
   *
   * @param name the parameter
   * @param value its value
   * @param unit its unit in the plural
   * @return the value
   * @throws IllegalArgumentException if it is 0, negative, infinite or NaN
   */
  public static double positive(String name, double value, String unit) {
    if (!(value > 0) || Double.isInfinite(value)) {
      throw new IllegalArgumentException(
          name + " must be finite and above 0 " + unit + ", but was " + value);
    }
    return value;
  }

  /**
   * Checks that a number is a fraction below 1.
   *
   * @param name the parameter
   * @param value its value
   * @param of what it is a fraction of
   * @return the value
   * @throws IllegalArgumentException if it is not in [0, 1)
   */
  public static double fraction(String name, double value, String of) {
    if (!(value >= 0 && value < 1)) {
      throw new IllegalArgumentException(
          name + " must be a fraction of " + of + " from 0 to below 1, but was " + value);
    }
    return value;
  }

  /**
   * Checks a range.
   *
   * @param name the parameter
   * @param value its value
   * @param least least value allowed
   * @param most greatest value allowed
   * @param unit its unit in the plural
   * @return the value
   * @throws IllegalArgumentException if it is outside
   */
  public static double within(String name, double value, double least, double most, String unit) {
    if (!(value >= least && value <= most)) {
      throw new IllegalArgumentException(
          name + " must be from " + least + " to " + most + " " + unit + ", but was " + value);
    }
    return value;
  }
}
