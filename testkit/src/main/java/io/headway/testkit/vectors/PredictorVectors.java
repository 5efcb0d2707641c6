package io.headway.testkit.vectors;

import static io.headway.testkit.vectors.JsonFields.arrayOf;
import static io.headway.testkit.vectors.JsonFields.doubleOf;
import static io.headway.testkit.vectors.JsonFields.doubleRowsOf;
import static io.headway.testkit.vectors.JsonFields.doublesOf;
import static io.headway.testkit.vectors.JsonFields.intOf;
import static io.headway.testkit.vectors.JsonFields.intsOf;
import static io.headway.testkit.vectors.JsonFields.optionalDouble;
import static io.headway.testkit.vectors.JsonFields.optionalInt;
import static io.headway.testkit.vectors.JsonFields.textOf;
import static io.headway.testkit.vectors.JsonResults.array;
import static io.headway.testkit.vectors.JsonResults.finite;
import static io.headway.testkit.vectors.JsonResults.object;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.node.ArrayNode;
import com.fasterxml.jackson.databind.node.ObjectNode;
import io.headway.api.prediction.IterationShape;
import io.headway.api.prediction.LengthEstimate;
import io.headway.api.prediction.OutputHistory;
import io.headway.api.prediction.PeakTokens;
import io.headway.predictors.arrival.ArDifferences;
import io.headway.predictors.arrival.HoltWinters;
import io.headway.predictors.arrival.HoltWintersSmoother;
import io.headway.predictors.calibration.AdaptiveConformalCalibrator;
import io.headway.predictors.calibration.ConformalForm;
import io.headway.predictors.calibration.ConformalScores;
import io.headway.predictors.calibration.EmaCalibrator;
import io.headway.predictors.calibration.QuantileRegression;
import io.headway.predictors.calibration.QuantileTracker;
import io.headway.predictors.drift.Adwin;
import io.headway.predictors.drift.PageHinkley;
import io.headway.predictors.evaluation.ErrorInjection;
import io.headway.predictors.evaluation.IntervalErrors;
import io.headway.predictors.evaluation.PointErrors;
import io.headway.predictors.evaluation.RankCorrelation;
import io.headway.predictors.iteration.LinearIterationTime;
import io.headway.predictors.iteration.VidurFeatures;
import io.headway.predictors.length.BucketCounts;
import io.headway.predictors.length.DoublingReservation;
import io.headway.predictors.length.LengthBuckets;
import io.headway.predictors.length.LengthHistogram;
import io.headway.predictors.length.LinearRanker;
import io.headway.predictors.length.ListMle;
import io.headway.predictors.length.PastFuture;
import io.headway.predictors.length.PastFutureAdmission;
import io.headway.predictors.length.ProxyOutput;
import io.headway.predictors.length.RidgeRemainingLength;
import io.headway.predictors.length.TrailPosterior;
import io.headway.predictors.length.WindowedLength;
import io.headway.predictors.prefix.CheApproximation;
import io.headway.predictors.prefix.PrefixMirror;
import io.headway.predictors.prefix.PrefixStatistics;
import io.headway.predictors.regression.LeastSquares;
import io.headway.predictors.regression.RecursiveLeastSquares;
import io.headway.predictors.regression.TinyMlp;
import io.headway.predictors.service.LatencyHeadroom;
import io.headway.predictors.service.WaitingTime;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.HashMap;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.OptionalDouble;
import java.util.OptionalInt;
import java.util.function.BiFunction;

/** Runs the vectors of the suite {@code predictors}. */
final class PredictorVectors implements VectorAdapter {
  private static final Map<String, BiFunction<JsonNode, JsonNode, JsonNode>> OPERATIONS =
      Map.ofEntries(
          Map.entry("fixedBuckets", PredictorVectors::fixedBuckets),
          Map.entry("percentileBuckets", PredictorVectors::percentileBuckets),
          Map.entry("reservation", PredictorVectors::reservation),
          Map.entry("bucketCounts", PredictorVectors::bucketCounts),
          Map.entry("ridgeLength", PredictorVectors::ridgeLength),
          Map.entry("windowedRemaining", PredictorVectors::windowedRemaining),
          Map.entry("histogramRemaining", PredictorVectors::histogramRemaining),
          Map.entry("histogramObserve", PredictorVectors::histogramObserve),
          Map.entry("trail", PredictorVectors::trail),
          Map.entry("pastFutureSample", PredictorVectors::pastFutureSample),
          Map.entry("pastFutureNew", PredictorVectors::pastFutureNew),
          Map.entry("pastFutureLists", PredictorVectors::pastFutureLists),
          Map.entry("pastFuturePeak", PredictorVectors::pastFuturePeak),
          Map.entry("pastFutureAdmit", PredictorVectors::pastFutureAdmit),
          Map.entry("pastFutureHistory", PredictorVectors::pastFutureHistory),
          Map.entry("order", PredictorVectors::order),
          Map.entry("ordinalClass", PredictorVectors::ordinalClass),
          Map.entry("clampLength", PredictorVectors::clampLength),
          Map.entry("listMle", PredictorVectors::listMle),
          Map.entry("listMleStep", PredictorVectors::listMleStep),
          Map.entry("kendallTauB", PredictorVectors::kendallTauB),
          Map.entry("headroom", PredictorVectors::headroom),
          Map.entry("rls", PredictorVectors::rls),
          Map.entry("ridge", PredictorVectors::ridge),
          Map.entry("mlp", PredictorVectors::mlp),
          Map.entry("iterationLinear", PredictorVectors::iterationLinear),
          Map.entry("vidurFeatures", PredictorVectors::vidurFeatures),
          Map.entry("rwtPoint", PredictorVectors::rwtPoint),
          Map.entry("rwtNormal", PredictorVectors::rwtNormal),
          Map.entry("ema", PredictorVectors::ema),
          Map.entry("emaCoefficients", PredictorVectors::emaCoefficients),
          Map.entry("conformalSplit", PredictorVectors::conformalSplit),
          Map.entry("conformalInterval", PredictorVectors::conformalInterval),
          Map.entry("aci", PredictorVectors::aci),
          Map.entry("pinball", PredictorVectors::pinball),
          Map.entry("quantileTracker", PredictorVectors::quantileTracker),
          Map.entry("quantileLinear", PredictorVectors::quantileLinear),
          Map.entry("holtWinters", PredictorVectors::holtWinters),
          Map.entry("arDiff", PredictorVectors::arDiff),
          Map.entry("pageHinkley", PredictorVectors::pageHinkley),
          Map.entry("adwin", PredictorVectors::adwin),
          Map.entry("prefixMirror", PredictorVectors::prefixMirror),
          Map.entry("prefixBeta", PredictorVectors::prefixBeta),
          Map.entry("che", PredictorVectors::che),
          Map.entry("metrics", PredictorVectors::metrics),
          Map.entry("intervalMetrics", PredictorVectors::intervalMetrics),
          Map.entry("injectLogNormal", PredictorVectors::injectLogNormal),
          Map.entry("injectReversal", PredictorVectors::injectReversal));

