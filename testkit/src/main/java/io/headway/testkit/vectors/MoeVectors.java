package io.headway.testkit.vectors;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.node.ArrayNode;
import com.fasterxml.jackson.databind.node.JsonNodeFactory;
import com.fasterxml.jackson.databind.node.ObjectNode;
import io.headway.api.RandomSource;
import io.headway.api.moe.CapacityRule;
import io.headway.api.moe.DeviceMap;
import io.headway.api.moe.ExpertAssignments;
import io.headway.api.moe.ExpertRouter;
import io.headway.api.moe.MoeInputException;
import io.headway.api.moe.RouterInput;
import io.headway.api.moe.RoutingSignals;
import io.headway.api.moe.Signal;
import io.headway.api.moe.SignalLevel;
import io.headway.routing.moe.BaseRouter;
import io.headway.routing.moe.CappedExpertChoiceRouter;
import io.headway.routing.moe.DeepSeekMoeRouter;
import io.headway.routing.moe.DeepSeekV2Router;
import io.headway.routing.moe.DeepSeekV3Router;
import io.headway.routing.moe.DeepSpeedTop2Router;
import io.headway.routing.moe.DeepSpeedTopKRouter;
import io.headway.routing.moe.DeviceBudget;
import io.headway.routing.moe.ExpertChoiceRouter;
import io.headway.routing.moe.ExpertRaceRouter;
import io.headway.routing.moe.FillOrder;
import io.headway.routing.moe.GShardRouter;
import io.headway.routing.moe.HashRouter;
import io.headway.routing.moe.MeshTensorFlowTop2Router;
import io.headway.routing.moe.MoeSignals;
import io.headway.routing.moe.NoTokenLeftBehindRouter;
import io.headway.routing.moe.QwenMoeRouter;
import io.headway.routing.moe.RecycleRouter;
import io.headway.routing.moe.SinkhornRouter;
import io.headway.routing.moe.SwitchRouter;
import io.headway.routing.moe.TutelCapacity;
import io.headway.routing.moe.TutelRouter;
import io.headway.routing.moe.VMoeRouter;
import java.util.Arrays;
import java.util.List;
import java.util.Map;
import java.util.function.Function;

/** Runs the vectors of the suite {@code moe-routing} that route tokens to experts. */
final class MoeVectors implements VectorAdapter {
  private static final JsonNodeFactory JSON = JsonNodeFactory.instance;

  private static final int MAX_ITERATIONS = 100_000;

  /** Most of anything that a vector counts instead of listing it, as memory grows with it. */
  private static final int MAX_COUNT = 1_000_000;

  private static final List<String> COUNTS =
      List.of(
          "experts",
          "topK",
          "stages",
          "devices",
          "maxDevices",
          "groups",
          "maxGroups",
          "nodes",
          "gpus",
          "replicas",
          "packs",
          "partitions",
          "window",
          "tokens");

  private final Map<String, Function<Call, JsonNode>> algorithms =
      Map.ofEntries(
          Map.entry("switch", MoeVectors::switchRouting),
          Map.entry("switch-no-token-left-behind", MoeVectors::noTokenLeftBehind),
          Map.entry("gshard-top2", call -> call.topTwo(new GShardRouter(gshard(call)))),
          Map.entry("glam", call -> call.topTwo(GShardRouter.glam(gshard(call)))),
          Map.entry("gshard-top2-mesh-tf", MoeVectors::meshTensorFlow),
          Map.entry("deepspeed-top2", MoeVectors::deepSpeedTop2),
          Map.entry("deepspeed-topk", MoeVectors::deepSpeedTopK),
          Map.entry(
              "expert-choice", call -> expertChoice(call, ExpertChoiceRouter.SoftmaxAxis.EXPERTS)),
          Map.entry(
              "expert-choice-mesh-tf",
              call -> expertChoice(call, ExpertChoiceRouter.SoftmaxAxis.TOKENS)),
          Map.entry("expert-choice-capped", MoeVectors::cappedExpertChoice),
          Map.entry("expert-choice-exact", MoeVectors::exactExpertChoice),
          Map.entry("vmoe", MoeVectors::vMoe),
          Map.entry("deepseek-moe", MoeVectors::deepSeekMoe),
          Map.entry("deepseek-v2", MoeVectors::deepSeekV2),
          Map.entry("deepseek-v3", MoeVectors::deepSeekV3),
          Map.entry("qwen-moe", MoeVectors::qwenMoe),
          Map.entry("hunyuan-recycle", MoeVectors::recycle),
          Map.entry("expert-race", MoeVectors::expertRace),
          Map.entry("expert-race-threshold", MoeVectors::expertRaceThreshold),
          Map.entry("base", call -> base(call, BaseRouter.Mode.AUCTION)),
          Map.entry("base-exact", call -> base(call, BaseRouter.Mode.EXACT)),
          Map.entry("base-greedy", call -> base(call, BaseRouter.Mode.GREEDY)),
          Map.entry("sinkhorn", MoeVectors::sinkhorn),
          Map.entry("hash-random", MoeVectors::hashRandom),
          Map.entry("hash-balanced", MoeVectors::hashBalanced),
          Map.entry("tutel", MoeVectors::tutel));

