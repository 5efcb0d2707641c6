package io.headway.testkit.vectors;

import com.fasterxml.jackson.databind.JsonNode;
import java.util.OptionalDouble;
import java.util.OptionalInt;

/**
 * Reads typed fields of a JSON object. A missing or mistyped field ends in a {@link
 * VectorFormatException} that names it, never in a silent 0.
 */
public final class JsonFields {
  private JsonFields() {}

  /**
   * Returns a field that must be there, possibly null.
   *
   * @param node an object
   * @param field its field
   * @return the value
   */
  public static JsonNode required(JsonNode node, String field) {
    JsonNode value = node.get(field);
    if (value == null) {
      throw new VectorFormatException("field " + field + " is missing");
    }
    return value;
  }

  /**
   * Returns a whole number.
   *
   * @param node an object
   * @param field its field
   * @return the value
   */
  public static int intOf(JsonNode node, String field) {
    return asInt(required(node, field), field);
  }

  /**
   * Returns a whole number, or a default if the field is absent.
   *
   * @param node an object
   * @param field its field
   * @param absent the default
   * @return the value
   */
  public static int intOf(JsonNode node, String field, int absent) {
    return node.has(field) ? intOf(node, field) : absent;
  }

  /**
   * Returns a whole number that may be null or absent.
   *
   * @param node an object
   * @param field its field
   * @return the value; empty if null or absent
   */
  public static OptionalInt optionalInt(JsonNode node, String field) {
    return node.hasNonNull(field) ? OptionalInt.of(intOf(node, field)) : OptionalInt.empty();
  }

  /**
   * Returns a whole number of up to 64 bits.
   *
   * @param node an object
   * @param field its field
   * @return the value
   */
  public static long longOf(JsonNode node, String field) {
    JsonNode value = required(node, field);
    if (!value.isNumber()
        || !value.canConvertToLong()
        || value.decimalValue().stripTrailingZeros().scale() > 0) {
      throw wrong(field, "a whole number of at most 64 bits", value);
    }
    return value.longValue();
  }

  /**
   * Returns a whole number of up to 64 bits, or a default if the field is absent.
   *
   * @param node an object
   * @param field its field
   * @param absent the default
   * @return the value
   */
  public static long longOf(JsonNode node, String field, long absent) {
    return node.has(field) ? longOf(node, field) : absent;
  }

  /**
   * Returns a number.
   *
   * @param node an object
   * @param field its field
   * @return the value
   */
  public static double doubleOf(JsonNode node, String field) {
    return asDouble(required(node, field), field);
  }

  /**
   * Returns a number, or a default if the field is absent.
   *
   * @param node an object
   * @param field its field
   * @param absent the default
   * @return the value
   */
  public static double doubleOf(JsonNode node, String field, double absent) {
    return node.has(field) ? doubleOf(node, field) : absent;
  }

  /**
   * Returns a number that may be null or absent.
   *
   * @param node an object
   * @param field its field
   * @return the value; empty if null or absent
   */
  public static OptionalDouble optionalDouble(JsonNode node, String field) {
    return node.hasNonNull(field)
        ? OptionalDouble.of(doubleOf(node, field))
        : OptionalDouble.empty();
  }

  /**
   * Returns a truth value.
   *
   * @param node an object
   * @param field its field
   * @return the value
   */
  public static boolean booleanOf(JsonNode node, String field) {
    JsonNode value = required(node, field);
    if (!value.isBoolean()) {
      throw wrong(field, "true or false", value);
    }
    return value.booleanValue();
  }

  /**
   * Returns a truth value, or a default if the field is absent.
   *
   * @param node an object
   * @param field its field
   * @param absent the default
   * @return the value
   */
  public static boolean booleanOf(JsonNode node, String field, boolean absent) {
    return node.has(field) ? booleanOf(node, field) : absent;
  }

  /**
   * Returns a string.
   *
   * @param node an object
   * @param field its field
   * @return the value
   */
  public static String textOf(JsonNode node, String field) {
    JsonNode value = required(node, field);
    if (!value.isTextual()) {
      throw wrong(field, "a string", value);
    }
    return value.textValue();
  }

