package io.headway.testkit.trace;

import java.util.ArrayList;
import java.util.Collections;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import org.jspecify.annotations.Nullable;

/** The fields of one JSON object, taken out with the type that the format asks for. */
final class Fields {
  private final String type;
  private final Map<String, Object> values;

  Fields(String type, Map<String, Object> values) {
    this.type = type;
    this.values = values;
  }

  /** Says what is wrong with a field; the reader adds file and line. */
  static final class Unfit extends Exception {
    private static final long serialVersionUID = 1L;

    Unfit(String message) {
      super(message);
    }
  }

  String type() {
    return type;
  }

  String required(String name) throws Unfit {
    String value = text(name);
    if (value == null) {
      throw new Unfit("a " + type + " record needs the field '" + name + "', a text");
    }
    return value;
  }

  @Nullable String text(String name) throws Unfit {
    Object value = values.get(name);
    if (value == null || value instanceof String) {
      return (String) value;
    }
    throw unfit(name, "a text", value);
  }

  @Nullable Long number(String name) throws Unfit {
    Object value = values.get(name);
    if (value == null || value instanceof Long) {
      return (Long) value;
    }
    throw unfit(name, "a whole number of at most 64 bits", value);
  }

  @Nullable Boolean flag(String name) throws Unfit {
    Object value = values.get(name);
    if (value == null || value instanceof Boolean) {
      return (Boolean) value;
    }
    throw unfit(name, "true or false", value);
  }

  @Nullable Double decimal(String name) throws Unfit {
    Object value = values.get(name);
    if (value == null) {
      return null;
    }
    if (value instanceof Number number) {
      return number.doubleValue();
    }
    throw unfit(name, "a number", value);
  }

  @Nullable List<String> texts(String name) throws Unfit {
    return list(name, String.class, "an array of texts");
  }

  @Nullable List<Long> numbers(String name) throws Unfit {
    return list(name, Long.class, "an array of whole numbers");
  }

  @Nullable Map<String, Double> decimals(String name) throws Unfit {
    Object value = values.get(name);
    if (value == null) {
      return null;
    }
    Map<String, Double> result = new LinkedHashMap<>();
    if (value instanceof Map<?, ?> map) {
      for (Map.Entry<?, ?> entry : map.entrySet()) {
        if (!(entry.getValue() instanceof Number number)) {
          throw unfit(name, "an object of numbers", value);
        }
        result.put((String) entry.getKey(), number.doubleValue());
      }
      return result;
    }
    throw unfit(name, "an object of numbers", value);
  }

  List<TraceEvent.Row> rows(String name) throws Unfit {
    List<TraceEvent.Row> rows = new ArrayList<>();
    for (Fields f : objects(name)) {
      rows.add(
          new TraceEvent.Row(
              f.required("r"),
              f.number("start"),
              f.number("n"),
              f.text("kind"),
              f.number("drafts"),
              f.number("slot"),
              f.numbers("draftIds"),
              f.number("pending")));
    }
    return rows;
  }

  @Nullable List<TraceEvent.Candidate> candidates(String name) throws Unfit {
    if (values.get(name) == null) {
      return null;
    }
    List<TraceEvent.Candidate> candidates = new ArrayList<>();
    for (Fields f : objects(name)) {
      candidates.add(
          new TraceEvent.Candidate(
              f.required("instance"),
              f.number("incarnation"),
              f.number("waiting"),
              f.number("running"),
              f.number("inFlight"),
              f.number("hit"),
              f.number("observed"),
              f.decimals("scores")));
    }
    return candidates;
  }

  private List<Fields> objects(String name) throws Unfit {
    Object value = values.get(name);
    List<Fields> result = new ArrayList<>();
    if (value instanceof List<?> list) {
      for (Object element : list) {
        if (!(element instanceof Map<?, ?> map)) {
          throw unfit(name, "an array of objects", value);
        }
        @SuppressWarnings("unchecked") // the reader makes no other maps
        Map<String, Object> fields = (Map<String, Object>) map;
        result.add(new Fields(type + "." + name, fields));
      }
      return result;
    }
    throw unfit(name, "an array of objects", value);
  }

  private <T> @Nullable List<T> list(String name, Class<T> element, String rule) throws Unfit {
    Object value = values.get(name);
    if (value == null) {
      return null;
    }
    if (value instanceof List<?> list) {
      List<T> result = new ArrayList<>(list.size());
      for (Object each : list) {
        if (!element.isInstance(each)) {
          throw unfit(name, rule, value);
        }
        result.add(element.cast(each));
      }
      return result;
    }
    throw unfit(name, rule, value);
  }

  private Unfit unfit(String name, String rule, @Nullable Object value) {
    if (value == null) {
      return new Unfit("a " + type + " record needs the field '" + name + "', " + rule);
    }
    String text = String.valueOf(value);
    String shown = text.length() > 60 ? text.substring(0, 60) + "..." : text;
    return new Unfit(
        "the field '" + name + "' of " + type + " must be " + rule + ", but was " + shown);
  }

  /** Copies a map, keeping its order. */
  static Map<String, Double> ordered(Map<String, Double> values) {
    return Collections.unmodifiableMap(new LinkedHashMap<>(values));
  }
}