  @Override
  public String suite() {
    return "moe-routing";
  }

  @Override
  public boolean supports(ConformanceVector vector) {
    return vector.kind().equals("moe.route") && algorithms.containsKey(vector.algorithm());
  }

  @Override
  public JsonNode run(ConformanceVector vector) {
    Function<Call, JsonNode> algorithm = algorithms.get(vector.algorithm());
    if (algorithm == null) {
      throw new IllegalArgumentException(
          "algorithm must be a supported one, but was " + vector.algorithm());
    }
    requireModestCounts(vector);
    try {
      return algorithm.apply(new Call(vector));
    } catch (MoeInputException e) {
      return VectorAdapter.error(code(e));
    }
  }

  static String code(MoeInputException e) {
    return switch (e.rule()) {
      case ALL_MASKED -> "all-masked";
      case NOT_DIVISIBLE -> "not-divisible";
      case INFEASIBLE -> "infeasible";
      case CONFLICTING_ANNOTATIONS -> "conflicting-annotations";
    };
  }

  /** Refuses negative counts and those that would take more memory than any vector is worth. */
  static void requireModestCounts(ConformanceVector vector) {
    for (JsonNode fields : List.of(vector.params(), vector.input())) {
      for (String name : COUNTS) {
        JsonNode count = fields.path(name);
        if (count.isNumber() && !(count.doubleValue() >= 0 && count.doubleValue() <= MAX_COUNT)) {
          throw new IllegalArgumentException(
              name + " must lie in 0.." + MAX_COUNT + ", but was " + count.asText());
        }
      }
    }
  }

  static CapacityRule capacityRule(JsonNode params) {
    JsonNode rule = JsonFields.required(params, "capacityRule");
    if (rule.has("slots")) {
      return CapacityRule.fixed(JsonFields.intOf(rule, "slots"));
    }
    return new CapacityRule.Factor(
        JsonFields.doubleOf(rule, "factor"),
        CapacityRule.Demand.valueOf(JsonFields.textOf(rule, "demand", "TOKENS")),
        CapacityRule.Rounding.valueOf(JsonFields.textOf(rule, "rounding", "CEIL")),
        JsonFields.intOf(rule, "minCapacity", 1),
        JsonFields.intOf(rule, "multipleOf", 1),
        JsonFields.booleanOf(rule, "capAtTokens", false));
  }

  private static JsonNode switchRouting(Call call) {
    String order = JsonFields.textOf(call.params, "order");
    call.route(
        new SwitchRouter(
            new SwitchRouter.Config(
                capacityRule(call.params),
                switch (order) {
                  case "TOKEN" -> FillOrder.TOKEN;
                  case "PRIORITY" -> FillOrder.PRIORITY_MAX;
                  default ->
                      throw new IllegalArgumentException(
                          "order must be TOKEN or PRIORITY, but was '" + order + "'");
                },
                JsonFields.doubleOf(call.params, "alpha"))));
    call.loss("aux", MoeSignals.AUXILIARY_LOSS);
    call.loss("z", MoeSignals.Z_LOSS);
    call.signal("f", call.row(MoeSignals.CHOICE_SHARE));
    call.signal("P", call.row(MoeSignals.MEAN_PROBABILITY));
    return call.result();
  }

