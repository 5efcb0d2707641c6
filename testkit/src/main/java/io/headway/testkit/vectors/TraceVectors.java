package io.headway.testkit.vectors;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.node.ArrayNode;
import com.fasterxml.jackson.databind.node.JsonNodeFactory;
import com.fasterxml.jackson.databind.node.ObjectNode;
import io.headway.simulator.workload.BlockKeys;
import io.headway.simulator.workload.TraceFormat;
import io.headway.simulator.workload.TraceOptions;
import io.headway.simulator.workload.Workload;
import io.headway.simulator.workload.WorkloadStatistics;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Map;
import java.util.Optional;
import java.util.OptionalInt;
import java.util.concurrent.ConcurrentHashMap;
import org.jspecify.annotations.Nullable;

/**
 * Runs the vectors of the suite {@code cluster} that describe recorded traces. The traces are not
 * part of the library: they are looked up in {@code ../traces} beside the vector file, then in
 * {@code shared/traces} beside the working folder or a folder above it.
 */
final class TraceVectors implements VectorAdapter {
  private static final JsonNodeFactory JSON = JsonNodeFactory.instance;

  private final Map<Path, Workload> read = new ConcurrentHashMap<>();

  @Override
  public String suite() {
    return "cluster";
  }

  @Override
  public boolean supports(ConformanceVector vector) {
    return vector.kind().equals("workload.stats") && vector.algorithm().equals("trace");
  }

  @Override
  public JsonNode run(ConformanceVector vector) {
    String name = JsonFields.textOf(vector.input(), "file");
    Path file =
        find(name, vector.file())
            .orElseThrow(
                () ->
                    new VectorFormatException(
                        "trace " + name + " is neither in ../traces nor in ../shared/traces"));
    Workload whole = read.computeIfAbsent(file, TraceVectors::readTrace);
    int from = JsonFields.intOf(vector.params(), "fromRow", 0);
    OptionalInt to = JsonFields.optionalInt(vector.params(), "toRow");
    Workload workload = whole.slice(from, to.orElse(whole.size()));
    WorkloadStatistics statistics = new WorkloadStatistics(workload);
    ObjectNode result = JSON.objectNode();
    for (JsonNode statistic : JsonFields.arrayOf(vector.params(), "statistics")) {
      put(result, workload, statistics, statistic);
    }
    return result;
  }

  /** The file of a trace; a name with a folder in it is refused. */
  static Optional<Path> find(String name, @Nullable Path vectorFile) {
    if (name.contains("/") || name.contains("\\") || name.startsWith(".")) {
      throw new VectorFormatException("field file must be a plain file name, but was " + name);
    }
    if (vectorFile != null) {
      Path folder = vectorFile.toAbsolutePath().normalize().getParent();
      if (folder != null) {
        Path beside = folder.resolveSibling("traces").resolve(name);
        if (Files.isRegularFile(beside)) {
          return Optional.of(beside);
        }
      }
    }
    for (Path folder = Path.of("").toAbsolutePath(); folder != null; folder = folder.getParent()) {
      Path shared = folder.resolve("shared").resolve("traces").resolve(name);
      if (Files.isRegularFile(shared)) {
        return Optional.of(shared);
      }
    }
    return Optional.empty();
  }

  private static Workload readTrace(Path file) {
    try {
      return TraceFormat.read(
          file, TraceOptions.DEFAULTS.withZeroOutput(TraceOptions.ZeroOutput.REFUSE));
    } catch (IOException e) {
      throw new VectorFormatException("trace " + file + " cannot be read: " + e.getMessage());
    }
  }

