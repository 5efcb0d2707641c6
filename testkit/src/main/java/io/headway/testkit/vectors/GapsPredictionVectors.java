package io.headway.testkit.vectors;

import static io.headway.testkit.vectors.JsonFields.arrayOf;
import static io.headway.testkit.vectors.JsonFields.booleanOf;
import static io.headway.testkit.vectors.JsonFields.doubleOf;
import static io.headway.testkit.vectors.JsonFields.doubleRowsOf;
import static io.headway.testkit.vectors.JsonFields.doublesOf;
import static io.headway.testkit.vectors.JsonFields.intOf;
import static io.headway.testkit.vectors.JsonFields.textOf;
import static io.headway.testkit.vectors.JsonResults.array;
import static io.headway.testkit.vectors.JsonResults.object;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.node.ArrayNode;
import com.fasterxml.jackson.databind.node.ObjectNode;
import io.headway.api.Request;
import io.headway.api.Stateless;
import io.headway.api.prediction.Estimate;
import io.headway.api.prediction.ServiceTimePredictor;
import io.headway.predictors.calibration.EmaCalibrator;
import io.headway.predictors.evaluation.ErrorInjection;
import io.headway.predictors.service.TypeLinearServiceTime;
import java.util.Map;
import java.util.TreeMap;

/** Runs the vectors of the suite {@code cluster} about the predictor and calibration of GAPS. */
final class GapsPredictionVectors implements VectorAdapter {
  @Override
  public String suite() {
    return "cluster";
  }

  @Override
  public boolean supports(ConformanceVector vector) {
    return switch (vector.algorithm()) {
      case "gaps.type-linear", "gaps.error-injection", "gaps.calibration" -> true;
      default -> false;
    };
  }

  @Override
  public JsonNode run(ConformanceVector vector) {
    return switch (vector.algorithm()) {
      case "gaps.type-linear" -> typeLinear(vector.params(), vector.input());
      case "gaps.error-injection" -> errorInjection(vector.params(), vector.input());
      case "gaps.calibration" -> calibration(vector.params(), vector.input());
      default -> throw new VectorFormatException("unknown algorithm " + vector.algorithm());
    };
  }

  private static JsonNode typeLinear(JsonNode params, JsonNode input) {
    TypeLinearServiceTime<Stateless> predictor =
        new TypeLinearServiceTime<>(
            new TypeLinearServiceTime.Config(
                intOf(params, "window", 512),
                intOf(params, "minCompletions", 32),
                1,
                doubleOf(params, "minSeconds", 1e-3)),
            new FixedServiceTime(doubleOf(input, "costModelSeconds")));
    TypeLinearServiceTime.Lines<Stateless> state = predictor.newState();
    for (double[] completion : doubleRowsOf(input, "completions")) {
      Request request = Request.of("r", (int) completion[0], 1);
      predictor.observe(state, request, 0, 1, completion[1]);
    }
    Estimate estimate = new Estimate();
    predictor.estimateSeconds(state, Request.of("r", intOf(input, "promptTokens"), 1), 0, estimate);
    TypeLinearServiceTime.Line line = state.line("");
    ObjectNode result = object();
    if (line == null) {
      result.put("branch", "cost-model");
    } else {
      result.put("branch", "linear");
      result.put("intercept", line.intercept()).put("slope", line.slope());
    }
    return result.put("predictedSeconds", estimate.value());
  }

  private static JsonNode errorInjection(JsonNode params, JsonNode input) {
    ErrorInjection.Distribution distribution =
        ErrorInjection.Distribution.valueOf(textOf(params, "distribution"));
    ErrorInjection injection = new ErrorInjection(distribution, doubleOf(params, "level"), 1);
    double[] draws =
        switch (distribution) {
          case UNIFORM -> doublesOf(input, "uniforms");
          case GAUSSIAN, LOG_NORMAL -> doublesOf(input, "normals");
          case BIASED -> new double[1];
        };
    ArrayNode predicted = array();
    for (double draw : draws) {
      predicted.add(injection.disturb(doubleOf(input, "serviceSeconds"), draw));
    }
    return object().set("predictedSeconds", predicted);
  }