  @Override
  public String suite() {
    return "predictors";
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
    return operation.apply(vector.params(), vector.input());
  }

  // Length predictors

  private static JsonNode fixedBuckets(JsonNode params, JsonNode input) {
    OptionalInt count = optionalInt(params, "bucketCount");
    int width = intOf(params, "bucketTokens");
    LengthBuckets buckets =
        count.isPresent()
            ? LengthBuckets.fixed(width, count.getAsInt())
            : LengthBuckets.fixed(width);
    int[] found = Arrays.stream(intsOf(input, "lengths")).map(buckets::bucketOf).toArray();
    ArrayNode high = array();
    for (int bucket : found) {
      int end = buckets.highTokens(bucket);
      if (end == LengthEstimate.OPEN) {
        high.addNull();
      } else {
        high.add(end);
      }
    }
    ObjectNode result = object();
    result.set("buckets", JsonResults.of(found));
    result.set("lowTokens", JsonResults.of(Arrays.stream(found).map(buckets::lowTokens).toArray()));
    result.set("highTokens", high);
    return result;
  }

  private static JsonNode percentileBuckets(JsonNode params, JsonNode input) {
    LengthBuckets buckets = LengthBuckets.percentiles(intsOf(params, "thresholds"));
    int[] found = Arrays.stream(intsOf(input, "lengths")).map(buckets::bucketOf).toArray();
    return object().set("buckets", JsonResults.of(found));
  }

  private static JsonNode reservation(JsonNode params, JsonNode input) {
    DoublingReservation reservation =
        DoublingReservation.play(
            intOf(input, "initialTokens"),
            intOf(input, "actualTokens"),
            intOf(params, "maxTokens"));
    return object()
        .put("reallocations", reservation.reallocations())
        .put("finalTokens", reservation.finalTokens());
  }

  private static JsonNode bucketCounts(JsonNode params, JsonNode input) {
    BucketCounts counts = new BucketCounts(intOf(params, "buckets"), intOf(params, "minSamples"));
    ArrayNode predictions = array();
    for (JsonNode step : arrayOf(input, "steps")) {
      String tenant = textOf(step, "tenant");
      String template = textOf(step, "template");
      int promptTokens = intOf(step, "promptTokens");
      if (textOf(step, "op").equals("observe")) {
        counts.observe(tenant, template, promptTokens, intOf(step, "bucket"));
      } else {
        ObjectNode prediction = predictions.addObject();
        prediction.put(
            "level", counts.level(tenant, template, promptTokens).name().toLowerCase(Locale.ROOT));
        prediction.put("bucket", counts.predict(tenant, template, promptTokens));
        prediction.set(
            "probabilities", JsonResults.of(counts.probabilities(tenant, template, promptTokens)));
      }
    }
    return object().set("predictions", predictions);
  }

  private static JsonNode ridgeLength(JsonNode params, JsonNode input) {
    RidgeRemainingLength.Fit fit = new RidgeRemainingLength.Fit(doubleOf(params, "lambda"));
    for (JsonNode row : arrayOf(input, "rows")) {
      fit.add(
          intOf(row, "promptTokens"), intOf(row, "generatedTokens"), intOf(row, "remainingTokens"));
    }
    fit.solve();
    ObjectNode result = object();
    result.set("coefficients", JsonResults.of(fit.coefficients()));
    ArrayNode remaining = result.putArray("remainingTokens");
    for (JsonNode query : arrayOf(input, "queries")) {
      remaining.add(
          fit.remainingTokens(
              intOf(query, "promptTokens"),
              intOf(query, "generatedTokens"),
              intOf(query, "maxOutputTokens")));
    }
    return result;
  }

