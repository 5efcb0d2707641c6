package io.headway.testkit.vectors;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.node.ArrayNode;
import com.fasterxml.jackson.databind.node.ObjectNode;
import io.headway.batching.planning.FutureMemory;
import io.headway.batching.planning.LatencySurface;
import io.headway.batching.planning.LengthBuckets;
import io.headway.batching.planning.ListSchedule;
import io.headway.batching.planning.RequestGroup;
import io.headway.batching.planning.SliceBatches;
import io.headway.batching.planning.SloAnnealing;
import io.headway.batching.planning.SloJob;
import io.headway.batching.planning.SloOdbs;
import io.headway.batching.planning.SloSchedule;
import io.headway.batching.planning.SortedF;
import io.headway.batching.planning.VirtualQueues;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.Comparator;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.function.Function;
import java.util.stream.IntStream;

/** The functions of the suite {@code batching} behind slow plans: slices, buckets, groups, sets. */
final class BatchPlanVectors implements VectorAdapter {
  private static final String NEVER_FITS = "never-fits";

  private final Map<String, Function<ConformanceVector, JsonNode>> functions =
      new LinkedHashMap<>();

  BatchPlanVectors() {
    functions.put("scls.sliceSeconds", BatchPlanVectors::sliceSeconds);
    functions.put("scls.plan", BatchPlanVectors::slicePlan);
    functions.put("scls.interval", BatchPlanVectors::sliceInterval);
    functions.put("bucketserve.buckets", BatchPlanVectors::buckets);
    functions.put("bucketserve.kvBytesPerToken", BatchPlanVectors::kvBytesPerToken);
    functions.put("bucketserve.maxBatch", BatchPlanVectors::maxBatch);
    functions.put("slo-annealing.objective", BatchPlanVectors::sloObjective);
    functions.put("slo-annealing.bestPlan", BatchPlanVectors::sloBestPlan);
    functions.put("slo-annealing.initialPlan", BatchPlanVectors::sloInitialPlan);
    functions.put("slo-annealing.acceptProbability", BatchPlanVectors::acceptProbability);
    functions.put("qlm.waitingSeconds", BatchPlanVectors::waitingSeconds);
    functions.put("qlm.evaluatePlan", BatchPlanVectors::evaluatePlan);
    functions.put("qlm.bestPlan", BatchPlanVectors::qlmBestPlan);
    functions.put("qlm.earliestDeadline", BatchPlanVectors::earliestDeadline);
    functions.put("uellm.batches", BatchPlanVectors::uellmBatches);
    functions.put("sorted-f.f", BatchPlanVectors::sortedFValue);
    functions.put("sorted-f.plan", BatchPlanVectors::sortedFPlan);
    functions.put("mc-sf.admit", BatchPlanVectors::mcSfAdmit);
  }

  @Override
  public String suite() {
    return "batching";
  }

  @Override
  public boolean supports(ConformanceVector vector) {
    return functions.containsKey(function(vector));
  }

  private static String function(ConformanceVector vector) {
    return vector.algorithm() + "." + vector.input().path("function").asText("");
  }

  @Override
  public JsonNode run(ConformanceVector vector) {
    Function<ConformanceVector, JsonNode> function = functions.get(function(vector));
    if (function == null) {
      throw new IllegalArgumentException(
          "function must be a supported one, but was " + function(vector));
    }
    return function.apply(vector);
  }

  // ---- scls

  private static SliceBatches slices(ConformanceVector vector) {
    return new SliceBatches(
        JsonFields.intOf(vector.params(), "sliceTokens"),
        surface(vector.params(), "prefillCoefficients"),
        surface(vector.params(), "decodeCoefficients"));
  }

  private static LatencySurface surface(JsonNode params, String field) {
    double[] values = JsonFields.doublesOf(params, field);
    if (values.length != 4) {
      throw new VectorFormatException("field " + field + " must have four coefficients");
    }
    return new LatencySurface(values[0], values[1], values[2], values[3]);
  }

