package io.headway.testkit.vectors;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.node.ArrayNode;
import com.fasterxml.jackson.databind.node.JsonNodeFactory;
import com.fasterxml.jackson.databind.node.ObjectNode;
import io.headway.api.Decision;
import io.headway.api.Request;
import io.headway.api.Role;
import io.headway.api.config.PolicyProvider;
import io.headway.api.config.PolicyRegistry;
import io.headway.api.config.PolicySpec;
import io.headway.api.routing.RoutingPolicy;
import io.headway.routing.instance.AffinityKey;
import io.headway.routing.instance.ChBoundedLoadRouting;
import io.headway.routing.instance.GapsRouting;
import io.headway.routing.instance.InstanceRoutingCatalog;
import io.headway.routing.instance.LeastLoadRouting;
import io.headway.routing.instance.LeastQpsRouting;
import io.headway.routing.instance.LoadMetric;
import io.headway.routing.instance.PowerOfDRouting;
import io.headway.routing.instance.PowerOfTwoRouting;
import io.headway.routing.instance.PrefixAffinityRouting;
import io.headway.routing.instance.RandomRouting;
import io.headway.routing.instance.RingHash;
import io.headway.routing.instance.RoundRobinRouting;
import io.headway.routing.instance.SessionHashRouting;
import io.headway.routing.instance.TieBreak;
import io.headway.routing.instance.TopKRandomRouting;
import io.headway.routing.instance.WorkerDeficits;
import io.headway.runtime.BacklogLedger;
import io.headway.runtime.ClusterScheduler;
import io.headway.runtime.InstanceProfile;
import io.headway.runtime.InstanceStats;
import io.headway.runtime.RouteExplanation;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.TreeMap;
import java.util.function.Function;

/** Runs the vectors of the suite {@code cluster} for elementary routing and GAPS assignment. */
final class RoutingVectors implements VectorAdapter {
  private static final JsonNodeFactory JSON = JsonNodeFactory.instance;
  private static final PolicyRegistry POLICIES = PolicyRegistry.of(new InstanceRoutingCatalog());
  private static final String KEY = "key";

  /** A time before everything that vectors mention. */
  private static final long BEFORE_ALL = -1_000_000_000_000_000L;

  private final Map<String, Function<ConformanceVector, JsonNode>> decisions =
      Map.ofEntries(
          Map.entry("random", v -> sampled(v, new RandomRouting())),
          Map.entry("least-requests", v -> loads(v, LoadMetric.REQUESTS)),
          Map.entry("least-waiting", v -> loads(v, LoadMetric.WAITING)),
          Map.entry("least-tokens", v -> loads(v, LoadMetric.TOKENS)),
          Map.entry("least-kv", v -> loads(v, LoadMetric.KV)),
          Map.entry("power-of-two", v -> sampled(v, new PowerOfTwoRouting(metric(v)))),
          Map.entry(
              "power-of-d",
              v ->
                  sampled(
                      v,
                      new PowerOfDRouting(
                          JsonFields.intOf(v.params(), "d"), metric(v), TieBreak.LOWEST_ID))),
          Map.entry("top-k-random", RoutingVectors::topK),
          Map.entry("least-qps", v -> simple(v, new LeastQpsRouting(), request("r", "", 0, 0))),
          Map.entry("session-hash", RoutingVectors::sessionHash),
          Map.entry("prefix-affinity", RoutingVectors::prefixAffinity),
          Map.entry("ch-bounded-load", RoutingVectors::boundedLoad),
          Map.entry("d2lpm.global", RoutingVectors::deficits),
          Map.entry("gaps.assign", RoutingVectors::gapsAssign));

  private final Map<String, Function<ConformanceVector, JsonNode>> sequences =
      Map.of(
          "round-robin", RoutingVectors::roundRobin,
          "d2lpm.global", RoutingVectors::deficitSequence,
          "optimistic-accounting", RoutingVectors::optimisticAccounting);

  @Override
  public String suite() {
    return "cluster";
  }

