package io.headway.testkit.vectors;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.node.ArrayNode;
import com.fasterxml.jackson.databind.node.JsonNodeFactory;
import com.fasterxml.jackson.databind.node.ObjectNode;
import io.headway.api.moe.DeviceMap;
import io.headway.api.moe.ExpertAssignments;
import io.headway.api.moe.ExpertLoad;
import io.headway.api.moe.ExpertPlacement;
import io.headway.api.moe.ExpertTopology;
import io.headway.api.moe.LoadBalance;
import io.headway.api.moe.MoeInputException;
import io.headway.api.moe.RouterInput;
import io.headway.api.moe.SignalLevel;
import io.headway.routing.moe.DeepSeekV3Router;
import io.headway.routing.moe.ExpertRaceRouter;
import io.headway.routing.moe.GlobalBatchBalance;
import io.headway.routing.moe.MoeModelSize;
import io.headway.routing.moe.MoeSignals;
import io.headway.routing.moe.QwenMoeRouter;
import io.headway.routing.moe.TutelCapacity;
import io.headway.routing.placement.BalancedPacking;
import io.headway.routing.placement.Collective;
import io.headway.routing.placement.DimensionSplit;
import io.headway.routing.placement.EplbPlanner;
import io.headway.routing.placement.ExpertLoadAverage;
import io.headway.routing.placement.ExpertReplication;
import io.headway.routing.placement.GShardPartitionPlanner;
import io.headway.routing.placement.StaticPlanner;
import io.headway.simulator.moe.LinearLayerTime;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.function.Function;

/** Runs the vectors of the suite {@code moe-routing} beyond routing: capacity, state, placement. */
final class MoePlacementVectors implements VectorAdapter {
  private static final JsonNodeFactory JSON = JsonNodeFactory.instance;

  private final Map<String, Function<ConformanceVector, JsonNode>> algorithms =
      Map.ofEntries(
          Map.entry("capacity-rule", MoePlacementVectors::capacityRule),
          Map.entry("tutel-capacity", MoePlacementVectors::tutelCapacity),
          Map.entry("deepseek-v3-bias", MoePlacementVectors::bias),
          Map.entry("expert-race-tau", MoePlacementVectors::threshold),
          Map.entry("global-batch-balance", MoePlacementVectors::globalBatchBalance),
          Map.entry("load-ema", MoePlacementVectors::loadAverage),
          Map.entry("eplb", MoePlacementVectors::eplb),
          Map.entry("eplb-pack", MoePlacementVectors::pack),
          Map.entry("eplb-replicate", MoePlacementVectors::replicate),
          Map.entry("expert-placement", MoePlacementVectors::placement),
          Map.entry("gshard-split-dim", MoePlacementVectors::splitDimension),
          Map.entry("gshard-collective", MoePlacementVectors::collective),
          Map.entry("gshard-plan", MoePlacementVectors::partitionPlan),
          Map.entry("load-metrics", MoePlacementVectors::loadMetrics),
          Map.entry("activated-parameters", MoePlacementVectors::activatedParameters),
          Map.entry("distinct-experts", MoePlacementVectors::distinctExperts),
          Map.entry("layer-time", MoePlacementVectors::layerTime),
          Map.entry("devices-per-token", MoePlacementVectors::devicesPerToken));

  @Override
  public String suite() {
    return "moe-routing";
  }

  @Override
  public boolean supports(ConformanceVector vector) {
    return !vector.kind().equals("moe.route") && algorithms.containsKey(vector.algorithm());
  }

  @Override
  public JsonNode run(ConformanceVector vector) {
    Function<ConformanceVector, JsonNode> algorithm = algorithms.get(vector.algorithm());
    if (algorithm == null) {
      throw new IllegalArgumentException(
          "algorithm must be a supported one, but was " + vector.algorithm());
    }
    MoeVectors.requireModestCounts(vector);
    try {
      return algorithm.apply(vector);
    } catch (MoeInputException e) {
      return VectorAdapter.error(MoeVectors.code(e));
    }
  }

