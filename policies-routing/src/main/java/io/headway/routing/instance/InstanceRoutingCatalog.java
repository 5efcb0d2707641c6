package io.headway.routing.instance;

import io.headway.api.Decision;
import io.headway.api.config.ParameterSet;
import io.headway.api.config.PolicyCatalog;
import io.headway.api.config.PolicyConfig;
import io.headway.api.config.PolicyProvider;
import io.headway.api.config.PolicySpec;
import io.headway.api.routing.InstanceFilter;
import io.headway.api.routing.InstancePicker;
import io.headway.api.routing.InstanceScorer;
import io.headway.api.routing.RoutingPolicy;
import java.util.ArrayList;
import java.util.List;
import java.util.function.Function;

/** The policies of this package by name. Stateless. */
public final class InstanceRoutingCatalog implements PolicyCatalog {
  private static final String WEIGHT = "weight";
  private static final double DEFAULT_WEIGHT = 1;

  private static final String FOLKLORE = "folklore";
  private static final String PRODUCTION_STACK = "vLLM production-stack router, 2025";
  private static final String GAPS = "GAPS, AAMAS 2026, doi 10.65109/YPTR3460";
  private static final String D2LPM = "Cao et al., D2LPM, arXiv 2501.14312";
  private static final String LLM_D =
      "Gateway API Inference Extension and llm-d inference scheduler, 2025";
  private static final List<String> METRICS = List.of("requests", "waiting", "tokens", "kv");

  /** Makes the catalogue; called by the service loader. */
  public InstanceRoutingCatalog() {}

  @Override
  public List<PolicyProvider> providers() {
    List<PolicyProvider> all = new ArrayList<>();
    loads(all);
    samples(all);
    hashes(all);
    gaps(all);
    composed(all);
    return List.copyOf(all);
  }

  private void loads(List<PolicyProvider> all) {
    all.add(
        routing(
            "random",
            "uniformly at random",
            FOLKLORE,
            ParameterSet.NONE,
            config -> new RandomRouting()));
    all.add(
        routing(
            "round-robin",
            "in turn, one cursor per set of candidates",
            FOLKLORE,
            ParameterSet.builder()
                .intValue(
                    "maxCursors",
                    RoundRobinRouting.DEFAULT_MAX_CURSORS,
                    1,
                    Integer.MAX_VALUE,
                    "cursors",
                    "candidate sets remembered before all are forgotten")
                .build(),
            config -> new RoundRobinRouting(config.intValue("maxCursors"))));
    all.add(
        leastLoad("least-requests", LoadMetric.REQUESTS, "fewest waiting and running requests"));
    all.add(leastLoad("least-waiting", LoadMetric.WAITING, "fewest waiting requests"));
    all.add(
        leastLoad(
            "least-tokens", LoadMetric.TOKENS, "fewest pending prompt tokens, one per decode"));
    all.add(leastLoad("least-kv", LoadMetric.KV, "smallest share of KV blocks in use"));
    all.add(
        routing(
            "least-qps",
            "fewest requests a second in the router's window",
            PRODUCTION_STACK,
            ParameterSet.NONE,
            config -> new LeastQpsRouting()));
  }

  private PolicyProvider leastLoad(String id, LoadMetric metric, String summary) {
    return routing(
        id,
        summary,
        FOLKLORE,
        ties(ParameterSet.builder()).build(),
        config -> new LeastLoadRouting(metric, tieBreak(config)));
  }

  private void samples(List<PolicyProvider> all) {
    all.add(
        routing(
            "power-of-two",
            "the less loaded of two drawn candidates",
            "Mitzenmacher, IEEE TPDS 2001",
            metric(ParameterSet.builder()).build(),
            config -> new PowerOfTwoRouting(loadMetric(config))));
    all.add(
        routing(
            "power-of-d",
            "the least loaded of d drawn candidates",
            "Mitzenmacher, IEEE TPDS 2001",
            ties(metric(
                    ParameterSet.builder()
                        .intValue(
                            "d",
                            PowerOfDRouting.DEFAULT_D,
                            1,
                            PowerOfDRouting.MAX_D,
                            "draws",
                            "candidates drawn without replacement")))
                .build(),
            config ->
                new PowerOfDRouting(config.intValue("d"), loadMetric(config), tieBreak(config))));
    all.add(
        routing(
            "top-k-random",
            "at random among the k least loaded",
            "Llumnix, OSDI 2024, arXiv 2406.03243 (its repository)",
            metric(
                    ParameterSet.builder()
                        .intValue(
                            "k",
                            TopKRandomRouting.DEFAULT_K,
                            1,
                            Integer.MAX_VALUE,
                            "instances",
                            "size of the set drawn from"))
                .build(),
            config -> new TopKRandomRouting(config.intValue("k"), loadMetric(config))));
  }