  private static JsonNode windowedRemaining(JsonNode params, JsonNode input) {
    int window = intOf(params, "windowTokens");
    int limit = intOf(params, "maxOutputTokens");
    double[] predictions = doublesOf(input, "predictions");
    ArrayNode remaining = array();
    for (int generated : intsOf(input, "generatedTokens")) {
      int j = Math.min(generated / window, predictions.length - 1);
      remaining.add(
          WindowedLength.countDown(predictions[j], generated - j * window, limit - generated));
    }
    return object().set("remainingTokens", remaining);
  }

  private static JsonNode histogramRemaining(JsonNode params, JsonNode input) {
    double[] counts = doublesOf(input, "counts");
    LengthHistogram histogram =
        new LengthHistogram(intOf(params, "widthTokens"), Math.max(1, counts.length));
    for (int b = 0; b < counts.length; b++) {
      histogram.add(b, counts[b]);
    }
    return remaining(histogram, input);
  }

  private static JsonNode histogramObserve(JsonNode params, JsonNode input) {
    Map<String, LengthHistogram> byKey = new HashMap<>();
    ArrayNode predictions = array();
    for (JsonNode step : arrayOf(input, "steps")) {
      LengthHistogram histogram =
          byKey.computeIfAbsent(
              textOf(step, "key"),
              key -> new LengthHistogram(intOf(params, "widthTokens"), intOf(params, "buckets")));
      if (textOf(step, "op").equals("observe")) {
        histogram.observe(intOf(step, "lengthTokens"));
      } else {
        predictions.add(remaining(histogram, step));
      }
    }
    return object().set("predictions", predictions);
  }

  private static JsonNode remaining(LengthHistogram histogram, JsonNode query) {
    int generated = intOf(query, "generatedTokens");
    int limit = intOf(query, "maxOutputTokens");
    return object()
        .put("meanTokens", histogram.meanRemaining(generated, limit))
        .put(
            "quantileTokens", histogram.quantileRemaining(generated, doubleOf(query, "tau"), limit))
        .put("fallback", !histogram.covers(generated));
  }

  private static JsonNode trail(JsonNode params, JsonNode input) {
    TrailPosterior posterior =
        new TrailPosterior(intOf(params, "bins"), doubleOf(params, "binTokens"), 1);
    ArrayNode steps = array();
    for (double[] probabilities : doubleRowsOf(input, "probabilities")) {
      posterior.step(probabilities);
      ObjectNode step = steps.addObject();
      step.set("posterior", JsonResults.of(posterior.posterior()));
      step.put("remainingTokens", posterior.remainingTokens());
    }
    return object().set("steps", steps);
  }

  private static OutputHistory history(JsonNode input) {
    int[] lengths = intsOf(input, "history");
    OutputHistory history = new OutputHistory(Math.max(1, lengths.length), 0, 1);
    for (int length : lengths) {
      history.observe(length);
    }
    return history;
  }

  private static JsonNode pastFutureSample(JsonNode params, JsonNode input) {
    OutputHistory history = history(input);
    int generated = intOf(input, "generatedTokens");
    return object()
        .put(
            "sampledTokens",
            PastFuture.sample(
                history, generated, intOf(input, "maxOutputTokens"), doubleOf(input, "uniform")))
        .put("listSize", PastFuture.listSize(history, generated));
  }

  private static JsonNode pastFutureNew(JsonNode params, JsonNode input) {
    OutputHistory history = history(input);
    ArrayNode sampled = array();
    for (double uniform : doublesOf(input, "uniforms")) {
      sampled.add(PastFuture.sampleNew(history, uniform));
    }
    return object().set("sampledTokens", sampled);
  }

  private static JsonNode pastFutureLists(JsonNode params, JsonNode input) {
    int[] lists = Arrays.stream(intsOf(input, "batchSizes")).map(PastFuture::lists).toArray();
    return object().set("lists", JsonResults.of(lists));
  }

  private static PeakTokens batch(JsonNode requests) {
    PeakTokens batch = new PeakTokens();
    for (JsonNode request : requests) {
      batch.add(intOf(request, "usedTokens"), intOf(request, "remainingTokens"));
    }
    return batch;
  }

  private static JsonNode pastFuturePeak(JsonNode params, JsonNode input) {
    PeakTokens batch = batch(arrayOf(input, "requests"));
    ArrayNode prefixes = array();
    for (int i = 1; i <= batch.size(); i++) {
      prefixes.add(batch.prefixTokens(i));
    }
    ObjectNode result = object().put("peakTokens", batch.peakTokens());
    return result.set("prefixTokens", prefixes);
  }

  private static JsonNode pastFutureAdmit(JsonNode params, JsonNode input) {
    JsonNode running = arrayOf(input, "running");
    PeakTokens[] lists = new PeakTokens[running.size()];
    Arrays.setAll(lists, i -> batch(running.get(i)));
    PastFutureAdmission admission = new PastFutureAdmission(lists, intOf(params, "capacityTokens"));
    int admitted = 0;
    for (JsonNode candidate : arrayOf(input, "candidates")) {
      long[] used = new long[candidate.size()];
      long[] remaining = new long[candidate.size()];
      for (int i = 0; i < used.length; i++) {
        used[i] = intOf(candidate.get(i), "usedTokens");
        remaining[i] = intOf(candidate.get(i), "remainingTokens");
      }
      if (!admission.offer(used, remaining)) {
        break;
      }
      admitted++;
    }
    ObjectNode result = object().put("admitted", admitted);
    result.put("peakTokens", admission.peakTokens());
    if (admission.refused()) {
      result.put("refusedPeakTokens", admission.refusedPeakTokens());
    } else {
      result.putNull("refusedPeakTokens");
    }
    return result;
  }

