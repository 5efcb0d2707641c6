package io.headway.api.config;

import static java.util.Objects.requireNonNull;

import java.util.List;

/**
 * One configurable value of a policy: name, type, default, unit and range, with one line of
 * explanation.
 *
 * @param name camelCase, with the unit where it has one, such as {@code tokenBudget}
 * @param type how the text is read
 * @param defaultText the default as a user would write it
 * @param unit such as {@code tokens}; empty if none
 * @param minimum least value, inclusive; ignored unless numeric
 * @param maximum greatest value, inclusive; ignored unless numeric
 * @param choices the allowed words of a {@link Type#CHOICE}; empty otherwise
 * @param explanation one line
 */
public record Parameter(
    String name,
    Type type,
    String defaultText,
    String unit,
    double minimum,
    double maximum,
    List<String> choices,
    String explanation) {
  /** How a parameter's text is read. */
  public enum Type {
    /** A 32-bit whole number. */
    INT,
    /** A 64-bit whole number. */
    LONG,
    /** A finite decimal number. */
    DOUBLE,
    /** {@code true} or {@code false}. */
    BOOLEAN,
    /** One of a few words. */
    CHOICE,
    /** A policy string of its own, in parentheses if it has arguments. */
    POLICY,
    /** Free text, at most 256 characters. */
    TEXT
  }

  public Parameter {
    requireNonNull(name, "name");
    requireNonNull(type, "type");
    requireNonNull(defaultText, "defaultText");
    requireNonNull(unit, "unit");
    requireNonNull(explanation, "explanation");
    choices = List.copyOf(choices);
  }

  /**
   * Checks a text against type and range.
   *
   * @param policyId named in the error
   * @param text what the user wrote
   * @throws IllegalArgumentException naming policy, parameter, rule, value and unit
   */
  void check(String policyId, String text) {
    switch (type) {
      case INT, LONG -> {
        long value;
        try {
          value = type == Type.INT ? Integer.parseInt(text) : Long.parseLong(text);
        } catch (NumberFormatException e) {
          throw refused(policyId, "must be a whole number" + range(), text);
        }
        if (value < minimum || value > maximum) {
          throw refused(policyId, "must be a whole number" + range(), text);
        }
      }
      case DOUBLE -> {
        double value;
        try {
          value = Double.parseDouble(text);
        } catch (NumberFormatException e) {
          throw refused(policyId, "must be a number" + range(), text);
        }
        if (!(value >= minimum && value <= maximum) || Double.isInfinite(value)) {
          throw refused(policyId, "must be a finite number" + range(), text);
        }
      }
      case BOOLEAN -> {
        if (!text.equals("true") && !text.equals("false")) {
          throw refused(policyId, "must be true or false", text);
        }
      }
      case CHOICE -> {
        if (!choices.contains(text)) {
          throw refused(
              policyId,
              "must be one of " + String.join(", ", choices) + Spelling.hint(text, choices),
              text);
        }
      }
      case POLICY -> PolicySpec.parse(text);
      case TEXT -> {
        if (text.length() > 256) {
          throw refused(
              policyId, "must have at most 256 characters", text.length() + " characters");
        }
      }
    }
  }

  private String range() {
    boolean hasMinimum = minimum != Double.NEGATIVE_INFINITY;
    boolean hasMaximum = maximum != Double.POSITIVE_INFINITY;
    String suffix = unit.isEmpty() ? "" : " " + unit;
    if (hasMinimum && hasMaximum) {
      return " from " + number(minimum) + " to " + number(maximum) + suffix;
    }
    if (hasMinimum) {
      return " of at least " + number(minimum) + suffix;
    }
    return hasMaximum
        ? " of at most " + number(maximum) + suffix
        : suffix.isEmpty() ? "" : " (unit:" + suffix + ")";
  }

  private static String number(double value) {
    return value == Math.rint(value) && Math.abs(value) < 1e15
        ? Long.toString((long) value)
        : Double.toString(value);
  }

  private IllegalArgumentException refused(String policyId, String rule, String value) {
    return new IllegalArgumentException(
        "policy '"
            + policyId
            + "': "
            + name
            + " "
            + rule
            + ", but was '"
            + value
            + "' (default "
            + defaultText
            + ")");
  }
}
