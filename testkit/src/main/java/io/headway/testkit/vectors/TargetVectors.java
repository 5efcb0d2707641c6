package io.headway.testkit.vectors;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.node.ArrayNode;
import com.fasterxml.jackson.databind.node.ObjectNode;
import io.headway.batching.admission.SloAdmission;
import io.headway.batching.composition.FairBatch;
import io.headway.batching.composition.FlexBatch;
import io.headway.batching.composition.HarvestComposer;
import io.headway.batching.composition.LatencyProfile;
import io.headway.batching.composition.LinearBatchTime;
import io.headway.batching.fairness.EquinoxLedger;
import io.headway.batching.planning.DualScan;
import io.headway.batching.planning.PrefixGroup;
import java.util.ArrayList;
import java.util.Comparator;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.function.Function;

/**
 * Runs the functions of the suite {@code batching} that decide by targets ({@code fairbatching},
 * {@code slos-serve}, {@code shepherd}, {@code conserve}), by holistic fairness ({@code equinox})
 * and for offline work ({@code batchllm}, {@code blendserve}).
 */
final class TargetVectors implements VectorAdapter {
  private final Map<String, Function<ConformanceVector, JsonNode>> functions =
      new LinkedHashMap<>();

  TargetVectors() {
    functions.put("fairbatching.batch", TargetVectors::fairBatch);
    functions.put("slos-serve.admit", TargetVectors::slosServe);
    functions.put("equinox.order", TargetVectors::equinox);
    functions.put("shepherd.flex", TargetVectors::shepherd);
    functions.put("batchllm.groupOrder", TargetVectors::batchLlm);
    functions.put("blendserve.dualScan", TargetVectors::blendServe);
    functions.put("conserve.offlineBudget", TargetVectors::conServe);
  }

  @Override
  public String suite() {
    return "batching";
  }

  @Override
  public boolean supports(ConformanceVector vector) {
    return functions.containsKey(name(vector));
  }

  private static String name(ConformanceVector vector) {
    return vector.algorithm() + "." + vector.input().path("function").asText("");
  }

  @Override
  public JsonNode run(ConformanceVector vector) {
    Function<ConformanceVector, JsonNode> function = functions.get(name(vector));
    if (function == null) {
      throw new IllegalArgumentException(
          "algorithm and function must be supported ones, but were " + name(vector));
    }
    return function.apply(vector);
  }

  /** Decimal seconds as the whole nanoseconds they stand for. */
  private static long nanos(JsonNode node, String field) {
    return Math.round(JsonFields.doubleOf(node, field) * 1e9);
  }

  private static double[] timeModel(JsonNode params, int coefficients) {
    double[] model = JsonFields.doublesOf(params, "timeModel");
    EngineRun.within("length of field timeModel", model.length, coefficients, coefficients);
    return model;
  }

  private static String id(JsonNode node) {
    return JsonFields.textOf(node, "id");
  }

  private static List<JsonNode> sorted(JsonNode node, String field, Comparator<JsonNode> order) {
    List<JsonNode> all = new ArrayList<>();
    JsonFields.arrayOf(node, field).forEach(all::add);
    all.sort(order);
    return all;
  }

  private static final Comparator<JsonNode> BY_ID = Comparator.comparing(TargetVectors::id);
  private static final Comparator<JsonNode> BY_ARRIVAL =
      Comparator.<JsonNode>comparingLong(node -> nanos(node, "arrivalSeconds"))
          .thenComparing(BY_ID);