  private static JsonNode pastFutureHistory(JsonNode params, JsonNode input) {
    OutputHistory history =
        new OutputHistory(
            intOf(params, "capacity"),
            intOf(params, "initialCopies"),
            intOf(params, "maxOutputTokens"));
    for (int length : intsOf(input, "finishedLengths")) {
      history.observe(length);
    }
    return object().set("sortedHistory", JsonResults.of(history.toArray()));
  }

  // Ranking

  private static JsonNode order(JsonNode params, JsonNode input) {
    return object()
        .set("order", JsonResults.of(ProxyOutput.order(doublesOf(input, "predictions"))));
  }

  private static JsonNode ordinalClass(JsonNode params, JsonNode input) {
    int classes = intOf(params, "classes");
    ArrayNode found = array();
    for (double output : doublesOf(input, "outputs")) {
      found.add(ProxyOutput.ordinalClass(output, classes));
    }
    return object().set("classes", found);
  }

  private static JsonNode clampLength(JsonNode params, JsonNode input) {
    double[] tokens = Arrays.stream(doublesOf(input, "outputs")).map(ProxyOutput::tokens).toArray();
    return object().set("tokens", JsonResults.of(tokens));
  }

  private static JsonNode listMle(JsonNode params, JsonNode input) {
    double[] scores = doublesOf(input, "scores");
    double[] lengths = doublesOf(input, "lengths");
    ObjectNode result = object().put("loss", ListMle.loss(scores, lengths));
    return result.set("gradient", JsonResults.of(ListMle.gradient(scores, lengths)));
  }

  private static JsonNode listMleStep(JsonNode params, JsonNode input) {
    LinearRanker ranker = new LinearRanker(doublesOf(input, "weights"), doubleOf(params, "rate"));
    double[][] features = doubleRowsOf(input, "features");
    double[] lengths = doublesOf(input, "lengths");
    ObjectNode result = object().put("lossBefore", ranker.loss(features, lengths));
    ranker.learn(features, lengths);
    result.set("weights", JsonResults.of(ranker.weights()));
    return result.put("lossAfter", ranker.loss(features, lengths));
  }

  private static JsonNode kendallTauB(JsonNode params, JsonNode input) {
    OptionalDouble tau = RankCorrelation.kendallTauB(doublesOf(input, "a"), doublesOf(input, "b"));
    return object().set("tau", JsonResults.of(tau));
  }

  private static JsonNode headroom(JsonNode params, JsonNode input) {
    JsonNode predicted = arrayOf(input, "predictedSeconds");
    double[] headroom = new double[predicted.size()];
    ArrayNode seconds = array();
    for (int i = 0; i < headroom.length; i++) {
      JsonNode value = predicted.get(i);
      headroom[i] =
          LatencyHeadroom.seconds(
              doubleOf(input, "objectiveSeconds"),
              doubleOf(params, "sloBuffer"),
              value.isNull() ? Double.NaN : JsonFields.asDouble(value, "predictedSeconds"));
      if (value.isNull()) {
        seconds.addNull();
      } else {
        seconds.add(headroom[i]);
      }
    }
    ObjectNode result = object();
    result.set("headroomSeconds", seconds);
    return result.set("order", JsonResults.of(LatencyHeadroom.order(headroom)));
  }

  // Time predictors

  private static JsonNode rls(JsonNode params, JsonNode input) {
    RecursiveLeastSquares model =
        new RecursiveLeastSquares(
            intOf(params, "dimension"),
            doubleOf(params, "lambda"),
            doubleOf(params, "delta"),
            Double.POSITIVE_INFINITY);
    double floor = optionalDouble(params, "floor").orElse(Double.NEGATIVE_INFINITY);
    ArrayNode steps = array();
    for (JsonNode step : arrayOf(input, "steps")) {
      switch (textOf(step, "op")) {
        case "observe" -> {
          double error = model.observe(doublesOf(step, "features"), doubleOf(step, "target"));
          steps
              .addObject()
              .put("error", error)
              .set("coefficients", JsonResults.of(model.coefficients()));
        }
        case "predict" ->
            steps
                .addObject()
                .put("prediction", Math.max(floor, model.predict(doublesOf(step, "features"))));
        case "reset" -> model.reset();
        default -> throw new VectorFormatException("unknown step " + textOf(step, "op"));
      }
    }
    return object().set("steps", steps);
  }

  private static JsonNode ridge(JsonNode params, JsonNode input) {
    double lambda = doubleOf(params, "lambda");
    double delta = doubleOf(params, "delta");
    List<double[]> rows = new ArrayList<>();
    List<Double> targets = new ArrayList<>();
    for (JsonNode row : arrayOf(input, "rows")) {
      rows.add(doublesOf(row, "features"));
      targets.add(doubleOf(row, "target"));
    }
    int n = rows.size();
    double[] weights = new double[n];
    for (int t = 0; t < n; t++) {
      weights[t] = Math.pow(lambda, n - 1 - t);
    }
    double[] penalties = new double[n == 0 ? 0 : rows.get(0).length];
    Arrays.fill(penalties, delta * Math.pow(lambda, n));
    double[] coefficients =
        LeastSquares.ridge(
            rows.toArray(double[][]::new),
            targets.stream().mapToDouble(Double::doubleValue).toArray(),
            weights,
            penalties);
    if (coefficients == null) {
      throw new IllegalArgumentException("the rows do not determine the coefficients");
    }
    return object().set("coefficients", JsonResults.of(coefficients));
  }

