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

  /** Returns an object, or null if it is absent. */
  @Nullable Fields object(String name) throws Unfit {
    Object value = values.get(name);
    if (value == null) {
      return null;
    }
    if (value instanceof Map<?, ?> map) {
      @SuppressWarnings("unchecked") // the reader makes no other maps
      Map<String, Object> fields = (Map<String, Object>) map;
      return new Fields(type + "." + name, fields);
    }
    throw unfit(name, "an object", value);
  }

  /** Returns an object of whole numbers. */
  Map<String, Long> wholes(String name) throws Unfit {
    Map<String, Long> result = new LinkedHashMap<>();
    Fields object = object(name);
    if (object == null) {
      throw unfit(name, "an object of whole numbers", null);
    }
    for (String key : object.values.keySet()) {
      Long number = object.number(key);
      if (number != null) {
        result.put(key, number);
      }
    }
    return result;
  }

  /** Returns for each name of an object a count: a whole number, or the length of an array. */
  Map<String, Long> counts(String name) throws Unfit {
    Map<String, Long> result = new LinkedHashMap<>();
    Fields object = object(name);
    if (object == null) {
      throw unfit(name, "an object of arrays or counts", null);
    }
    for (Map.Entry<String, Object> entry : object.values.entrySet()) {
      if (entry.getValue() instanceof List<?> list) {
        result.put(entry.getKey(), (long) list.size());
      } else {
        Long number = object.number(entry.getKey());
        result.put(entry.getKey(), number == null ? 0 : number);
      }
    }
    return result;
  }

  /** Returns an array of arrays of whole numbers; empty if it is absent. */
  List<List<Long>> matrix(String name) throws Unfit {
    Object value = values.get(name);
    return value == null ? List.of() : matrix(name, value);
  }

  /** Returns an array of such arrays of arrays, of which each may be absent. */
  List<List<List<Long>>> matrices(String name) throws Unfit {
    List<List<List<Long>>> result = new ArrayList<>();
    Object value = values.get(name);
    if (value == null) {
      return result;
    }
    if (value instanceof List<?> list) {
      for (Object element : list) {
        // vLLM writes null for a request without new blocks.
        result.add(element == null ? List.of() : matrix(name, element));
      }
      return result;
    }
    throw unfit(name, "an array of block lists per group", value);
  }

  private List<List<Long>> matrix(String name, Object value) throws Unfit {
    List<List<Long>> result = new ArrayList<>();
    if (value instanceof List<?> list) {
      for (Object row : list) {
        List<Long> numbers = new ArrayList<>();
        if (!(row instanceof List<?> cells)) {
          throw unfit(name, "an array of block ids per group", value);
        }
        for (Object cell : cells) {
          if (!(cell instanceof Long number)) {
            throw unfit(name, "an array of block ids per group", value);
          }
          numbers.add(number);
        }
        result.add(numbers);
      }
      return result;
    }
    throw unfit(name, "an array of block ids per group", value);
  }

  /** Returns an array of objects; empty if it is absent in a foreign log. */
  List<Fields> objects(String name) throws Unfit {
    Object value = values.get(name);
    List<Fields> result = new ArrayList<>();
    if (value == null && !name.equals("batch")) {
      return result;
    }
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