  private static JsonNode noTokenLeftBehind(Call call) {
    call.route(
        new NoTokenLeftBehindRouter(
            new NoTokenLeftBehindRouter.Config(
                capacityRule(call.params), JsonFields.intOf(call.params, "stages"), 1)));
    return call.result();
  }

  private static GShardRouter.Config gshard(Call call) {
    return new GShardRouter.Config(
        capacityRule(call.params), JsonFields.intOf(call.params, "groups", 1));
  }

  private static JsonNode meshTensorFlow(Call call) {
    return call.topTwo(
        new MeshTensorFlowTop2Router(
            new MeshTensorFlowTop2Router.Config(
                capacityRule(call.params),
                JsonFields.intOf(call.params, "groups", 1),
                MeshTensorFlowTop2Router.SecondPolicy.valueOf(
                    JsonFields.textOf(call.params, "secondPolicy")),
                JsonFields.doubleOf(
                    call.params, "threshold", MeshTensorFlowTop2Router.DEFAULT_THRESHOLD))));
  }

  private static JsonNode deepSpeedTop2(Call call) {
    if (call.data.has("gumbel")) {
      call.input.noise(call.matrix("gumbel"));
    }
    call.route(new DeepSpeedTop2Router(new DeepSpeedTop2Router.Config(capacityRule(call.params))));
    call.loss("aux", MoeSignals.AUXILIARY_LOSS);
    return call.result();
  }

  private static JsonNode deepSpeedTopK(Call call) {
    call.route(
        new DeepSpeedTopKRouter(
            new DeepSpeedTopKRouter.Config(
                JsonFields.intOf(call.params, "topK"),
                capacityRule(call.params),
                DeepSpeedTopKRouter.DropPolicy.valueOf(
                    JsonFields.textOf(call.params, "dropPolicy")))));
    call.loss("aux", MoeSignals.AUXILIARY_LOSS);
    return call.result();
  }

  private static JsonNode expertChoice(Call call, ExpertChoiceRouter.SoftmaxAxis axis) {
    call.route(
        new ExpertChoiceRouter(new ExpertChoiceRouter.Config(capacityRule(call.params), axis)));
    return call.result();
  }

  private static JsonNode cappedExpertChoice(Call call) {
    call.route(
        new CappedExpertChoiceRouter(
            new CappedExpertChoiceRouter.Config(
                capacityRule(call.params),
                JsonFields.intOf(call.params, "tokenCap"),
                CappedExpertChoiceRouter.Solver.ENTROPY,
                JsonFields.doubleOf(call.params, "lambda"),
                iterations(call.params),
                false)));
    call.signal("allocation", call.rows(MoeSignals.ALLOCATION));
    call.signal("converged", JSON.booleanNode(call.value(MoeSignals.CONVERGED) == 1));
    call.signal("capViolations", whole(call.value(MoeSignals.CAP_VIOLATIONS)));
    call.signal("objective", JSON.numberNode(call.value(MoeSignals.OBJECTIVE)));
    return cappedSignals(call);
  }

  /** Reads how often to project; bounded, as nothing but this number ends the run. */
  private static int iterations(JsonNode params) {
    int iterations = JsonFields.intOf(params, "iterations");
    if (iterations > MAX_ITERATIONS) {
      throw new IllegalArgumentException(
          "iterations must be at most " + MAX_ITERATIONS + ", but was " + iterations);
    }
    return iterations;
  }

  private static JsonNode exactExpertChoice(Call call) {
    call.route(
        new CappedExpertChoiceRouter(
            new CappedExpertChoiceRouter.Config(
                capacityRule(call.params),
                JsonFields.intOf(call.params, "tokenCap"),
                CappedExpertChoiceRouter.Solver.EXACT,
                CappedExpertChoiceRouter.DEFAULT_LAMBDA,
                CappedExpertChoiceRouter.DEFAULT_ITERATIONS,
                true)));
    return cappedSignals(call);
  }