  private static JsonNode sliceSeconds(ConformanceVector vector) {
    SliceBatches slices = slices(vector);
    int batch = JsonFields.intOf(vector.input(), "batchSize");
    int length = JsonFields.intOf(vector.input(), "lengthTokens");
    return JsonResults.object()
        .put("prefillSeconds", slices.prefillSeconds(batch, length))
        .put("decodeSeconds", slices.decodeSeconds(batch, length))
        .put("totalSeconds", slices.seconds(batch, length));
  }

  private static JsonNode slicePlan(ConformanceVector vector) {
    SliceBatches slices = slices(vector);
    int[] lengths = JsonFields.intsOf(vector.input(), "lengthTokens");
    Arrays.sort(lengths);
    long memory = JsonFields.longOf(vector.input(), "memoryTokens");
    SliceBatches.Capacity capacity =
        (n, length) -> (long) n * ((long) length + slices.sliceTokens()) <= memory;
    if (lengths.length > 0 && !capacity.fits(1, lengths[lengths.length - 1])) {
      return VectorAdapter.error(NEVER_FITS);
    }
    int[] ends = slices.cut(lengths, capacity);
    ObjectNode result = JsonResults.object();
    ArrayNode batches = result.putArray("batches");
    double[] seconds = new double[ends.length];
    double total = 0;
    for (int i = 0, begin = 0; i < ends.length; begin = ends[i++]) {
      batches.add(JsonResults.of(Arrays.copyOfRange(lengths, begin, ends[i])));
      seconds[i] = slices.seconds(ends[i] - begin, lengths[ends[i] - 1]);
      total += seconds[i];
    }
    result.set("batchSeconds", JsonResults.of(seconds));
    result.put("totalSeconds", total);
    double[] load = JsonFields.doublesOf(vector.input(), "loadSeconds");
    EngineRun.within("length of field loadSeconds", load.length, 1, Integer.MAX_VALUE);
    ArrayNode offload = result.putArray("offload");
    for (int batch : SliceBatches.longestFirst(seconds)) {
      offload
          .addObject()
          .put("batch", batch)
          .put("instance", SliceBatches.offload(seconds[batch], load));
    }
    result.set("loadSecondsAfter", JsonResults.of(load));
    return result;
  }

  private static JsonNode sliceInterval(ConformanceVector vector) {
    return JsonResults.object()
        .put(
            "intervalSeconds",
            SliceBatches.intervalSeconds(
                JsonFields.doubleOf(vector.params(), "loadFactor"),
                JsonFields.doubleOf(vector.params(), "minimumSeconds"),
                JsonFields.doublesOf(vector.input(), "loadSeconds")));
  }

  // ---- bucketserve

  private static JsonNode buckets(ConformanceVector vector) {
    LengthBuckets buckets =
        new LengthBuckets(
            JsonFields.intOf(vector.params(), "maxLengthTokens"),
            LengthBuckets.DEFAULT_SHORT_FRACTION);
    int[] lengths = JsonFields.intsOf(vector.input(), "lengthTokens");
    ObjectNode result = JsonResults.object();
    ArrayNode array = result.putArray("buckets");
    long padding = 0;
    for (LengthBuckets.Bucket bucket :
        buckets.split(lengths, JsonFields.intOf(vector.input(), "maxBatch"))) {
      array
          .addObject()
          .put("fromTokens", bucket.fromTokens())
          .put("toTokens", bucket.toTokens())
          .set(
              "lengthTokens",
              JsonResults.of(Arrays.stream(bucket.members()).map(i -> lengths[i]).toArray()));
      padding += LengthBuckets.paddingTokens(lengths, bucket.members());
    }
    int[] everybody = IntStream.range(0, lengths.length).toArray();
    return result
        .put("paddingTokens", padding)
        .put("singleBucketPaddingTokens", LengthBuckets.paddingTokens(lengths, everybody));
  }

  private static JsonNode kvBytesPerToken(ConformanceVector vector) {
    JsonNode input = vector.input();
    return JsonResults.object()
        .put(
            "bytesPerToken",
            LengthBuckets.kvBytesPerToken(
                JsonFields.intOf(input, "layers"),
                JsonFields.intOf(input, "heads"),
                JsonFields.intOf(input, "headDim"),
                JsonFields.intOf(input, "elementBytes")));
  }

