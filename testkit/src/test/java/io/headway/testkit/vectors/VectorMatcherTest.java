package io.headway.testkit.vectors;

import static org.assertj.core.api.Assertions.assertThat;

import com.fasterxml.jackson.core.JsonProcessingException;
import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectMapper;
import com.fasterxml.jackson.databind.node.DoubleNode;
import com.fasterxml.jackson.databind.node.JsonNodeFactory;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

class VectorMatcherTest {
  private static JsonNode json(String text) {
    try {
      return new ObjectMapper().readTree(text);
    } catch (JsonProcessingException e) {
      throw new AssertionError(e);
    }
  }

  private static ConformanceVector vector(
      String suite, String expect, double absolute, double relative) {
    JsonNode none = JsonNodeFactory.instance.objectNode();
    return new ConformanceVector(
        suite, "a/b", "k", "a", "s#1", none, none, json(expect), absolute, relative, null);
  }

  private static String difference(String suite, String expect, String actual) {
    return VectorMatcher.forSuite(suite)
        .firstDifference(vector(suite, expect, 1e-9, 1e-9), json(actual))
        .orElse("none");
  }

  @ParameterizedTest
  @CsvSource(
      delimiter = '|',
      quoteCharacter = '`',
      textBlock =
          """
          {"x": 1}            | {"x": 1}            | none
          {"x": 1}            | {"x": 1.0}          | none
          {"x": 1}            | {"x": 1.0000000001} | none
          {"x": 1}            | {"x": 1.1}          | $.x: expected 1, but was 1.1
          {"x": 4000000000}   | {"x": 4000000001}   | $.x: expected 4000000000, but was 4000000001
          {"x": 0.5}          | {"x": 0.5000000001} | none
          {"x": 0.5}          | {"x": 0.6}          | $.x: expected 0.5, but was 0.6
          {"x": 0.5}          | {"x": "0.5"}        | $.x: expected 0.5, but was "0.5"
          {"x": null}         | {"x": 0}            | $.x: expected null, but was 0
          {"x": true}         | {"x": false}        | $.x: expected true, but was false
          {"x": 1}            | {}                  | $.x: expected 1, but was absent
          {"x": [1, 2]}       | {"x": [1]}          | $.x: expected 2 entries: [1,2], but was 1 entries: [1]
          {"x": [1, [2, 3]]}  | {"x": [1, [2, 4]]}  | $.x[1][1]: expected 3, but was 4
          {"x": [1, 2]}       | {"x": [2, 1]}       | $.x[0]: expected 1, but was 2
          {"x": {"a": 1}}     | {"x": [1]}          | $.x: expected {"a":1}, but was [1]
          {"x": 1}            | {"x": 1, "y": []}   | $.y: expected absent, but was []
          {"x": 1}            | {"error": "e"}      | $.error: expected no error, but was "e"
          {"error": "a"}      | {"error": "b"}      | $.error: expected "a", but was "b"
          """)
  void strictSuites(String expect, String actual, String difference) {
    assertThat(difference("predictors", expect, actual)).isEqualTo(difference);
    assertThat(difference("speculation", expect, actual)).isEqualTo(difference);
  }

  @Test
  void fieldsThatAreNotExpected() {
    assertThat(difference("batching", "{}", "{\"y\": []}")).isEqualTo("none");
    assertThat(difference("batching", "{}", "{\"y\": {}}")).isEqualTo("none");
    assertThat(difference("batching", "{}", "{\"y\": [1]}")).contains("$.y: expected absent");
    assertThat(difference("batching", "{}", "{\"y\": 0}")).contains("$.y: expected absent");
    for (String suite : new String[] {"cluster", "memory", "moe-routing"}) {
      assertThat(difference(suite, "{}", "{\"y\": 0}")).isEqualTo("none");
      assertThat(difference(suite, "{}", "{\"error\": \"e\"}")).contains("$.error");
    }
  }

  @Test
  void toleranceIsASumOrAMaximum() {
    for (String suite : new String[] {"batching", "moe-routing", "predictors", "speculation"}) {
      ConformanceVector vector = vector(suite, "{\"x\": 100.5}", 1, 0.01);
      assertThat(VectorMatcher.forSuite(suite).firstDifference(vector, json("{\"x\": 102.5}")))
          .isEmpty();
    }
    for (String suite : new String[] {"cluster", "memory"}) {
      ConformanceVector vector = vector(suite, "{\"x\": 100.5}", 1, 0.01);
      VectorMatcher matcher = VectorMatcher.forSuite(suite);
      assertThat(matcher.firstDifference(vector, json("{\"x\": 101.5}"))).isEmpty();
      assertThat(matcher.firstDifference(vector, json("{\"x\": 102.5}"))).isNotEmpty();
    }
  }

  @Test
  void notANumberNeverAgrees() {
    JsonNode actual =
        JsonNodeFactory.instance.objectNode().set("x", DoubleNode.valueOf(Double.NaN));
    assertThat(
            VectorMatcher.forSuite("cluster")
                .firstDifference(vector("cluster", "{\"x\": 1.5}", 1e300, 0), actual))
        .isNotEmpty();
  }

  @Test
  void setsAndIgnoredFields() {
    ConformanceVector vector = vector("speculation", "{\"x\": [[1, 2], [3]], \"y\": 1}", 0, 0);
    VectorMatcher matcher = VectorMatcher.forSuite("speculation");
    JsonNode shuffled = json("{\"x\": [[3], [1, 2]], \"y\": 2}");
    assertThat(matcher.firstDifference(vector, shuffled)).isNotEmpty();
    assertThat(matcher.withSets("x").ignoring("y").firstDifference(vector, shuffled)).isEmpty();
    assertThat(
            matcher
                .withSets("x")
                .ignoring("y")
                .firstDifference(vector, json("{\"x\": [[3], [2, 1]], \"y\": 2}")))
        .contains("$.x: expected a set with [1,2], but was [[3],[2,1]]");
  }
}