  private static JsonNode calibration(JsonNode params, JsonNode input) {
    EmaCalibrator calibrator =
        new EmaCalibrator(
            new EmaCalibrator.Config(
                doubleOf(params, "lambda", 0.1),
                doubleOf(params, "betaMae", 0.5),
                doubleOf(params, "gammaMape", 0.5),
                doubleOf(params, "epsilon", 0.2),
                textOf(params, "deadlineMode", "MARGIN").equals("MARGIN")
                    ? EmaCalibrator.DeadlineForm.MARGIN
                    : EmaCalibrator.DeadlineForm.PLAIN,
                doubleOf(params, "minServiceSeconds", 1e-3),
                textOf(params, "errorMode", "UNSIGNED").equals("SIGNED"),
                EmaCalibrator.Control.ADDITIVE,
                doubleOf(params, "eta", 0.05),
                doubleOf(params, "targetViolationRate", 0.05)));
    boolean perType = textOf(params, "scope", "cluster").equals("per-type");
    // Errors are kept per scope; the coefficients are one pair, moved in every scope alike.
    EmaCalibrator.Errors pattern = calibrator.newState();
    Map<String, EmaCalibrator.Errors> byScope = new TreeMap<>();
    JsonNode events = arrayOf(input, "events");
    for (JsonNode event : events) {
      byScope.computeIfAbsent(scope(perType, event), type -> calibrator.newState());
    }
    ArrayNode steps = array();
    for (JsonNode event : events) {
      EmaCalibrator.Errors errors =
          byScope.computeIfAbsent(scope(perType, event), type -> calibrator.newState());
      ObjectNode step = steps.addObject();
      switch (textOf(event, "type")) {
        case "complete" -> {
          if (!booleanOf(event, "migrated", false) && !booleanOf(event, "cancelled", false)) {
            calibrator.observe(
                errors, doubleOf(event, "predictedSeconds"), doubleOf(event, "observedSeconds"));
          }
          step.put("maeSeconds", errors.mae()).put("mape", errors.mape());
          step.put("samples", errors.samples());
        }
        case "predict" -> {
          double predicted = doubleOf(event, "predictedSeconds");
          double duration = calibrator.deadline(errors, predicted);
          step.put("calibratedSeconds", calibrator.adjust(errors, predicted));
          step.put("deadlineDurationSeconds", duration);
          step.put("deadlineSeconds", doubleOf(event, "arrivalSeconds") + duration);
        }
        case "interval" -> {
          int violations = intOf(event, "violations");
          int completions = intOf(event, "completions");
          calibrator.control(pattern, violations, completions);
          byScope.values().forEach(all -> calibrator.control(all, violations, completions));
          step.put("betaMae", pattern.betaMae()).put("gammaMape", pattern.gammaMape());
        }
        default -> throw new VectorFormatException("unknown event " + textOf(event, "type"));
      }
    }
    return object().set("steps", steps);
  }

  private static String scope(boolean perType, JsonNode event) {
    return perType ? textOf(event, "workloadType", "") : "";
  }

  /** Stands for a cost model: the same time for every request. */
  private record FixedServiceTime(double seconds) implements ServiceTimePredictor<Stateless> {
    @Override
    public String id() {
      return "fixed";
    }

    @Override
    public Stateless newState() {
      return Stateless.STATE;
    }

    @Override
    public void estimateSeconds(Stateless state, Request request, int cachedTokens, Estimate into) {
      into.point(seconds);
    }

    @Override
    public void observe(
        Stateless state,
        Request request,
        int cachedTokens,
        int outputTokens,
        double serviceSeconds) {}
  }
}
