package io.headway.routing.moe;

import io.headway.api.Decision;
import io.headway.api.config.ParameterSet;
import io.headway.api.config.PolicyCatalog;
import io.headway.api.config.PolicyConfig;
import io.headway.api.config.PolicyProvider;
import io.headway.api.moe.CapacityRule;
import java.util.List;
import java.util.Locale;
import java.util.function.Function;

/**
 * Offers the expert routers of this package by name. A router that needs data, such as token
 * frequencies, is made in code: see {@link HashRouter#balanced}.
 */
public final class ExpertRouters implements PolicyCatalog {
  /** Makes the catalogue; {@link java.util.ServiceLoader} calls this. */
  public ExpertRouters() {}

  @Override
  public List<PolicyProvider> providers() {
    return List.of(
        switchRouter(),
        noTokenLeftBehind(),
        gshard("gshard-top2", "Top-2, the second expert at random by its gate", GShardRouter::new),
        gshard("glam", "Top-2 as GLaM serves it: no draws", GShardRouter::glam),
        meshTensorFlow(),
        deepSpeedTop2(),
        deepSpeedTopK(),
        expertChoice(),
        cappedExpertChoice(),
        vMoe(),
        deepSeekMoe(),
        deepSeekV2(),
        deepSeekV3(),
        qwenMoe(),
        recycle(),
        expertRace(),
        base(),
        sinkhorn(),
        hash(),
        topK(),
        tutel());
  }

  private static PolicyProvider provider(
      String id,
      String summary,
      String source,
      ParameterSet.Builder parameters,
      Function<PolicyConfig, Object> factory) {
    return new PolicyProvider(
        id, Decision.EXPERT_ROUTING, summary, source, parameters.build(), factory);
  }

  /** Declares the parts of a capacity rule with the given defaults. */
  private static ParameterSet.Builder capacity(CapacityRule defaults) {
    boolean unlimited = defaults instanceof CapacityRule.Unlimited;
    CapacityRule.Factor factor =
        defaults instanceof CapacityRule.Factor given ? given : CapacityRule.factor(1);
    return ParameterSet.builder()
        .booleanValue("dropless", unlimited, "no capacity at all; the others are then not read")
        .intValue(
            "slots",
            -1,
            -1,
            Integer.MAX_VALUE,
            "slots",
            "fixed capacity per expert; -1 to derive it from the factor")
        .doubleValue(
            "capacityFactor",
            factor.factor(),
            0,
            1e6,
            "",
            "slots per expert relative to an even share of the demand")
        .choice(
            "demand", text(factor.demand()), List.of("tokens", "choices"), "what the factor scales")
        .choice(
            "rounding",
            text(factor.rounding()),
            List.of("ceil", "floor", "half-even"),
            "how a fractional capacity becomes whole")
        .intValue("minCapacity", factor.minCapacity(), 0, Integer.MAX_VALUE, "slots", "lower bound")
        .intValue(
            "multipleOf", factor.multipleOf(), 1, Integer.MAX_VALUE, "slots", "rounded up to it")
        .booleanValue("capAtTokens", factor.capAtTokens(), "at most the tokens of the group");
  }

  private static CapacityRule rule(PolicyConfig config) {
    if (config.booleanValue("dropless")) {
      return CapacityRule.unlimited();
    }
    if (config.intValue("slots") >= 0) {
      return CapacityRule.fixed(config.intValue("slots"));
    }
    return new CapacityRule.Factor(
        config.doubleValue("capacityFactor"),
        config.choice("demand", CapacityRule.Demand::valueOf),
        config.choice("rounding", CapacityRule.Rounding::valueOf),
        config.intValue("minCapacity"),
        config.intValue("multipleOf"),
        config.booleanValue("capAtTokens"));
  }

  private static String text(Enum<?> constant) {
    return constant.name().toLowerCase(Locale.ROOT).replace('_', '-');
  }

  private static ParameterSet.Builder topK(ParameterSet.Builder parameters, int defaultValue) {
    return parameters.intValue(
        "topK", defaultValue, 1, Integer.MAX_VALUE, "experts", "routed experts per token");
  }