  private static JsonNode mlp(JsonNode params, JsonNode input) {
    TinyMlp network =
        new TinyMlp(
            doubleRowsOf(input, "w1"),
            doublesOf(input, "b1"),
            doublesOf(input, "w2"),
            doubleOf(input, "b2"),
            doubleOf(params, "rate"),
            optionalDouble(params, "clipNorm").orElse(Double.POSITIVE_INFINITY));
    ArrayNode outputs = array();
    for (JsonNode step : arrayOf(input, "steps")) {
      double[] features = doublesOf(step, "features");
      OptionalDouble target = optionalDouble(step, "target");
      outputs.add(
          target.isPresent()
              ? network.observe(features, target.getAsDouble())
              : network.predict(features));
    }
    ObjectNode result = object();
    result.set("outputs", outputs);
    result.set("w1", JsonResults.of(network.hiddenWeights()));
    result.set("b1", JsonResults.of(network.hiddenBiases()));
    result.set("w2", JsonResults.of(network.outputWeights()));
    return result.put("b2", network.outputBias());
  }

  private static JsonNode iterationLinear(JsonNode params, JsonNode input) {
    List<LinearIterationTime.Row> rows = new ArrayList<>();
    for (JsonNode row : arrayOf(input, "rows")) {
      rows.add(
          new LinearIterationTime.Row(
              intOf(row, "prefillTokens"),
              intOf(row, "contextTokens"),
              intOf(row, "batchSize"),
              doubleOf(row, "millis")));
    }
    LinearIterationTime model = LinearIterationTime.fit(rows);
    ObjectNode result = object();
    result.set("coefficients", JsonResults.of(model.coefficients()));
    result.put("mape", model.mape());
    ArrayNode predictions = result.putArray("predictions");
    for (JsonNode query : arrayOf(input, "queries")) {
      int prefill = intOf(query, "prefillTokens");
      int context = intOf(query, "contextTokens");
      int batch = intOf(query, "batchSize");
      predictions
          .addObject()
          .put("millis", model.millis(prefill, context, batch))
          .put("extrapolated", model.extrapolates(prefill, context, batch));
    }
    return result;
  }

  private static JsonNode vidurFeatures(JsonNode params, JsonNode input) {
    IterationShape shape = new IterationShape();
    for (JsonNode prefill : arrayOf(input, "prefills")) {
      shape.addPrefill(intOf(prefill, "chunkTokens"), intOf(prefill, "kvTokens"));
    }
    for (int context : intsOf(input, "decodeContextTokens")) {
      shape.addDecode(context);
    }
    VidurFeatures features = VidurFeatures.of(shape);
    VidurFeatures.Prefill prefill = features.prefill();
    VidurFeatures.Decode decode = features.decode();
    ObjectNode result = object();
    result.put("decodeBatch", decode == null ? 0 : decode.batch());
    if (decode == null) {
      result.putNull("decodeKvTokens");
    } else {
      result.put("decodeKvTokens", decode.kvTokens());
    }
    if (prefill == null) {
      result.putNull("prefillKvTokens").putNull("prefillChunkTokens");
      result.putNull("prefillChunkSquared");
    } else {
      result.put("prefillKvTokens", prefill.kvTokens());
      result.put("prefillChunkTokens", prefill.chunkTokens());
      result.put("prefillChunkSquared", prefill.chunkSquared());
    }
    result.put("prefillFactor", prefill == null ? 1 : prefill.factor());
    return result.put("decodeFactor", decode == null ? 1 : decode.factor());
  }

  private static JsonNode rwtPoint(JsonNode params, JsonNode input) {
    WaitingTime wait =
        new WaitingTime(doubleOf(input, "tokensPerSecond"))
            .ahead(intOf(input, "requestsAhead"), doubleOf(input, "meanTokens"), 0)
            .swap(doubleOf(input, "swapSeconds"));
    return object().put("waitSeconds", wait.meanSeconds());
  }

  private static JsonNode rwtNormal(JsonNode params, JsonNode input) {
    WaitingTime wait =
        new WaitingTime(doubleOf(input, "tokensPerSecond")).swap(doubleOf(input, "swapSeconds"));
    for (JsonNode ofClass : arrayOf(input, "classes")) {
      wait.ahead(
          intOf(ofClass, "requests"),
          doubleOf(ofClass, "meanTokens"),
          doubleOf(ofClass, "sdTokens"));
    }
    return object()
        .put("meanSeconds", wait.meanSeconds())
        .put("sdSeconds", wait.standardDeviationSeconds())
        .put("boundSeconds", wait.boundSeconds(doubleOf(params, "confidence")))
        .put("probability", wait.probabilityWithin(doubleOf(input, "objectiveSeconds")))
        .put("indicativeOnly", wait.indicativeOnly());
  }

  // Calibration