  @Override
  public boolean supports(ConformanceVector vector) {
    return algorithms(vector).containsKey(vector.algorithm());
  }

  @Override
  public JsonNode run(ConformanceVector vector) {
    Function<ConformanceVector, JsonNode> algorithm = algorithms(vector).get(vector.algorithm());
    if (algorithm == null) {
      throw new VectorFormatException("algorithm " + vector.algorithm() + " is not supported");
    }
    return algorithm.apply(vector);
  }

  private Map<String, Function<ConformanceVector, JsonNode>> algorithms(ConformanceVector vector) {
    return switch (vector.kind()) {
      case "route.decide" -> decisions;
      case "route.sequence" -> sequences;
      default -> Map.of();
    };
  }

  // ---- one decision

  /**
   * Lets a policy decide once; without candidates the runtime answers before any policy is asked.
   */
  static <S> RecordingDraft decide(RoutingPolicy<S> policy, Request request, VectorCluster view) {
    return decide(policy, policy.newState(), request, view);
  }

  static <S> RecordingDraft decide(
      RoutingPolicy<S> policy, S state, Request request, VectorCluster view) {
    RecordingDraft draft = new RecordingDraft();
    if (view.size() > 0) {
      policy.route(state, request, view, draft);
    }
    return draft;
  }

  /** Returns the fields that every decision has. */
  static ObjectNode result(RecordingDraft draft, VectorCluster view) {
    ObjectNode result = JSON.objectNode();
    if (draft.position < 0) {
      result.put("decision", "no-candidate").putNull("instance");
      result.putArray("scores");
      result.putArray("order");
      return result.put("capacity", 0).put("inFlightTotal", 0).put("uniformsConsumed", 0);
    }
    result.put("decision", "accept").put("instance", view.id(draft.position));
    if (!draft.rule.isEmpty()) {
      result.put("branch", draft.rule);
    }
    return result;
  }

  static VectorCluster view(ConformanceVector vector, Uniforms uniforms) {
    return new VectorCluster(JsonFields.arrayOf(vector.input(), "instances"), uniforms);
  }

  static Request request(String id, String session, int promptTokens, int predictedOutputTokens) {
    Request.Builder builder =
        Request.builder(id, Math.max(1, promptTokens), Math.max(1, predictedOutputTokens));
    if (predictedOutputTokens > 0) {
      builder.predictedOutputTokens(predictedOutputTokens);
    }
    return builder.session(session).build();
  }

  private static JsonNode simple(
      ConformanceVector vector, RoutingPolicy<?> policy, Request request) {
    VectorCluster view = view(vector, Uniforms.of(vector.input()));
    return result(decide(policy, request, view), view);
  }

  private static LoadMetric metric(ConformanceVector vector) {
    return LoadMetric.valueOf(
        JsonFields.textOf(vector.params(), "metric", "requests").toUpperCase(Locale.ROOT));
  }

  private static JsonNode loads(ConformanceVector vector, LoadMetric metric) {
    VectorCluster view = view(vector, Uniforms.of(vector.input()));
    RecordingDraft draft =
        decide(new LeastLoadRouting(metric, TieBreak.LOWEST_ID), request("r", "", 0, 0), view);
    ObjectNode result = result(draft, view);
    ArrayNode scores = result.putArray("scores");
    draft.part("load").values().forEach(load -> putNumber(scores, load));
    return result;
  }

  private static JsonNode sampled(ConformanceVector vector, RoutingPolicy<?> policy) {
    Uniforms uniforms = Uniforms.of(vector.input());
    VectorCluster view = view(vector, uniforms);
    RecordingDraft draft = decide(policy, request("r", "", 0, 0), view);
    ObjectNode result = result(draft, view).put("uniformsConsumed", uniforms.consumed());
    Map<Double, String> byDraw = new TreeMap<>();
    draft.part("drawn").forEach((position, rank) -> byDraw.put(rank, view.id(position)));
    if (!byDraw.isEmpty()) {
      byDraw.values().forEach(result.putArray("sampled")::add);
    }
    return result;
  }