  private void hashes(List<PolicyProvider> all) {
    all.add(
        routing(
            "session-hash",
            "consistent hashing of the session",
            PRODUCTION_STACK,
            virtualNodes(ParameterSet.builder()).build(),
            config -> new SessionHashRouting(RingHash.of(config.intValue("virtualNodes")))));
    all.add(
        routing(
            "ch-bounded-load",
            "consistent hashing with bounded loads",
            "Mirrokni, Thorup, Zadimoghaddam, SODA 2018, arXiv 1608.01350",
            virtualNodes(
                    ParameterSet.builder()
                        .doubleValue(
                            "epsilon",
                            ChBoundedLoadRouting.DEFAULT_EPSILON,
                            1e-6,
                            1000,
                            "",
                            "how far above the mean an instance may be loaded")
                        .choice(
                            "key",
                            "prefix",
                            List.of("session", "tenant", "adapter", "prefix", "request"),
                            "what requests of one place share")
                        .intValue(
                            "prefixBlocks",
                            ChBoundedLoadRouting.DEFAULT_PREFIX_BLOCKS,
                            1,
                            Integer.MAX_VALUE,
                            "blocks",
                            "leading blocks that make a prefix key"))
                .build(),
            config ->
                new ChBoundedLoadRouting(
                    config.doubleValue("epsilon"),
                    config.choice("key", AffinityKey::valueOf),
                    config.intValue("prefixBlocks"),
                    RingHash.of(config.intValue("virtualNodes")))));
    all.add(
        routing(
            "prefix-affinity",
            "longest cached prefix within a load gap, else a fallback",
            FOLKLORE,
            ParameterSet.builder()
                .intValue(
                    "minMatchBlocks",
                    PrefixAffinityRouting.DEFAULT_MIN_MATCH_BLOCKS,
                    0,
                    Integer.MAX_VALUE,
                    "blocks",
                    "shortest match worth following")
                .intValue(
                    "maxLoadGap",
                    PrefixAffinityRouting.DEFAULT_MAX_LOAD_GAP,
                    0,
                    Integer.MAX_VALUE,
                    "requests",
                    "requests the affine instance may have above the least loaded")
                .policy("fallback", "least-requests", "who decides otherwise")
                .build(),
            config ->
                prefixAffinity(
                    config.intValue("minMatchBlocks"),
                    config.intValue("maxLoadGap"),
                    nested(config, "fallback"))));
    DeficitPrefixRouting.Parameters d = DeficitPrefixRouting.Parameters.DEFAULT;
    all.add(
        routing(
            "d2lpm",
            "longest cached prefix within a tenant's deficit per instance",
            D2LPM,
            ParameterSet.builder()
                .doubleValue(
                    "quantum",
                    d.quantum(),
                    1e-9,
                    Double.POSITIVE_INFINITY,
                    "weighted tokens",
                    "credit of one refill: small for balance, large for locality")
                .doubleValue(
                    "extendPrice",
                    d.extendPrice(),
                    0,
                    Double.POSITIVE_INFINITY,
                    "weighted tokens",
                    "price of a prompt token that is not cached")
                .doubleValue(
                    "outputPrice",
                    d.outputPrice(),
                    0,
                    Double.POSITIVE_INFINITY,
                    "weighted tokens",
                    "price of an output token")
                .choice("load", "tokens", METRICS, "what breaks ties of the cached prefix")
                .intValue(
                    "maxTenants",
                    d.maxTenants(),
                    1,
                    Integer.MAX_VALUE,
                    "tenants",
                    "tenants remembered, the least recently seen forgotten")
                .build(),
            config ->
                new DeficitPrefixRouting(
                    new DeficitPrefixRouting.Parameters(
                        config.doubleValue("quantum"),
                        config.doubleValue("extendPrice"),
                        config.doubleValue("outputPrice"),
                        config.choice("load", LoadMetric::valueOf),
                        config.intValue("maxTenants")))));
    all.add(
        routing(
            "disaggregated",
            "one policy for prompts and one for decodes",
            "DistServe, OSDI 2024, arXiv 2401.09670",
            ParameterSet.builder()
                .policy("prefill", "least-tokens", "who chooses where prompts run")
                .policy("decode", "least-kv", "who chooses where decodes run")
                .build(),
            config -> disaggregated(nested(config, "prefill"), nested(config, "decode"))));
  }

