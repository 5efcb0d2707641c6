package io.headway.testkit.vectors;

import static java.util.Objects.requireNonNull;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.node.ArrayNode;
import com.fasterxml.jackson.databind.node.JsonNodeFactory;
import com.fasterxml.jackson.databind.node.ObjectNode;
import io.headway.api.RandomSource;
import io.headway.api.Request;
import io.headway.api.Role;
import io.headway.api.Stateless;
import io.headway.api.prediction.Estimate;
import io.headway.api.prediction.ServiceTimePredictor;
import io.headway.api.routing.RebalancingPolicy;
import io.headway.api.routing.RouteOutcome;
import io.headway.api.routing.RoutingPolicy;
import io.headway.routing.instance.GapsRebalancing;
import io.headway.routing.instance.GapsRouting;
import io.headway.routing.instance.LeastLoadRouting;
import io.headway.routing.instance.LoadMetric;
import io.headway.routing.instance.RoundRobinRouting;
import io.headway.routing.instance.TieBreak;
import io.headway.runtime.ClusterScheduler;
import io.headway.runtime.InstanceProfile;
import io.headway.runtime.ReleaseCause;
import io.headway.runtime.Ticket;
import io.headway.runtime.Usage;
import java.util.ArrayDeque;
import java.util.ArrayList;
import java.util.Deque;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.TreeMap;
import java.util.function.Function;
import org.jspecify.annotations.Nullable;

/** Runs the vectors of the suite {@code cluster} for GAPS beyond a single assignment. */
final class GapsVectors implements VectorAdapter {
  private static final JsonNodeFactory JSON = JsonNodeFactory.instance;

  private final Map<String, Function<ConformanceVector, JsonNode>> algorithms =
      Map.of(
          "gaps.rebalance", GapsVectors::rebalance,
          "gaps.end-to-end", GapsVectors::endToEnd);

  @Override
  public String suite() {
    return "cluster";
  }

  @Override
  public boolean supports(ConformanceVector vector) {
    return algorithms.containsKey(vector.algorithm());
  }

  @Override
  public JsonNode run(ConformanceVector vector) {
    Function<ConformanceVector, JsonNode> algorithm = algorithms.get(vector.algorithm());
    if (algorithm == null) {
      throw new VectorFormatException("algorithm " + vector.algorithm() + " is not supported");
    }
    return algorithm.apply(vector);
  }

  static GapsRouting.Ablation routingAblation(JsonNode params) {
    return switch (JsonFields.textOf(params, "ablation", "none")) {
      case "no-pred" -> GapsRouting.Ablation.NO_PRED;
      case "no-global" -> GapsRouting.Ablation.NO_GLOBAL;
      default -> GapsRouting.Ablation.NONE;
    };
  }

  static RouteOutcome completed(String instance, double serviceSeconds) {
    long nanos = VectorCluster.nanos(serviceSeconds);
    return new RouteOutcome(instance, 0, true, nanos, nanos, 1, false, false);
  }

  // ---- rebalancing

  private static JsonNode rebalance(ConformanceVector vector) {
    JsonNode params = vector.params();
    GapsRebalancing.Parameters d = GapsRebalancing.Parameters.DEFAULT;
    GapsRebalancing policy =
        new GapsRebalancing(
            new GapsRebalancing.Parameters(
                JsonFields.doubleOf(params, "overloadUtilization", d.overloadUtilization()),
                JsonFields.doubleOf(params, "overloadBacklogFactor", d.overloadBacklogFactor()),
                JsonFields.doubleOf(params, "targetUtilization", d.targetUtilization()),
                JsonFields.doubleOf(params, "kappa", d.kappa()),
                JsonFields.intOf(params, "maxPerSource", d.maxPerSource()),
                VectorCluster.nanos(
                    JsonFields.doubleOf(
                        params, "fixedMigrationSeconds", d.fixedMigrationNanos() / 1e9)),
                JsonFields.doubleOf(params, "linkBytesPerSecond", d.linkBytesPerSecond()),
                JsonFields.booleanOf(params, "includeRunning", d.includeRunning()),
                d.periodNanos()));
    Round round = new Round(vector.input());
    // Without rebalancing or without global view nobody calls the policy.
    String ablation = JsonFields.textOf(params, "ablation", "none");
    if (!ablation.equals("no-rebal") && !ablation.equals("no-global")) {
      policy.rebalance(policy.newState(), round, round.draft);
    }
    return round.draft.result;
  }

