package io.headway.testkit.vectors;

import static java.util.Objects.requireNonNull;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.node.ArrayNode;
import com.fasterxml.jackson.databind.node.ObjectNode;
import io.headway.api.prediction.OutputHistory;
import io.headway.api.prediction.PeakTokens;
import io.headway.batching.admission.PeakForecastAdmission;
import io.headway.batching.fairness.DeficitPrefixOrder;
import io.headway.batching.order.ApiCallHandling;
import io.headway.batching.order.ClientBufferOrder;
import io.headway.batching.order.ExperienceOrder;
import io.headway.batching.order.NextScheduling;
import io.headway.batching.order.PredictedTimeOrder;
import io.headway.batching.order.ProgramTable;
import io.headway.batching.order.QualityOfExperience;
import io.headway.batching.order.Quanta;
import io.headway.batching.order.TokenTimes;
import io.headway.routing.instance.WorkerDeficits;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.Comparator;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.function.Function;

/** Formulas, orders and plans of systems that reorder, by {@code algorithm.function}. */
final class ReorderingFunctions {
  private static final int MAX_WORKERS = 10_000;

  private ReorderingFunctions() {}

  /** Returns a draw, which is at least 0 and below 1. */
  static double uniform(double value, String field) {
    if (!(value >= 0 && value < 1)) {
      throw new VectorFormatException(
          "field " + field + " must be at least 0 and below 1, but was " + value);
    }
    return value;
  }

  static Map<String, Function<ConformanceVector, JsonNode>> all() {
    Map<String, Function<ConformanceVector, JsonNode>> all = new LinkedHashMap<>();
    all.put("fastserve.joinLevel", ReorderingFunctions::joinLevel);
    all.put("fastserve.enst", ReorderingFunctions::nextScheduling);
    all.put("fastserve.swapPlan", ReorderingFunctions::swapPlan);
    all.put("dlpm.serviceBound", ReorderingFunctions::deficitBound);
    all.put("d2lpm.dispatch", ReorderingFunctions::dispatch);
    all.put("ssjf.order", ReorderingRuns::shortestPredictedOrder);
    all.put("alise.order", ReorderingFunctions::predictedTimeOrder);
    all.put("past-future.peakTokens", ReorderingFunctions::peakTokens);
    all.put("past-future.shippedRouterPeak", ReorderingFunctions::routerPeak);
    all.put("andes.qoe", ReorderingFunctions::quality);
    all.put("andes.pack", ReorderingFunctions::pack);
    all.put("tokenflow.order", ReorderingFunctions::bufferOrder);
    all.put("autellix.plas", ReorderingFunctions::programOrder);
    all.put("autellix.atlas", ReorderingFunctions::paths);
    all.put("lamps.handling", ReorderingFunctions::handling);
    return all;
  }

  static long nanos(double seconds) {
    return Math.round(seconds * 1e9);
  }

  static Quanta quanta(ConformanceVector vector) {
    double[] seconds = JsonFields.doublesOf(vector.params(), "quantaSeconds");
    long[] nanos = new long[seconds.length];
    for (int i = 0; i < nanos.length; i++) {
      nanos[i] = nanos(seconds[i]);
    }
    return Quanta.of(nanos);
  }

  private static List<JsonNode> list(ConformanceVector vector, String field) {
    List<JsonNode> list = new ArrayList<>();
    JsonFields.arrayOf(vector.input(), field).forEach(list::add);
    return list;
  }

  private static String id(JsonNode node) {
    return JsonFields.textOf(node, "id");
  }

  private static JsonNode joinLevel(ConformanceVector vector) {
    Quanta quanta = quanta(vector);
    ObjectNode result = JsonResults.object();
    ArrayNode levels = result.putArray("levels");
    for (double seconds : JsonFields.doublesOf(vector.input(), "firstIterationSeconds")) {
      levels.add(quanta.joinLevel(nanos(seconds)));
    }
    return result;
  }