  private void gaps(List<PolicyProvider> all) {
    all.add(
        routing(
            "gaps",
            "least predicted work, with deadlines",
            GAPS,
            ties(ParameterSet.builder()
                    .choice(
                        "mode",
                        "backlog",
                        List.of("backlog", "literal", "scaled"),
                        "how a busy cluster is assigned")
                    .doubleValue(
                        "utilizationThreshold",
                        GapsRouting.DEFAULT_UTILIZATION_THRESHOLD,
                        0,
                        Double.POSITIVE_INFINITY,
                        "of the places",
                        "below it queue lengths decide")
                    .choice(
                        "deadlineMode",
                        "margin",
                        List.of("margin", "eq10"),
                        "how deadlines are made")
                    .doubleValue(
                        "epsilon",
                        GapsRouting.DEFAULT_EPSILON,
                        0,
                        Double.POSITIVE_INFINITY,
                        "",
                        "margin of the deadline")
                    .doubleValue(
                        "lambda",
                        GapsRouting.DEFAULT_LAMBDA,
                        1e-6,
                        1,
                        "",
                        "weight of the newest service time in the mean")
                    .choice(
                        "ablation",
                        "none",
                        List.of("none", "no-pred", "no-global"),
                        "part that is switched off"))
                .build(),
            config ->
                new GapsRouting(
                    config.choice("mode", GapsRouting.Mode::valueOf),
                    config.doubleValue("utilizationThreshold"),
                    config.choice("deadlineMode", GapsRouting.DeadlineMode::valueOf),
                    config.doubleValue("epsilon"),
                    config.doubleValue("lambda"),
                    config.choice("ablation", GapsRouting.Ablation::valueOf),
                    tieBreak(config))));
    GapsRebalancing.Parameters d = GapsRebalancing.Parameters.DEFAULT;
    all.add(
        new PolicyProvider(
            "gaps",
            Decision.REBALANCING,
            "waiting requests from overloaded instances to where they end sooner",
            GAPS,
            ParameterSet.builder()
                .doubleValue(
                    "overloadUtilization", d.overloadUtilization(), 0, 1, "", "source at or above")
                .doubleValue(
                    "overloadBacklogFactor",
                    d.overloadBacklogFactor(),
                    0,
                    Double.POSITIVE_INFINITY,
                    "mean backlogs",
                    "source above")
                .doubleValue("targetUtilization", d.targetUtilization(), 0, 1, "", "target below")
                .doubleValue(
                    "kappa",
                    d.kappa(),
                    0,
                    Double.POSITIVE_INFINITY,
                    "costs",
                    "what a move must gain")
                .intValue(
                    "maxPerSource", d.maxPerSource(), 1, Integer.MAX_VALUE, "moves", "per round")
                .longValue(
                    "fixedMigrationNanos", d.fixedMigrationNanos(), 0, "ns", "fixed cost of a move")
                .doubleValue(
                    "linkBytesPerSecond",
                    d.linkBytesPerSecond(),
                    1,
                    Double.POSITIVE_INFINITY,
                    "bytes/s",
                    "link speed where the cluster knows none")
                .booleanValue("includeRunning", d.includeRunning(), "running requests may move too")
                .longValue("periodNanos", d.periodNanos(), 1, "ns", "time between rounds")
                .build(),
            config ->
                new GapsRebalancing(
                    new GapsRebalancing.Parameters(
                        config.doubleValue("overloadUtilization"),
                        config.doubleValue("overloadBacklogFactor"),
                        config.doubleValue("targetUtilization"),
                        config.doubleValue("kappa"),
                        config.intValue("maxPerSource"),
                        config.longValue("fixedMigrationNanos"),
                        config.doubleValue("linkBytesPerSecond"),
                        config.booleanValue("includeRunning"),
                        config.longValue("periodNanos")))));
  }

