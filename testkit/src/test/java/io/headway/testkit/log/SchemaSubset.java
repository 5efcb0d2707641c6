package io.headway.testkit.log;

import com.fasterxml.jackson.databind.JsonNode;
import java.util.ArrayList;
import java.util.Iterator;
import java.util.List;
import java.util.Map;
import java.util.regex.Pattern;

/**
 * Checks values against the keywords of JSON Schema that the decision log's schema uses, and
 * refuses any other keyword, so that none can go unchecked.
 */
final class SchemaSubset {
  private final JsonNode root;

  SchemaSubset(JsonNode root) {
    this.root = root;
  }

  /** Returns the names of all definitions that a value conforms to. */
  List<String> conformingTo(JsonNode value) {
    List<String> names = new ArrayList<>();
    for (JsonNode option : root.get("oneOf")) {
      String ref = option.get("$ref").asText();
      if (conforms(resolve(ref), value)) {
        names.add(ref.substring(ref.lastIndexOf('/') + 1));
      }
    }
    return names;
  }

  private JsonNode resolve(String ref) {
    return root.at(ref.substring(1));
  }

  private boolean conforms(JsonNode schema, JsonNode value) {
    for (Iterator<Map.Entry<String, JsonNode>> it = schema.fields(); it.hasNext(); ) {
      Map.Entry<String, JsonNode> keyword = it.next();
      JsonNode rule = keyword.getValue();
      boolean holds =
          switch (keyword.getKey()) {
            case "type" -> isOf(rule.asText(), value);
            case "const" -> rule.equals(value);
            case "enum" -> contains(rule, value);
            case "minimum" -> value.isNumber() && value.asDouble() >= rule.asDouble();
            case "minItems" -> value.size() >= rule.asInt();
            case "pattern" -> Pattern.compile(rule.asText()).matcher(value.asText()).find();
            case "required" -> hasAll(rule, value);
            case "properties" -> propertiesConform(rule, value);
            case "additionalProperties" -> others(schema.path("properties"), rule, value);
            case "items" -> itemsConform(rule, value);
            default ->
                throw new IllegalArgumentException("keyword " + keyword.getKey() + " is not known");
          };
      if (!holds) {
        return false;
      }
    }
    return true;
  }

  private static boolean isOf(String type, JsonNode value) {
    return switch (type) {
      case "object" -> value.isObject();
      case "array" -> value.isArray();
      case "string" -> value.isTextual();
      case "integer" -> value.isIntegralNumber();
      case "number" -> value.isNumber();
      default -> throw new IllegalArgumentException("type " + type + " is not known");
    };
  }

  private static boolean contains(JsonNode list, JsonNode value) {
    for (JsonNode each : list) {
      if (each.equals(value)) {
        return true;
      }
    }
    return false;
  }

  private static boolean hasAll(JsonNode names, JsonNode value) {
    for (JsonNode name : names) {
      if (!value.has(name.asText())) {
        return false;
      }
    }
    return true;
  }

  private boolean propertiesConform(JsonNode properties, JsonNode value) {
    for (Iterator<String> names = properties.fieldNames(); names.hasNext(); ) {
      String name = names.next();
      if (value.has(name) && !conforms(properties.get(name), value.get(name))) {
        return false;
      }
    }
    return true;
  }

  private boolean others(JsonNode properties, JsonNode rule, JsonNode value) {
    for (Iterator<String> names = value.fieldNames(); names.hasNext(); ) {
      String name = names.next();
      if (!properties.has(name)
          && (rule.isBoolean() ? !rule.asBoolean() : !conforms(rule, value.get(name)))) {
        return false;
      }
    }
    return true;
  }

  private boolean itemsConform(JsonNode rule, JsonNode value) {
    for (JsonNode each : value) {
      if (!conforms(rule, each)) {
        return false;
      }
    }
    return true;
  }
}