  private static JsonNode nextScheduling(ConformanceVector vector) {
    Quanta quanta = quanta(vector);
    int slots = JsonFields.intOf(vector.params(), "maxSequences");
    double promotion =
        JsonFields.optionalDouble(vector.params(), "promotionSeconds")
            .orElse(Double.POSITIVE_INFINITY);
    List<JsonNode> jobs = list(vector, "jobs");
    int[] count = new int[quanta.levels() + 1];
    for (JsonNode job : jobs) {
      int level = JsonFields.intOf(job, "level");
      EngineRun.within("field level of job " + id(job), level, 1, quanta.levels());
      count[level]++;
    }
    ObjectNode result = JsonResults.object();
    ObjectNode values = result.putObject("values");
    Map<String, Double> times = new LinkedHashMap<>();
    for (JsonNode job : jobs) {
      double promote =
          NextScheduling.promoteSeconds(promotion, JsonFields.doubleOf(job, "sinceLastRunSeconds"));
      double execute =
          NextScheduling.executeSeconds(quanta, count, JsonFields.intOf(job, "level"), slots);
      double next = Math.min(promote, execute);
      times.put(id(job), next);
      ObjectNode value = values.putObject(id(job));
      value.set("promoteSeconds", JsonResults.finite(promote));
      value.put("executeSeconds", execute).put("enstSeconds", next);
    }
    Comparator<String> byTime = Comparator.comparingDouble(times::get);
    List<String> ids = new ArrayList<>(times.keySet());
    ids.sort(byTime.thenComparing(Comparator.naturalOrder()).reversed());
    EngineRun.texts(result, "swapOutOrder", ids);
    return result;
  }

  private static JsonNode swapPlan(ConformanceVector vector) {
    List<JsonNode> jobs = list(vector, "jobs");
    int size = jobs.size();
    double[] seconds = new double[size];
    String[] ids = new String[size];
    int[] blocks = new int[size];
    boolean[] onDevice = new boolean[size];
    for (int i = 0; i < size; i++) {
      seconds[i] = JsonFields.doubleOf(jobs.get(i), "enstSeconds");
      ids[i] = id(jobs.get(i));
      blocks[i] = JsonFields.intOf(jobs.get(i), "blocks");
      onDevice[i] = JsonFields.booleanOf(jobs.get(i), "onGpu");
    }
    int free = JsonFields.intOf(vector.input(), "freeBlocks");
    int[] moved =
        NextScheduling.swaps(
            seconds,
            ids,
            blocks,
            onDevice,
            free,
            JsonFields.intOf(vector.input(), "neededBlocks"),
            JsonFields.intOf(vector.params(), "reserveBlocks"));
    ObjectNode result = JsonResults.object();
    ArrayNode out = result.putArray("swapOut");
    ArrayNode in = result.putArray("swapIn");
    for (int job : moved) {
      (onDevice[job] ? in : out).add(ids[job]);
      free += onDevice[job] ? -blocks[job] : blocks[job];
    }
    return result.put("freeBlocksAfter", free);
  }

  private static JsonNode deficitBound(ConformanceVector vector) {
    return JsonResults.object()
        .put(
            "safeBound",
            DeficitPrefixOrder.serviceBound(
                JsonFields.doubleOf(vector.params(), "quantum"),
                JsonFields.doubleOf(vector.params(), "extendPrice"),
                JsonFields.doubleOf(vector.params(), "outputPrice"),
                JsonFields.longOf(vector.input(), "longestExtendTokens"),
                JsonFields.longOf(vector.input(), "batchTokens")));
  }

  private static JsonNode dispatch(ConformanceVector vector) {
    int workers = JsonFields.intOf(vector.params(), "workers");
    EngineRun.within("field workers", workers, 1, MAX_WORKERS);
    double[] quanta = new double[workers];
    Arrays.fill(quanta, JsonFields.doubleOf(vector.params(), "workerQuantum"));
    double extendPrice = JsonFields.doubleOf(vector.params(), "extendPrice");
    double outputPrice = JsonFields.doubleOf(vector.params(), "outputPrice");
    Map<String, double[]> tenants = new LinkedHashMap<>();
    ObjectNode result = JsonResults.object();
    ArrayNode choices = result.putArray("choices");
    ArrayNode after = result.putArray("deficitsAfterEvent");
    for (JsonNode event : list(vector, "events")) {
      String client = JsonFields.textOf(event, "client");
      double[] deficits = tenants.computeIfAbsent(client, name -> new double[workers]);
      if (JsonFields.textOf(event, "type").equals("dispatch")) {
        int[] matches = JsonFields.intsOf(event, "matchTokens");
        double[] loads = JsonFields.doublesOf(event, "loads");
        EngineRun.within("length of field matchTokens", matches.length, workers, workers);
        EngineRun.within("length of field loads", loads.length, workers, workers);
        double refills = WorkerDeficits.refill(deficits, quanta, workers);
        int worker = WorkerDeficits.choose(deficits, matches, loads, workers);
        deficits[worker] -=
            extendPrice * Math.max(0, JsonFields.intOf(event, "promptTokens") - matches[worker]);
        choices
            .addObject()
            .put("request", JsonFields.textOf(event, "request"))
            .put("worker", worker)
            .put("refills", (long) refills);
      } else {
        int worker = JsonFields.intOf(event, "worker");
        EngineRun.within("field worker", worker, 0, workers - 1L);
        deficits[worker] -= outputPrice * JsonFields.intOf(event, "tokens");
      }
      ObjectNode row = after.addObject();
      tenants.forEach(
          (name, each) -> {
            ArrayNode values = row.putArray(name);
            Arrays.stream(each).forEach(values::add);
          });
    }
    return result;
  }

