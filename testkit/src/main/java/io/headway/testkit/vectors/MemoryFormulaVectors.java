package io.headway.testkit.vectors;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.node.ArrayNode;
import com.fasterxml.jackson.databind.node.JsonNodeFactory;
import com.fasterxml.jackson.databind.node.ObjectNode;
import io.headway.api.memory.KvDemand;
import io.headway.api.memory.KvOutcome;
import io.headway.api.memory.OwnerKind;
import io.headway.memory.footprint.AttentionFormat;
import io.headway.memory.footprint.FourBitFormat;
import io.headway.memory.footprint.KiviFormat;
import io.headway.memory.footprint.LayerGroups;
import io.headway.memory.footprint.PageSizes;
import io.headway.memory.pool.PagedKvBlockPool;
import io.headway.memory.pool.PagedKvConfig;
import io.headway.memory.prefix.HybridPrefix;
import io.headway.memory.tiering.SwapBreakEven;
import java.util.Arrays;
import java.util.Locale;
import java.util.Map;
import java.util.OptionalDouble;
import java.util.function.BiFunction;

/** Runs the vectors of the suite {@code memory} that compute a formula. */
final class MemoryFormulaVectors implements VectorAdapter {
  private static final JsonNodeFactory JSON = JsonNodeFactory.instance;

  private final Map<String, BiFunction<JsonNode, JsonNode, JsonNode>> formulas =
      Map.ofEntries(
          Map.entry("paged-admission", MemoryFormulaVectors::pagedAdmission),
          Map.entry("swap-recompute", MemoryFormulaVectors::swapRecompute),
          Map.entry("hybrid-hit", MemoryFormulaVectors::hybridHit),
          Map.entry("hybrid-skip", MemoryFormulaVectors::hybridSkip),
          Map.entry("hybrid-grouping", MemoryFormulaVectors::hybridGrouping),
          Map.entry("jenga-pages", MemoryFormulaVectors::jengaPages),
          Map.entry("kivi", MemoryFormulaVectors::kivi),
          Map.entry("qserve-kv4", MemoryFormulaVectors::qserve),
          Map.entry("flexgen-q4", MemoryFormulaVectors::flexgen),
          Map.entry("kv-footprint", MemoryFormulaVectors::footprint));

  @Override
  public String suite() {
    return "memory";
  }

  @Override
  public boolean supports(ConformanceVector vector) {
    return vector.kind().equals("memory.formula") && formulas.containsKey(vector.algorithm());
  }

  @Override
  public JsonNode run(ConformanceVector vector) {
    BiFunction<JsonNode, JsonNode, JsonNode> formula = formulas.get(vector.algorithm());
    if (formula == null) {
      throw new IllegalArgumentException(
          "algorithm must be a supported one, but was " + vector.algorithm());
    }
    return formula.apply(vector.params(), vector.input());
  }

  private static JsonNode pagedAdmission(JsonNode params, JsonNode input) {
    int total = JsonFields.intOf(input, "totalBlocks");
    PagedKvBlockPool pool =
        PagedKvBlockPool.of(
            PagedKvConfig.of(1, total)
                .withWatermarkFraction(JsonFields.doubleOf(params, "watermarkFraction"))
                .withPrefixCaching(false));
    // Growth ignores the watermark, so it can leave exactly the free blocks asked for.
    long filler = pool.open(OwnerKind.SEQUENCE);
    if (!pool.growTo(filler, total - JsonFields.intOf(input, "freeBlocks")).ok()) {
      throw new VectorFormatException("field freeBlocks must be at most totalBlocks");
    }
    long owner = pool.open(OwnerKind.SEQUENCE);
    KvOutcome outcome =
        pool.tryAllocate(owner, KvDemand.uncached(JsonFields.intOf(input, "needBlocks")));
    return JSON.objectNode()
        .put("verdict", outcome.verdict().name().toLowerCase(Locale.ROOT))
        .put("watermarkBlocks", pool.config().watermarkBlocks());
  }

