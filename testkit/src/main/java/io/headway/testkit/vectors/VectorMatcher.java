package io.headway.testkit.vectors;

import com.fasterxml.jackson.databind.JsonNode;
import java.util.HashSet;
import java.util.Map;
import java.util.Optional;
import java.util.Set;
import org.jspecify.annotations.Nullable;

/**
 * Finds the first difference between an expected and an actual result, by the rules of a suite's
 * schema page.
 *
 * <ul>
 *   <li>Strings, booleans, nulls and the lengths and order of arrays must be equal; objects compare
 *       by name.
 *   <li>Two whole numbers written without a decimal point must be equal. Any other pair of numbers
 *       {@code (a, e)} agrees if {@code |a - e| <= abs + rel |e|} ({@code batching}, {@code
 *       moe-routing}, {@code predictors}, {@code speculation}) or {@code |a - e| <= max(abs, rel
 *       |e|)} ({@code cluster}, {@code memory}).
 *   <li>A field that is not expected: refused ({@code predictors}, {@code speculation}), refused
 *       unless it is an empty array or object ({@code batching}), or not looked at (the others). A
 *       field {@code error} that is not expected is always a difference.
 * </ul>
 *
 * <p>Immutable and thread-safe.
 */
public final class VectorMatcher {
  private enum Extra {
    REFUSED,
    REFUSED_UNLESS_EMPTY,
    IGNORED
  }

  private static final int MAX_SHOWN_CHARACTERS = 120;

  private final boolean sumOfTolerances;
  private final Extra extra;
  private final Set<String> sets;
  private final Set<String> ignored;

  private VectorMatcher(
      boolean sumOfTolerances, Extra extra, Set<String> sets, Set<String> ignored) {
    this.sumOfTolerances = sumOfTolerances;
    this.extra = extra;
    this.sets = sets;
    this.ignored = ignored;
  }

  /**
   * Returns the rules of one suite.
   *
   * @param suite the suite's name; an unknown one gets the strictest rules
   * @return the matcher
   */
  public static VectorMatcher forSuite(String suite) {
    boolean sum = !suite.equals("cluster") && !suite.equals("memory");
    Extra extra =
        switch (suite) {
          case "batching" -> Extra.REFUSED_UNLESS_EMPTY;
          case "cluster", "memory", "moe-routing" -> Extra.IGNORED;
          default -> Extra.REFUSED;
        };
    return new VectorMatcher(sum, extra, Set.of(), Set.of());
  }

  /**
   * Returns a matcher that compares some arrays without regard to order.
   *
   * @param fields names of the fields that hold the arrays, at any depth; {@code plan[]} for the
   *     arrays in the array {@code plan}
   * @return a new matcher
   */
  public VectorMatcher withSets(String... fields) {
    return new VectorMatcher(sumOfTolerances, extra, union(sets, fields), ignored);
  }

  /**
   * Returns a matcher that does not look at some fields.
   *
   * @param fields names of the fields, at any depth
   * @return a new matcher
   */
  public VectorMatcher ignoring(String... fields) {
    return new VectorMatcher(sumOfTolerances, extra, sets, union(ignored, fields));
  }

  /**
   * Compares the result of a vector.
   *
   * @param vector the vector with its expectation and tolerances
   * @param actual what came out
   * @return the first difference with its JSON path, such as {@code $.steps[2].error: expected 0.5,
   *     but was 0.7}; empty if there is none
   */
  public Optional<String> firstDifference(ConformanceVector vector, JsonNode actual) {
    return Optional.ofNullable(difference(vector, "$", "", vector.expect(), actual));
  }