  private static JsonNode predictedTimeOrder(ConformanceVector vector) {
    JsonNode params = vector.params();
    int slots = JsonFields.intOf(params, "maxSequences");
    TokenTimes times =
        new TokenTimes(
            0,
            JsonFields.doubleOf(params, "prefillSecondsPerToken"),
            JsonFields.doubleOf(params, "decodeSeconds"));
    double[] bounds = JsonFields.doublesOf(params, "levelUpperSeconds");
    List<JsonNode> jobs = list(vector, "queue");
    ObjectNode result = JsonResults.object();
    ObjectNode remaining = result.putObject("remainingSeconds");
    ObjectNode levels = result.putObject("level");
    Map<String, Double> seconds = new LinkedHashMap<>();
    Map<String, Integer> levelOf = new LinkedHashMap<>();
    for (JsonNode job : jobs) {
      double time =
          PredictedTimeOrder.remainingSeconds(
              times,
              JsonFields.intOf(job, "promptTokens"),
              JsonFields.booleanOf(job, "prefilled"),
              JsonFields.doubleOf(job, "predictedTokens"),
              JsonFields.intOf(job, "generatedTokens"));
      seconds.put(id(job), time);
      levelOf.put(id(job), PredictedTimeOrder.levelOf(time, bounds));
      remaining.put(id(job), time);
      levels.put(id(job), levelOf.get(id(job)));
    }
    List<JsonNode> order = new ArrayList<>(jobs);
    order.sort(
        Comparator.comparingInt((JsonNode job) -> levelOf.get(id(job)))
            .thenComparingDouble(job -> JsonFields.doubleOf(job, "arrival"))
            .thenComparing(ReorderingFunctions::id));
    List<String> ids = order.stream().map(ReorderingFunctions::id).toList();
    double[] waits =
        PredictedTimeOrder.estimatedWaitSeconds(
            ids.stream().mapToDouble(seconds::get).toArray(), slots);
    EngineRun.texts(result, "order", ids);
    int run = Math.min(slots, ids.size());
    EngineRun.texts(result, "run", ids.subList(0, run));
    ObjectNode wait = result.putObject("estimatedWaitSeconds");
    for (int i = 0; i < waits.length; i++) {
      wait.put(ids.get(i), waits[i]);
    }
    List<String> others = new ArrayList<>(ids.subList(run, ids.size()));
    java.util.Collections.reverse(others);
    EngineRun.texts(result, "swapOutOrder", others);
    return result;
  }

  private static JsonNode peakTokens(ConformanceVector vector) {
    int cap = JsonFields.intOf(vector.input(), "maxNewTokens");
    int[] lengths = JsonFields.intsOf(vector.input(), "history");
    OutputHistory history = new OutputHistory(Math.max(1, lengths.length), 0, 1);
    for (int length : lengths) {
      history.observe(length);
    }
    List<JsonNode> all = list(vector, "running");
    all.add(JsonFields.required(vector.input(), "candidate"));
    ObjectNode result = JsonResults.object();
    ObjectNode drawn = result.putObject("drawnTokens");
    Map<String, Integer> remaining = new LinkedHashMap<>();
    PeakTokens peak = new PeakTokens();
    for (JsonNode request : all) {
      int generated = JsonFields.intOf(request, "generatedTokens");
      int length =
          PeakForecastAdmission.drawTokens(
              history, generated, cap, uniform(JsonFields.doubleOf(request, "uniform"), "uniform"));
      drawn.put(id(request), length);
      remaining.put(id(request), length - generated);
      peak.add(JsonFields.intOf(request, "promptTokens") + (long) generated, length - generated);
    }
    List<JsonNode> sorted = new ArrayList<>(all);
    sorted.sort(
        Comparator.comparingInt((JsonNode request) -> -requireNonNull(remaining.get(id(request)))));
    ArrayNode rows = result.putArray("rows");
    for (int i = 0; i < sorted.size(); i++) {
      int left = requireNonNull(remaining.get(id(sorted.get(i))));
      long tokens = peak.prefixTokens(i + 1);
      rows.addObject()
          .put("id", id(sorted.get(i)))
          .put("remainingTokens", left)
          .put("cumulativeTokens", tokens - (i + 1L) * left)
          .put("peakTokens", tokens);
    }
    return result
        .put("peakTokens", peak.peakTokens())
        .put(
            "admit",
            PeakForecastAdmission.fits(
                peak.peakTokens(),
                JsonFields.longOf(vector.input(), "capacityTokens"),
                JsonFields.doubleOf(vector.params(), "reserveFraction"),
                false));
  }