  private static JsonNode capacityRule(ConformanceVector vector) {
    JsonNode input = vector.input();
    return JSON.objectNode()
        .put(
            "capacity",
            MoeVectors.capacityRule(vector.params())
                .slots(
                    JsonFields.intOf(input, "tokens"),
                    JsonFields.intOf(input, "experts"),
                    JsonFields.intOf(input, "choicesPerToken", 1),
                    0));
  }

  private static JsonNode tutelCapacity(ConformanceVector vector) {
    int topK = JsonFields.intOf(vector.params(), "topK");
    TutelCapacity rule =
        new TutelCapacity(
            JsonFields.doubleOf(vector.params(), "capacityFactor"),
            JsonFields.intOf(vector.params(), "alignment", 1));
    int[][] demand = JsonFields.intRowsOf(vector.input(), "demandByRank");
    int tokens = 0;
    for (int t : JsonFields.intsOf(vector.input(), "tokensByRank")) {
      tokens = Math.max(tokens, t);
    }
    int experts = demand.length == 0 ? 0 : demand[0].length;
    if (experts == 0) {
      throw new IllegalArgumentException(
          "demandByRank must have a rank and an expert, but was empty");
    }
    int most = 0;
    for (int[] ofRank : demand) {
      requireEntries("demandByRank", experts, ofRank.length);
      for (int d : ofRank) {
        most = Math.max(most, d);
      }
    }
    int capacity = rule.slots(tokens, experts, topK, most);
    ObjectNode result = JSON.objectNode();
    result.put("tokensPerExpert", TutelCapacity.tokensPerExpert(tokens, experts));
    result.put("capacity", capacity);
    result.put("effectiveFactor", TutelCapacity.effectiveFactor(capacity, topK, tokens, experts));
    ArrayNode drops = result.putArray("dropsByRank");
    ArrayNode padded = result.putArray("paddedSlotsByRank");
    for (int[] ofRank : demand) {
      long accepted = 0;
      long asked = 0;
      for (int d : ofRank) {
        accepted += Math.min(d, capacity);
        asked += d;
      }
      drops.add(asked - accepted);
      padded.add((long) experts * capacity - accepted);
    }
    return result;
  }

  private static void requireEntries(String name, int expected, int actual) {
    if (actual != expected) {
      throw new IllegalArgumentException(
          name + " must have an entry for each of " + expected + " experts, but had " + actual);
    }
  }

  private static RouterInput logits(JsonNode rows, int experts) {
    return new RouterInput().logits(MoeVectors.logits(rows, experts), rows.size(), experts);
  }

  private static JsonNode bias(ConformanceVector vector) {
    int experts = JsonFields.intOf(vector.input(), "experts");
    double gamma = JsonFields.doubleOf(vector.params(), "gamma");
    DeepSeekV3Router router =
        new DeepSeekV3Router(
            new DeepSeekV3Router.Config(
                JsonFields.intOf(vector.params(), "topK", 1),
                JsonFields.intOf(vector.params(), "groups", 1),
                JsonFields.intOf(vector.params(), "maxGroups", 1),
                DeepSeekV3Router.DEFAULT_ROUTE_SCALE,
                DeepSeekV3Router.DEFAULT_LOSS_COEFFICIENT));
    DeepSeekV3Router.Bias bias = router.newState();
    if (vector.input().has("initialBias")) {
      bias.set(JsonFields.doublesOf(vector.input(), "initialBias"));
    }
    ObjectNode result = JSON.objectNode();
    ArrayNode steps = result.putArray("steps");
    ExpertAssignments out = new ExpertAssignments();
    for (JsonNode step : JsonFields.arrayOf(vector.input(), "steps")) {
      int[] load;
      if (step.has("load")) {
        load = JsonFields.intsOf(step, "load");
        requireEntries("load", experts, load.length);
      } else {
        router.route(logits(JsonFields.arrayOf(step, "logits"), experts), bias, out);
        load = out.loads();
      }
      bias.update(load, experts, gamma);
      ObjectNode after = steps.addObject();
      ArrayNode loads = after.putArray("load");
      ArrayNode biases = after.putArray("bias");
      for (int e = 0; e < experts; e++) {
        loads.add(load[e]);
        biases.add(bias.of(e));
      }
      after.put("maxVio", LoadBalance.of(load, experts).maxViolation());
    }
    return result;
  }

