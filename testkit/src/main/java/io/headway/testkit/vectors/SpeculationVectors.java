package io.headway.testkit.vectors;

import static io.headway.testkit.vectors.JsonFields.doubleOf;
import static io.headway.testkit.vectors.JsonFields.doubleRowsOf;
import static io.headway.testkit.vectors.JsonFields.doublesOf;
import static io.headway.testkit.vectors.JsonFields.intOf;
import static io.headway.testkit.vectors.JsonFields.intsOf;
import static io.headway.testkit.vectors.JsonResults.object;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.node.ObjectNode;
import io.headway.batching.speculation.AcceptanceRate;
import io.headway.batching.speculation.LeviathanModel;
import io.headway.batching.speculation.verification.ChainVerification;
import io.headway.batching.speculation.verification.OutputLaw;
import io.headway.batching.speculation.verification.SpeculativeSampling;
import io.headway.batching.speculation.verification.ZeroDraftProbabilityException;
import java.util.Map;
import java.util.OptionalDouble;
import java.util.function.BiFunction;

/** Runs the vectors of the suite {@code speculation}. */
final class SpeculationVectors implements VectorAdapter {
  private static final Map<String, BiFunction<JsonNode, JsonNode, JsonNode>> OPERATIONS =
      Map.ofEntries(
          Map.entry("expectedTokens", SpeculationVectors::expectedTokens),
          Map.entry("speedup", SpeculationVectors::speedup),
          Map.entry("operationFactor", SpeculationVectors::operationFactor),
          Map.entry("bestGamma", SpeculationVectors::bestGamma),
          Map.entry("acceptanceProbability", SpeculationVectors::acceptanceProbability),
          Map.entry("alphaEstimate", SpeculationVectors::alphaEstimate),
          Map.entry("clipDraft", SpeculationVectors::clipDraft),
          Map.entry("chain", SpeculationVectors::chain),
          Map.entry("firstToken", SpeculationVectors::firstToken),
          Map.entry("acceptedLength", SpeculationVectors::acceptedLength));

  @Override
  public String suite() {
    return "speculation";
  }

  @Override
  public boolean supports(ConformanceVector vector) {
    return OPERATIONS.containsKey(vector.operation());
  }

  @Override
  public JsonNode run(ConformanceVector vector) {
    BiFunction<JsonNode, JsonNode, JsonNode> operation = OPERATIONS.get(vector.operation());
    if (operation == null) {
      throw new VectorFormatException("unknown operation " + vector.operation());
    }
    try {
      return operation.apply(vector.params(), vector.input());
    } catch (ZeroDraftProbabilityException e) {
      return VectorAdapter.error("zero-draft-probability");
    }
  }

  private static JsonNode expectedTokens(JsonNode params, JsonNode input) {
    return object()
        .put(
            "expectedTokens",
            LeviathanModel.expectedTokens(doubleOf(input, "alpha"), intOf(input, "gamma")));
  }

  private static JsonNode speedup(JsonNode params, JsonNode input) {
    return object()
        .put(
            "speedup",
            LeviathanModel.speedup(
                doubleOf(input, "alpha"), intOf(input, "gamma"), doubleOf(input, "costRatio")));
  }

  private static JsonNode operationFactor(JsonNode params, JsonNode input) {
    return object()
        .put(
            "operationFactor",
            LeviathanModel.operationFactor(
                doubleOf(input, "alpha"),
                intOf(input, "gamma"),
                doubleOf(input, "operationRatio")));
  }

  private static JsonNode bestGamma(JsonNode params, JsonNode input) {
    double alpha = doubleOf(input, "alpha");
    double cost = doubleOf(input, "costRatio");
    int gamma = LeviathanModel.bestGamma(alpha, cost, intOf(input, "gammaMax"));
    return object().put("gamma", gamma).put("speedup", LeviathanModel.speedup(alpha, gamma, cost));
  }

  private static JsonNode acceptanceProbability(JsonNode params, JsonNode input) {
    double[] target = doublesOf(input, "targetProbs");
    double[] draft = doublesOf(input, "draftProbs");
    ObjectNode result =
        object()
            .put("acceptance", SpeculativeSampling.acceptance(target, draft))
            .put("distance", SpeculativeSampling.distance(target, draft));
    return result.set(
        "residual", JsonResults.nullable(SpeculativeSampling.residual(target, draft)));
  }

  private static JsonNode alphaEstimate(JsonNode params, JsonNode input) {
    int[] drafted = intsOf(input, "drafted");
    int[] accepted = intsOf(input, "accepted");
    if (drafted.length != accepted.length) {
      throw new VectorFormatException("drafted and accepted must be of one length");
    }
    AcceptanceRate rate = new AcceptanceRate();
    for (int i = 0; i < drafted.length; i++) {
      rate.add(drafted[i], accepted[i]);
    }
    ObjectNode result = object().put("tested", rate.tested());
    return result.set(
        "alpha",
        JsonResults.of(
            rate.tested() == 0 ? OptionalDouble.empty() : OptionalDouble.of(rate.alpha())));
  }

  private static JsonNode clipDraft(JsonNode params, JsonNode input) {
    return object()
        .put(
            "gamma",
            LeviathanModel.clip(intOf(input, "gamma"), intOf(input, "remainingOutputTokens")));
  }

  private static JsonNode chain(JsonNode params, JsonNode input) {
    ChainVerification result =
        ChainVerification.verify(
            intsOf(input, "draftTokens"),
            doubleRowsOf(input, "targetProbs"),
            doubleRowsOf(input, "draftProbs"),
            doublesOf(input, "acceptUniforms"),
            doubleOf(input, "finalUniform"),
            JsonFields.optionalInt(input, "endOfSequenceToken").orElse(ChainVerification.NO_END));
    ObjectNode node = object().put("acceptedDrafts", result.acceptedDrafts());
    node.set("emitted", JsonResults.of(result.emitted()));
    node.set("finalDistribution", JsonResults.nullable(result.finalDistribution()));
    return node.put("uniformsUsed", result.uniformsUsed());
  }

  private static JsonNode firstToken(JsonNode params, JsonNode input) {
    OutputLaw law =
        OutputLaw.firstToken(doublesOf(input, "targetProbs"), doublesOf(input, "draftProbs"));
    ObjectNode node = object();
    node.set("distribution", JsonResults.of(law.distribution()));
    return node.put("rejection", law.rejection()).put("lossless", law.lossless());
  }

  private static JsonNode acceptedLength(JsonNode params, JsonNode input) {
    double[][] target = doubleRowsOf(input, "targetProbs");
    double[][] draft = doubleRowsOf(input, "draftProbs");
    if (target.length != draft.length) {
      throw new IllegalArgumentException("targetProbs and draftProbs must have equally many rows");
    }
    double[] acceptance = new double[target.length];
    for (int i = 0; i < acceptance.length; i++) {
      acceptance[i] = SpeculativeSampling.acceptance(target[i], draft[i]);
    }
    double[] probabilities = OutputLaw.acceptedLengths(acceptance);
    ObjectNode node = object();
    node.set("acceptance", JsonResults.of(acceptance));
    node.set("probabilities", JsonResults.of(probabilities));
    return node.put("meanEmittedTokens", OutputLaw.meanEmitted(probabilities));
  }
}