  private void composed(List<PolicyProvider> all) {
    all.add(
        routing(
            "composed",
            "filters, weighted scorers, picker; llm-d's set by default",
            LLM_D,
            ParameterSet.builder()
                .text("filters", "saturation", "list of instance filters, or none")
                .text(
                    "scorers",
                    "queue:weight=2,kv-cache-utilization:weight=2,prefix:weight=3",
                    "list of instance scorers, each with its weight")
                .policy("picker", "max-score", "instance picker")
                .build(),
            InstanceRoutingCatalog::compose));
    filter(all);
    scorers(all);
    pickers(all);
  }

  private void filter(List<PolicyProvider> all) {
    all.add(
        new PolicyProvider(
            "saturation",
            Decision.INSTANCE_FILTER,
            "keeps unsaturated instances with fresh statistics, all if none",
            LLM_D,
            ParameterSet.builder()
                .doubleValue(
                    "queueThreshold",
                    SaturationFilter.DEFAULT_QUEUE_THRESHOLD,
                    1e-9,
                    Double.POSITIVE_INFINITY,
                    "requests",
                    "waiting requests of a saturated instance")
                .doubleValue(
                    "kvThreshold",
                    SaturationFilter.DEFAULT_KV_THRESHOLD,
                    1e-9,
                    Double.POSITIVE_INFINITY,
                    "",
                    "share of the KV pool of a saturated instance")
                .doubleValue(
                    "headroom",
                    SaturationFilter.DEFAULT_HEADROOM,
                    0,
                    Double.POSITIVE_INFINITY,
                    "",
                    "how far above the thresholds instances are still kept")
                .longValue(
                    "staleNanos",
                    SaturationFilter.DEFAULT_STALE_NANOS,
                    0,
                    "ns",
                    "oldest statistics that count")
                .build(),
            config ->
                new SaturationFilter(
                    config.doubleValue("queueThreshold"),
                    config.doubleValue("kvThreshold"),
                    config.doubleValue("headroom"),
                    config.longValue("staleNanos"))));
  }

  private void scorers(List<PolicyProvider> all) {
    all.add(scorer("queue", "shortest queue", weighted(), c -> new QueueScorer(false)));
    all.add(
        scorer(
            "running-requests", "fewest running requests", weighted(), c -> new QueueScorer(true)));
    all.add(
        scorer(
            "kv-cache-utilization",
            "free share of the KV pool",
            weighted(),
            c -> new KvUtilizationScorer()));
    all.add(
        scorer(
            "load-aware",
            "short queues, linear to a threshold",
            weighted()
                .intValue(
                    "threshold",
                    LoadAwareScorer.DEFAULT_THRESHOLD,
                    1,
                    Integer.MAX_VALUE,
                    "requests",
                    "waiting requests that score 0"),
            c -> new LoadAwareScorer(c.intValue("threshold"))));
    all.add(
        scorer(
            "token-load",
            "few prompt tokens in flight",
            weighted()
                .longValue(
                    "maxTokens",
                    TokenLoadScorer.DEFAULT_MAX_TOKENS,
                    1,
                    "tokens",
                    "tokens that score 0"),
            c -> new TokenLoadScorer(c.longValue("maxTokens"))));
    all.add(
        scorer(
            "active-request",
            "few requests in flight",
            weighted()
                .intValue(
                    "idleThreshold",
                    ActiveRequestScorer.DEFAULT_IDLE_THRESHOLD,
                    0,
                    Integer.MAX_VALUE,
                    "requests",
                    "requests that still count as idle")
                .doubleValue(
                    "maxBusyScore",
                    ActiveRequestScorer.DEFAULT_MAX_BUSY_SCORE,
                    0,
                    1,
                    "",
                    "most that a busy instance scores"),
            c ->
                new ActiveRequestScorer(
                    c.intValue("idleThreshold"), c.doubleValue("maxBusyScore"))));
    all.add(scorer("prefix", "share of the prompt cached", weighted(), c -> new PrefixScorer()));
    all.add(
        scorer("lora-affinity", "where the adapter is", weighted(), c -> new LoraAffinityScorer()));
    all.add(
        scorer("session", "the instance the session names", weighted(), c -> new SessionScorer()));
    all.add(
        scorer(
            "no-hit-lru",
            "spreads requests without prefix hit",
            weighted()
                .intValue(
                    "capacity",
                    NoHitLruScorer.DEFAULT_CAPACITY,
                    1,
                    Integer.MAX_VALUE,
                    "instances",
                    "instances remembered"),
            c -> new NoHitLruScorer(c.intValue("capacity"))));
  }