  private static JsonNode threshold(ConformanceVector vector) {
    int experts = JsonFields.intOf(vector.input(), "experts");
    double momentum = JsonFields.doubleOf(vector.params(), "momentum");
    double initial = JsonFields.doubleOf(vector.params(), "initialTau");
    ExpertRaceRouter.Threshold tau = race(0, momentum, initial).newState();
    ExpertAssignments out = new ExpertAssignments().signalLevel(SignalLevel.ALL);
    ObjectNode result = JSON.objectNode();
    ArrayNode steps = result.putArray("steps");
    for (JsonNode step : JsonFields.arrayOf(vector.input(), "steps")) {
      race(JsonFields.intOf(step, "pairs"), momentum, initial)
          .route(logits(JsonFields.arrayOf(step, "logits"), experts), tau, out);
      ObjectNode after = steps.addObject();
      if (out.signals().has(MoeSignals.SELECTION_THRESHOLD)) {
        after.put("threshold", out.signals().value(MoeSignals.SELECTION_THRESHOLD));
      } else {
        after.putNull("threshold");
      }
      after.put("tau", tau.tau());
      after.put("cold", tau.isCold());
    }
    return result;
  }

  private static ExpertRaceRouter race(int pairs, double momentum, double initial) {
    return new ExpertRaceRouter(
        new ExpertRaceRouter.Config(
            ExpertRaceRouter.Mode.BATCH,
            ExpertRaceRouter.Grouping.NONE,
            0,
            pairs,
            0,
            momentum,
            initial));
  }

  private static JsonNode globalBatchBalance(ConformanceVector vector) {
    int experts = JsonFields.intOf(vector.input(), "experts");
    int topK = JsonFields.intOf(vector.params(), "topK");
    double localWeight =
        JsonFields.doubleOf(
            vector.params(), "localWeight", GlobalBatchBalance.DEFAULT_LOCAL_WEIGHT);
    QwenMoeRouter router = new QwenMoeRouter(new QwenMoeRouter.Config(topK, false));
    GlobalBatchBalance balance = new GlobalBatchBalance(experts, topK);
    ObjectNode result = JSON.objectNode();
    ArrayNode steps = result.putArray("steps");
    List<List<ExpertAssignments>> routed = new ArrayList<>();
    ArrayNode concatenated = JSON.arrayNode();
    for (JsonNode step : JsonFields.arrayOf(vector.input(), "steps")) {
      List<ExpertAssignments> ranks = new ArrayList<>();
      GlobalBatchBalance counts = new GlobalBatchBalance(experts, topK);
      for (JsonNode rows : JsonFields.arrayOf(step, "ranks")) {
        ExpertAssignments rank = route(router, logits(rows, experts));
        ranks.add(rank);
        balance.add(rank);
        counts.add(rank);
        rows.forEach(concatenated::add);
      }
      routed.add(ranks);
      ObjectNode after = steps.addObject();
      after.set("counts", counts(counts, experts));
      after.set("cumulativeCounts", counts(balance, experts));
      ArrayNode local = after.putArray("localByRank");
      ArrayNode running = after.putArray("runningByRank");
      for (ExpertAssignments rank : ranks) {
        addLoss(local, rank, rank.signals().value(MoeSignals.AUXILIARY_LOSS));
        addLoss(running, rank, balance.loss(rank));
      }
    }
    List<ExpertAssignments> all = new ArrayList<>();
    for (int s = 0; s < routed.size(); s++) {
      ArrayNode global = ((ObjectNode) steps.get(s)).putArray("globalByRank");
      for (ExpertAssignments rank : routed.get(s)) {
        addLoss(global, rank, balance.loss(rank));
        all.add(rank);
      }
    }
    int[] tokens = all.stream().mapToInt(ExpertAssignments::tokens).toArray();
    result.set("counts", counts(balance, experts));
    ArrayNode share = result.putArray("f");
    for (int e = 0; e < experts; e++) {
      share.add(balance.share(e));
    }
    result.put(
        "globalLoss",
        GlobalBatchBalance.tokenWeightedMean(
            all.stream().mapToDouble(balance::loss).toArray(), tokens));
    result.put(
        "mixedLoss",
        GlobalBatchBalance.tokenWeightedMean(
            all.stream().mapToDouble(rank -> balance.mixedLoss(rank, localWeight)).toArray(),
            tokens));
    result.put(
        "concatenatedLoss",
        route(router, logits(concatenated, experts)).signals().value(MoeSignals.AUXILIARY_LOSS));
    return result;
  }