  private static JsonNode swapRecompute(JsonNode params, JsonNode input) {
    SwapBreakEven model =
        new SwapBreakEven(
            JsonFields.doubleOf(params, "activeParameters"),
            JsonFields.doubleOf(params, "kvBytesPerToken"),
            JsonFields.doubleOf(params, "linkBytesPerSecond"),
            JsonFields.intOf(params, "blockTokens"),
            JsonFields.intOf(params, "copiesPerBlock"),
            JsonFields.doubleOf(params, "copyOverheadSeconds"),
            JsonFields.doubleOf(params, "flopsPerSecond"),
            JsonFields.intOf(params, "layers"),
            JsonFields.intOf(params, "width"),
            JsonFields.intOf(params, "directions", 2));
    int tokens = JsonFields.intOf(input, "tokens");
    ObjectNode result = JSON.objectNode();
    put(result, "swapSeconds", model.swapSeconds(tokens));
    put(result, "recomputeSeconds", model.recomputeSeconds(tokens));
    result.put("decision", model.decide(tokens).name().toLowerCase(Locale.ROOT));
    if (model.linkBytesPerSecond() > 0 && model.flopsPerSecond() > 0) {
      put(result, "breakEvenCopyOverheadSeconds", model.breakEvenCopyOverheadSeconds());
      put(result, "breakEvenBytesPerSecond", model.breakEvenBytesPerSecond());
    }
    return result;
  }

  private static void put(ObjectNode result, String field, OptionalDouble value) {
    if (value.isPresent()) {
      result.put(field, value.getAsDouble());
    } else {
      result.putNull(field);
    }
  }

  private static JsonNode hybridHit(JsonNode params, JsonNode input) {
    int blockTokens = JsonFields.intOf(params, "blockTokens");
    int needed = HybridPrefix.blocksNeeded(JsonFields.intOf(params, "windowTokens"), blockTokens);
    int limit = JsonFields.intOf(input, "limitTokens") / blockTokens;
    int[] full = copies(input, "fullCached", limit);
    int[] window = copies(input, "windowCached", limit);
    int hit =
        HybridPrefix.commonHit(
            new int[][] {full, window}, new int[] {HybridPrefix.WHOLE_PREFIX, needed}, limit);
    ObjectNode result = JSON.objectNode();
    result.put("windowBlocksNeeded", needed);
    result.put("fullHitTokens", HybridPrefix.fullHit(full, limit) * blockTokens);
    result.put("windowOnlyHitTokens", HybridPrefix.slidingHit(window, limit, needed) * blockTokens);
    result.put("hitTokens", hit * blockTokens);
    ArrayNode fullTable = result.putArray("fullTable");
    ArrayNode windowTable = result.putArray("windowTable");
    for (int i = 0; i < hit; i++) {
      fullTable.add(full[i]);
      if (i < hit - needed) {
        windowTable.addNull();
      } else {
        windowTable.add(window[i]);
      }
    }
    return result;
  }

  private static int[] copies(JsonNode input, String field, int limit) {
    int[] copies = new int[limit];
    Arrays.fill(copies, HybridPrefix.MISSING);
    for (int[] pair : JsonFields.intRowsOf(input, field)) {
      if (pair.length != 2) {
        throw new VectorFormatException("field " + field + " must hold pairs");
      }
      if (pair[0] < limit) {
        copies[pair[0]] = pair[1];
      }
    }
    return copies;
  }

  private static JsonNode hybridSkip(JsonNode params, JsonNode input) {
    int skipped =
        HybridPrefix.skippedBlocks(
            JsonFields.intOf(input, "computedTokens"),
            JsonFields.intOf(params, "windowTokens"),
            JsonFields.intOf(params, "blockTokens"));
    JsonNode before = JsonFields.arrayOf(input, "table");
    ObjectNode result = JSON.objectNode();
    ArrayNode table = result.putArray("table");
    ArrayNode freed = result.putArray("freed");
    for (int i = 0; i < before.size(); i++) {
      if (i < skipped) {
        table.addNull();
      } else {
        table.add(before.get(i));
      }
    }
    for (int i = Math.min(skipped, before.size()) - 1; i >= 0; i--) {
      if (before.get(i).isNull()) {
        break;
      }
      freed.add(before.get(i));
    }
    return result;
  }

  private static JsonNode hybridGrouping(JsonNode params, JsonNode input) {
    LayerGroups groups = LayerGroups.of(JsonFields.intsOf(input, "layersPerSpec"));
    ObjectNode result =
        JSON.objectNode()
            .put("groupLayers", groups.groupLayers())
            .put("paddedLayerSlots", groups.paddedLayerSlots());
    groups.groupsPerSpec().forEach(result.putArray("groupsPerSpec")::add);
    return result;
  }