  private static JsonNode cappedSignals(Call call) {
    ExpertAssignments out = call.out.indexByExpert();
    ArrayNode selected = JSON.arrayNode();
    for (int e = 0; e < out.experts(); e++) {
      ArrayNode tokens = selected.addArray();
      for (int i = out.expertOffset(e); i < out.expertOffset(e + 1); i++) {
        tokens.add(out.token(out.pairByExpert(i)));
      }
    }
    call.signal("selectedByExpert", selected);
    call.signal("expertsPerToken", call.wholes(MoeSignals.EXPERTS_PER_TOKEN, 0));
    call.signal("affinitySum", JSON.numberNode(call.value(MoeSignals.AFFINITY_SUM)));
    return call.result();
  }

  private static JsonNode vMoe(Call call) {
    boolean noisy = call.data.has("noise");
    if (noisy) {
      call.input.noise(call.matrix("noise"));
    }
    call.route(
        new VMoeRouter(
            new VMoeRouter.Config(
                JsonFields.intOf(call.params, "topK"),
                capacityRule(call.params),
                VMoeRouter.Priority.valueOf(JsonFields.textOf(call.params, "priority")),
                JsonFields.doubleOf(call.params, "skipFraction", 0),
                JsonFields.doubleOf(call.params, "sigma", 0))));
    call.loss("importance", MoeSignals.IMPORTANCE_LOSS);
    if (noisy) {
      call.loss("load", MoeSignals.LOAD_LOSS);
    }
    call.signal("priorityScores", call.row(MoeSignals.PRIORITY_SCORE));
    call.signal("processingOrder", call.wholes(MoeSignals.PROCESSING_ORDER, 0));
    return call.result();
  }

  private static JsonNode deepSeekMoe(Call call) {
    JsonNode alphas = JsonFields.required(call.params, "alphas");
    DeepSeekMoeRouter.Config config =
        new DeepSeekMoeRouter.Config(
            JsonFields.intOf(call.params, "topK"),
            JsonFields.intOf(call.params, "devices", 1),
            JsonFields.doubleOf(alphas, "expert"),
            JsonFields.doubleOf(alphas, "device"));
    if (call.params.has("deviceExperts")) {
      int[][] lists = JsonFields.intRowsOf(call.params, "deviceExperts");
      int[] device = new int[call.experts()];
      Arrays.fill(device, -1);
      for (int d = 0; d < lists.length; d++) {
        for (int e : lists[d]) {
          if (e < 0 || e >= device.length || device[e] >= 0) {
            throw new IllegalArgumentException(
                "deviceExperts must name each of "
                    + device.length
                    + " experts once, but one was "
                    + e);
          }
          device[e] = d;
        }
      }
      call.route(new DeepSeekMoeRouter(config, DeviceMap.of(device, lists.length)));
    } else {
      call.route(new DeepSeekMoeRouter(config));
    }
    sequenceLosses(call);
    call.signal("fBySequence", call.rows(MoeSignals.CHOICE_SHARE));
    call.signal("PBySequence", call.rows(MoeSignals.MEAN_PROBABILITY));
    call.signal("fDeviceBySequence", call.rows(MoeSignals.DEVICE_CHOICE_SHARE));
    call.signal("PDeviceBySequence", call.rows(MoeSignals.DEVICE_MEAN_PROBABILITY));
    return call.result();
  }

  private static void sequenceLosses(Call call) {
    call.losses("expertBalanceBySequence", MoeSignals.EXPERT_BALANCE_LOSS);
    call.losses("deviceBalanceBySequence", MoeSignals.DEVICE_BALANCE_LOSS);
  }