  private static void put(ObjectNode result, Workload w, WorkloadStatistics s, JsonNode statistic) {
    String name = JsonFields.textOf(statistic, "name");
    switch (name) {
      case "rows" -> result.put(name, w.size());
      case "durationNanos" -> result.put(name, w.durationNanos());
      case "totalPromptTokens" -> result.put(name, s.totalPromptTokens());
      case "totalOutputTokens" -> result.put(name, s.totalOutputTokens());
      case "meanRatePerSecond" -> result.put(name, s.meanRatePerSecond());
      case "promptMean" -> result.put(name, s.promptMean());
      case "promptSd" -> result.put(name, s.promptSd());
      case "outputMean" -> result.put(name, s.outputMean());
      case "outputSd" -> result.put(name, s.outputSd());
      case "promptQuantiles" -> put(result, name, s.promptQuantiles(probabilities(statistic)));
      case "outputQuantiles" -> put(result, name, s.outputQuantiles(probabilities(statistic)));
      case "interArrivalQuantilesSeconds" ->
          put(result, name, s.interArrivalQuantilesSeconds(probabilities(statistic)));
      case "interArrivalMeanSeconds" -> result.put(name, s.interArrivalMeanSeconds());
      case "interArrivalCv" -> result.put(name, s.interArrivalCv());
      case "pearson" -> result.put(name, s.pearson());
      case "spearman" -> result.put(name, s.spearman());
      case "pearsonLog1p" -> result.put(name, s.pearsonLog1p());
      case "windowMax", "windowVarianceToMean", "windowEmptyShare", "windowLag1", "windowCounts" ->
          putWindows(result, s, name, statistic);
      case "promptShareAbove", "promptShareAtLeast" -> {
        int tokens = JsonFields.intOf(statistic, "tokens");
        result.put(
            name + "@" + tokens,
            s.promptShareAbove(name.equals("promptShareAbove") ? tokens : tokens - 1));
      }
      case "outputQuantilesByPrompt" -> putByPrompt(result, s, name, statistic);
      case "totalBlocks" -> result.put(name, w.blocks().total());
      case "distinctBlocks" -> result.put(name, s.distinctBlocks());
      case "blocksUsedOnce" -> result.put(name, s.blocksUsedOnce());
      case "maxReferences" -> result.put(name, s.maxReferences());
      case "prefixHitBlocks" -> result.put(name, s.prefixHitBlocks());
      case "requestHitBlocksQuantiles" ->
          put(result, name, s.requestHitBlocksQuantiles(probabilities(statistic)));
      case "lruPrefixHitBlocks" -> {
        int capacity = JsonFields.intOf(statistic, "capacityBlocks");
        result.put(name + "@" + capacity, s.lruPrefixHitBlocks(capacity));
      }
      case "distinctTimestamps" -> result.put(name, s.distinctTimestamps());
      case "maxRowsPerTimestamp" -> result.put(name, s.maxRowsPerTimestamp());
      case "hashLengthLawHolds" -> result.put(name, hashLengthLawHolds(w));
      default -> throw new VectorFormatException("statistic " + name + " is unknown");
    }
  }

  private static void putWindows(
      ObjectNode result, WorkloadStatistics s, String name, JsonNode statistic) {
    JsonNode width = JsonFields.required(statistic, "windowSeconds");
    double seconds = JsonFields.asDouble(width, "windowSeconds");
    String key = name + "@" + width.asText() + "s";
    switch (name) {
      case "windowMax" -> result.put(key, s.windowMax(seconds));
      case "windowVarianceToMean" -> result.put(key, s.windowVarianceToMean(seconds));
      case "windowEmptyShare" -> result.put(key, s.windowEmptyShare(seconds));
      case "windowLag1" -> result.put(key, s.windowLag1(seconds));
      default -> {
        OptionalInt windows = JsonFields.optionalInt(statistic, "windows");
        int[] counts =
            windows.isPresent()
                ? s.windowCounts(seconds, windows.getAsInt())
                : s.windowCounts(seconds);
        ArrayNode array = result.putArray(key);
        for (int count : counts) {
          array.add(count);
        }
      }
    }
  }

  private static void putByPrompt(
      ObjectNode result, WorkloadStatistics s, String name, JsonNode statistic) {
    int from = JsonFields.intOf(statistic, "promptFrom");
    int to = JsonFields.optionalInt(statistic, "promptTo").orElse(Integer.MAX_VALUE);
    ObjectNode entry = result.putObject(name + "@" + from);
    entry.put("rows", s.outputsByPrompt(from, to).length);
    put(entry, "quantiles", s.outputQuantilesByPrompt(from, to, probabilities(statistic)));
  }

  private static boolean hashLengthLawHolds(Workload w) {
    BlockKeys blocks = w.blocks();
    for (int row = 0; row < w.size(); row++) {
      int expected = (w.promptTokens(row) + blocks.blockTokens() - 1) / blocks.blockTokens();
      if (blocks.count(row) != expected) {
        return false;
      }
    }
    return true;
  }

  private static double[] probabilities(JsonNode statistic) {
    return JsonFields.doublesOf(statistic, "probabilities");
  }

  private static void put(ObjectNode result, String name, double[] values) {
    ArrayNode array = result.putArray(name);
    for (double value : values) {
      array.add(value);
    }
  }
}