  private static ParameterSet.Builder coefficient(
      ParameterSet.Builder parameters, String name, double defaultValue, String what) {
    return parameters.doubleValue(
        name, defaultValue, 0, Double.MAX_VALUE, "", "weight of the " + what);
  }

  private static ParameterSet.Builder order(ParameterSet.Builder parameters, FillOrder order) {
    return parameters.choice(
        "order", text(order), List.of("token", "priority-max", "priority-sum"), "who fills first");
  }

  private static PolicyProvider switchRouter() {
    SwitchRouter.Config defaults = SwitchRouter.Config.DEFAULT;
    return provider(
        "switch",
        "Each token to its most probable expert with a capacity",
        "Fedus, Zoph, Shazeer, Switch Transformers, JMLR 2022, arXiv 2101.03961",
        coefficient(
            order(capacity(defaults.capacity()), defaults.order()),
            "lossCoefficient",
            defaults.lossCoefficient(),
            "balance loss"),
        config ->
            new SwitchRouter(
                new SwitchRouter.Config(
                    rule(config),
                    config.choice("order", FillOrder::valueOf),
                    config.doubleValue("lossCoefficient"))));
  }

  private static PolicyProvider noTokenLeftBehind() {
    NoTokenLeftBehindRouter.Config defaults = NoTokenLeftBehindRouter.Config.DEFAULT;
    return provider(
        "switch-no-token-left-behind",
        "Switch that tries further choices of tokens whose expert is full",
        "Fedus, Zoph, Shazeer, Switch Transformers, JMLR 2022, arXiv 2101.03961",
        coefficient(
            capacity(defaults.capacity())
                .intValue(
                    "stages",
                    defaults.stages(),
                    1,
                    Integer.MAX_VALUE,
                    "choices",
                    "choices a token tries"),
            "lossCoefficient",
            defaults.lossCoefficient(),
            "balance loss"),
        config ->
            new NoTokenLeftBehindRouter(
                new NoTokenLeftBehindRouter.Config(
                    rule(config),
                    config.intValue("stages"),
                    config.doubleValue("lossCoefficient"))));
  }

  private static ParameterSet.Builder groups(ParameterSet.Builder parameters) {
    return parameters.intValue(
        "groups",
        GShardRouter.DEFAULT_GROUPS,
        1,
        GShardRouter.MAX_GROUPS,
        "groups",
        "equal groups of tokens, routed apart");
  }

  private static PolicyProvider gshard(
      String id, String summary, Function<GShardRouter.Config, GShardRouter> make) {
    return provider(
        id,
        summary,
        id.equals("glam")
            ? "Du et al., GLaM, ICML 2022, arXiv 2112.06905"
            : "Lepikhin et al., GShard, ICLR 2021, arXiv 2006.16668",
        groups(capacity(GShardRouter.Config.DEFAULT.capacity())),
        config -> make.apply(new GShardRouter.Config(rule(config), config.intValue("groups"))));
  }

  private static PolicyProvider meshTensorFlow() {
    MeshTensorFlowTop2Router.Config defaults = MeshTensorFlowTop2Router.Config.DEFAULT;
    return provider(
        "gshard-top2-mesh-tf",
        "Top-2 as in Mesh-TensorFlow: a choice of tests for the second expert",
        "Lepikhin et al., GShard, ICLR 2021, arXiv 2006.16668; Mesh-TensorFlow",
        groups(capacity(defaults.capacity()))
            .choice(
                "secondPolicy",
                text(defaults.secondPolicy()),
                List.of("all", "none", "threshold", "random"),
                "test of second choices")
            .doubleValue(
                "threshold", defaults.threshold(), 0, 1, "", "threshold of the test on the gate"),
        config ->
            new MeshTensorFlowTop2Router(
                new MeshTensorFlowTop2Router.Config(
                    rule(config),
                    config.intValue("groups"),
                    config.choice("secondPolicy", MeshTensorFlowTop2Router.SecondPolicy::valueOf),
                    config.doubleValue("threshold"))));
  }

  private static PolicyProvider deepSpeedTop2() {
    return provider(
        "deepspeed-top2",
        "Top-2 as in DeepSpeed: the second expert sampled by noise, gates over kept pairs",
        "Rajbhandari et al., DeepSpeed-MoE, ICML 2022, arXiv 2201.05596",
        capacity(DeepSpeedTop2Router.Config.DEFAULT.capacity()),
        config -> new DeepSpeedTop2Router(new DeepSpeedTop2Router.Config(rule(config))));
  }