  private static JsonNode ema(JsonNode params, JsonNode input) {
    EmaCalibrator calibrator =
        new EmaCalibrator(
            new EmaCalibrator.Config(
                doubleOf(params, "smoothing"),
                doubleOf(params, "beta"),
                doubleOf(params, "gamma"),
                doubleOf(params, "epsilon"),
                textOf(params, "form").equals("A")
                    ? EmaCalibrator.DeadlineForm.MARGIN
                    : EmaCalibrator.DeadlineForm.PLAIN,
                1e-9,
                false,
                EmaCalibrator.Control.FIXED,
                0,
                0));
    EmaCalibrator.Errors errors = calibrator.newState();
    ArrayNode steps = array();
    for (JsonNode step : arrayOf(input, "steps")) {
      double predicted = doubleOf(step, "predicted");
      if (textOf(step, "op").equals("observe")) {
        calibrator.observe(errors, predicted, doubleOf(step, "actual"));
        steps.addObject().put("mae", errors.mae()).put("mape", errors.mape());
      } else {
        steps
            .addObject()
            .put("adjusted", calibrator.adjust(errors, predicted))
            .put("deadline", calibrator.deadline(errors, predicted));
      }
    }
    return object().set("steps", steps);
  }

  private static JsonNode emaCoefficients(JsonNode params, JsonNode input) {
    double initial = doubleOf(input, "initial");
    EmaCalibrator calibrator =
        new EmaCalibrator(
            new EmaCalibrator.Config(
                1,
                initial,
                initial,
                0,
                EmaCalibrator.DeadlineForm.PLAIN,
                1e-9,
                false,
                EmaCalibrator.Control.MULTIPLICATIVE,
                0.1,
                doubleOf(params, "target")));
    EmaCalibrator.Errors errors = calibrator.newState();
    ArrayNode coefficients = array();
    for (double rate : doublesOf(input, "violationRates")) {
      calibrator.control(errors, rate);
      coefficients.add(errors.betaMae());
    }
    return object().set("coefficients", coefficients);
  }

  private static ConformalScores scores(double[] values) {
    ConformalScores scores = new ConformalScores(Math.max(1, values.length));
    for (double value : values) {
      scores.add(value);
    }
    return scores;
  }

  private static JsonNode conformalSplit(JsonNode params, JsonNode input) {
    ConformalScores scores = scores(doublesOf(input, "scores"));
    ArrayNode quantiles = array();
    for (double alpha : doublesOf(params, "alphas")) {
      quantiles.add(finite(scores.quantile(alpha)));
    }
    return object().set("quantiles", quantiles);
  }

  /** Prediction triple of a row: value, low, high. */
  private static double[] triple(ConformalForm form, JsonNode row) {
    return switch (form) {
      case QUANTILE -> new double[] {0, doubleOf(row, "low"), doubleOf(row, "high")};
      case NORMALISED -> {
        double value = doubleOf(row, "predicted");
        yield new double[] {value, value, value + doubleOf(row, "sigma")};
      }
      case ABSOLUTE, UPPER -> {
        double value = doubleOf(row, "predicted");
        yield new double[] {value, value, value};
      }
    };
  }

  private static JsonNode conformalInterval(JsonNode params, JsonNode input) {
    ConformalForm form =
        switch (textOf(params, "mode")) {
          case "absolute" -> ConformalForm.ABSOLUTE;
          case "upper" -> ConformalForm.UPPER;
          case "normalised" -> ConformalForm.NORMALISED;
          case "cqr" -> ConformalForm.QUANTILE;
          default -> throw new VectorFormatException("unknown mode " + textOf(params, "mode"));
        };
    JsonNode rows = arrayOf(input, "calibration");
    double[] values = new double[rows.size()];
    for (int i = 0; i < values.length; i++) {
      double[] p = triple(form, rows.get(i));
      values[i] = form.score(p[0], p[1], p[2], doubleOf(rows.get(i), "actual"));
    }
    double quantile = scores(values).quantile(doubleOf(params, "alpha"));
    ObjectNode result = object();
    result.set("scores", JsonResults.of(values));
    result.set("quantile", finite(quantile));
    ArrayNode intervals = result.putArray("intervals");
    for (JsonNode query : arrayOf(input, "queries")) {
      double[] p = triple(form, query);
      ObjectNode interval = intervals.addObject();
      interval.set("low", finite(form.low(p[0], p[1], p[2], quantile)));
      interval.set("high", finite(form.high(p[0], p[1], p[2], quantile)));
    }
    return result;
  }

  private static JsonNode aci(JsonNode params, JsonNode input) {
    AdaptiveConformalCalibrator calibrator =
        new AdaptiveConformalCalibrator(
            doubleOf(params, "alpha"), doubleOf(params, "gamma"), intOf(params, "window"));
    AdaptiveConformalCalibrator.State state = calibrator.newState();
    for (double score : doublesOf(input, "warmScores")) {
      state.scores().add(score);
    }
    ArrayNode steps = array();
    for (JsonNode row : arrayOf(input, "steps")) {
      ObjectNode step = steps.addObject();
      step.put("alpha", state.alpha());
      step.set("quantile", finite(state.empty() ? Double.POSITIVE_INFINITY : state.halfWidth()));
      step.put("empty", state.empty());
      calibrator.observe(state, doubleOf(row, "predicted"), doubleOf(row, "actual"));
      step.put("miss", state.missed() ? 1 : 0);
    }
    ObjectNode result = object();
    result.set("steps", steps);
    return result.put("nextAlpha", state.alpha());
  }