  private static JsonNode deepSeekV2(Call call) {
    JsonNode alphas = JsonFields.required(call.params, "alphas");
    DeviceBudget budget = DeviceBudget.UNLIMITED;
    if (call.params.has("deviceBudget")) {
      JsonNode node = call.params.get("deviceBudget");
      budget =
          node.has("pairs")
              ? DeviceBudget.pairs(JsonFields.intOf(node, "pairs"))
              : DeviceBudget.factor(JsonFields.doubleOf(node, "factor"));
    }
    if (call.data.has("protectedTokens")) {
      boolean[] kept = new boolean[call.input.tokens()];
      for (int t : JsonFields.intsOf(call.data, "protectedTokens")) {
        if (t < 0 || t >= kept.length) {
          throw new IllegalArgumentException(
              "protectedTokens must lie below the number of tokens = "
                  + kept.length
                  + ", but one was "
                  + t);
        }
        kept[t] = true;
      }
      call.input.protectedTokens(kept);
    }
    call.route(
        new DeepSeekV2Router(
            new DeepSeekV2Router.Config(
                JsonFields.intOf(call.params, "topK"),
                JsonFields.intOf(call.params, "devices"),
                JsonFields.intOf(call.params, "maxDevices"),
                JsonFields.doubleOf(call.params, "routeScale"),
                JsonFields.doubleOf(alphas, "expert"),
                JsonFields.doubleOf(alphas, "device"),
                JsonFields.doubleOf(alphas, "communication"),
                budget,
                0)));
    sequenceLosses(call);
    call.losses("communicationBalanceBySequence", MoeSignals.COMMUNICATION_BALANCE_LOSS);
    call.signal("devicesByToken", call.wholeRows(MoeSignals.TOKEN_DEVICES));
    call.signal("fCommunicationBySequence", call.rows(MoeSignals.DEVICE_TOKEN_SHARE));
    call.signal("pairsByDeviceBefore", call.wholes(MoeSignals.PAIRS_PER_DEVICE, 0));
    if (budget.kind() != DeviceBudget.Kind.NONE) {
      call.signal("budget", whole(call.value(MoeSignals.DEVICE_BUDGET)));
      call.signal("keptByDevice", call.wholes(MoeSignals.KEPT_PAIRS_PER_DEVICE, 0));
      call.signal("dropOrder", call.wholeRows(MoeSignals.DROP_ORDER));
    }
    return call.result();
  }

  private static JsonNode deepSeekV3(Call call) {
    int groups = JsonFields.intOf(call.params, "groups");
    DeepSeekV3Router router =
        new DeepSeekV3Router(
            new DeepSeekV3Router.Config(
                JsonFields.intOf(call.params, "topK"),
                groups,
                JsonFields.intOf(call.params, "maxGroups"),
                JsonFields.doubleOf(call.params, "routeScale"),
                JsonFields.doubleOf(call.params, "alpha")));
    DeepSeekV3Router.Bias bias = router.newState();
    if (call.data.has("bias")) {
      bias.set(JsonFields.doublesOf(call.data, "bias"));
    }
    router.route(call.input, bias, call.out);
    call.losses("sequenceBalanceBySequence", MoeSignals.SEQUENCE_BALANCE_LOSS);
    call.signal("fBySequence", call.rows(MoeSignals.CHOICE_SHARE));
    call.signal("maxVio", JSON.numberNode(call.value(MoeSignals.MAX_VIOLATION)));
    if (groups > 1) {
      call.signal("groupScores", call.rows(MoeSignals.GROUP_SCORE));
      call.signal("groupsByToken", call.wholeRows(MoeSignals.TOKEN_GROUPS));
    }
    return call.result();
  }

  private static JsonNode qwenMoe(Call call) {
    boolean shared = call.data.has("sharedGateLogits");
    if (shared) {
      call.input.sharedGateLogits(JsonFields.doublesOf(call.data, "sharedGateLogits"));
    }
    call.route(
        new QwenMoeRouter(
            new QwenMoeRouter.Config(
                JsonFields.intOf(call.params, "topK"),
                JsonFields.booleanOf(call.params, "normTopkProb"))));
    call.loss("balance", MoeSignals.AUXILIARY_LOSS);
    call.signal("f", call.row(MoeSignals.CHOICE_SHARE));
    if (shared) {
      call.signal("sharedGates", call.row(MoeSignals.SHARED_GATE));
    }
    return call.result();
  }