  private static JsonNode routerPeak(ConformanceVector vector) {
    long capacity = JsonFields.longOf(vector.input(), "capacityTokens");
    double used = JsonFields.doubleOf(vector.input(), "usedTokens");
    boolean busy = used / capacity >= JsonFields.doubleOf(vector.params(), "tokenRatio");
    PeakTokens peak = new PeakTokens();
    for (JsonNode request : list(vector, "requests")) {
      int generated = JsonFields.intOf(request, "generatedTokens");
      peak.add(
          JsonFields.intOf(request, "promptTokens") + generated + 1L,
          PeakForecastAdmission.routerRemainingTokens(
              generated, JsonFields.intOf(request, "maxNewTokens"), busy));
    }
    long needed = peak.peakTokens();
    long frozen = JsonFields.longOf(vector.input(), "frozenTokens");
    return JsonResults.object()
        .put("busy", busy)
        .put("peakTokens", needed)
        .put("admit", PeakForecastAdmission.fits(needed + frozen, capacity, 0, true));
  }

  private static JsonNode quality(ConformanceVector vector) {
    double[] deliveries = JsonFields.doublesOf(vector.input(), "deliverySeconds");
    double speed = JsonFields.doubleOf(vector.params(), "tokensPerSecond");
    double first = JsonFields.doubleOf(vector.params(), "expectedFirstTokenSeconds");
    ObjectNode result =
        JsonResults.object().put("qoe", QualityOfExperience.of(deliveries, first, speed));
    result.set(
        "digestSeconds", JsonResults.of(QualityOfExperience.digestSeconds(deliveries, speed)));
    return result;
  }

  private static JsonNode pack(ConformanceVector vector) {
    List<JsonNode> requests = list(vector, "requests");
    ObjectNode result = JsonResults.object();
    ObjectNode priorities = result.putObject("priorities");
    Map<String, Double> priority = new LinkedHashMap<>();
    for (JsonNode request : requests) {
      double value =
          ExperienceOrder.priority(
              JsonFields.doubleOf(request, "qoeServed"),
              JsonFields.doubleOf(request, "qoeWaiting"),
              JsonFields.intOf(request, "contextTokens"));
      priority.put(id(request), value);
      priorities.put(id(request), value);
    }
    requests.sort(
        Comparator.comparingDouble((JsonNode request) -> -requireNonNull(priority.get(id(request))))
            .thenComparing(ReorderingFunctions::id));
    EngineRun.texts(result, "order", requests.stream().map(ReorderingFunctions::id).toList());
    List<JsonNode> chosen =
        greedy(
            requests,
            JsonFields.intOf(vector.params(), "maxSequences"),
            JsonFields.longOf(vector.params(), "capacityTokens"));
    EngineRun.texts(result, "chosen", chosen.stream().map(ReorderingFunctions::id).toList());
    return result.put(
        "tokens", chosen.stream().mapToInt(r -> JsonFields.intOf(r, "contextTokens")).sum());
  }

  /** Those taken in order, what does not fit passed over. */
  private static List<JsonNode> greedy(List<JsonNode> order, int most, long capacityTokens) {
    List<JsonNode> chosen = new ArrayList<>();
    long left = capacityTokens;
    for (JsonNode request : order) {
      int tokens = JsonFields.intOf(request, "contextTokens");
      if (chosen.size() < most && tokens <= left) {
        chosen.add(request);
        left -= tokens;
      }
    }
    return chosen;
  }