  private static PolicyProvider deepSpeedTopK() {
    DeepSpeedTopKRouter.Config defaults = DeepSpeedTopKRouter.Config.DEFAULT;
    return provider(
        "deepspeed-topk",
        "Top-k where a full expert keeps the largest logits or the lowest positions",
        "Rajbhandari et al., DeepSpeed-MoE, ICML 2022, arXiv 2201.05596",
        topK(capacity(defaults.capacity()), defaults.topK())
            .choice(
                "dropPolicy",
                text(defaults.dropPolicy()),
                List.of("probs", "position"),
                "which tokens a full expert keeps"),
        config ->
            new DeepSpeedTopKRouter(
                new DeepSpeedTopKRouter.Config(
                    config.intValue("topK"),
                    rule(config),
                    config.choice("dropPolicy", DeepSpeedTopKRouter.DropPolicy::valueOf))));
  }

  private static PolicyProvider expertChoice() {
    ExpertChoiceRouter.Config defaults = ExpertChoiceRouter.Config.DEFAULT;
    return provider(
        "expert-choice",
        "Each expert takes its best tokens: perfect balance, not causal",
        "Zhou et al., Expert Choice Routing, NeurIPS 2022, arXiv 2202.09368",
        capacity(defaults.capacity())
            .choice(
                "axis", text(defaults.axis()), List.of("experts", "tokens"), "axis of the softmax"),
        config ->
            new ExpertChoiceRouter(
                new ExpertChoiceRouter.Config(
                    rule(config), config.choice("axis", ExpertChoiceRouter.SoftmaxAxis::valueOf))));
  }

  private static PolicyProvider cappedExpertChoice() {
    CappedExpertChoiceRouter.Config defaults = CappedExpertChoiceRouter.Config.DEFAULT;
    return provider(
        "expert-choice-capped",
        "Expert choice with a limit of experts per token",
        "Zhou et al., Expert Choice Routing, NeurIPS 2022, arXiv 2202.09368",
        capacity(defaults.capacity())
            .intValue(
                "tokenCap",
                defaults.tokenCap(),
                1,
                Integer.MAX_VALUE,
                "experts",
                "most experts per token")
            .choice(
                "solver", text(defaults.solver()), List.of("entropy", "exact"), "how it is solved")
            .doubleValue(
                "lambda",
                defaults.lambda(),
                Double.MIN_VALUE,
                Double.MAX_VALUE,
                "",
                "weight of the entropy")
            .intValue(
                "iterations",
                defaults.iterations(),
                1,
                Integer.MAX_VALUE,
                "iterations",
                "most iterations")
            .booleanValue(
                "stopWhenFeasible", defaults.stopWhenFeasible(), "stop once the constraints hold"),
        config ->
            new CappedExpertChoiceRouter(
                new CappedExpertChoiceRouter.Config(
                    rule(config),
                    config.intValue("tokenCap"),
                    config.choice("solver", CappedExpertChoiceRouter.Solver::valueOf),
                    config.doubleValue("lambda"),
                    config.intValue("iterations"),
                    config.booleanValue("stopWhenFeasible"))));
  }

  private static PolicyProvider vMoe() {
    VMoeRouter.Config defaults = VMoeRouter.Config.DEFAULT;
    return provider(
        "vmoe",
        "Top-k, important tokens first: compute can be cut at inference",
        "Riquelme et al., Scaling Vision with Sparse MoE, NeurIPS 2021, arXiv 2106.05974",
        topK(capacity(defaults.capacity()), defaults.topK())
            .choice(
                "priority",
                text(defaults.priority()),
                List.of("none", "max", "sum"),
                "what a token's priority is")
            .doubleValue(
                "skipFraction",
                defaults.skipFraction(),
                0,
                1,
                "",
                "share of tokens to discard outright")
            .doubleValue(
                "sigma",
                defaults.sigma(),
                0,
                Double.MAX_VALUE,
                "",
                "deviation of the noise for the load loss; 0 for 1 / experts"),
        config ->
            new VMoeRouter(
                new VMoeRouter.Config(
                    config.intValue("topK"),
                    rule(config),
                    config.choice("priority", VMoeRouter.Priority::valueOf),
                    config.doubleValue("skipFraction"),
                    config.doubleValue("sigma"))));
  }

