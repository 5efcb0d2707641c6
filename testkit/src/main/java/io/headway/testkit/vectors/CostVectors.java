package io.headway.testkit.vectors;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.node.ArrayNode;
import com.fasterxml.jackson.databind.node.JsonNodeFactory;
import com.fasterxml.jackson.databind.node.ObjectNode;
import io.headway.api.prediction.IterationShape;
import io.headway.simulator.cost.DistServeCostModel;
import io.headway.simulator.cost.Gpu;
import io.headway.simulator.cost.KvTransferModel;
import io.headway.simulator.cost.ModelShape;
import io.headway.simulator.cost.PrebleCostModel;
import io.headway.simulator.cost.RooflineCostModel;
import io.headway.simulator.cost.RooflineEfficiencies;
import io.headway.simulator.cost.ServiceTimes;
import io.headway.simulator.cost.SplitwiseCostModel;
import java.util.Map;
import java.util.OptionalInt;
import java.util.function.Function;

/** Runs the vectors of the suite {@code cluster} that compute times from cost models. */
final class CostVectors implements VectorAdapter {
  private static final JsonNodeFactory JSON = JsonNodeFactory.instance;

  private final Map<String, Function<ConformanceVector, JsonNode>> algorithms =
      Map.of(
          "cost.roofline", CostVectors::roofline,
          "cost.kv-capacity", CostVectors::kvCapacity,
          "cost.distserve-linear", CostVectors::distServe,
          "cost.splitwise-table", CostVectors::splitwise,
          "cost.preble-linear", CostVectors::preble,
          "cost.service-time", CostVectors::serviceTime,
          "kv.transfer-time", CostVectors::transferTime);

  @Override
  public String suite() {
    return "cluster";
  }

  @Override
  public boolean supports(ConformanceVector vector) {
    return vector.kind().equals("cluster.formula") && algorithms.containsKey(vector.algorithm());
  }

  @Override
  public JsonNode run(ConformanceVector vector) {
    Function<ConformanceVector, JsonNode> algorithm = algorithms.get(vector.algorithm());
    if (algorithm == null) {
      throw new VectorFormatException("algorithm " + vector.algorithm() + " is not supported");
    }
    return algorithm.apply(vector);
  }

  private static JsonNode roofline(ConformanceVector vector) {
    RooflineCostModel model = rooflineOf(vector.params());
    IterationShape shape = new IterationShape();
    for (JsonNode chunk : JsonFields.arrayOf(vector.input(), "prefillChunks")) {
      shape.addPrefill(
          JsonFields.intOf(chunk, "newTokens"), JsonFields.intOf(chunk, "historyTokens"));
    }
    addDecodes(shape, vector.input());
    RooflineCostModel.Breakdown parts = model.breakdown(shape);
    ObjectNode result = JSON.objectNode().put("iterationSeconds", model.seconds(shape));
    result
        .putObject("breakdown")
        .put("linearSeconds", parts.linearSeconds())
        .put("attentionSeconds", parts.attentionSeconds())
        .put("kvSeconds", parts.kvSeconds())
        .put("commSeconds", parts.commSeconds())
        .put("sequenceSeconds", parts.sequenceSeconds())
        .put("fixedSeconds", parts.fixedSeconds());
    return result;
  }

  private static JsonNode kvCapacity(ConformanceVector vector) {
    JsonNode params = vector.params();
    RooflineCostModel model = rooflineOf(params);
    long tokens =
        model.kvCapacityTokens(
            JsonFields.doubleOf(
                params, "utilization", RooflineCostModel.DEFAULT_MEMORY_UTILIZATION),
            JsonFields.doubleOf(params, "reserveBytes", 0));
    if (tokens == 0) {
      return VectorAdapter.error("never-fits");
    }
    ObjectNode result = JSON.objectNode().put("capacityTokens", tokens);
    return putNumber(result, "kvBytesPerToken", model.kvBytesPerToken());
  }