  private static ExpertAssignments route(QwenMoeRouter router, RouterInput input) {
    ExpertAssignments out = new ExpertAssignments().signalLevel(SignalLevel.LOSSES);
    router.route(input, router.newState(), out);
    return out;
  }

  private static ArrayNode counts(GlobalBatchBalance balance, int experts) {
    ArrayNode counts = JSON.arrayNode();
    for (int e = 0; e < experts; e++) {
      counts.add(balance.count(e));
    }
    return counts;
  }

  private static void addLoss(ArrayNode losses, ExpertAssignments rank, double loss) {
    if (rank.tokens() == 0) {
      losses.addNull();
    } else {
      losses.add(loss);
    }
  }

  private static JsonNode loadAverage(ConformanceVector vector) {
    ExpertLoadAverage average =
        new ExpertLoadAverage(
            JsonFields.intOf(vector.input(), "experts"),
            JsonFields.doubleOf(vector.params(), "beta"),
            JsonFields.intOf(vector.params(), "window"));
    ObjectNode result = JSON.objectNode();
    ArrayNode steps = result.putArray("steps");
    for (JsonNode step : JsonFields.arrayOf(vector.input(), "steps")) {
      if (JsonFields.booleanOf(step, "reset", false)) {
        average.reset(JsonFields.intOf(step, "experts", average.experts()));
      } else {
        average.add(JsonFields.intsOf(step, "counts"));
      }
      ObjectNode after = steps.addObject();
      ArrayNode ema = after.putArray("ema");
      ArrayNode windowMax = after.putArray("windowMax");
      for (int e = 0; e < average.experts(); e++) {
        ema.add(average.average(e));
        windowMax.add(average.windowMaximum(e));
      }
    }
    return result;
  }

  private static JsonNode eplb(ConformanceVector vector) {
    JsonNode params = vector.params();
    double[][] rows = JsonFields.doubleRowsOf(vector.input(), "load");
    int layers = rows.length;
    int experts = layers == 0 ? 0 : rows[0].length;
    double[] flat = new double[layers * experts];
    for (int l = 0; l < layers; l++) {
      requireEntries("load", experts, rows[l].length);
      System.arraycopy(rows[l], 0, flat, l * experts, experts);
    }
    ExpertTopology topology =
        new ExpertTopology(
            JsonFields.intOf(params, "replicas"),
            JsonFields.intOf(params, "groups"),
            JsonFields.intOf(params, "nodes"),
            JsonFields.intOf(params, "gpus"));
    ExpertLoad load = new ExpertLoad(flat, layers, experts);
    EplbPlanner planner = new EplbPlanner();
    ExpertPlacement placement = new ExpertPlacement();
    planner.plan(load, topology, planner.newState(), placement);
    ObjectNode result = JSON.objectNode();
    result.put("policy", EplbPlanner.policy(topology).name());
    ArrayNode layerNodes = result.putArray("layers");
    for (int l = 0; l < layers; l++) {
      layerNodes.add(layer(placement, load, l));
    }
    return result;
  }