  private static JsonNode recycle(Call call) {
    call.input.permutation(JsonFields.intsOf(call.data, "permutation"));
    CapacityRule rule = capacityRule(call.params);
    long slots = (long) rule.slots(call.input.tokens(), call.experts(), 1, 0) * call.experts();
    if (slots > MAX_COUNT) {
      throw new IllegalArgumentException(
          "capacityRule must give at most "
              + MAX_COUNT
              + " slots over all experts, as free ones are listed, but gave "
              + slots);
    }
    call.route(new RecycleRouter(new RecycleRouter.Config(rule)));
    call.loss("aux", MoeSignals.AUXILIARY_LOSS);
    call.signal("overflow", call.wholes(MoeSignals.OVERFLOW_TOKENS, 0));
    call.signal("pool", call.wholes(MoeSignals.RECYCLING_POOL, 0));
    return call.result();
  }

  private static JsonNode expertRace(Call call) {
    call.route(
        new ExpertRaceRouter(
            new ExpertRaceRouter.Config(
                ExpertRaceRouter.Mode.BATCH,
                ExpertRaceRouter.Grouping.valueOf(
                    JsonFields.textOf(call.params, "grouping", "NONE")),
                JsonFields.doubleOf(call.params, "averageExpertsPerToken", 0),
                JsonFields.intOf(call.params, "pairs", -1),
                0,
                ExpertRaceRouter.DEFAULT_MOMENTUM,
                0)));
    call.loss("routerSimilarity", MoeSignals.ROUTER_SIMILARITY_LOSS);
    call.signal("pairs", whole(call.value(MoeSignals.SELECTED_PAIRS)));
    call.signal(
        "threshold",
        call.out.signals().has(MoeSignals.SELECTION_THRESHOLD)
            ? JSON.numberNode(call.value(MoeSignals.SELECTION_THRESHOLD))
            : JSON.nullNode());
    call.signal("expertsPerToken", call.wholes(MoeSignals.EXPERTS_PER_TOKEN, 0));
    call.signal("coSelection", call.wholeRows(MoeSignals.CO_SELECTION));
    return call.result();
  }

  private static JsonNode expertRaceThreshold(Call call) {
    ExpertRaceRouter router =
        new ExpertRaceRouter(
            new ExpertRaceRouter.Config(
                ExpertRaceRouter.Mode.THRESHOLD,
                ExpertRaceRouter.Grouping.NONE,
                0,
                -1,
                JsonFields.intOf(call.params, "coldTopK"),
                ExpertRaceRouter.DEFAULT_MOMENTUM,
                0));
    ExpertRaceRouter.Threshold threshold = router.newState();
    JsonFields.optionalDouble(call.data, "tau").ifPresent(threshold::set);
    router.route(call.input, threshold, call.out);
    call.signal("cold", JSON.booleanNode(call.value(MoeSignals.COLD) == 1));
    return call.result();
  }

  private static JsonNode base(Call call, BaseRouter.Mode mode) {
    call.route(new BaseRouter(new BaseRouter.Config(mode, false)));
    if (call.out.signals().has(MoeSignals.BID_INCREMENT)) {
      call.signal("epsilon", JSON.numberNode(call.value(MoeSignals.BID_INCREMENT)));
    }
    if (call.out.signals().has(MoeSignals.ROUNDS)) {
      call.signal("rounds", whole(call.value(MoeSignals.ROUNDS)));
    }
    call.signal("totalScore", JSON.numberNode(call.value(MoeSignals.TOTAL_SCORE)));
    return call.result();
  }

  private static JsonNode sinkhorn(Call call) {
    SinkhornRouter.Mode mode = SinkhornRouter.Mode.valueOf(JsonFields.textOf(call.params, "mode"));
    call.route(
        new SinkhornRouter(
            new SinkhornRouter.Config(
                mode, JsonFields.intOf(call.params, "topK"), SinkhornRouter.DEFAULT_ITERATIONS)));
    if (mode == SinkhornRouter.Mode.TRAINING) {
      call.signal("iterations", whole(call.value(MoeSignals.ITERATIONS)));
      call.signal("plan", call.rows(MoeSignals.PLAN));
      call.signal("columnSums", call.row(MoeSignals.PLAN_COLUMN_SUMS));
    }
    return call.result();
  }