  private static ParameterSet.Builder devices(ParameterSet.Builder parameters, int defaultValue) {
    return parameters.intValue(
        "devices",
        defaultValue,
        1,
        Integer.MAX_VALUE,
        "devices",
        "devices that share the routed experts in consecutive blocks");
  }

  private static PolicyProvider deepSeekMoe() {
    DeepSeekMoeRouter.Config defaults = DeepSeekMoeRouter.Config.DEFAULT;
    return provider(
        "deepseek-moe",
        "Top-k of many fine-grained experts beside shared ones, dropless",
        "Dai et al., DeepSeekMoE, ACL 2024, arXiv 2401.06066",
        coefficient(
            coefficient(
                devices(
                    ParameterSet.builder()
                        .intValue(
                            "topK",
                            defaults.topK(),
                            0,
                            Integer.MAX_VALUE,
                            "experts",
                            "routed experts per token"),
                    defaults.devices()),
                "expertCoefficient",
                defaults.expertCoefficient(),
                "expert-level loss"),
            "deviceCoefficient",
            defaults.deviceCoefficient(),
            "device-level loss"),
        config ->
            new DeepSeekMoeRouter(
                new DeepSeekMoeRouter.Config(
                    config.intValue("topK"),
                    config.intValue("devices"),
                    config.doubleValue("expertCoefficient"),
                    config.doubleValue("deviceCoefficient"))));
  }

  private static PolicyProvider deepSeekV2() {
    DeepSeekV2Router.Config defaults = DeepSeekV2Router.Config.DEFAULT;
    ParameterSet.Builder parameters =
        devices(topK(ParameterSet.builder(), defaults.topK()), defaults.devices())
            .intValue(
                "maxDevices",
                defaults.maxDevices(),
                1,
                Integer.MAX_VALUE,
                "devices",
                "devices a token may use")
            .doubleValue(
                "routeScale",
                defaults.routeScale(),
                Double.MIN_VALUE,
                Double.MAX_VALUE,
                "",
                "factor on the gates")
            .doubleValue(
                "deviceBudgetFactor",
                -1,
                -1,
                1e6,
                "",
                "pairs per device relative to the average before the weakest are dropped; -1 for"
                    + " no drops")
            .doubleValue(
                "protectedFraction",
                defaults.protectedFraction(),
                0,
                1,
                "",
                "share of sequences that are never dropped");
    coefficient(parameters, "expertCoefficient", defaults.expertCoefficient(), "expert-level loss");
    coefficient(parameters, "deviceCoefficient", defaults.deviceCoefficient(), "device-level loss");
    coefficient(
        parameters,
        "communicationCoefficient",
        defaults.communicationCoefficient(),
        "communication loss");
    return provider(
        "deepseek-v2",
        "Top-k on few devices per token, optional budget of pairs per device",
        "DeepSeek-AI, DeepSeek-V2, 2024, arXiv 2405.04434",
        parameters,
        config ->
            new DeepSeekV2Router(
                new DeepSeekV2Router.Config(
                    config.intValue("topK"),
                    config.intValue("devices"),
                    config.intValue("maxDevices"),
                    config.doubleValue("routeScale"),
                    config.doubleValue("expertCoefficient"),
                    config.doubleValue("deviceCoefficient"),
                    config.doubleValue("communicationCoefficient"),
                    config.doubleValue("deviceBudgetFactor") < 0
                        ? DeviceBudget.UNLIMITED
                        : DeviceBudget.factor(config.doubleValue("deviceBudgetFactor")),
                    config.doubleValue("protectedFraction"))));
  }