  private static JsonNode maxBatch(ConformanceVector vector) {
    JsonNode input = vector.input();
    double safe =
        LengthBuckets.safeBytes(
            JsonFields.doubleOf(vector.params(), "safeFraction"),
            JsonFields.doubleOf(input, "gpuBytes"),
            JsonFields.doubleOf(input, "modelBytes"));
    return JsonResults.object()
        .put("safeBytes", safe)
        .put(
            "maxBatch",
            LengthBuckets.maxBatch(
                safe,
                JsonFields.doubleOf(input, "runningBytes"),
                JsonFields.doubleOf(input, "longestTokens"),
                JsonFields.doubleOf(input, "bytesPerToken")));
  }

  // ---- slo-annealing

  private static SloSchedule sloSchedule(ConformanceVector vector, List<String> ids) {
    List<SloJob> jobs = new ArrayList<>();
    for (JsonNode job : JsonFields.arrayOf(vector.input(), "jobs")) {
      ids.add(JsonFields.textOf(job, "id"));
      int input = JsonFields.intOf(job, "inputTokens");
      int output = JsonFields.intOf(job, "outputTokens");
      jobs.add(
          JsonFields.booleanOf(job, "endToEnd")
              ? SloJob.endToEnd(input, output, JsonFields.doubleOf(job, "endToEndSloSeconds"))
              : SloJob.streaming(
                  input,
                  output,
                  JsonFields.doubleOf(job, "firstTokenSloSeconds"),
                  JsonFields.doubleOf(job, "perTokenSloSeconds")));
    }
    return new SloSchedule(
        jobs, surface(vector.params(), "prefill"), surface(vector.params(), "decode"));
  }

  private static int known(List<String> ids, JsonNode id, String field) {
    int index = ids.indexOf(id.asText());
    if (index < 0) {
      throw new VectorFormatException(
          "field " + field + " must name one of " + ids + ", but was " + VectorMatcher.show(id));
    }
    return index;
  }

  private static JsonNode sloObjective(ConformanceVector vector) {
    List<String> ids = new ArrayList<>();
    SloSchedule schedule = sloSchedule(vector, ids);
    JsonNode plan = JsonFields.arrayOf(vector.input(), "plan");
    int[][] batches = new int[plan.size()][];
    for (int k = 0; k < batches.length; k++) {
      batches[k] = new int[plan.get(k).size()];
      for (int i = 0; i < batches[k].length; i++) {
        batches[k][i] = known(ids, plan.get(k).get(i), "plan");
      }
    }
    SloSchedule.Worth worth = schedule.worth(batches);
    ObjectNode result =
        JsonResults.object()
            .put("objective", worth.objective())
            .put("metCount", worth.metCount())
            .put("totalSeconds", worth.totalSeconds());
    ArrayNode jobs = result.putArray("jobs");
    double wait = 0;
    for (int[] batch : batches) {
      double longest = 0;
      for (int job : batch) {
        double prefill = schedule.prefillSeconds(job, batch.length);
        double decode = schedule.decodeSeconds(job, batch.length);
        longest = Math.max(longest, prefill + decode);
        jobs.addObject()
            .put("id", ids.get(job))
            .put("waitSeconds", wait)
            .put("prefillSeconds", prefill)
            .put("decodeSeconds", decode)
            .put("endToEndSeconds", wait + prefill + decode)
            .put("met", schedule.meets(job, batch.length, wait));
      }
      wait += longest;
    }
    return result;
  }

  private static ArrayNode named(int[][] batches, List<String> ids) {
    ArrayNode plan = JsonResults.array();
    for (int[] batch : batches) {
      ArrayNode members = plan.addArray();
      for (int job : batch) {
        members.add(ids.get(job));
      }
    }
    return plan;
  }

  private static JsonNode sloBestPlan(ConformanceVector vector) {
    List<String> ids = new ArrayList<>();
    SloSchedule schedule = sloSchedule(vector, ids);
    SloSchedule.Best best = schedule.best(JsonFields.intOf(vector.params(), "maxBatch"));
    ObjectNode result =
        JsonResults.object()
            .put("objective", best.plan().worth().objective())
            .put("metCount", best.plan().worth().metCount())
            .put("totalSeconds", best.plan().worth().totalSeconds());
    if (best.unique()) {
      result.set("plan", named(best.plan().batches(), ids));
    } else {
      result.putNull("plan");
    }
    return result;
  }

