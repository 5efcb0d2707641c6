package io.headway.testkit.vectors;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.node.ArrayNode;
import com.fasterxml.jackson.databind.node.JsonNodeFactory;
import com.fasterxml.jackson.databind.node.ObjectNode;
import io.headway.api.prediction.PeakTokens;
import io.headway.batching.fairness.ServiceCost;
import io.headway.batching.fairness.VtcLedger;
import java.util.LinkedHashMap;
import java.util.Map;
import java.util.function.Function;

/** The formulas, orders and plans of the suite {@code batching}, by {@code algorithm.function}. */
final class BatchingFunctions {
  private static final JsonNodeFactory JSON = JsonNodeFactory.instance;

  private BatchingFunctions() {}

  static Map<String, Function<ConformanceVector, JsonNode>> all() {
    Map<String, Function<ConformanceVector, JsonNode>> all = new LinkedHashMap<>();
    all.put("vtc.serviceBound", BatchingFunctions::vtcServiceBound);
    all.put("vtc.profiledCost", BatchingFunctions::vtcProfiledCost);
    all.put("vtc.fits", BatchingFunctions::vtcFits);
    all.put("vtc.predictionUpdate", BatchingFunctions::vtcPredictionUpdate);
    return all;
  }

  private static JsonNode vtcServiceBound(ConformanceVector vector) {
    VtcLedger.ServiceBound bound =
        VtcLedger.serviceBound(
            JsonFields.doubleOf(vector.params(), "inputPrice"),
            JsonFields.doubleOf(vector.params(), "outputPrice"),
            JsonFields.longOf(vector.input(), "longestPromptTokens"),
            JsonFields.longOf(vector.input(), "batchTokens"));
    return JSON.objectNode()
        .put("unit", bound.unit())
        .put("backloggedPairBound", bound.backloggedPair())
        .put("backloggedAgainstAnyBound", bound.backloggedAgainstAny())
        .put("lowerBound", bound.lowerBound());
  }

  private static JsonNode vtcProfiledCost(ConformanceVector vector) {
    int promptTokens = JsonFields.intOf(vector.input(), "promptTokens");
    int outputTokens = JsonFields.intOf(vector.input(), "outputTokens");
    ServiceCost cost = ServiceCost.PROFILED;
    ObjectNode result =
        JSON.objectNode()
            .put("cost", cost.of(promptTokens, outputTokens))
            .put("admissionCharge", cost.of(promptTokens, 0));
    if (outputTokens == 0) {
      result.putNull("lastOutputCharge");
    } else {
      result.put("lastOutputCharge", cost.ofOutputToken(promptTokens, outputTokens));
    }
    return result;
  }

  private static JsonNode vtcFits(ConformanceVector vector) {
    PeakTokens peak = new PeakTokens();
    for (JsonNode request : JsonFields.arrayOf(vector.input(), "requests")) {
      peak.add(
          JsonFields.intOf(request, "currentTokens"), JsonFields.intOf(request, "remainingTokens"));
    }
    long needed = peak.peakTokens();
    return JSON.objectNode()
        .put("neededTokens", needed)
        .put("fits", needed < JsonFields.longOf(vector.params(), "capacityTokens"));
  }

  private static JsonNode vtcPredictionUpdate(ConformanceVector vector) {
    ObjectNode result = JSON.objectNode();
    ArrayNode predictions = result.putArray("predictions");
    double average = Double.NaN;
    for (int observed : JsonFields.intsOf(vector.input(), "observedTokens")) {
      average = VtcLedger.updatedAverage(average, observed);
      predictions.add(average);
    }
    return result;
  }
}