  private static JsonNode hashRandom(Call call) {
    call.route(HashRouter.random(JsonFields.longOf(call.params, "seed")));
    return call.result();
  }

  private static JsonNode hashBalanced(Call call) {
    long[] frequencies = JsonFields.longsOf(call.data, "frequencies");
    int experts = JsonFields.intOf(call.params, "experts");
    HashRouter router = HashRouter.balanced(frequencies, experts);
    call.route(router);
    ArrayNode table = JSON.arrayNode();
    long[] load = new long[experts];
    for (int v = 0; v < frequencies.length; v++) {
      int e = router.expert(v, experts);
      table.add(e);
      load[e] += frequencies[v];
    }
    ArrayNode bucketLoad = JSON.arrayNode();
    for (long l : load) {
      bucketLoad.add(l);
    }
    call.signal("table", table);
    call.signal("bucketLoad", bucketLoad);
    return call.result();
  }

  private static JsonNode tutel(Call call) {
    call.route(
        new TutelRouter(
            new TutelRouter.Config(
                JsonFields.intOf(call.params, "topK"),
                new TutelCapacity(
                    JsonFields.doubleOf(call.params, "capacityFactor"),
                    JsonFields.intOf(call.params, "alignment", 1)),
                JsonFields.booleanOf(call.params, "batchPrioritized", false))));
    call.loss("aux", MoeSignals.AUXILIARY_LOSS);
    return call.result();
  }

  /** Writes a count that the library holds as a double. */
  private static JsonNode whole(double value) {
    return JSON.numberNode((long) value);
  }

  /** One vector: its parameters, its batch and the result being written. */
  private static final class Call {
    final JsonNode params;
    final JsonNode data;
    final RouterInput input = new RouterInput();
    final ExpertAssignments out = new ExpertAssignments().signalLevel(SignalLevel.ALL);
    private final ObjectNode losses = JSON.objectNode();
    private final ObjectNode signals = JSON.objectNode();

    Call(ConformanceVector vector) {
      params = vector.params();
      data = vector.input();
      if (data.has("tokenIds")) {
        long[] ids = JsonFields.longsOf(data, "tokenIds");
        input.tokens(ids.length, JsonFields.intOf(params, "experts")).tokenIds(ids);
      } else {
        String field = data.has("scores") ? "scores" : "logits";
        double[] logits = matrix(field);
        input.logits(logits, JsonFields.arrayOf(data, field).size(), experts());
      }
      if (data.has("padding")) {
        JsonNode flags = JsonFields.arrayOf(data, "padding");
        boolean[] padding = new boolean[flags.size()];
        for (int t = 0; t < padding.length; t++) {
          if (!flags.get(t).isBoolean()) {
            throw new VectorFormatException(
                "padding must be true or false, but one was " + VectorMatcher.show(flags.get(t)));
          }
          padding[t] = flags.get(t).booleanValue();
        }
        input.padding(padding);
      }
      if (data.has("sequenceLengths")) {
        input.sequenceLengths(JsonFields.intsOf(data, "sequenceLengths"));
      }
      if (data.has("uniforms")) {
        input.random(new ScriptedRandom(JsonFields.doublesOf(data, "uniforms")));
      }
    }

    int experts() {
      return JsonFields.intOf(data, "experts");
    }

    /** Reads rows of {@code experts} numbers; null is minus infinity. */
    final double[] matrix(String field) {
      return logits(JsonFields.arrayOf(data, field), experts());
    }

    void route(ExpertRouter<?> router) {
      routeWithNewState(router);
    }

    private <S> void routeWithNewState(ExpertRouter<S> router) {
      router.route(input, router.newState(), out);
    }

    JsonNode topTwo(ExpertRouter<?> router) {
      route(router);
      losses.set("auxRawByGroup", row(MoeSignals.AUXILIARY_LOSS_RAW));
      losses.set("auxScaledByGroup", row(MoeSignals.AUXILIARY_LOSS_SCALED));
      return result();
    }

