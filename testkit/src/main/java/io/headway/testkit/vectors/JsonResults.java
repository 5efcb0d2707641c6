package io.headway.testkit.vectors;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.node.ArrayNode;
import com.fasterxml.jackson.databind.node.JsonNodeFactory;
import com.fasterxml.jackson.databind.node.ObjectNode;
import java.util.OptionalDouble;
import org.jspecify.annotations.Nullable;

/** Writes results down as JSON. */
final class JsonResults {
  private static final JsonNodeFactory JSON = JsonNodeFactory.instance;

  private JsonResults() {}

  static ObjectNode object() {
    return JSON.objectNode();
  }

  static ArrayNode array() {
    return JSON.arrayNode();
  }

  static ArrayNode of(double[] values) {
    ArrayNode array = JSON.arrayNode(values.length);
    for (double value : values) {
      array.add(value);
    }
    return array;
  }

  static ArrayNode of(int[] values) {
    ArrayNode array = JSON.arrayNode(values.length);
    for (int value : values) {
      array.add(value);
    }
    return array;
  }

  static ArrayNode of(double[][] rows) {
    ArrayNode array = JSON.arrayNode(rows.length);
    for (double[] row : rows) {
      array.add(of(row));
    }
    return array;
  }

  static ArrayNode of(int[][] rows) {
    ArrayNode array = JSON.arrayNode(rows.length);
    for (int[] row : rows) {
      array.add(of(row));
    }
    return array;
  }

  /** A number, or null where it is infinite. */
  static JsonNode finite(double value) {
    return Double.isInfinite(value) ? JSON.nullNode() : JSON.numberNode(value);
  }

  static JsonNode of(OptionalDouble value) {
    return value.isPresent() ? JSON.numberNode(value.getAsDouble()) : JSON.nullNode();
  }

  static JsonNode nullable(double @Nullable [] values) {
    return values == null ? JSON.nullNode() : of(values);
  }
}