  private void pickers(List<PolicyProvider> all) {
    all.add(
        new PolicyProvider(
            "max-score",
            Decision.INSTANCE_PICKER,
            "the highest score",
            LLM_D,
            ties(ParameterSet.builder()).build(),
            config -> new MaxScorePicker(tieBreak(config))));
    all.add(
        new PolicyProvider(
            "random",
            Decision.INSTANCE_PICKER,
            "uniformly at random",
            LLM_D,
            ParameterSet.NONE,
            config -> new RandomPicker(false)));
    all.add(
        new PolicyProvider(
            "weighted-random",
            Decision.INSTANCE_PICKER,
            "at random in proportion to the score",
            LLM_D,
            ParameterSet.NONE,
            config -> new RandomPicker(true)));
  }

  private static ComposedRouting compose(PolicyConfig config) {
    ComposedRouting.Builder builder = ComposedRouting.builder("composed");
    String filters = config.text("filters");
    if (!filters.equals("none")) {
      for (PolicySpec spec : PolicySpec.parseList(filters)) {
        builder.filter(config.known().create(Decision.INSTANCE_FILTER, spec, InstanceFilter.class));
      }
    }
    for (PolicySpec spec : PolicySpec.parseList(config.text("scorers"))) {
      builder.scorer(
          config.known().create(Decision.INSTANCE_SCORER, spec, InstanceScorer.class),
          weight(config.known().provider(Decision.INSTANCE_SCORER, spec.name()), spec));
    }
    return builder.picker(config.create("picker", Decision.INSTANCE_PICKER, InstancePicker.class));
  }

  /** Scorers of other catalogues need not declare a weight. */
  private static double weight(PolicyProvider scorer, PolicySpec spec) {
    return scorer.parameters().has(WEIGHT)
        ? scorer.parameters().resolve(spec.name(), spec).doubleValue(WEIGHT)
        : DEFAULT_WEIGHT;
  }

  private static RoutingPolicy<?> nested(PolicyConfig config, String parameter) {
    return config.create(parameter, Decision.ROUTING, RoutingPolicy.class);
  }

  private static <F> PrefixAffinityRouting<F> prefixAffinity(
      int minMatchBlocks, int maxLoadGap, RoutingPolicy<F> fallback) {
    return new PrefixAffinityRouting<>(minMatchBlocks, maxLoadGap, fallback);
  }

  private static <P, D> DisaggregatedRouting<P, D> disaggregated(
      RoutingPolicy<P> prefill, RoutingPolicy<D> decode) {
    return new DisaggregatedRouting<>(prefill, decode);
  }

  private static PolicyProvider routing(
      String id,
      String summary,
      String source,
      ParameterSet parameters,
      Function<PolicyConfig, Object> factory) {
    return new PolicyProvider(id, Decision.ROUTING, summary, source, parameters, factory);
  }

  private static PolicyProvider scorer(
      String id,
      String summary,
      ParameterSet.Builder parameters,
      Function<PolicyConfig, Object> factory) {
    return new PolicyProvider(
        id, Decision.INSTANCE_SCORER, summary, LLM_D, parameters.build(), factory);
  }

  private static ParameterSet.Builder weighted() {
    return ParameterSet.builder()
        .doubleValue(
            WEIGHT, DEFAULT_WEIGHT, 0, ComposedRouting.MAX_WEIGHT, "", "weight in the composition");
  }

  private static ParameterSet.Builder metric(ParameterSet.Builder builder) {
    return builder.choice("metric", "requests", METRICS, "what load means");
  }

  private static LoadMetric loadMetric(PolicyConfig config) {
    return config.choice("metric", LoadMetric::valueOf);
  }

  private static ParameterSet.Builder ties(ParameterSet.Builder builder) {
    return builder.choice(
        "ties", "least-recent", List.of("least-recent", "lowest-id"), "who wins among equals");
  }

  private static TieBreak tieBreak(PolicyConfig config) {
    return config.choice("ties", TieBreak::valueOf);
  }

  private static ParameterSet.Builder virtualNodes(ParameterSet.Builder builder) {
    return builder.intValue(
        "virtualNodes",
        SessionHashRouting.DEFAULT_VIRTUAL_NODES,
        1,
        65_536,
        "nodes",
        "places of each instance on the ring");
  }
}