  private static JsonNode topK(ConformanceVector vector) {
    Uniforms uniforms = Uniforms.of(vector.input());
    VectorCluster view = view(vector, uniforms);
    RoutingPolicy<?> policy =
        new TopKRandomRouting(
            JsonFields.intOf(vector.params(), "k", TopKRandomRouting.DEFAULT_K), metric(vector));
    RecordingDraft draft = decide(policy, request("r", "", 0, 0), view);
    ObjectNode result = result(draft, view).put("uniformsConsumed", uniforms.consumed());
    Map<Double, String> byRank = new TreeMap<>();
    draft.part("rank").forEach((position, rank) -> byRank.put(rank, view.id(position)));
    byRank.values().forEach(result.putArray("order")::add);
    return result;
  }

  // ---- rings

  private static JsonNode sessionHash(ConformanceVector vector) {
    JsonNode hash =
        JsonFields.required(JsonFields.required(vector.input(), "request"), "sessionHash");
    Request request = request("r", hash.isNull() ? "" : KEY, 0, 0);
    return simple(vector, new SessionHashRouting(ring(vector, "sessionHash")), request);
  }

  private static JsonNode boundedLoad(ConformanceVector vector) {
    RoutingPolicy<?> policy =
        new ChBoundedLoadRouting(
            JsonFields.doubleOf(vector.params(), "epsilon", ChBoundedLoadRouting.DEFAULT_EPSILON),
            AffinityKey.SESSION,
            1,
            ring(vector, "keyHash"));
    VectorCluster view = view(vector, Uniforms.of(vector.input()));
    RecordingDraft draft = decide(policy, request("r", KEY, 0, 0), view);
    ObjectNode result = result(draft, view);
    draft.details.forEach((name, value) -> putNumber(result, name, value));
    return result;
  }

  /** The ring that the vector gives, with the key where it says. */
  private static RingHash ring(ConformanceVector vector, String hashField) {
    Map<String, List<Long>> positions = new TreeMap<>();
    for (JsonNode node : JsonFields.arrayOf(vector.input(), "ring")) {
      positions
          .computeIfAbsent(JsonFields.textOf(node, "instance"), id -> new ArrayList<>())
          .add(JsonFields.longOf(node, "position"));
    }
    JsonNode request = JsonFields.required(vector.input(), "request");
    long hash = request.hasNonNull(hashField) ? JsonFields.longOf(request, hashField) : 0;
    return new RingHash() {
      @Override
      public int nodes(String instanceId) {
        return positions.getOrDefault(instanceId, List.of()).size();
      }

      @Override
      public long position(String instanceId, int node) {
        return positions.getOrDefault(instanceId, List.of()).get(node);
      }

      @Override
      public long key(String key) {
        return hash;
      }

      @Override
      public long key(long key) {
        return hash;
      }
    };
  }

  private static JsonNode prefixAffinity(ConformanceVector vector) {
    RoutingPolicy<?> fallback =
        policy(JsonFields.textOf(vector.params(), "fallback", "least-requests"));
    return simple(
        vector,
        prefixAffinity(JsonFields.intOf(vector.params(), "minMatchBlocks"), fallback),
        request("r", "", 0, 0));
  }

  private static <F> RoutingPolicy<?> prefixAffinity(int minMatch, RoutingPolicy<F> fallback) {
    return new PrefixAffinityRouting<>(minMatch, Integer.MAX_VALUE, fallback);
  }

  /** Makes a policy by name, with ties as the vectors break them. */
  private static RoutingPolicy<?> policy(String text) {
    PolicySpec spec = PolicySpec.parse(text);
    PolicyProvider provider = POLICIES.provider(Decision.ROUTING, spec.name());
    if (provider.parameters().has("ties")) {
      spec = spec.withDefault("ties", "lowest-id");
    }
    return (RoutingPolicy<?>) provider.create(spec, POLICIES);
  }

  // ---- D2LPM