  private static JsonNode sloInitialPlan(ConformanceVector vector) {
    List<String> ids = new ArrayList<>();
    SloSchedule schedule = sloSchedule(vector, ids);
    SloAnnealing.Start start =
        SloAnnealing.withBatchesOf(JsonFields.intOf(vector.params(), "maxBatch")).start(schedule);
    ObjectNode result =
        JsonResults.object()
            .put("firstComeObjective", start.firstCome().worth().objective())
            .put("ascendingObjective", start.ascending().worth().objective())
            .put("stopEarly", start.stopEarly());
    result.set("plan", named(start.better().batches(), ids));
    return result;
  }

  private static JsonNode acceptProbability(ConformanceVector vector) {
    JsonNode input = vector.input();
    return JsonResults.object()
        .put(
            "probability",
            SloAnnealing.acceptProbability(
                JsonFields.doubleOf(vector.params(), "kappa"),
                JsonFields.doubleOf(input, "objective"),
                JsonFields.doubleOf(input, "candidateObjective"),
                JsonFields.doubleOf(input, "temperature")));
  }

  // ---- qlm

  private static JsonNode waitingSeconds(ConformanceVector vector) {
    JsonNode input = vector.input();
    VirtualQueues.Waiting waiting =
        VirtualQueues.waiting(
            JsonFields.intOf(input, "requestsAhead"),
            JsonFields.doubleOf(input, "meanTokens"),
            JsonFields.doubleOf(input, "deviationTokens"),
            JsonFields.doubleOf(input, "tokensPerSecond"),
            JsonFields.doubleOf(vector.params(), "z"));
    return JsonResults.object()
        .put("meanSeconds", waiting.meanSeconds())
        .put("deviationSeconds", waiting.deviationSeconds())
        .put("boundSeconds", waiting.boundSeconds());
  }

  /** Groups by id, so that an index orders as its id does. */
  private record Queues(List<String> groups, List<String> workers, VirtualQueues queues) {
    static Queues of(ConformanceVector vector) {
      List<JsonNode> nodes = new ArrayList<>();
      JsonFields.arrayOf(vector.input(), "groups").forEach(nodes::add);
      nodes.sort(Comparator.comparing(node -> JsonFields.textOf(node, "id")));
      List<String> ids = new ArrayList<>();
      List<RequestGroup> groups = new ArrayList<>();
      for (JsonNode node : nodes) {
        ids.add(JsonFields.textOf(node, "id"));
        groups.add(
            new RequestGroup(
                JsonFields.textOf(node, "model"),
                JsonFields.intOf(node, "requests"),
                JsonFields.doubleOf(node, "tokensPerRequest"),
                JsonFields.doubleOf(node, "sloSeconds"),
                JsonFields.doubleOf(node, "tokensPerSecond")));
      }
      List<String> workers = new ArrayList<>();
      List<String> models = new ArrayList<>();
      for (JsonNode node : JsonFields.arrayOf(vector.input(), "workers")) {
        workers.add(JsonFields.textOf(node, "id"));
        models.add(JsonFields.textOf(node, "model"));
      }
      EngineRun.within("length of field workers", workers.size(), 1, Integer.MAX_VALUE);
      double swap = JsonFields.doubleOf(vector.params(), "swapSeconds");
      return new Queues(ids, workers, new VirtualQueues(groups, models, swap));
    }

    int[][] plan(ConformanceVector vector) {
      JsonNode plan = JsonFields.required(vector.input(), "plan");
      int[][] indices = new int[workers.size()][];
      for (int w = 0; w < indices.length; w++) {
        JsonNode queue = plan.path(workers.get(w));
        indices[w] = new int[queue.size()];
        for (int i = 0; i < indices[w].length; i++) {
          indices[w][i] = known(groups, queue.get(i), "plan");
        }
      }
      return indices;
    }

    ObjectNode named(int[][] plan) {
      ObjectNode node = JsonResults.object();
      for (int w = 0; w < plan.length; w++) {
        ArrayNode queue = node.putArray(workers.get(w));
        for (int group : plan[w]) {
          queue.add(groups.get(group));
        }
      }
      return node;
    }
  }

