package io.headway.testkit.vectors;

import com.fasterxml.jackson.databind.JsonNode;
import java.util.Map;
import java.util.function.Function;

/**
 * Runs the vectors of the suite {@code batching} for systems that reorder by service, prediction,
 * prefixes or readers.
 */
final class ReorderingVectors implements VectorAdapter {
  private static final String RUN = "schedule.run";

  private final Map<String, Function<ConformanceVector, JsonNode>> runs = ReorderingRuns.all();
  private final Map<String, Function<ConformanceVector, JsonNode>> functions =
      ReorderingFunctions.all();

  @Override
  public String suite() {
    return "batching";
  }

  @Override
  public boolean supports(ConformanceVector vector) {
    return vector.kind().equals(RUN)
        ? runs.containsKey(vector.algorithm())
        : functions.containsKey(function(vector));
  }

  private static String function(ConformanceVector vector) {
    return vector.algorithm() + "." + vector.input().path("function").asText("");
  }

  @Override
  public JsonNode run(ConformanceVector vector) {
    Function<ConformanceVector, JsonNode> run =
        vector.kind().equals(RUN) ? runs.get(vector.algorithm()) : functions.get(function(vector));
    if (run == null) {
      throw new IllegalArgumentException(
          "algorithm and function must be supported ones, but were " + function(vector));
    }
    return run.apply(vector);
  }
}