  private static JsonNode deficits(ConformanceVector vector) {
    JsonNode instances = JsonFields.arrayOf(vector.input(), "instances");
    int workers = instances.size();
    double[] deficits = new double[workers];
    double[] quanta = new double[workers];
    int[] matches = new int[workers];
    double[] loads = new double[workers];
    double quantum = JsonFields.doubleOf(vector.params(), "quantumTokens");
    for (int i = 0; i < workers; i++) {
      JsonNode each = instances.get(i);
      deficits[i] = JsonFields.doubleOf(each, "deficitTokens");
      quanta[i] = JsonFields.doubleOf(each, "quantumTokens", quantum);
      matches[i] = JsonFields.intOf(each, "matchedTokens");
      loads[i] = JsonFields.doubleOf(each, "outstandingTokens");
    }
    if (Arrays.stream(quanta).noneMatch(q -> q > 0)) {
      throw new IllegalArgumentException("quantumTokens must be above 0 for one worker at least");
    }
    double refills = WorkerDeficits.refill(deficits, quanta, workers);
    int chosen = WorkerDeficits.choose(deficits, matches, loads, workers);
    ObjectNode result =
        JSON.objectNode()
            .put("decision", "accept")
            .put("instance", JsonFields.textOf(instances.get(chosen), "id"));
    putNumber(result, "refills", refills);
    numbers(result.putArray("deficitsBefore"), deficits);
    JsonNode request = vector.input().path("request");
    if (request.has("promptTokens")) {
      deficits[chosen] -=
          JsonFields.doubleOf(vector.params(), "inputWeight", 1)
              * (JsonFields.intOf(request, "promptTokens") - matches[chosen]);
    }
    numbers(result.putArray("deficitsAfter"), deficits);
    return result;
  }

  private static void numbers(ArrayNode array, double[] values) {
    for (double value : values) {
      putNumber(array, value);
    }
  }

  /** Where a request of a sequence runs, and what it has put there. */
  private record Dispatched(String client, int worker, double tokens) {}

  private static JsonNode deficitSequence(ConformanceVector vector) {
    JsonNode params = vector.params();
    List<String> names = new ArrayList<>();
    JsonFields.arrayOf(vector.input(), "workers").forEach(name -> names.add(name.asText()));
    int workers = names.size();
    double[] quanta = new double[workers];
    Arrays.fill(quanta, JsonFields.doubleOf(params, "quantumTokens"));
    double[] outstanding = new double[workers];
    Map<String, double[]> clients = new TreeMap<>();
    Map<String, Dispatched> requests = new TreeMap<>();
    ObjectNode result = JSON.objectNode();
    ArrayNode steps = result.putArray("steps");
    for (JsonNode event : JsonFields.arrayOf(vector.input(), "events")) {
      ObjectNode step = steps.addObject();
      String type = JsonFields.textOf(event, "type");
      double[] deficits;
      if (type.equals("arrive")) {
        JsonNode request = JsonFields.required(event, "request");
        String client = JsonFields.textOf(request, "client");
        deficits = clients.computeIfAbsent(client, name -> new double[workers]);
        int[] matches = JsonFields.intsOf(event, "matchedTokens");
        double refills = WorkerDeficits.refill(deficits, quanta, workers);
        int chosen = WorkerDeficits.choose(deficits, matches, outstanding, workers);
        double extend = JsonFields.intOf(request, "promptTokens") - matches[chosen];
        deficits[chosen] -= JsonFields.doubleOf(params, "inputWeight", 1) * extend;
        outstanding[chosen] += extend;
        requests.put(JsonFields.textOf(request, "id"), new Dispatched(client, chosen, extend));
        step.put("instance", names.get(chosen));
        putNumber(step, "refills", refills);
      } else {
        String id = JsonFields.textOf(event, "request");
        Dispatched at = requests.get(id);
        if (at == null) {
          throw new VectorFormatException("request " + id + " must arrive before its " + type);
        }
        deficits = clients.computeIfAbsent(at.client, name -> new double[workers]);
        if (type.equals("tokens")) {
          int count = JsonFields.intOf(event, "count");
          deficits[at.worker] -= JsonFields.doubleOf(params, "outputWeight", 2) * count;
          outstanding[at.worker] += count;
          requests.put(id, new Dispatched(at.client, at.worker, at.tokens + count));
        } else {
          outstanding[at.worker] -= at.tokens;
          requests.remove(id);
        }
      }
      numbers(step.putArray("deficits"), deficits);
    }
    numbers(result.putArray("outstandingTokens"), outstanding);
    return result;
  }