  /** The view of one round, with the requests that the vector puts on its instances. */
  private static final class Round extends VectorCluster
      implements RebalancingPolicy.RebalancingView {
    private final List<JsonNode> requests = new ArrayList<>();
    private final List<Integer> first = new ArrayList<>();
    private final Moves draft = new Moves(this);

    Round(JsonNode input) {
      super(JsonFields.arrayOf(input, "instances"), RandomSource.seeded(0));
      now(nanos(JsonFields.doubleOf(input, "nowSeconds")));
      for (JsonNode instance : JsonFields.arrayOf(input, "instances")) {
        first.add(requests.size());
        JsonFields.arrayOf(instance, "requests").forEach(requests::add);
      }
      first.add(requests.size());
    }

    String from(int request) {
      int position = 0;
      while (first.get(position + 1) <= request) {
        position++;
      }
      return id(position);
    }

    @Override
    public int requestCount(int position) {
      return first.get(position + 1) - first.get(position);
    }

    @Override
    public int request(int position, int rank) {
      return first.get(position) + rank;
    }

    @Override
    public boolean isRunning(int request) {
      return JsonFields.booleanOf(requests.get(request), "running");
    }

    @Override
    public long remainingNanos(int request) {
      return nanos(JsonFields.doubleOf(requests.get(request), "remainingSeconds"));
    }

    @Override
    public long deadlineNanos(int request) {
      return nanos(JsonFields.doubleOf(requests.get(request), "deadlineSeconds"));
    }

    @Override
    public long kvBytes(int request) {
      return Math.round(JsonFields.doubleOf(requests.get(request), "kvBytes", 0));
    }

    @Override
    public long migrationNanos(int request, int toPosition) {
      JsonNode json = requests.get(request);
      return json.hasNonNull("migrationCostSeconds")
          ? nanos(JsonFields.doubleOf(json, "migrationCostSeconds"))
          : -1;
    }

    @Override
    public int migrations(int request) {
      return JsonFields.booleanOf(requests.get(request), "migratedBefore", false) ? 1 : 0;
    }

    @Override
    public String requestId(int request) {
      // Fixed width: the vectors order these ids as numbers.
      return String.format(Locale.ROOT, "%012d", JsonFields.longOf(requests.get(request), "id"));
    }
  }

  private static final class Moves implements RebalancingPolicy.RebalancingDraft {
    private final Round round;
    private final ObjectNode result = JSON.objectNode();
    private final ArrayNode tests;
    private final ArrayNode migrations;
    private final Map<Integer, String> sources = new TreeMap<>();
    private final Map<Integer, Double> after = new TreeMap<>();
    private double totalCostSeconds;

    Moves(Round round) {
      this.round = round;
      result.putArray("sources");
      tests = result.putArray("tests");
      migrations = result.putArray("migrations");
      result.put("totalCostSeconds", 0);
    }

    @Override
    public boolean migrate(int request, int toPosition) {
      return true;
    }

    @Override
    public boolean flip(int position, Role role) {
      return false;
    }

    @Override
    public boolean explaining() {
      return true;
    }

    @Override
    public void weighed(
        int request, int toPosition, double gainNanos, double costNanos, boolean moves) {
      ObjectNode move = JSON.objectNode();
      move.set("request", round.requests.get(request).get("id"));
      move.put("from", round.from(request)).put("to", round.id(toPosition));
      move.put("reductionSeconds", gainNanos / 1e9).put("costSeconds", costNanos / 1e9);
      if (moves) {
        migrations.add(move.deepCopy());
        totalCostSeconds += costNanos / 1e9;
        result.put("totalCostSeconds", totalCostSeconds);
      }
      tests.add(move.put("migrate", moves));
    }

    @Override
    public void score(int position, String part, double value) {
      if (part.equals("source")) {
        sources.put((int) value, round.id(position));
        ArrayNode array = result.putArray("sources");
        sources.values().forEach(array::add);
      } else if (part.equals("backlogSeconds")) {
        after.put(position, value);
        ArrayNode array = result.putArray("backlogSecondsAfter");
        after.values().forEach(seconds -> RoutingVectors.putNumber(array, seconds));
      }
    }

    @Override
    public void detail(String name, double value) {
      RoutingVectors.putNumber(result, name, value);
    }
  }

  // ---- a whole small cluster

