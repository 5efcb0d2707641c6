package io.headway.testkit.scenario;

import static java.util.Objects.requireNonNull;

/**
 * A named whole number of a scenario's configuration or of an event. Names and units are the JSON's
 * and the report's.
 *
 * @param name letters and digits, starting with a letter
 * @param min least legal value
 * @param max greatest legal value
 * @param simplest what shrinking goes towards and JSON leaves out, {@code min} to {@code max}
 */
public record Field(String name, long min, long max, long simplest) {
  /** Checks the range. */
  public Field {
    requireNonNull(name, "name");
    if (!name.matches("[A-Za-z][A-Za-z0-9]{0,31}")) {
      throw new IllegalArgumentException(
          "name must be a letter and up to 31 letters or digits, but was '" + name + "'");
    }
    if (min > max || simplest < min || simplest > max) {
      throw new IllegalArgumentException(
          "simplest of field '"
              + name
              + "' must be from min to max, but they were "
              + simplest
              + ", "
              + min
              + " and "
              + max);
    }
  }

  /**
   * Makes a field whose simplest value is its least.
   *
   * @param name its name
   * @param min least value
   * @param max greatest value
   * @return the field
   */
  public static Field of(String name, long min, long max) {
    return new Field(name, min, max, min);
  }

  /** Refuses a value out of range, naming the field and the range. */
  long check(long value) {
    if (value < min || value > max) {
      throw new IllegalArgumentException(
          name + " must be from " + min + " to " + max + ", but was " + value);
    }
    return value;
  }

  /** Brings a value into range. */
  long clamp(long value) {
    return Math.max(min, Math.min(max, value));
  }
}
