package io.headway.testkit.vectors;

import com.fasterxml.jackson.databind.JsonNode;
import java.nio.file.Path;
import org.jspecify.annotations.Nullable;

/**
 * One vector of a suite: which rule to run, on what, and what must come out.
 *
 * @param suite name of the suite, such as {@code predictors}
 * @param id {@code <algorithm>/<short name>}, unique in its suite
 * @param kind shape of the exchange, such as {@code predict.formula}
 * @param algorithm which rule is meant
 * @param sheet file and section that define the rule
 * @param params configuration, an object
 * @param input data of the call, an object
 * @param expect what must come out, an object; {@code {"error": code}} if the call must be refused
 * @param absoluteTolerance {@code tolerance.abs}, finite and at least 0
 * @param relativeTolerance {@code tolerance.rel}, finite and at least 0
 * @param file where the vector was read from; null for a bundled suite
 */
public record ConformanceVector(
    String suite,
    String id,
    String kind,
    String algorithm,
    String sheet,
    JsonNode params,
    JsonNode input,
    JsonNode expect,
    double absoluteTolerance,
    double relativeTolerance,
    @Nullable Path file) {

  /**
   * Returns the operation that {@code params.op} selects.
   *
   * @return the operation, or an empty string if {@code params} has no text field {@code op}
   */
  public String operation() {
    return params.path("op").asText("");
  }
}