  // ---- GAPS

  private static JsonNode gapsAssign(ConformanceVector vector) {
    JsonNode params = vector.params();
    JsonNode input = vector.input();
    GapsRouting policy =
        new GapsRouting(
            GapsRouting.Mode.valueOf(JsonFields.textOf(params, "mode")),
            JsonFields.doubleOf(
                params, "utilizationThreshold", GapsRouting.DEFAULT_UTILIZATION_THRESHOLD),
            GapsRouting.DeadlineMode.MARGIN,
            GapsRouting.DEFAULT_EPSILON,
            GapsRouting.DEFAULT_LAMBDA,
            GapsVectors.routingAblation(params),
            TieBreak.LOWEST_ID);
    GapsRouting.State state = policy.newState();
    JsonNode wanted = JsonFields.required(input, "request");
    Request request =
        request(
            "r",
            "",
            JsonFields.intOf(wanted, "promptTokens"),
            JsonFields.intOf(wanted, "predictedOutputTokens"));
    JsonFields.optionalDouble(input, "meanServiceSeconds")
        .ifPresent(mean -> policy.onFinished(state, request, GapsVectors.completed("past", mean)));
    double floor =
        JsonFields.doubleOf(params, "remainingFloor", BacklogLedger.DEFAULT_REMAINING_FLOOR);
    VectorCluster view = view(vector, Uniforms.of(input));
    JsonFields.optionalDouble(input, "clusterUtilization").ifPresent(view::utilization);
    JsonFields.optionalDouble(input, "calibratedServiceSeconds").ifPresent(view::calibratedSeconds);
    for (int i = 0; i < view.size(); i++) {
      view.member(i).backlogNanos(backlog(view.member(i).json(), floor));
    }
    // The cursor is the number of decisions before this one.
    for (int i = JsonFields.intOf(input, "cursor", 0); i > 0; i--) {
      decide(policy, state, request, view);
    }
    RecordingDraft draft = decide(policy, state, request, view);
    ObjectNode result = result(draft, view);
    draft.details.forEach((name, value) -> putNumber(result, name, value));
    Map<Integer, Double> scores =
        draft.part(draft.rule.equals("low-load") ? "queueLength" : "completionSeconds");
    ArrayNode array = result.putArray("scores");
    for (int i = 0; i < view.size() && !scores.isEmpty(); i++) {
      Double score = scores.get(i);
      if (score == null) {
        array.addNull();
      } else {
        putNumber(array, score);
      }
    }
    return result;
  }

  private static long backlog(JsonNode instance, double remainingFloor) {
    if (instance.has("backlogSeconds")) {
      return VectorCluster.nanos(JsonFields.doubleOf(instance, "backlogSeconds"));
    }
    BacklogLedger ledger = new BacklogLedger(remainingFloor);
    for (JsonNode request : instance.path("requests")) {
      int entry =
          ledger.add(VectorCluster.nanos(JsonFields.doubleOf(request, "calibratedSeconds")));
      if (JsonFields.booleanOf(request, "running")) {
        ledger.start(entry, -VectorCluster.nanos(JsonFields.doubleOf(request, "elapsedSeconds")));
      }
    }
    return ledger.remainingNanos(0);
  }

  // ---- sequences