  private static JsonNode pinball(JsonNode params, JsonNode input) {
    ArrayNode losses = array();
    for (JsonNode row : arrayOf(input, "rows")) {
      losses.add(
          QuantileTracker.pinball(
              doubleOf(row, "quantile"), doubleOf(row, "actual"), doubleOf(row, "tau")));
    }
    return object().set("losses", losses);
  }

  private static JsonNode quantileTracker(JsonNode params, JsonNode input) {
    QuantileTracker tracker =
        new QuantileTracker(doubleOf(params, "tau"), doubleOf(params, "initial"));
    double eta = doubleOf(params, "eta");
    ArrayNode quantiles = array();
    for (double value : doublesOf(input, "values")) {
      quantiles.add(tracker.observe(value, eta));
    }
    return object().set("quantiles", quantiles);
  }

  private static JsonNode quantileLinear(JsonNode params, JsonNode input) {
    double[] initial =
        params.hasNonNull("initial")
            ? doublesOf(params, "initial")
            : new double[intOf(params, "dimension")];
    QuantileRegression model =
        new QuantileRegression(initial, doubleOf(params, "eta"), doubleOf(params, "tau"));
    ArrayNode steps = array();
    for (JsonNode row : arrayOf(input, "rows")) {
      double prediction = model.observe(doublesOf(row, "features"), doubleOf(row, "actual"));
      steps
          .addObject()
          .put("prediction", prediction)
          .set("coefficients", JsonResults.of(model.coefficients()));
    }
    return object().set("steps", steps);
  }

  // Arrivals

  private static JsonNode holtWinters(JsonNode params, JsonNode input) {
    int season = intOf(params, "season");
    HoltWinters.Form form =
        HoltWinters.Form.valueOf(textOf(params, "form").toUpperCase(Locale.ROOT));
    HoltWinters forecaster =
        new HoltWinters(
            new HoltWinters.Config(
                form,
                season,
                doubleOf(params, "alpha"),
                doubleOf(params, "beta"),
                doubleOf(params, "gamma")));
    HoltWinters.Series series = forecaster.newState();
    JsonNode counts = arrayOf(input, "counts");
    for (JsonNode count : counts) {
      if (count.isNull()) {
        forecaster.addMissing(series);
      } else {
        forecaster.add(series, JsonFields.asDouble(count, "counts"));
      }
    }
    double[] forecast = new double[intOf(params, "horizon")];
    forecaster.forecast(series, forecast);
    HoltWintersSmoother smoother = series.smoother();
    ObjectNode result = object();
    result.put("naive", smoother == null);
    if (smoother == null) {
      result.putNull("form").putNull("level").putNull("trend").putNull("seasonals");
      result.putArray("fitted");
    } else {
      result.put("form", series.form().name().toLowerCase(Locale.ROOT));
      result.put("level", smoother.level());
      result.put("trend", smoother.trend());
      result.set("seasonals", JsonResults.of(smoother.seasonals()));
      result.set("fitted", JsonResults.of(fitted(params, series.form(), counts, season)));
    }
    result.set("forecast", JsonResults.of(forecast));
    return result;
  }

  /** One-step forecasts from the second season on, by the smoother itself. */
  private static double[] fitted(
      JsonNode params, HoltWinters.Form form, JsonNode counts, int season) {
    double[] start = new double[2 * season];
    Arrays.setAll(start, t -> JsonFields.asDouble(counts.get(t), "counts"));
    HoltWintersSmoother smoother =
        new HoltWintersSmoother(
            form == HoltWinters.Form.MULTIPLICATIVE,
            season,
            doubleOf(params, "alpha"),
            doubleOf(params, "beta"),
            doubleOf(params, "gamma"),
            start);
    double[] fitted = new double[counts.size() - season];
    for (int t = season; t < counts.size(); t++) {
      JsonNode count = counts.get(t);
      double expected = smoother.expected();
      fitted[t - season] = expected;
      smoother.add(count.isNull() ? expected : JsonFields.asDouble(count, "counts"));
    }
    return fitted;
  }

  private static JsonNode arDiff(JsonNode params, JsonNode input) {
    ArDifferences.Fit fit =
        ArDifferences.fit(
            intOf(params, "order"),
            intOf(params, "differences"),
            doublesOf(input, "counts"),
            intOf(params, "horizon"));
    ObjectNode result = object();
    result.set("coefficients", JsonResults.nullable(fit.coefficients()));
    double[] clamped = Arrays.stream(fit.forecast()).map(value -> Math.max(0, value)).toArray();
    return result.set("forecast", JsonResults.of(clamped));
  }

  // Drift

  private static JsonNode pageHinkley(JsonNode params, JsonNode input) {
    PageHinkley detector =
        new PageHinkley(
            new PageHinkley.Config(
                doubleOf(params, "delta"),
                doubleOf(params, "lambda"),
                intOf(params, "minValues"),
                PageHinkley.Direction.valueOf(
                    textOf(params, "direction").toUpperCase(Locale.ROOT))));
    PageHinkley.Statistics state = detector.newState();
    double[] values = doublesOf(input, "values");
    ArrayNode statistics = array();
    ArrayNode alarms = array();
    for (int i = 0; i < values.length; i++) {
      if (detector.add(state, values[i])) {
        alarms.add(i);
      }
      statistics.add(state.statistic());
    }
    ObjectNode result = object();
    result.set("statistics", statistics);
    return result.set("alarms", alarms);
  }