  private @Nullable String difference(
      ConformanceVector vector, String path, String field, JsonNode expected, JsonNode actual) {
    if (expected.isObject() && actual.isObject()) {
      return objectDifference(vector, path, expected, actual);
    }
    if (expected.isArray() && actual.isArray()) {
      if (expected.size() != actual.size()) {
        return at(
            path,
            expected.size() + " entries: " + show(expected),
            actual.size() + " entries: " + show(actual));
      }
      return sets.contains(field)
          ? setDifference(vector, path, expected, actual)
          : arrayDifference(vector, path, field, expected, actual);
    }
    return leavesAgree(vector, expected, actual) ? null : at(path, show(expected), show(actual));
  }

  private @Nullable String objectDifference(
      ConformanceVector vector, String path, JsonNode expected, JsonNode actual) {
    // A refusal explains every other difference, so it is reported first.
    if (actual.has("error") && !expected.has("error") && !ignored.contains("error")) {
      return at(path + ".error", "no error", show(actual.get("error")));
    }
    for (Map.Entry<String, JsonNode> entry : expected.properties()) {
      String name = entry.getKey();
      if (ignored.contains(name)) {
        continue;
      }
      JsonNode value = actual.get(name);
      String found =
          value == null
              ? at(path + "." + name, show(entry.getValue()), "absent")
              : difference(vector, path + "." + name, name, entry.getValue(), value);
      if (found != null) {
        return found;
      }
    }
    if (extra != Extra.IGNORED) {
      for (Map.Entry<String, JsonNode> entry : actual.properties()) {
        boolean empty = entry.getValue().isContainerNode() && entry.getValue().isEmpty();
        if (!expected.has(entry.getKey())
            && !ignored.contains(entry.getKey())
            && !(empty && extra == Extra.REFUSED_UNLESS_EMPTY)) {
          return at(path + "." + entry.getKey(), "absent", show(entry.getValue()));
        }
      }
    }
    return null;
  }

  private @Nullable String arrayDifference(
      ConformanceVector vector, String path, String field, JsonNode expected, JsonNode actual) {
    for (int i = 0; i < expected.size(); i++) {
      String found =
          difference(vector, path + "[" + i + "]", field + "[]", expected.get(i), actual.get(i));
      if (found != null) {
        return found;
      }
    }
    return null;
  }

  private @Nullable String setDifference(
      ConformanceVector vector, String path, JsonNode expected, JsonNode actual) {
    boolean[] used = new boolean[actual.size()];
    for (int i = 0; i < expected.size(); i++) {
      boolean found = false;
      for (int j = 0; j < used.length && !found; j++) {
        // Elements of a set are ordered inside; the empty field name says so.
        found = !used[j] && difference(vector, "$", "", expected.get(i), actual.get(j)) == null;
        used[j] |= found;
      }
      if (!found) {
        return at(path, "a set with " + show(expected.get(i)), show(actual));
      }
    }
    return null;
  }

  private boolean leavesAgree(ConformanceVector vector, JsonNode expected, JsonNode actual) {
    if (!expected.isNumber() || !actual.isNumber()) {
      return expected.equals(actual);
    }
    if (expected.isIntegralNumber() && actual.isIntegralNumber()) {
      return expected.bigIntegerValue().equals(actual.bigIntegerValue());
    }
    double want = expected.doubleValue();
    double relative = vector.relativeTolerance() * Math.abs(want);
    double allowed =
        sumOfTolerances
            ? vector.absoluteTolerance() + relative
            : Math.max(vector.absoluteTolerance(), relative);
    // Written so that a NaN never agrees.
    return Math.abs(actual.doubleValue() - want) <= allowed;
  }

  static String show(JsonNode node) {
    String text = node.toString();
    return text.length() <= MAX_SHOWN_CHARACTERS
        ? text
        : text.substring(0, MAX_SHOWN_CHARACTERS) + "...";
  }

  private static String at(String path, String expected, String actual) {
    return path + ": expected " + expected + ", but was " + actual;
  }

  private static Set<String> union(Set<String> names, String... more) {
    Set<String> all = new HashSet<>(names);
    all.addAll(Set.of(more));
    return Set.copyOf(all);
  }
}