  private static JsonNode distServe(ConformanceVector vector) {
    JsonNode params = vector.params();
    DistServeCostModel model =
        new DistServeCostModel(
            new DistServeCostModel.Coefficients(
                "vector",
                triple(params, "prefill"),
                triple(params, "decodeSmall"),
                triple(params, "decodeLarge"),
                JsonFields.intOf(
                    params, "largeBatchFrom", DistServeCostModel.DEFAULT_LARGE_BATCH_FROM)),
            JsonFields.intOf(params, "pipelineParallel", 1));
    JsonNode input = vector.input();
    String phase = JsonFields.textOf(input, "phase");
    ObjectNode result = JSON.objectNode();
    switch (phase) {
      case "prefill" -> {
        long tokens = 0;
        long squares = 0;
        for (int prompt : JsonFields.intsOf(input, "promptTokens")) {
          tokens += prompt;
          squares += (long) prompt * prompt;
        }
        return result.put(
            "iterationMillis", tokens == 0 ? 0 : model.prefillMillis(tokens, squares));
      }
      case "decode" -> {
        // Contexts of the vectors count the token being produced, as the publication does.
        IterationShape shape = new IterationShape();
        addDecodes(shape, input);
        if (shape.decodes() == 0) {
          return result.put("iterationMillis", 0.0);
        }
        return result
            .put(
                "iterationMillis", model.decodeMillis(shape.decodes(), shape.decodeContextTokens()))
            .put("branch", model.isLargeBatch(shape.decodes()) ? "large" : "small");
      }
      default ->
          throw new VectorFormatException("phase must be prefill or decode, but was " + phase);
    }
  }

  private static JsonNode splitwise(ConformanceVector vector) {
    JsonNode params = vector.params();
    SplitwiseCostModel model =
        new SplitwiseCostModel(
            new SplitwiseCostModel.Table(
                "vector",
                JsonFields.doublesOf(params, "batchTokens"),
                JsonFields.doublesOf(params, "promptMillis"),
                JsonFields.doublesOf(params, "tokenMillis"),
                JsonFields.doubleOf(
                    params, "mixedFactor", SplitwiseCostModel.Table.DEFAULT_MIXED_FACTOR)));
    int prompt = JsonFields.intOf(vector.input(), "promptTokens");
    int sequences = JsonFields.intOf(vector.input(), "decodeSequences");
    IterationShape shape = new IterationShape();
    if (prompt > 0) {
      shape.addPrefill(prompt, 0);
    }
    shape.addDecodes(sequences, 0);
    String branch =
        prompt > 0 ? sequences > 0 ? "mixed" : "prompt" : sequences > 0 ? "token" : "empty";
    return JSON.objectNode().put("iterationMillis", model.millis(shape)).put("branch", branch);
  }

  private static JsonNode preble(ConformanceVector vector) {
    String gpu = JsonFields.textOf(vector.params(), "gpu");
    long tokens = JsonFields.longOf(vector.input(), "batchedTokens");
    ObjectNode result = JSON.objectNode();
    switch (gpu) {
      case "a100" -> {
        PrebleCostModel model = new PrebleCostModel(PrebleCostModel.Device.A100);
        return result.put("linearMillis", model.linearMillis(tokens));
      }
      case "a6000" -> {
        PrebleCostModel model = new PrebleCostModel(PrebleCostModel.Device.A6000);
        long context = JsonFields.longOf(vector.input(), "totalContextTokens");
        return result
            .put("linearMillis", model.linearMillis(tokens))
            .put("attentionMillis", model.attentionMillis(context))
            .put("extendMillis", model.extendMillis(tokens, context));
      }
      default -> throw new VectorFormatException("gpu must be a100 or a6000, but was " + gpu);
    }
  }

  private static JsonNode serviceTime(ConformanceVector vector) {
    JsonNode input = vector.input();
    OptionalInt chunk = JsonFields.optionalInt(input, "chunkTokens");
    ServiceTimes times =
        new ServiceTimes(rooflineOf(vector.params()), chunk.orElse(ServiceTimes.WHOLE_PROMPT));
    int prompt = JsonFields.intOf(input, "promptTokens");
    int cached = JsonFields.intOf(input, "cachedTokens", 0);
    int output = JsonFields.intOf(input, "outputTokens");
    ObjectNode result = JSON.objectNode();
    ArrayNode chunks = result.putArray("chunks");
    for (int size : times.chunks(prompt, cached)) {
      chunks.add(size);
    }
    return result
        .put("prefillSeconds", times.prefillSeconds(prompt, cached))
        .put("isolatedSeconds", times.isolatedSeconds(prompt, cached, output));
  }