  private static JsonNode adwin(JsonNode params, JsonNode input) {
    double[] values = doublesOf(input, "values");
    Adwin detector =
        new Adwin(
            new Adwin.Config(
                doubleOf(params, "delta"),
                textOf(params, "form").equals("variance")
                    ? Adwin.Form.VARIANCE
                    : Adwin.Form.DISTRIBUTION_FREE,
                1,
                Math.max(2, values.length)));
    Adwin.Window window = detector.newState();
    ArrayNode alarms = array();
    int dropped = 0;
    ObjectNode result = object();
    result.putNull("firstCut");
    for (int i = 0; i < values.length; i++) {
      if (detector.add(window, values[i])) {
        if (alarms.isEmpty()) {
          result
              .putObject("firstCut")
              .put("index", i)
              .put("windowSize", window.cutSize())
              .put("split", window.cutSplit())
              .put("difference", window.cutDifference())
              .put("bound", window.cutBound());
        }
        alarms.add(i);
        dropped += window.dropped();
      }
    }
    result.set("alarms", alarms);
    result.put("dropped", dropped).put("windowSize", window.size());
    if (window.size() == 0) {
      result.putNull("windowMean");
    } else {
      result.put("windowMean", window.mean());
    }
    return result;
  }

  // Prefix hits and evaluation

  private static JsonNode prefixMirror(JsonNode params, JsonNode input) {
    PrefixMirror mirror = new PrefixMirror(intOf(params, "blockTokens"));
    Map<String, Long> keys = new HashMap<>();
    ArrayNode hits = array();
    for (JsonNode step : arrayOf(input, "steps")) {
      JsonNode names = arrayOf(step, "blocks");
      long[] blocks = new long[names.size()];
      for (int i = 0; i < blocks.length; i++) {
        blocks[i] = keys.computeIfAbsent(names.get(i).asText(), name -> (long) keys.size());
      }
      switch (textOf(step, "op")) {
        case "insert" -> Arrays.stream(blocks).forEach(mirror::insert);
        case "evict" -> Arrays.stream(blocks).forEach(mirror::evict);
        case "query" -> hits.add(mirror.hitTokens(blocks, intOf(step, "promptTokens")));
        default -> throw new VectorFormatException("unknown step " + textOf(step, "op"));
      }
    }
    return object().set("hitTokens", hits);
  }

  private static JsonNode prefixBeta(JsonNode params, JsonNode input) {
    JsonNode blocks = arrayOf(input, "blocks");
    double[] probabilities = new double[blocks.size()];
    for (int i = 0; i < probabilities.length; i++) {
      probabilities[i] =
          PrefixStatistics.probability(
              intOf(blocks.get(i), "hits"), intOf(blocks.get(i), "trials"));
    }
    double expected =
        PrefixStatistics.expectedTokens(
            probabilities, intOf(params, "blockTokens"), intOf(input, "promptTokens"));
    OptionalDouble age = optionalDouble(input, "ageSeconds");
    if (age.isPresent()) {
      expected *= PrefixStatistics.freshness(age.getAsDouble(), doubleOf(input, "lifetimeSeconds"));
    }
    ObjectNode result = object();
    result.set("blockProbabilities", JsonResults.of(probabilities));
    return result.put("expectedHitTokens", expected);
  }

  private static JsonNode che(JsonNode params, JsonNode input) {
    double[] rates = doublesOf(input, "rates");
    CheApproximation che = new CheApproximation(rates, doubleOf(input, "capacityItems"));
    ObjectNode result = object();
    result.set("characteristicSeconds", finite(che.characteristicSeconds()));
    double[] hits = new double[rates.length];
    Arrays.setAll(hits, che::hit);
    result.set("hits", JsonResults.of(hits));
    return result.put("overall", che.overall());
  }

  private static JsonNode metrics(JsonNode params, JsonNode input) {
    PointErrors errors = new PointErrors(doubleOf(params, "mapeFloor"));
    for (JsonNode row : arrayOf(input, "rows")) {
      errors.add(doubleOf(row, "predicted"), doubleOf(row, "actual"));
    }
    return object().put("mae", errors.mae()).put("mape", errors.mape()).put("bias", errors.bias());
  }

  private static JsonNode intervalMetrics(JsonNode params, JsonNode input) {
    IntervalErrors errors = new IntervalErrors();
    for (JsonNode row : arrayOf(input, "rows")) {
      errors.add(doubleOf(row, "low"), doubleOf(row, "high"), doubleOf(row, "actual"));
    }
    return object().put("coverage", errors.coverage()).put("meanWidth", errors.meanWidth());
  }

  private static JsonNode injectLogNormal(JsonNode params, JsonNode input) {
    ErrorInjection injection =
        new ErrorInjection(
            ErrorInjection.Distribution.LOG_NORMAL,
            doubleOf(params, "sigma"),
            doubleOf(params, "biasFactor"));
    double[] values = doublesOf(input, "values");
    double[] normals = doublesOf(input, "normals");
    double[] disturbed = new double[values.length];
    Arrays.setAll(disturbed, i -> injection.disturb(values[i], normals[i]));
    return object().set("values", JsonResults.of(disturbed));
  }

  private static JsonNode injectReversal(JsonNode params, JsonNode input) {
    return object()
        .set("values", JsonResults.of(ErrorInjection.reversed(doublesOf(input, "values"))));
  }
}