  private static ObjectNode layer(ExpertPlacement placement, ExpertLoad load, int layer) {
    ObjectNode node = JSON.objectNode();
    ArrayNode phy2log = node.putArray("phy2log");
    ArrayNode rank = node.putArray("replicaRank");
    for (int s = 0; s < placement.slots(); s++) {
      phy2log.add(placement.expert(layer, s));
      rank.add(placement.replica(layer, s));
    }
    int most = 0;
    ArrayNode logcnt = node.putArray("logcnt");
    for (int e = 0; e < placement.experts(); e++) {
      logcnt.add(placement.replicaCount(layer, e));
      most = Math.max(most, placement.replicaCount(layer, e));
    }
    ArrayNode log2phy = node.putArray("log2phy");
    for (int e = 0; e < placement.experts(); e++) {
      ArrayNode slots = log2phy.addArray();
      for (int r = 0; r < most; r++) {
        slots.add(r < placement.replicaCount(layer, e) ? placement.slot(layer, e, r) : -1);
      }
    }
    double[] deviceLoad = new double[placement.devices()];
    placement.deviceLoad(load, layer, deviceLoad);
    node.set("gpuLoad", doubles(deviceLoad));
    node.put("maxOverMean", LoadBalance.of(deviceLoad, deviceLoad.length).maxOverMean());
    return node;
  }

  private static ArrayNode doubles(double[] values) {
    ArrayNode node = JSON.arrayNode();
    for (double value : values) {
      node.add(value);
    }
    return node;
  }

  private static JsonNode pack(ConformanceVector vector) {
    double[] weights = JsonFields.doublesOf(vector.input(), "weights");
    BalancedPacking packing = new BalancedPacking();
    packing.pack(weights, weights.length, JsonFields.intOf(vector.params(), "packs"));
    ObjectNode result = JSON.objectNode();
    ArrayNode pack = result.putArray("pack");
    ArrayNode rank = result.putArray("rank");
    for (int i = 0; i < weights.length; i++) {
      pack.add(packing.pack(i));
      rank.add(packing.rank(i));
    }
    return result;
  }

  private static JsonNode replicate(ConformanceVector vector) {
    double[] weights = JsonFields.doublesOf(vector.input(), "weights");
    int replicas = JsonFields.intOf(vector.params(), "replicas");
    ExpertReplication replication = new ExpertReplication();
    replication.replicate(weights, weights.length, replicas);
    ObjectNode result = JSON.objectNode();
    ArrayNode phy2log = result.putArray("phy2log");
    ArrayNode rank = result.putArray("replicaRank");
    ArrayNode logcnt = result.putArray("logcnt");
    for (int r = 0; r < replicas; r++) {
      phy2log.add(replication.expert(r));
      rank.add(replication.rank(r));
    }
    for (int e = 0; e < weights.length; e++) {
      logcnt.add(replication.count(e));
    }
    return result;
  }

  private static JsonNode placement(ConformanceVector vector) {
    double[] loads = JsonFields.doublesOf(vector.input(), "load");
    int devices = JsonFields.intOf(vector.params(), "devices");
    StaticPlanner planner =
        new StaticPlanner(StaticPlanner.Rule.valueOf(JsonFields.textOf(vector.params(), "policy")));
    ExpertLoad load = new ExpertLoad(loads, 1, loads.length);
    ExpertPlacement placement = new ExpertPlacement();
    planner.plan(
        load, new ExpertTopology(loads.length, 1, 1, devices), planner.newState(), placement);
    ObjectNode result = JSON.objectNode();
    ArrayNode device = result.putArray("device");
    for (int e = 0; e < loads.length; e++) {
      device.add(placement.device(placement.slot(0, e, 0)));
    }
    ArrayNode expertsByDevice = result.putArray("expertsByDevice");
    for (int d = 0; d < devices; d++) {
      expertsByDevice.add(placement.deviceOffset(d + 1) - placement.deviceOffset(d));
    }
    double[] deviceLoad = new double[devices];
    placement.deviceLoad(load, 0, deviceLoad);
    result.set("deviceLoad", doubles(deviceLoad));
    result.put("maxOverMean", LoadBalance.of(deviceLoad, devices).maxOverMean());
    return result;
  }

  private static JsonNode splitDimension(ConformanceVector vector) {
    DimensionSplit split =
        new DimensionSplit(
            JsonFields.intOf(vector.input(), "size"),
            JsonFields.intOf(vector.params(), "partitions"));
    ObjectNode result = JSON.objectNode();
    result.put("paddedSize", split.paddedSize());
    result.put("shardSize", split.shardSize());
    ArrayNode valid = result.putArray("validByPartition");
    for (int p = 0; p < split.partitions(); p++) {
      valid.add(split.validSize(p));
    }
    return result;
  }