  private static JsonNode endToEnd(ConformanceVector vector) {
    int instances = JsonFields.intOf(vector.params(), "instances");
    int maxBatch = JsonFields.intOf(vector.params(), "maxBatch", 1);
    List<Job> jobs = new ArrayList<>();
    for (JsonNode json : JsonFields.arrayOf(vector.input(), "requests")) {
      jobs.add(
          new Job(
              VectorCluster.nanos(JsonFields.doubleOf(json, "arrivalSeconds")),
              VectorCluster.nanos(JsonFields.doubleOf(json, "serviceSeconds"))));
    }
    ClusterScheduler cluster =
        ClusterScheduler.builder()
            .policy(endToEndPolicy(vector.params()))
            .predictor(new Truth(jobs))
            .strict()
            .build();
    List<Deque<Job>> servers = new ArrayList<>();
    for (int i = 0; i < instances; i++) {
      servers.add(new ArrayDeque<>());
      cluster.up(
          name(i),
          0,
          InstanceProfile.of(Role.MIXED, maxBatch, 0, 1).effectiveConcurrency(1),
          Long.MIN_VALUE / 2);
    }
    for (int i = 0; i < jobs.size(); i++) {
      Job job = jobs.get(i);
      finishUntil(job.arrivalNanos, servers);
      Request request =
          Request.builder(Integer.toString(i), 1, 1).arrivalNanos(job.arrivalNanos).build();
      Ticket ticket = cluster.route(request, job.arrivalNanos).ticket();
      job.ticket = ticket;
      job.instance = Integer.parseInt(ticket.primary());
      Deque<Job> server = servers.get(job.instance);
      server.add(job);
      if (server.size() == 1) {
        job.start(job.arrivalNanos);
      }
    }
    finishUntil(Long.MAX_VALUE, servers);
    return latencies(jobs);
  }

  private static RoutingPolicy<?> endToEndPolicy(JsonNode params) {
    return switch (JsonFields.textOf(params, "policy")) {
      case "round-robin" -> new RoundRobinRouting(RoundRobinRouting.DEFAULT_MAX_CURSORS);
      case "least-requests" -> new LeastLoadRouting(LoadMetric.REQUESTS, TieBreak.LOWEST_ID);
      case "gaps" ->
          new GapsRouting(
              GapsRouting.Mode.valueOf(JsonFields.textOf(params, "mode")),
              JsonFields.doubleOf(
                  params, "utilizationThreshold", GapsRouting.DEFAULT_UTILIZATION_THRESHOLD),
              GapsRouting.DeadlineMode.MARGIN,
              GapsRouting.DEFAULT_EPSILON,
              GapsRouting.DEFAULT_LAMBDA,
              GapsRouting.Ablation.NONE,
              TieBreak.LOWEST_ID);
      default -> throw new VectorFormatException("params.policy is unknown");
    };
  }

  /** Ids whose order is that of the numbers. */
  private static String name(int instance) {
    return String.format(Locale.ROOT, "%06d", instance);
  }

  /** Ends everything that ends by a time, earliest first, among equals by instance. */
  private static void finishUntil(long nanos, List<Deque<Job>> servers) {
    while (true) {
      Deque<Job> next = null;
      for (Deque<Job> server : servers) {
        Job head = server.peek();
        Job best = next == null ? null : next.peek();
        if (head != null
            && head.endNanos <= nanos
            && (best == null || head.endNanos < best.endNanos)) {
          next = server;
        }
      }
      if (next == null) {
        return;
      }
      Job done = next.remove();
      done.ticket().release(ReleaseCause.COMPLETED, Usage.of(1), done.endNanos);
      Job following = next.peek();
      if (following != null) {
        following.start(done.endNanos);
      }
    }
  }

  private static JsonNode latencies(List<Job> jobs) {
    ObjectNode result = JSON.objectNode();
    ArrayNode assignments = result.putArray("assignments");
    ArrayNode completions = result.putArray("completionSeconds");
    double sum = 0;
    double most = 0;
    for (Job job : jobs) {
      assignments.add(job.instance);
      completions.add(job.endNanos / 1e9);
      double latency = (job.endNanos - job.arrivalNanos) / 1e9;
      sum += latency;
      most = Math.max(most, latency);
    }
    return result
        .put("meanLatencySeconds", jobs.isEmpty() ? 0 : sum / jobs.size())
        .put("maxLatencySeconds", most);
  }

  private static final class Job {
    private final long arrivalNanos;
    private final long serviceNanos;
    private long endNanos;
    private int instance;
    private @Nullable Ticket ticket;

    Job(long arrivalNanos, long serviceNanos) {
      this.arrivalNanos = arrivalNanos;
      this.serviceNanos = serviceNanos;
    }

    Ticket ticket() {
      return requireNonNull(ticket, "routed first");
    }

    void start(long nowNanos) {
      ticket().started(nowNanos);
      endNanos = nowNanos + serviceNanos;
    }
  }

  /** Predicts exactly; requests are named by their place in the list. */
  private static final class Truth implements ServiceTimePredictor<Stateless> {
    private final List<Job> jobs;

    Truth(List<Job> jobs) {
      this.jobs = jobs;
    }

    @Override
    public String id() {
      return "truth";
    }

    @Override
    public Stateless newState() {
      return Stateless.STATE;
    }

    @Override
    public void estimateSeconds(Stateless state, Request request, int cachedTokens, Estimate into) {
      into.point(jobs.get(Integer.parseInt(request.id())).serviceNanos / 1e9);
    }

    @Override
    public void observe(
        Stateless state,
        Request request,
        int cachedTokens,
        int outputTokens,
        double serviceSeconds) {
      // The truth has nothing to learn.
    }
  }
}