  private static PolicyProvider deepSeekV3() {
    DeepSeekV3Router.Config defaults = DeepSeekV3Router.Config.DEFAULT;
    return provider(
        "deepseek-v3",
        "Sigmoid top-k in few groups, balanced by a bias per expert instead of a loss",
        "DeepSeek-AI, DeepSeek-V3, 2024, arXiv 2412.19437; Wang et al., arXiv 2408.15664",
        coefficient(
            topK(ParameterSet.builder(), defaults.topK())
                .intValue(
                    "groups", defaults.groups(), 1, Integer.MAX_VALUE, "groups", "expert groups")
                .intValue(
                    "maxGroups",
                    defaults.maxGroups(),
                    1,
                    Integer.MAX_VALUE,
                    "groups",
                    "groups a token may use")
                .doubleValue(
                    "routeScale",
                    defaults.routeScale(),
                    Double.MIN_VALUE,
                    Double.MAX_VALUE,
                    "",
                    "factor on the gates"),
            "lossCoefficient",
            defaults.lossCoefficient(),
            "sequence-wise loss"),
        config ->
            new DeepSeekV3Router(
                new DeepSeekV3Router.Config(
                    config.intValue("topK"),
                    config.intValue("groups"),
                    config.intValue("maxGroups"),
                    config.doubleValue("routeScale"),
                    config.doubleValue("lossCoefficient"))));
  }

  private static PolicyProvider qwenMoe() {
    QwenMoeRouter.Config defaults = QwenMoeRouter.Config.DEFAULT;
    return provider(
        "qwen-moe",
        "Dropless top-k beside one gated shared expert",
        "Qwen Team, Qwen2 Technical Report, 2024, arXiv 2407.10671",
        topK(ParameterSet.builder(), defaults.topK())
            .booleanValue("normTopkProb", defaults.normTopkProb(), "divide gates by their sum"),
        config ->
            new QwenMoeRouter(
                new QwenMoeRouter.Config(
                    config.intValue("topK"), config.booleanValue("normTopkProb"))));
  }

  private static PolicyProvider recycle() {
    return provider(
        "hunyuan-recycle",
        "Top-1; tokens whose expert is full go to experts with free slots",
        "Sun et al., Hunyuan-Large, 2024, arXiv 2411.02265",
        capacity(RecycleRouter.Config.DEFAULT.capacity()),
        config -> new RecycleRouter(new RecycleRouter.Config(rule(config))));
  }

  private static PolicyProvider expertRace() {
    ExpertRaceRouter.Config defaults = ExpertRaceRouter.Config.DEFAULT;
    return provider(
        "expert-race",
        "All (token, expert) pairs of a batch compete, or a learned threshold decides",
        "Yuan et al., Expert Race, ICML 2025, arXiv 2503.16057",
        ParameterSet.builder()
            .choice("mode", text(defaults.mode()), List.of("batch", "threshold"), "what decides")
            .choice(
                "grouping",
                text(defaults.grouping()),
                List.of("none", "per-token", "per-expert"),
                "among whom pairs compete")
            .doubleValue(
                "expertsPerToken",
                defaults.expertsPerToken(),
                0,
                1e6,
                "experts",
                "average experts per token")
            .intValue(
                "pairs",
                defaults.pairs(),
                -1,
                Integer.MAX_VALUE,
                "pairs",
                "winners per batch; -1 to derive them from the average")
            .intValue(
                "coldTopK",
                defaults.coldTopK(),
                0,
                Integer.MAX_VALUE,
                "experts",
                "experts per token while nothing has been learned")
            .doubleValue(
                "momentum", defaults.momentum(), 0, 1, "", "weight of the past in the threshold")
            .doubleValue(
                "initialThreshold",
                defaults.initialThreshold(),
                -Double.MAX_VALUE,
                Double.MAX_VALUE,
                "",
                "threshold before the first batch"),
        config ->
            new ExpertRaceRouter(
                new ExpertRaceRouter.Config(
                    config.choice("mode", ExpertRaceRouter.Mode::valueOf),
                    config.choice("grouping", ExpertRaceRouter.Grouping::valueOf),
                    config.doubleValue("expertsPerToken"),
                    config.intValue("pairs"),
                    config.intValue("coldTopK"),
                    config.doubleValue("momentum"),
                    config.doubleValue("initialThreshold"))));
  }