  private static JsonNode fairBatch(ConformanceVector vector) {
    JsonNode params = vector.params();
    JsonNode input = vector.input();
    double[] model = timeModel(params, 3);
    long ttft = nanos(params, "firstTokenSloSeconds");
    long tpot = nanos(params, "perTokenSloSeconds");
    FairBatch batch =
        new FairBatch(
            LinearBatchTime.ofSeconds(model[0], model[1], model[2]),
            nanos(params, "minimumSeconds"),
            nanos(params, "maximumSeconds"));
    List<JsonNode> decodes = sorted(input, "decodes", BY_ID);
    batch.begin(nanos(input, "nowSeconds"));
    for (int i = 0; i < decodes.size(); i++) {
      JsonNode decode = decodes.get(i);
      long due =
          nanos(decode, "arrivalSeconds") + ttft + JsonFields.longOf(decode, "nextToken") * tpot;
      batch.addDecode(i, due, JsonFields.intOf(decode, "contextTokens"));
    }
    batch.open(nanos(input, "nextBatchSeconds"));
    ObjectNode result = JsonResults.object();
    ObjectNode slack = result.putObject("slackSeconds");
    for (int i = 0; i < batch.decodes(); i++) {
      slack.put(id(decodes.get(batch.decode(i))), batch.slackNanos(i) / 1e9);
    }
    result.put("budgetSeconds", batch.budgetNanos() / 1e9);
    ArrayNode rows = result.putArray("batch");
    takeDecodes(batch, decodes, 0, batch.urgent(), rows);
    for (JsonNode prefill : sorted(input, "prefills", BY_ARRIVAL)) {
      int context = JsonFields.intOf(prefill, "contextTokens");
      int chunk = batch.chunk(JsonFields.intOf(prefill, "remainingTokens"), context);
      if (chunk > 0) {
        batch.add(chunk, context);
        rows.addArray().add(id(prefill)).add("P").add(chunk);
      }
    }
    takeDecodes(batch, decodes, batch.urgent(), batch.decodes(), rows);
    result.put("predictedSeconds", batch.predictedNanos() / 1e9);
    return result;
  }

  private static void takeDecodes(
      FairBatch batch, List<JsonNode> decodes, int from, int to, ArrayNode rows) {
    for (int i = from; i < to; i++) {
      JsonNode decode = decodes.get(batch.decode(i));
      int context = JsonFields.intOf(decode, "contextTokens");
      if (batch.fits(context)) {
        batch.add(1, context);
        rows.addArray().add(id(decode)).add("D").add(1);
      }
    }
  }

  private static JsonNode slosServe(ConformanceVector vector) {
    double[] model = timeModel(vector.params(), 2);
    SloAdmission admission = new SloAdmission(model[0] * 1e9, model[1] * 1e9);
    admission.begin(
        JsonFields.longOf(vector.params(), "memoryTokens"), Integer.MAX_VALUE, Integer.MAX_VALUE);
    List<JsonNode> candidates = sorted(vector.input(), "candidates", BY_ID);
    for (int i = 0; i < candidates.size(); i++) {
      JsonNode candidate = candidates.get(i);
      admission.add(
          i,
          i,
          JsonFields.longOf(candidate, "prefillTokens"),
          nanos(candidate, "deadlineSeconds"),
          nanos(candidate, "perTokenSloSeconds"),
          JsonFields.longOf(candidate, "memoryTokens"));
    }
    admission.solve();
    ObjectNode result = JsonResults.object();
    ArrayNode admitted = result.putArray("admitted");
    for (int i = 0; i < admission.admittedCount(); i++) {
      admitted.add(id(candidates.get(admission.admitted(i))));
    }
    return result.put("count", admission.admittedCount());
  }

  private static JsonNode equinox(ConformanceVector vector) {
    double alpha = JsonFields.doubleOf(vector.params(), "alpha");
    double beta = JsonFields.doubleOf(vector.params(), "beta");
    ObjectNode result = JsonResults.object();
    ObjectNode fairness = result.putObject("holisticFairness");
    Map<String, Double> keys = new LinkedHashMap<>();
    for (JsonNode client : JsonFields.arrayOf(vector.input(), "clients")) {
      double key =
          EquinoxLedger.holisticFairness(
              alpha,
              beta,
              JsonFields.doubleOf(client, "userFairness"),
              JsonFields.doubleOf(client, "resourceFairness"));
      keys.put(JsonFields.textOf(client, "client"), key);
    }
    keys.forEach(fairness::put);
    ArrayNode order = result.putArray("order");
    keys.entrySet().stream()
        .sorted(
            Map.Entry.<String, Double>comparingByValue().thenComparing(Map.Entry.comparingByKey()))
        .forEach(entry -> order.add(entry.getKey()));
    return result;
  }