  private static JsonNode collective(ConformanceVector vector) {
    return JSON.objectNode()
        .put(
            "bytesSentPerDevice",
            Collective.valueOf(JsonFields.textOf(vector.params(), "collective"))
                .bytesSentPerDevice(
                    JsonFields.doubleOf(vector.input(), "fullBytes"),
                    JsonFields.intOf(vector.params(), "devices")));
  }

  private static JsonNode partitionPlan(ConformanceVector vector) {
    JsonNode input = vector.input();
    GShardPartitionPlanner planner =
        new GShardPartitionPlanner(
            JsonFields.intOf(vector.params(), "devices"),
            JsonFields.intOf(vector.params(), "bytesPerElement"));
    JsonNode dims = JsonFields.required(input, "dims");
    for (Map.Entry<String, JsonNode> dim : dims.properties()) {
      planner.dimension(dim.getKey(), JsonFields.longOf(dims, dim.getKey()));
    }
    ObjectNode elements = JSON.objectNode();
    for (JsonNode tensor : JsonFields.arrayOf(input, "tensors")) {
      String name = JsonFields.textOf(tensor, "name");
      List<String> names = new ArrayList<>();
      JsonFields.arrayOf(tensor, "dims").forEach(dim -> names.add(dim.asText()));
      planner.tensor(name, names);
      elements.put(name, planner.elements(name));
    }
    for (JsonNode einsum : JsonFields.arrayOf(input, "einsums")) {
      JsonNode inputs = JsonFields.arrayOf(einsum, "inputs");
      planner.einsum(
          inputs.path(0).asText(), inputs.path(1).asText(), JsonFields.textOf(einsum, "output"));
    }
    for (JsonNode annotation : JsonFields.arrayOf(input, "annotations")) {
      String tensor = JsonFields.textOf(annotation, "tensor");
      JsonNode split = JsonFields.required(annotation, "splitDim");
      if (split.isNull()) {
        planner.replicate(tensor);
      } else {
        planner.split(tensor, split.asText());
      }
    }
    ObjectNode result = planNode(planner.plan());
    result.set("elements", elements);
    return result;
  }

  private static ObjectNode planNode(GShardPartitionPlanner.Plan plan) {
    ObjectNode result = JSON.objectNode();
    ObjectNode splits = result.putObject("splits");
    plan.splits().forEach((tensor, split) -> splits.set(tensor, nullable(split)));
    ArrayNode ops = result.putArray("ops");
    for (GShardPartitionPlanner.Operation operation : plan.operations()) {
      ObjectNode op = ops.addObject();
      op.put("output", operation.output());
      op.set("computeSplit", nullable(operation.computeSplit()));
      ArrayNode collectives = op.putArray("collectives");
      for (GShardPartitionPlanner.Transfer transfer : operation.transfers()) {
        collectives
            .addArray()
            .add(transfer.kind().name())
            .add(transfer.tensor())
            .add(transfer.bytesSentPerDevice());
      }
    }
    ObjectNode counts = result.putObject("collectiveCounts");
    plan.collectiveCounts().forEach((kind, count) -> counts.put(kind.name(), count));
    result.put("bytesSentPerDevice", plan.bytesSentPerDevice());
    return result;
  }

  private static JsonNode nullable(Optional<String> text) {
    return text.<JsonNode>map(JSON::textNode).orElseGet(JSON::nullNode);
  }

  private static JsonNode loadMetrics(ConformanceVector vector) {
    JsonNode input = vector.input();
    double[] load = JsonFields.doublesOf(input, "load");
    LoadBalance balance = LoadBalance.of(load, load.length);
    ObjectNode result = JSON.objectNode();
    result.put("maxOverMean", balance.maxOverMean());
    result.put("maxVio", balance.maxViolation());
    result.put("cv", balance.coefficientOfVariation());
    result.put("minOverMean", balance.minOverMean());
    result.put("normalisedEntropy", balance.normalisedEntropy());
    if (input.has("demandPairs")) {
      long assigned = 0;
      for (int pairs : JsonFields.intsOf(input, "load")) {
        assigned += pairs;
      }
      result.put(
          "droppedFraction",
          LoadBalance.droppedFraction(assigned, JsonFields.longOf(input, "demandPairs")));
    }
    if (input.has("unroutedTokens")) {
      result.put(
          "unroutedFraction",
          LoadBalance.unroutedFraction(
              JsonFields.longOf(input, "unroutedTokens"), JsonFields.longOf(input, "tokens")));
    }
    return result;
  }