  private static PolicyProvider base() {
    BaseRouter.Config defaults = BaseRouter.Config.DEFAULT;
    return provider(
        "base",
        "Equal loads by assignment when training, best expert when serving",
        "Lewis et al., BASE Layers, ICML 2021, arXiv 2103.16716",
        ParameterSet.builder()
            .choice(
                "mode",
                text(defaults.mode()),
                List.of("auction", "exact", "greedy"),
                "how tokens find their experts")
            .booleanValue(
                "padToDivisible",
                defaults.padToDivisible(),
                "fill up batches that the experts do not divide"),
        config ->
            new BaseRouter(
                new BaseRouter.Config(
                    config.choice("mode", BaseRouter.Mode::valueOf),
                    config.booleanValue("padToDivisible"))));
  }

  private static PolicyProvider sinkhorn() {
    SinkhornRouter.Config defaults = SinkhornRouter.Config.DEFAULT;
    return provider(
        "sinkhorn",
        "Choices from a nearly balanced transport plan when training",
        "Clark et al., Unified Scaling Laws for Routed LMs, ICML 2022, arXiv 2202.01169",
        topK(ParameterSet.builder(), defaults.topK())
            .choice(
                "mode",
                text(defaults.mode()),
                List.of("training", "inference"),
                "what choices are made from")
            .intValue(
                "iterations",
                defaults.iterations(),
                1,
                Integer.MAX_VALUE,
                "iterations",
                "most iterations"),
        config ->
            new SinkhornRouter(
                new SinkhornRouter.Config(
                    config.choice("mode", SinkhornRouter.Mode::valueOf),
                    config.intValue("topK"),
                    config.intValue("iterations"))));
  }

  private static PolicyProvider hash() {
    return provider(
        "hash-random",
        "Expert by a hash of the token id",
        "Roller et al., Hash Layers, NeurIPS 2021, arXiv 2106.04426",
        ParameterSet.builder().longValue("seed", 0, Long.MIN_VALUE, "", "selects the function"),
        config -> HashRouter.random(config.longValue("seed")));
  }

  private static PolicyProvider topK() {
    TopKRouter.Config defaults = TopKRouter.Config.DEFAULT;
    return provider(
        "top-k",
        "Softmax top-k with capacity, order, gates and ties as settings; dropless by default",
        "Jiang et al., Mixtral of Experts, 2024, arXiv 2401.04088",
        order(topK(capacity(defaults.capacity()), defaults.topK()), defaults.order())
            .choice(
                "gates",
                text(defaults.gates()),
                List.of("none", "chosen", "kept"),
                "what gates are divided by the sum over")
            .doubleValue(
                "gateScale",
                defaults.gateScale(),
                Double.MIN_VALUE,
                Double.MAX_VALUE,
                "",
                "factor on the gates")
            .choice(
                "tieBreak",
                text(defaults.tieBreak()),
                List.of("lowest-expert", "rotating"),
                "which of equal experts comes first"),
        config ->
            new TopKRouter(
                new TopKRouter.Config(
                    config.intValue("topK"),
                    rule(config),
                    config.choice("order", FillOrder::valueOf),
                    config.choice("gates", GateNormalisation::valueOf),
                    config.doubleValue("gateScale"),
                    config.choice("tieBreak", TieBreak::valueOf))));
  }

  private static PolicyProvider tutel() {
    TutelRouter.Config defaults = TutelRouter.Config.DEFAULT;
    return provider(
        "tutel",
        "Top-k with buffers as large as the batch needs, up to a ceiling",
        "Hwang et al., Tutel, MLSys 2023, arXiv 2206.03382",
        topK(ParameterSet.builder(), defaults.topK())
            .doubleValue(
                "capacityFactor",
                defaults.capacity().factor(),
                -1e6,
                1e6,
                "",
                "above 0 fixed, 0 as needed, below 0 as needed up to its absolute value")
            .intValue(
                "alignment",
                defaults.capacity().alignment(),
                1,
                Integer.MAX_VALUE,
                "slots",
                "capacity is rounded up to a multiple")
            .booleanValue(
                "batchPrioritized",
                defaults.batchPrioritized(),
                "tokens with a larger top probability fill first"),
        config ->
            new TutelRouter(
                new TutelRouter.Config(
                    config.intValue("topK"),
                    new TutelCapacity(
                        config.doubleValue("capacityFactor"), config.intValue("alignment")),
                    config.booleanValue("batchPrioritized"))));
  }
}
