package io.headway.testkit.vectors;

import static org.assertj.core.api.Assertions.assertThat;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.node.ArrayNode;
import com.fasterxml.jackson.databind.node.JsonNodeFactory;
import com.fasterxml.jackson.databind.node.ObjectNode;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.LinkedHashSet;
import java.util.List;
import java.util.Map;
import java.util.Set;
import org.junit.jupiter.api.Test;

/**
 * Takes one vector of every algorithm and function of the suite {@code batching}, damages one value
 * of it at a time, and asks that the outcome says in one line what was wrong or goes on to an
 * answer. A hang or an {@link Error} fails the test by itself.
 */
class DamagedVectorsTest {
  private static final JsonNodeFactory JSON = JsonNodeFactory.instance;

  /** Removal, which is no value. */
  private static final JsonNode GONE = JSON.pojoNode("gone");

  private static final List<JsonNode> DAMAGES =
      List.of(
          GONE,
          JSON.nullNode(),
          JSON.textNode("nobody"),
          JSON.numberNode(-1),
          JSON.numberNode(Integer.MAX_VALUE),
          JSON.arrayNode());

  @Test
  void nothingSurprises() {
    VectorRunner runner = VectorRunner.standard();
    List<String> surprises = new ArrayList<>();
    int runs = 0;
    for (ConformanceVector vector : oneOfEach()) {
      ObjectNode whole = JSON.objectNode();
      whole.set("params", vector.params());
      whole.set("input", vector.input());
      Map<String, List<Object>> places = new LinkedHashMap<>();
      collect(whole, "", List.of(), places);
      for (List<Object> place : places.values()) {
        for (JsonNode damage : DAMAGES) {
          ObjectNode damaged = whole.deepCopy();
          put(damaged, place, damage);
          if (!damaged.path("params").isObject() || !damaged.path("input").isObject()) {
            continue;
          }
          VectorOutcome outcome = runner.run(with(vector, damaged));
          runs++;
          String difference = outcome.difference();
          if (difference.contains("unexpected ") || difference.contains("\n")) {
            surprises.add(vector.id() + " " + place + " " + damage + ": " + difference);
          }
        }
      }
    }
    assertThat(surprises).isEmpty();
    assertThat(runs).isGreaterThan(2000);
  }

  @Test
  void aComplaintNamesTheFieldAndTheRule() {
    assertThat(damaged("fineinfer", "params", "fineTuneSeconds", JSON.numberNode(0)))
        .contains("field fineTuneSeconds in ns must be from 1 to");
    assertThat(damaged("past-future", "params", "historyWindow", JSON.numberNode(1 << 30)))
        .contains("historyWindow must be at most 1048576 outputs, but was 1073741824");
    assertThat(damaged("vtc", "input", "instance", GONE)).contains("field instance is missing");
  }

  private static String damaged(String algorithm, String part, String field, JsonNode damage) {
    for (ConformanceVector vector : VectorReader.bundled("batching").vectors()) {
      if (vector.algorithm().equals(algorithm) && vector.kind().equals("schedule.run")) {
        ObjectNode whole = JSON.objectNode();
        whole.set("params", vector.params());
        whole.set("input", vector.input());
        ObjectNode copy = whole.deepCopy();
        put(copy, List.of(part, field), damage);
        return VectorRunner.standard().run(with(vector, copy)).difference();
      }
    }
    throw new AssertionError("no run of " + algorithm);
  }

  /** The first vector of each algorithm and function that has more than nothing in it. */
  private static List<ConformanceVector> oneOfEach() {
    Map<String, ConformanceVector> each = new LinkedHashMap<>();
    for (ConformanceVector vector : VectorReader.bundled("batching").vectors()) {
      each.putIfAbsent(
          vector.algorithm() + "." + vector.input().path("function").asText(""), vector);
    }
    return List.copyOf(each.values());
  }

  private static ConformanceVector with(ConformanceVector vector, ObjectNode whole) {
    return new ConformanceVector(
        vector.suite(),
        vector.id(),
        vector.kind(),
        vector.algorithm(),
        vector.sheet(),
        whole.get("params"),
        whole.get("input"),
        vector.expect(),
        vector.absoluteTolerance(),
        vector.relativeTolerance(),
        null);
  }

  /** One place for each path, whatever the indices in it. */
  private static void collect(
      JsonNode node, String shape, List<Object> place, Map<String, List<Object>> places) {
    if (!place.isEmpty()) {
      places.putIfAbsent(shape, place);
    }
    Set<Object> keys = new LinkedHashSet<>();
    if (node.isObject()) {
      node.fieldNames().forEachRemaining(keys::add);
    } else {
      for (int i = 0; i < node.size(); i++) {
        keys.add(i);
      }
    }
    for (Object key : keys) {
      if (key.equals("function")) {
        continue;
      }
      List<Object> inner = new ArrayList<>(place);
      inner.add(key);
      JsonNode child = key instanceof Integer i ? node.get(i) : node.get((String) key);
      collect(child, shape + "/" + (key instanceof Integer ? "#" : key), inner, places);
    }
  }

  private static void put(ObjectNode root, List<Object> place, JsonNode value) {
    JsonNode node = root;
    for (Object key : place.subList(0, place.size() - 1)) {
      node = key instanceof Integer i ? node.get(i) : node.get((String) key);
    }
    Object last = place.get(place.size() - 1);
    if (last instanceof Integer i) {
      if (value == GONE) {
        ((ArrayNode) node).remove(i);
      } else {
        ((ArrayNode) node).set(i, value);
      }
    } else if (value == GONE) {
      ((ObjectNode) node).remove((String) last);
    } else {
      ((ObjectNode) node).set((String) last, value);
    }
  }
}