    void loss(String field, Signal signal) {
      losses.put(field, out.signals().value(signal));
    }

    void signal(String field, JsonNode value) {
      signals.set(field, value);
    }

    ArrayNode row(Signal signal) {
      return row(signal, 0);
    }

    ArrayNode row(Signal signal, int row) {
      RoutingSignals from = out.signals();
      ArrayNode values = JSON.arrayNode();
      for (int i = 0; i < from.columns(signal); i++) {
        values.add(from.value(signal, row, i));
      }
      return values;
    }

    void losses(String field, Signal signal) {
      losses.set(field, row(signal));
    }

    double value(Signal signal) {
      return out.signals().value(signal);
    }

    ArrayNode rows(Signal signal) {
      ArrayNode rows = JSON.arrayNode();
      for (int i = 0; i < out.signals().rows(signal); i++) {
        rows.add(row(signal, i));
      }
      return rows;
    }

    ArrayNode wholes(Signal signal, int row) {
      ArrayNode values = JSON.arrayNode();
      for (int i = 0; i < out.signals().columns(signal); i++) {
        values.add(whole(out.signals().value(signal, row, i)));
      }
      return values;
    }

    ArrayNode wholeRows(Signal signal) {
      ArrayNode rows = JSON.arrayNode();
      for (int i = 0; i < out.signals().rows(signal); i++) {
        rows.add(wholes(signal, i));
      }
      return rows;
    }

    ObjectNode result() {
      ObjectNode result = JSON.objectNode();
      if (out.capacitySlots() == CapacityRule.UNLIMITED_SLOTS) {
        result.putNull("capacity");
      } else {
        result.put("capacity", out.capacitySlots());
      }
      ArrayNode assignments = result.putArray("assignments");
      for (int i = 0; i < out.pairCount(); i++) {
        assignments
            .addArray()
            .add(out.token(i))
            .add(out.rank(i))
            .add(out.expert(i))
            .add(out.slot(i))
            .add(out.gate(i));
      }
      ArrayNode drops = result.putArray("drops");
      for (int i = 0; i < out.dropCount(); i++) {
        drops
            .addArray()
            .add(out.dropToken(i))
            .add(out.dropRank(i))
            .add(out.dropExpert(i))
            .add(out.dropReason(i).name());
      }
      ArrayNode unrouted = result.putArray("unrouted");
      for (int t = 0; t < out.tokens(); t++) {
        if (out.isUnrouted(t)) {
          unrouted.add(t);
        }
      }
      ArrayNode load = result.putArray("load");
      for (int e = 0; e < out.experts(); e++) {
        load.add(out.load(e));
      }
      result.set("losses", losses);
      result.set("signals", signals);
      return result;
    }
  }

  /** Reads rows of logits; null is minus infinity. */
  static double[] logits(JsonNode rows, int experts) {
    double[] values = new double[Math.multiplyExact(rows.size(), experts)];
    int at = 0;
    for (JsonNode row : rows) {
      if (!row.isArray() || row.size() != experts) {
        throw new VectorFormatException(
            "rows must have " + experts + " entries, but one was " + VectorMatcher.show(row));
      }
      for (JsonNode value : row) {
        values[at++] =
            value.isNull()
                ? Double.NEGATIVE_INFINITY
                : JsonFields.asDouble(value, "logit " + (at - 1));
      }
    }
    return values;
  }

  /** Hands out given uniform numbers one after another. */
  private static final class ScriptedRandom implements RandomSource {
    private final double[] uniforms;
    private int next;

    ScriptedRandom(double[] uniforms) {
      this.uniforms = uniforms;
    }

    @Override
    public double nextDouble() {
      if (next == uniforms.length) {
        throw new VectorFormatException("uniforms must have one entry per draw, but ran out");
      }
      return uniforms[next++];
    }

    @Override
    public long nextLong() {
      throw new VectorFormatException("uniforms stand for numbers in [0, 1), not for bits");
    }
  }
}
