package io.headway.testkit.vectors;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.node.JsonNodeFactory;

/**
 * Runs the vectors of some algorithms of one suite against the library: it builds the algorithm
 * from {@code params}, feeds {@code input} and writes the result down as the suite's schema page
 * says. An adapter computes nothing itself.
 *
 * <p>Stateless; may be called from several threads.
 */
public interface VectorAdapter {
  /**
   * Returns the suite this adapter serves.
   *
   * @return for example {@code predictors}
   */
  String suite();

  /**
   * Returns whether this adapter can run a vector of its suite, judged by algorithm, kind and
   * operation only; never by the data.
   *
   * @param vector a vector of {@link #suite()}
   * @return false if the library lacks the algorithm or the operation
   */
  boolean supports(ConformanceVector vector);

  /**
   * Runs one vector.
   *
   * <p>An {@link IllegalArgumentException} thrown here stands for the result {@code {"error":
   * "invalid-argument"}}; other refusals are returned through {@link #error}. Read fields through
   * {@link JsonFields}, whose complaints are never taken for a refusal.
   *
   * @param vector a vector that {@link #supports} accepts
   * @return the result, in the shape of {@code expect}
   */
  JsonNode run(ConformanceVector vector);

  /**
   * Returns how the result is compared; override it for fields that are sets or not to be compared.
   *
   * @param vector the vector that was run
   * @return the suite's own rules by default
   */
  default VectorMatcher matcher(ConformanceVector vector) {
    return VectorMatcher.forSuite(vector.suite());
  }

  /**
   * Returns the result of a refused call.
   *
   * @param code the error code of the suite's schema page, such as {@code never-fits}
   * @return {@code {"error": code}}
   */
  static JsonNode error(String code) {
    return JsonNodeFactory.instance.objectNode().put("error", code);
  }
}