  private static ObjectNode worth(ObjectNode result, VirtualQueues.Worth worth) {
    return result
        .put("violations", worth.violations())
        .put("penaltySeconds", worth.penaltySeconds());
  }

  private static JsonNode evaluatePlan(ConformanceVector vector) {
    Queues queues = Queues.of(vector);
    int[][] plan = queues.plan(vector);
    VirtualQueues.Worth worth = queues.queues().worth(plan);
    ObjectNode result = JsonResults.object();
    ArrayNode groups = result.putArray("groups");
    for (int w = 0; w < plan.length; w++) {
      for (int group : plan[w]) {
        double completion = worth.completionSeconds()[group];
        groups
            .addObject()
            .put("worker", queues.workers().get(w))
            .put("group", queues.groups().get(group))
            .put("completionSeconds", completion)
            .put("penaltySeconds", completion - queues.queues().groups().get(group).sloSeconds());
      }
    }
    return worth(result, worth);
  }

  private static JsonNode qlmBestPlan(ConformanceVector vector) {
    Queues queues = Queues.of(vector);
    VirtualQueues.Best best = queues.queues().best();
    ObjectNode result = worth(JsonResults.object(), best.worth());
    if (best.unique()) {
      result.set("plan", queues.named(best.queues()));
    } else {
      result.putNull("plan");
    }
    return result;
  }

  private static JsonNode earliestDeadline(ConformanceVector vector) {
    Queues queues = Queues.of(vector);
    int[][] sorted = queues.queues().earliestDeadline(queues.plan(vector));
    ObjectNode result = JsonResults.object();
    result.set("plan", queues.named(sorted));
    return worth(result, queues.queues().worth(sorted));
  }

  // ---- uellm

  private static JsonNode uellmBatches(ConformanceVector vector) {
    JsonNode params = vector.params();
    SloOdbs batching =
        new SloOdbs(
            JsonFields.doubleOf(params, "sloWeight"),
            JsonFields.doubleOf(params, "outputWeight"),
            JsonFields.doubleOf(params, "sloScale"),
            JsonFields.doubleOf(params, "outputScale"),
            JsonFields.doubleOf(params, "threshold"),
            JsonFields.intOf(params, "maxBatch"));
    List<JsonNode> queue = new ArrayList<>();
    JsonFields.arrayOf(vector.input(), "queue").forEach(queue::add);
    queue.sort(
        Comparator.comparingDouble((JsonNode q) -> JsonFields.doubleOf(q, "sloSeconds"))
            .thenComparingInt(q -> JsonFields.intOf(q, "predictedTokens"))
            .thenComparing(q -> JsonFields.textOf(q, "id")));
    SloOdbs.Step[] decided =
        batching.steps(
            queue.stream().mapToDouble(q -> JsonFields.doubleOf(q, "sloSeconds")).toArray(),
            queue.stream().mapToInt(q -> JsonFields.intOf(q, "predictedTokens")).toArray());
    ObjectNode result = JsonResults.object();
    ArrayNode batches = result.putArray("batches");
    ArrayNode steps = result.putArray("steps");
    ArrayNode open = JsonResults.array();
    for (int i = 0; i < decided.length; i++) {
      String id = JsonFields.textOf(queue.get(i), "id");
      if (i == 0 || decided[i].newBatch()) {
        open = batches.addArray();
      }
      open.add(id);
      steps
          .addObject()
          .put("id", id)
          .put("batchSizeBefore", decided[i].batchSizeBefore())
          .put("weighted", decided[i].weighted())
          .put("newBatch", decided[i].newBatch());
    }
    return result;
  }

  // ---- sorted-f

  /** The requests by id, so that an index orders as its id does. */
  private static final class Backlog {
    private final List<JsonNode> requests = new ArrayList<>();
    private final int[] prompts;
    private final int[] outputs;
    private final int memory;

    Backlog(ConformanceVector vector) {
      JsonFields.arrayOf(vector.input(), "requests").forEach(requests::add);
      requests.sort(Comparator.comparing(r -> JsonFields.textOf(r, "id")));
      prompts = requests.stream().mapToInt(r -> JsonFields.intOf(r, "promptTokens")).toArray();
      outputs = requests.stream().mapToInt(r -> JsonFields.intOf(r, "outputTokens")).toArray();
      memory = JsonFields.intOf(vector.params(), "memoryTokens");
    }