  private static JsonNode transferTime(ConformanceVector vector) {
    JsonNode params = vector.params();
    KvTransferModel model =
        new KvTransferModel(
            JsonFields.doubleOf(params, "kvBytesPerToken"),
            JsonFields.doubleOf(params, "bandwidthBytesPerSecond"),
            JsonFields.doubleOf(params, "overlapFactor", KvTransferModel.DEFAULT_OVERLAP_FACTOR),
            JsonFields.intOf(
                params, "overlapFromTokens", KvTransferModel.DEFAULT_OVERLAP_FROM_TOKENS));
    int tokens = JsonFields.intOf(vector.input(), "tokens");
    return putNumber(JSON.objectNode(), "bytes", model.bytes(tokens))
        .put("serializedSeconds", model.serializedSeconds(tokens))
        .put("overlappedSeconds", model.overlappedSeconds(tokens))
        .put("mode", model.isOverlapped(tokens) ? "overlapped" : "serialized");
  }

  private static RooflineCostModel rooflineOf(JsonNode params) {
    JsonNode model = JsonFields.required(params, "model");
    JsonNode gpu = JsonFields.required(params, "gpu");
    return new RooflineCostModel(
        ModelShape.dense(
            "vector",
            JsonFields.doubleOf(model, "parameters"),
            JsonFields.intOf(model, "layers"),
            JsonFields.intOf(model, "queryHeads"),
            JsonFields.intOf(model, "kvHeads"),
            JsonFields.intOf(model, "headDim"),
            JsonFields.intOf(model, "hiddenSize")),
        new Gpu(
            "vector",
            JsonFields.doubleOf(gpu, "peakFlops"),
            JsonFields.doubleOf(gpu, "hbmBytesPerSecond"),
            JsonFields.doubleOf(gpu, "memoryBytes"),
            JsonFields.doubleOf(gpu, "nvlinkBytesPerSecond"),
            Gpu.A100_80G.hostBytesPerSecond()),
        JsonFields.intOf(params, "tensorParallel", 1),
        efficiencies(params.path("constants")));
  }

  private static RooflineEfficiencies efficiencies(JsonNode constants) {
    RooflineEfficiencies d = RooflineEfficiencies.DEFAULTS;
    return new RooflineEfficiencies(
        JsonFields.doubleOf(constants, "computeEfficiency", d.computeEfficiency()),
        JsonFields.doubleOf(constants, "attentionEfficiency", d.attentionEfficiency()),
        JsonFields.doubleOf(constants, "weightBandwidthEfficiency", d.weightBandwidthEfficiency()),
        JsonFields.doubleOf(constants, "kvBandwidthEfficiency", d.kvBandwidthEfficiency()),
        JsonFields.doubleOf(constants, "fixedSeconds", d.fixedSeconds()),
        JsonFields.doubleOf(constants, "perSequenceSeconds", d.perSequenceSeconds()),
        JsonFields.doubleOf(constants, "allReduceLatencySeconds", d.allReduceLatencySeconds()),
        JsonFields.doubleOf(constants, "bytesPerWeight", d.bytesPerWeight()),
        JsonFields.doubleOf(constants, "bytesPerKvElement", d.bytesPerKvElement()));
  }

  private static void addDecodes(IterationShape shape, JsonNode input) {
    for (JsonNode decode : JsonFields.arrayOf(input, "decodes")) {
      int count = JsonFields.intOf(decode, "count", 1);
      shape.addDecodes(count, count * JsonFields.longOf(decode, "contextTokens"));
    }
  }

  private static DistServeCostModel.Triple triple(JsonNode params, String field) {
    double[] values = JsonFields.doublesOf(params, field);
    if (values.length != 3) {
      throw new VectorFormatException(
          "field " + field + " must have 3 coefficients, but has " + values.length);
    }
    return new DistServeCostModel.Triple(values[0], values[1], values[2]);
  }

  /** Writes a number without a decimal point if it is whole, as the vectors do. */
  private static ObjectNode putNumber(ObjectNode node, String field, double value) {
    return value == Math.rint(value) && Math.abs(value) < 0x1.0p53
        ? node.put(field, (long) value)
        : node.put(field, value);
  }
}