  private static JsonNode bufferOrder(ConformanceVector vector) {
    double now = JsonFields.doubleOf(vector.input(), "nowSeconds");
    List<JsonNode> requests = list(vector, "requests");
    ObjectNode result = JsonResults.object();
    ObjectNode buffers = result.putObject("bufferSeconds");
    Map<String, Double> buffer = new LinkedHashMap<>();
    for (JsonNode request : requests) {
      double seconds = 0;
      if (request.hasNonNull("firstTokenSeconds")) {
        seconds =
            ClientBufferOrder.bufferSeconds(
                JsonFields.intOf(request, "generatedTokens"),
                now - JsonFields.doubleOf(request, "firstTokenSeconds"),
                JsonFields.doubleOf(request, "readingTokensPerSecond"));
      }
      buffer.put(id(request), seconds);
      buffers.put(id(request), seconds);
    }
    requests.sort(
        Comparator.comparingDouble((JsonNode request) -> buffer.get(id(request)))
            .thenComparing(ReorderingFunctions::id));
    EngineRun.texts(result, "order", requests.stream().map(ReorderingFunctions::id).toList());
    List<JsonNode> served =
        greedy(requests, Integer.MAX_VALUE, JsonFields.longOf(vector.params(), "capacityTokens"));
    EngineRun.texts(result, "served", served.stream().map(ReorderingFunctions::id).toList());
    EngineRun.texts(
        result,
        "preemptible",
        requests.stream()
            .filter(r -> r.hasNonNull("firstTokenSeconds"))
            // Decimals drift; a buffer that equals the time to move does not outlast it.
            .filter(
                r ->
                    requireNonNull(buffer.get(id(r)))
                        > JsonFields.doubleOf(r, "moveSeconds") + 1e-9)
            .map(ReorderingFunctions::id)
            .toList());
    return result;
  }

  private static JsonNode programOrder(ConformanceVector vector) {
    ProgramTable table = new ProgramTable(ProgramTable.DEFAULT_CAPACITY);
    JsonFields.required(vector.input(), "finishedCallSeconds")
        .properties()
        .forEach(
            e -> {
              for (JsonNode seconds : e.getValue()) {
                long service = nanos(JsonFields.asDouble(seconds, e.getKey()));
                table.finished(e.getKey(), "", 0, service, 0);
              }
            });
    ObjectNode result = JsonResults.object();
    ObjectNode priorities = result.putObject("priority");
    Map<String, Long> priority = new LinkedHashMap<>();
    for (JsonNode call : list(vector, "calls")) {
      priority.put(id(call), table.attainedNanos(JsonFields.textOf(call, "program")));
      priorities.put(id(call), requireNonNull(priority.get(id(call))) / 1e9);
    }
    List<String> ids = new ArrayList<>(priority.keySet());
    ids.sort(Comparator.comparingLong(priority::get));
    EngineRun.texts(result, "order", ids);
    return result;
  }

  private static JsonNode paths(ConformanceVector vector) {
    ProgramTable table = new ProgramTable(ProgramTable.DEFAULT_CAPACITY);
    ObjectNode result = JsonResults.object();
    ObjectNode priorities = result.putObject("priority");
    for (JsonNode call : list(vector, "calls")) {
      long longest = 0;
      for (JsonNode parent : JsonFields.arrayOf(call, "parents")) {
        longest = Math.max(longest, table.pathNanos(parent.asText()));
      }
      priorities.put(id(call), longest / 1e9);
      table.finished(
          "program", id(call), longest, nanos(JsonFields.doubleOf(call, "serviceSeconds")), 0);
    }
    return result;
  }

  private static JsonNode handling(ConformanceVector vector) {
    JsonNode input = vector.input();
    double context = JsonFields.doubleOf(input, "contextTokens");
    double others = JsonFields.doubleOf(input, "otherContextTokens");
    double api = JsonFields.doubleOf(input, "apiSeconds");
    double forward = JsonFields.doubleOf(input, "forwardSeconds");
    double swap = JsonFields.doubleOf(input, "swapSeconds");
    ObjectNode result = JsonResults.object();
    ObjectNode waste = result.putObject("wasteTokenSeconds");
    for (ApiCallHandling handling : ApiCallHandling.values()) {
      waste.put(
          handling.name().toLowerCase(Locale.ROOT),
          handling.wasteTokenSeconds(context, others, api, forward, swap));
    }
    return result.put(
        "choice",
        ApiCallHandling.choose(context, others, api, forward, swap)
            .name()
            .toLowerCase(Locale.ROOT));
  }
}