  private static JsonNode activatedParameters(ConformanceVector vector) {
    JsonNode params = vector.params();
    MoeModelSize size =
        new MoeModelSize(
            JsonFields.intOf(params, "moeLayers"),
            JsonFields.intOf(params, "experts"),
            JsonFields.intOf(params, "topK"),
            JsonFields.intOf(params, "hidden"),
            JsonFields.intOf(params, "expertWidth"),
            JsonFields.intOf(params, "sharedExperts", 0),
            JsonFields.intOf(params, "sharedWidth", 0),
            JsonFields.longOf(params, "denseParameters", 0));
    ObjectNode result = JSON.objectNode();
    result.put("expertParameters", size.expertParameters());
    result.put("routedTotal", size.routedTotal());
    result.put("routedActive", size.routedActive());
    result.put("sharedTotal", size.sharedTotal());
    result.put("total", size.total());
    result.put("activated", size.activated());
    result.put("activatedFraction", size.activatedFraction());
    return result;
  }

  private static JsonNode distinctExperts(ConformanceVector vector) {
    return JSON.objectNode()
        .put(
            "expectedDistinctExperts",
            MoeModelSize.expectedDistinctExperts(
                JsonFields.intOf(vector.params(), "experts"),
                JsonFields.intOf(vector.params(), "topK"),
                JsonFields.intOf(vector.input(), "tokens")));
  }

  private static JsonNode layerTime(ConformanceVector vector) {
    int devices = JsonFields.intOf(vector.params(), "devices");
    LinearLayerTime time =
        new LinearLayerTime(
            JsonFields.doubleOf(vector.params(), "secondsPerToken"),
            JsonFields.doubleOf(vector.params(), "allToAllSeconds"));
    ObjectNode result = JSON.objectNode();
    ArrayNode layers = result.putArray("layers");
    double total = 0;
    for (JsonNode layer : JsonFields.arrayOf(vector.input(), "layers")) {
      double[] pairs = new double[devices];
      int[] load = JsonFields.intsOf(layer, "load");
      int[] device = JsonFields.intsOf(layer, "device");
      requireEntries("device", load.length, device.length);
      DeviceMap.of(device, devices).sumLoads(load, pairs);
      ObjectNode node = layers.addObject();
      node.set("deviceLoad", doubles(pairs));
      node.put("imbalance", time.imbalance(pairs, devices));
      node.put("seconds", time.seconds(pairs, devices));
      total += time.seconds(pairs, devices);
    }
    result.put("totalSeconds", total);
    return result;
  }

  private static JsonNode devicesPerToken(ConformanceVector vector) {
    int[] device = JsonFields.intsOf(vector.params(), "deviceByExpert");
    int devices = 1;
    for (int d : device) {
      devices = Math.max(devices, d + 1);
    }
    DeviceMap map = DeviceMap.of(device, devices);
    int tokens = JsonFields.intOf(vector.input(), "tokens");
    ExpertAssignments out = new ExpertAssignments();
    out.begin(new RouterInput().tokens(tokens, device.length), -1, 1);
    for (int[] pair : JsonFields.intRowsOf(vector.input(), "assignments")) {
      if (pair.length != 2) {
        throw new IllegalArgumentException(
            "assignments must be rows of a token and an expert, but one had "
                + pair.length
                + " entries");
      }
      out.assign(pair[0], ExpertAssignments.NO_RANK, pair[1], ExpertAssignments.NO_SLOT, 1);
    }
    out.end();
    ObjectNode result = JSON.objectNode();
    ArrayNode perToken = result.putArray("devicesByToken");
    for (int t = 0; t < tokens; t++) {
      perToken.add(map.devicesOf(out, t));
    }
    result.put("meanDevicesPerToken", map.meanDevicesPerToken(out));
    return result;
  }
}