  private static JsonNode shepherd(ConformanceVector vector) {
    JsonNode input = vector.input();
    FlexBatch flex =
        new FlexBatch(
            JsonFields.doubleOf(input, "fixedSeconds") * 1e9,
            JsonFields.doubleOf(input, "secondsPerRequest") * 1e9);
    List<JsonNode> queue = sorted(input, "queue", BY_ARRIVAL);
    for (int i = 0; i < queue.size(); i++) {
      flex.add(i, nanos(queue.get(i), "deadlineSeconds"));
    }
    int size = flex.form(nanos(input, "nowSeconds"), Integer.MAX_VALUE);
    int running = JsonFields.intOf(input, "runningBatchSize");
    ObjectNode result = JsonResults.object();
    ArrayNode batch = result.putArray("batch");
    for (int i = 0; i < size; i++) {
      batch.add(id(queue.get(flex.sequence(i))));
    }
    return result
        .put("start", running == 0 && size > 0)
        .put(
            "preempt",
            running > 0
                && FlexBatch.preempts(
                    size, running, JsonFields.doubleOf(vector.params(), "valueRatio")));
  }

  private static JsonNode batchLlm(ConformanceVector vector) {
    Map<String, PrefixGroup> groups = new LinkedHashMap<>();
    for (JsonNode group : JsonFields.arrayOf(vector.input(), "groups")) {
      int members = 0;
      long suffix = 0;
      long output = 0;
      for (JsonNode member : JsonFields.arrayOf(group, "members")) {
        members++;
        suffix += JsonFields.longOf(member, "suffixTokens");
        output += JsonFields.longOf(member, "outputTokens");
      }
      groups.put(
          id(group),
          new PrefixGroup(JsonFields.intOf(group, "prefixTokens"), members, suffix, output));
    }
    ObjectNode result = JsonResults.object();
    ArrayNode order = result.putArray("order");
    groups.entrySet().stream()
        .sorted(
            Map.Entry.<String, PrefixGroup>comparingByValue(PrefixGroup.ORDER)
                .thenComparing(Map.Entry.comparingByKey()))
        .forEach(entry -> order.add(entry.getKey()));
    ObjectNode ratio = result.putObject("decodeToPrefill");
    ObjectNode prefill = result.putObject("prefillTokens");
    ObjectNode saved = result.putObject("sharedTokensSaved");
    groups.forEach(
        (id, group) -> {
          ratio.put(id, group.decodeToPrefill());
          prefill.put(id, group.prefillTokens());
          saved.put(id, group.sharedTokensSaved());
        });
    return result;
  }

  private static JsonNode blendServe(ConformanceVector vector) {
    DualScan scan = new DualScan();
    List<JsonNode> leaves = sorted(vector.input(), "leaves", BY_ID);
    ObjectNode result = JsonResults.object();
    ObjectNode density = result.putObject("density");
    for (int i = 0; i < leaves.size(); i++) {
      double compute = JsonFields.doubleOf(leaves.get(i), "computeSeconds");
      double memory = JsonFields.doubleOf(leaves.get(i), "memorySeconds");
      scan.add(i, compute, memory);
      density.put(id(leaves.get(i)), DualScan.density(compute, memory));
    }
    scan.sort();
    if (leaves.isEmpty()) {
      result.putNull("targetDensity");
    } else {
      result.put("targetDensity", scan.targetDensity());
    }
    ArrayNode order = result.putArray("order");
    for (int leaf : scan.order()) {
      order.add(id(leaves.get(leaf)));
    }
    return result;
  }

  private static JsonNode conServe(ConformanceVector vector) {
    List<LatencyProfile.Point> points = new ArrayList<>();
    for (JsonNode point : JsonFields.arrayOf(vector.input(), "profile")) {
      points.add(
          new LatencyProfile.Point(
              JsonFields.intOf(point, "tokens"), JsonFields.doubleOf(point, "seconds") * 1e9));
    }
    double limit = JsonFields.doubleOf(vector.params(), "sloSeconds") * 1e9;
    int budget = points.isEmpty() ? 0 : new LatencyProfile(points).budgetTokens(limit);
    return JsonResults.object()
        .put("budgetTokens", budget)
        .put(
            "offlineTokens",
            HarvestComposer.offlineTokens(
                budget, JsonFields.intOf(vector.input(), "onlineTokens")));
  }
}