  /**
   * Returns a string, or a default if the field is absent.
   *
   * @param node an object
   * @param field its field
   * @param absent the default
   * @return the value
   */
  public static String textOf(JsonNode node, String field, String absent) {
    return node.has(field) ? textOf(node, field) : absent;
  }

  /**
   * Returns an array.
   *
   * @param node an object
   * @param field its field
   * @return the array node
   */
  public static JsonNode arrayOf(JsonNode node, String field) {
    return asArray(required(node, field), field);
  }

  /**
   * Returns an array of whole numbers.
   *
   * @param node an object
   * @param field its field
   * @return the values
   */
  public static int[] intsOf(JsonNode node, String field) {
    return asInts(arrayOf(node, field), field);
  }

  /**
   * Returns an array of whole numbers of up to 64 bits.
   *
   * @param node an object
   * @param field its field
   * @return the values
   */
  public static long[] longsOf(JsonNode node, String field) {
    JsonNode array = arrayOf(node, field);
    long[] values = new long[array.size()];
    for (int i = 0; i < values.length; i++) {
      JsonNode value = array.get(i);
      if (!value.isIntegralNumber() || !value.canConvertToLong()) {
        throw wrong(field + "[" + i + "]", "a whole number of at most 64 bits", value);
      }
      values[i] = value.longValue();
    }
    return values;
  }

  /**
   * Returns an array of numbers.
   *
   * @param node an object
   * @param field its field
   * @return the values
   */
  public static double[] doublesOf(JsonNode node, String field) {
    return asDoubles(arrayOf(node, field), field);
  }

  /**
   * Returns an array of arrays of numbers, rows of any length.
   *
   * @param node an object
   * @param field its field
   * @return the rows
   */
  public static double[][] doubleRowsOf(JsonNode node, String field) {
    JsonNode array = arrayOf(node, field);
    double[][] rows = new double[array.size()][];
    for (int i = 0; i < rows.length; i++) {
      rows[i] = asDoubles(asArray(array.get(i), field + "[" + i + "]"), field + "[" + i + "]");
    }
    return rows;
  }

  /**
   * Returns an array of arrays of whole numbers, rows of any length.
   *
   * @param node an object
   * @param field its field
   * @return the rows
   */
  public static int[][] intRowsOf(JsonNode node, String field) {
    JsonNode array = arrayOf(node, field);
    int[][] rows = new int[array.size()][];
    for (int i = 0; i < rows.length; i++) {
      rows[i] = asInts(asArray(array.get(i), field + "[" + i + "]"), field + "[" + i + "]");
    }
    return rows;
  }

  /**
   * Reads a value as a whole number.
   *
   * @param value the value; {@code 5.0} counts as 5
   * @param name its name for the complaint
   * @return the value
   */
  public static int asInt(JsonNode value, String name) {
    if (!value.isNumber() || !value.canConvertToInt() || value.doubleValue() != value.intValue()) {
      throw wrong(name, "a whole number of at most 32 bits", value);
    }
    return value.intValue();
  }

  /**
   * Reads a value as a number.
   *
   * @param value the value
   * @param name its name for the complaint
   * @return the value
   */
  public static double asDouble(JsonNode value, String name) {
    if (!value.isNumber() || !Double.isFinite(value.doubleValue())) {
      throw wrong(name, "a finite number", value);
    }
    return value.doubleValue();
  }

  private static int[] asInts(JsonNode array, String name) {
    int[] values = new int[array.size()];
    for (int i = 0; i < values.length; i++) {
      values[i] = asInt(array.get(i), name + "[" + i + "]");
    }
    return values;
  }

  private static double[] asDoubles(JsonNode array, String name) {
    double[] values = new double[array.size()];
    for (int i = 0; i < values.length; i++) {
      values[i] = asDouble(array.get(i), name + "[" + i + "]");
    }
    return values;
  }

  private static JsonNode asArray(JsonNode value, String name) {
    if (!value.isArray()) {
      throw wrong(name, "an array", value);
    }
    return value;
  }

  private static VectorFormatException wrong(String name, String rule, JsonNode value) {
    return new VectorFormatException(
        "field " + name + " must be " + rule + ", but was " + VectorMatcher.show(value));
  }
}