  private static JsonNode roundRobin(ConformanceVector vector) {
    RoundRobinRouting policy =
        new RoundRobinRouting(
            JsonFields.intOf(vector.params(), "maxCursors", RoundRobinRouting.DEFAULT_MAX_CURSORS));
    RoundRobinRouting.Cursors state = policy.newState();
    ArrayNode chosen = JSON.arrayNode();
    for (JsonNode event : JsonFields.arrayOf(vector.input(), "events")) {
      List<String> ids = new ArrayList<>();
      JsonFields.arrayOf(event, "candidates").forEach(id -> ids.add(id.asText()));
      ids.sort(null);
      ArrayNode instances = JSON.arrayNode();
      ids.forEach(id -> instances.addObject().put("id", id));
      VectorCluster view = new VectorCluster(instances, Uniforms.of(vector.input()));
      RecordingDraft draft = decide(policy, state, request("r", "", 0, 0), view);
      chosen.add(draft.position < 0 ? null : view.id(draft.position));
    }
    return JSON.objectNode().set("instances", chosen);
  }

  private static JsonNode optimisticAccounting(ConformanceVector vector) {
    LoadMetric metric = metric(vector);
    ClusterScheduler.Builder builder =
        ClusterScheduler.builder()
            .policy(new LeastLoadRouting(metric, TieBreak.LOWEST_ID))
            .strict();
    if (!JsonFields.booleanOf(vector.params(), "enabled", true)) {
      builder.observationsOnly();
    }
    ClusterScheduler cluster = builder.build();
    JsonNode first = JsonFields.arrayOf(vector.input(), "instances");
    List<String> ids = new ArrayList<>();
    for (JsonNode instance : first) {
      ids.add(JsonFields.textOf(instance, "id"));
    }
    for (String id : ids) {
      cluster.up(id, 0, InstanceProfile.of(Role.MIXED, Integer.MAX_VALUE, 0, 1), BEFORE_ALL);
    }
    observe(cluster, first, BEFORE_ALL);
    ArrayNode decisions = JSON.arrayNode();
    int requests = 0;
    for (JsonNode event : JsonFields.arrayOf(vector.input(), "events")) {
      if (JsonFields.textOf(event, "type").equals("snapshot")) {
        observe(
            cluster,
            JsonFields.arrayOf(event, "instances"),
            VectorCluster.nanos(JsonFields.doubleOf(event, "observedAtSeconds")));
        continue;
      }
      long now = VectorCluster.nanos(JsonFields.doubleOf(event, "atSeconds"));
      Request request =
          request("r" + requests++, "", JsonFields.intOf(event, "promptTokens", 1), 0);
      RouteExplanation seen = cluster.explainRoute(request, now);
      ObjectNode decision = decisions.addObject();
      decision.put("instance", cluster.route(request, now).ticket().primary());
      Map<String, Double> loads = new TreeMap<>();
      seen.candidates().forEach(c -> loads.put(c.instance(), c.scores().getOrDefault("load", 0.0)));
      ArrayNode scores = decision.putArray("scores");
      ids.forEach(id -> putNumber(scores, loads.getOrDefault(id, 0.0)));
    }
    return JSON.objectNode().set("decisions", decisions);
  }

  private static void observe(ClusterScheduler cluster, JsonNode instances, long atNanos) {
    for (JsonNode instance : instances) {
      cluster.observe(
          JsonFields.textOf(instance, "id"),
          0,
          InstanceStats.of(
              JsonFields.intOf(instance, "waiting"),
              JsonFields.intOf(instance, "running"),
              JsonFields.longOf(instance, "waitingPromptTokens", 0),
              InstanceStats.UNKNOWN,
              InstanceStats.UNKNOWN),
          atNanos);
    }
  }

  // ---- numbers

  /** Whole values as integers, so that they compare with the integers of the vectors. */
  static void putNumber(ArrayNode array, double value) {
    if (value == Math.rint(value) && Math.abs(value) < 1e15) {
      array.add((long) value);
    } else {
      array.add(value);
    }
  }

  static void putNumber(ObjectNode object, String field, double value) {
    if (value == Math.rint(value) && Math.abs(value) < 1e15) {
      object.put(field, (long) value);
    } else {
      object.put(field, value);
    }
  }
}