  private static JsonNode jengaPages(JsonNode params, JsonNode input) {
    PageSizes pages = PageSizes.of(JsonFields.longsOf(input, "pageBytes"));
    ObjectNode result = JSON.objectNode().put("largePageBytes", pages.largePageBytes());
    pages.smallPagesPerLarge().forEach(result.putArray("smallPagesPerLarge")::add);
    return result;
  }

  private static JsonNode kivi(JsonNode params, JsonNode input) {
    KiviFormat format =
        new KiviFormat(
            JsonFields.intOf(params, "layers"),
            JsonFields.intOf(params, "kvWidth"),
            JsonFields.intOf(params, "bits"),
            JsonFields.intOf(params, "groupSize"),
            JsonFields.intOf(params, "residualTokens"));
    int tokens = JsonFields.intOf(input, "tokens");
    int keys = format.quantisedKeyTokens(tokens);
    int values = format.quantisedValueTokens(tokens);
    return JSON.objectNode()
        .put("quantisedKeyTokens", keys)
        .put("fullKeyTokens", tokens - keys)
        .put("quantisedValueTokens", values)
        .put("fullValueTokens", tokens - values)
        .put("bytes", format.bytes(tokens))
        .put("ratioToFp16", (double) format.bytes(tokens) / format.fullPrecisionBytes(tokens));
  }

  private static JsonNode qserve(JsonNode params, JsonNode input) {
    FourBitFormat format =
        FourBitFormat.qserve(
            JsonFields.intOf(params, "layers"),
            JsonFields.intOf(params, "kvHeads"),
            JsonFields.intOf(params, "headDim"));
    return fourBit(format, input).put("ratioToFp16", format.ratioToFullPrecision());
  }

  private static JsonNode flexgen(JsonNode params, JsonNode input) {
    return fourBit(
        FourBitFormat.flexgen(
            JsonFields.intOf(params, "layers"),
            JsonFields.intOf(params, "kvHeads"),
            JsonFields.intOf(params, "headDim"),
            JsonFields.intOf(params, "groupSize")),
        input);
  }

  private static ObjectNode fourBit(FourBitFormat format, JsonNode input) {
    return JSON.objectNode()
        .put("bytesPerToken", format.bytesPerToken())
        .put("bytes", format.bytes(JsonFields.intOf(input, "tokens")));
  }

  private static JsonNode footprint(JsonNode params, JsonNode input) {
    AttentionFormat format = attention(params);
    ObjectNode result =
        JSON.objectNode()
            .put("elementsPerToken", format.elementsPerToken())
            .put("bytesPerToken", format.bytesPerToken())
            .put(
                "bytesPerTokenPerRank",
                format.bytesPerTokenPerRank(JsonFields.intOf(params, "tensorParallel", 1)))
            .put("bytesPerBlock", format.bytes(JsonFields.intOf(input, "blockTokens")))
            .put("bytesForTokens", format.bytes(JsonFields.intOf(input, "tokens")));
    if (input.has("capacityBytes")) {
      result.put(
          "tokensInCapacity", JsonFields.longOf(input, "capacityBytes") / format.bytesPerToken());
    }
    return result;
  }

  private static AttentionFormat attention(JsonNode params) {
    int layers = JsonFields.intOf(params, "layers");
    int bytes = JsonFields.intOf(params, "bytesPerElement", 2);
    String attention = JsonFields.textOf(params, "attention");
    return switch (attention) {
      case "mha" -> heads(params, layers, JsonFields.intOf(params, "queryHeads"), bytes);
      case "gqa" -> heads(params, layers, JsonFields.intOf(params, "kvHeads"), bytes);
      case "mqa" -> heads(params, layers, 1, bytes);
      case "mla" ->
          AttentionFormat.latent(
              layers,
              JsonFields.intOf(params, "latentDim"),
              JsonFields.intOf(params, "ropeDim"),
              bytes);
      default ->
          throw new VectorFormatException(
              "field attention must be mha, gqa, mqa or mla, but was " + attention);
    };
  }

  private static AttentionFormat heads(JsonNode params, int layers, int kvHeads, int bytes) {
    return AttentionFormat.heads(layers, kvHeads, JsonFields.intOf(params, "headDim"), bytes);
  }
}