    String id(int request) {
      return JsonFields.textOf(requests.get(request), "id");
    }

    ArrayNode named(int[] members) {
      ArrayNode array = JsonResults.array();
      for (int member : members) {
        array.add(id(member));
      }
      return array;
    }

    ObjectNode schedule(ObjectNode into, int[] order) {
      int[] starts = ListSchedule.starts(prompts, outputs, memory, order);
      ObjectNode start = into.putObject("start");
      for (int i = 0; i < starts.length; i++) {
        start.put(id(i), starts[i]);
      }
      return into.put("totalCompletion", ListSchedule.totalCompletion(starts, outputs));
    }
  }

  private static JsonNode sortedFValue(ConformanceVector vector) {
    Backlog backlog = new Backlog(vector);
    return JsonResults.object()
        .put("f", SortedF.f(backlog.outputs))
        .put(
            "feasible",
            SortedF.feasible(backlog.prompts, backlog.outputs, backlog.memory, tokens -> tokens));
  }

  private static JsonNode sortedFPlan(ConformanceVector vector) {
    Backlog backlog = new Backlog(vector);
    for (int i = 0; i < backlog.prompts.length; i++) {
      if (backlog.prompts[i] + backlog.outputs[i] > backlog.memory) {
        return VectorAdapter.error(NEVER_FITS);
      }
    }
    List<SortedF.Group> groups =
        new SortedF(SortedF.Method.F, SortedF.MAX_EXACT)
            .groups(backlog.prompts, backlog.outputs, backlog.memory, tokens -> tokens);
    ObjectNode result = JsonResults.object();
    ArrayNode batches = result.putArray("batches");
    for (SortedF.Group group : groups) {
      batches.addObject().put("f", group.f()).set("ids", backlog.named(group.members()));
    }
    int[] order = SortedF.order(groups);
    result.set("order", backlog.named(order));
    backlog.schedule(result, order);
    int[] shortest =
        IntStream.range(0, order.length)
            .boxed()
            .sorted(Comparator.comparingInt((Integer i) -> backlog.outputs[i]))
            .mapToInt(i -> i)
            .toArray();
    backlog.schedule(result.putObject("shortestOutputFirst"), shortest);
    if (vector.expect().has("bestListTotalCompletion")) {
      result.put(
          "bestListTotalCompletion",
          ListSchedule.bestTotalCompletion(backlog.prompts, backlog.outputs, backlog.memory));
    }
    return result;
  }

  // ---- mc-sf

  private static JsonNode mcSfAdmit(ConformanceVector vector) {
    JsonNode input = vector.input();
    int round = JsonFields.intOf(input, "round");
    FutureMemory future = new FutureMemory(JsonFields.longOf(vector.params(), "memoryTokens"));
    for (JsonNode running : JsonFields.arrayOf(input, "running")) {
      int ran = round - JsonFields.intOf(running, "start");
      int remaining = JsonFields.intOf(running, "predictedTokens") - ran;
      // Whoever should have completed by now counts at no time to come.
      if (remaining > 0) {
        future.add(JsonFields.intOf(running, "promptTokens") + ran, remaining);
      }
    }
    ObjectNode result = JsonResults.object();
    ArrayNode admitted = result.putArray("admitted");
    for (JsonNode next : JsonFields.arrayOf(input, "queue")) {
      if (!future.tryAdd(
          JsonFields.intOf(next, "promptTokens"), JsonFields.intOf(next, "predictedTokens"))) {
        break;
      }
      admitted.add(JsonFields.textOf(next, "id"));
    }
    ArrayNode memory = result.putArray("memoryAt");
    for (int rounds : future.completions()) {
      memory.addArray().add(round + rounds).add(future.tokensAt(rounds));
    }
    return result;
  }

  @Override
  public VectorMatcher matcher(ConformanceVector vector) {
    VectorMatcher matcher = VectorAdapter.super.matcher(vector);
    return function(vector).equals("slo-annealing.bestPlan") ? matcher.withSets("plan[]") : matcher;
  }
}
