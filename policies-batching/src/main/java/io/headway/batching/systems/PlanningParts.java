package io.headway.batching.systems;

import io.headway.api.Decision;
import io.headway.api.config.ParameterSet;
import io.headway.api.config.PolicyConfig;
import io.headway.api.config.PolicyProvider;
import io.headway.batching.admission.FutureFitAdmission;
import io.headway.batching.admission.LaneAdmission;
import io.headway.batching.admission.PullAdmission;
import io.headway.batching.admission.SliceAdmission;
import io.headway.batching.composition.BackfillComposer;
import io.headway.batching.composition.ClearingComposer;
import io.headway.batching.composition.EvictingComposer;
import io.headway.batching.composition.PaddedPrefillComposer;
import io.headway.batching.composition.SliceComposer;
import io.headway.batching.order.LaneOrder;
import io.headway.batching.planning.AnnealingPlanner;
import io.headway.batching.planning.BucketPlanner;
import io.headway.batching.planning.LatencySurface;
import io.headway.batching.planning.LengthBuckets;
import io.headway.batching.planning.SliceBatches;
import io.headway.batching.planning.SlicePlanner;
import io.headway.batching.planning.SloAnnealing;
import io.headway.batching.planning.SloOdbs;
import io.headway.batching.planning.SloOdbsPlanner;
import io.headway.batching.planning.SortedF;
import io.headway.batching.planning.SortedFPlanner;
import io.headway.batching.planning.VirtualQueuePlanner;
import io.headway.batching.preemption.LaneFirst;
import java.util.List;

/** The parts of systems that plan over a window, count the future or backfill, by name. */
final class PlanningParts {
  private static final int MAX = Integer.MAX_VALUE;
  private static final double INFINITY = Double.POSITIVE_INFINITY;
  private static final String SLICE_TOKENS = "sliceTokens";
  private static final String TOKENS = "tokens";
  private static final String MAX_REQUESTS = "maxRequests";
  private static final String MC_SF = "MC-SF, arXiv 2502.07115";
  private static final String SCLS = "Cheng et al., Slice-Level Scheduling, arXiv 2406.13511";
  private static final String QLM = "QLM, SoCC 2024";
  private static final String LANE = "ours, modelled on Anthropic Message Batches";

  private PlanningParts() {}

  static List<PolicyProvider> all() {
    return List.of(
        new PolicyProvider(
            "lane",
            Decision.QUEUE_ORDER,
            "Interactive requests first come, first served, then the batch lane by expiry",
            LANE,
            laneParameters(),
            config -> new LaneOrder(BatchLane.expiry(config))),
        new PolicyProvider(
            "slice",
            Decision.ADMISSION,
            "Takes blocks for the current length and one slice of output",
            SCLS,
            sliceTokens().build(),
            config -> new SliceAdmission(config.intValue(SLICE_TOKENS))),
        new PolicyProvider(
            "future-fit",
            Decision.ADMISSION,
            "Everybody must fit at each predicted completion",
            MC_SF,
            ParameterSet.builder()
                .choice(
                    "length",
                    "predicted",
                    List.of("predicted", "declared"),
                    "which output length counts")
                .doubleValue(
                    "reserveFraction",
                    0,
                    0,
                    Math.nextDown(1.0),
                    "",
                    "share of the pool left for predictions that are too short")
                .build(),
            config ->
                new FutureFitAdmission(
                    config.choice("length", FutureFitAdmission.Length::valueOf),
                    config.doubleValue("reserveFraction"))),
        new PolicyProvider(
            "pull",
            Decision.ADMISSION,
            "Back-pressure: few sequences at the engine, all of one model",
            QLM,
            ParameterSet.builder()
                .intValue(
                    "pullSequences",
                    PullAdmission.DEFAULT_PULL_SEQUENCES,
                    1,
                    MAX,
                    "sequences",
                    "most sequences at the engine")
                .build(),
            config -> new PullAdmission(config.intValue("pullSequences"))),
        new PolicyProvider(
            "lane",
            Decision.ADMISSION,
            "Blocks of the first chunk must be free; for batch work a headroom as well",
            LANE,
            ParameterSet.builder()
                .doubleValue(
                    "headroomFraction",
                    0.1,
                    0,
                    1,
                    "",
                    "share of the pool that stays free after batch work is admitted")
                .build(),
            config -> LaneAdmission.ofFraction(config.doubleValue("headroomFraction"))),
        new PolicyProvider(
            "scls",
            Decision.COMPOSITION,
            "A static batch that runs one slice of tokens",
            SCLS,
            sliceTokens().build(),
            config -> new SliceComposer(config.intValue(SLICE_TOKENS))),
        new PolicyProvider(
            "bucketserve",
            Decision.COMPOSITION,
            "Everybody in every iteration; prompts that start together are padded",
            "BucketServe, arXiv 2507.17120",
            ParameterSet.NONE,
            config -> new PaddedPrefillComposer()),
        new PolicyProvider(
            "qlm",
            Decision.COMPOSITION,
            "Running sequences, then the queue, whose head may evict whom the selector names",
            QLM,
            ParameterSet.builder()
                .intValue(
                    "tokenBudget",
                    VllmV1.DEFAULT.tokenBudget(),
                    1,
                    MAX,
                    TOKENS,
                    "tokens in one iteration")
                .build(),
            config -> new EvictingComposer(config.intValue("tokenBudget"))),
        new PolicyProvider(
            "fineinfer",
            Decision.COMPOSITION,
            "Everybody in every iteration, deferred while nothing runs",
            "FineInfer, EuroMLSys 2024",
            FineInfer.parameters(),
            FineInfer::composer),
        new PolicyProvider(
            "clearing",
            Decision.COMPOSITION,
            "Everybody in every iteration; running work is cleared on overflow",
            "baselines of MC-SF, arXiv 2502.07115",
            ParameterSet.builder()
                .doubleValue(
                    "clearProbability",
                    1,
                    Double.MIN_VALUE,
                    1,
                    "",
                    "probability with which a running sequence is cleared")
                .build(),
            config -> new ClearingComposer(config.doubleValue("clearProbability"))),
        new PolicyProvider(
            "batch-lane",
            Decision.COMPOSITION,
            "Interactive work as vLLM v1 would alone, batch work in what is left",
            LANE,
            BatchLane.composerParameters().build(),
            config ->
                new BackfillComposer(
                    config.intValue("tokenBudget"),
                    config.intValue("laneTokens"),
                    BatchLane.expiry(config),
                    config.choice("atExpiry", BackfillComposer.AtExpiry::valueOf),
                    config.choice("yielding", BackfillComposer.Yielding::valueOf))),
        new PolicyProvider(
            "lane-first",
            Decision.VICTIM_SELECTION,
            "Batch work with the latest expiry, then the last candidate",
            LANE,
            laneParameters(),
            config -> new LaneFirst(BatchLane.expiry(config))),
        new PolicyProvider(
            "virtual-queue",
            Decision.VICTIM_SELECTION,
            "Who stands behind in the virtual queue yields, by swap",
            QLM,
            virtualQueueParameters().build(),
            config -> new VirtualQueuePlanner(virtualQueue(config))),
        new PolicyProvider(
            "slices",
            Decision.BATCH_PLANNING,
            "Batches of like length with the least sum of slice times",
            SCLS,
            sliceParameters().build(),
            config ->
                new SlicePlanner(
                    slices(config),
                    config.doubleValue("loadFactor"),
                    config.doubleValue("minimumSeconds"))),
        new PolicyProvider(
            "buckets",
            Decision.BATCH_PLANNING,
            "The next prefill batch out of one length bucket",
            "BucketServe, arXiv 2507.17120",
            bucketParameters(),
            config ->
                new BucketPlanner(
                    buckets(config),
                    config.doubleValue("safeFraction"),
                    config.choice("pick", BucketPlanner.Pick::valueOf),
                    config.intValue(MAX_REQUESTS))),
        new PolicyProvider(
            "annealing",
            Decision.BATCH_PLANNING,
            "Order and batches by simulated annealing over objectives",
            "SLO-aware scheduling, arXiv 2504.14966",
            annealingParameters().build(),
            PlanningParts::annealing),
        new PolicyProvider(
            "virtual-queue",
            Decision.BATCH_PLANNING,
            "Request groups, re-ordered when an objective would be missed",
            QLM,
            virtualQueueParameters().build(),
            config -> new VirtualQueuePlanner(virtualQueue(config))),
        new PolicyProvider(
            "slo-odbs",
            Decision.BATCH_PLANNING,
            "Batches of like objective and predicted output",
            "UELLM, arXiv 2409.14961",
            odbsParameters(),
            config -> new SloOdbsPlanner(odbs(config), config.doubleValue("sloSeconds"))),
        new PolicyProvider(
            "sorted-f",
            Decision.BATCH_PLANNING,
            "The feasible set with the smallest F first",
            "Sorted-F, arXiv 2508.06133",
            sortedFParameters().build(),
            config -> new SortedFPlanner(sortedF(config), config.intValue(MAX_REQUESTS))));
  }

  private static ParameterSet laneParameters() {
    return ParameterSet.builder()
        .intValue(
            "expiryMinutes",
            24 * 60,
            0,
            10_000_000,
            "min",
            "time after its arrival at which batch work without its own time expires")
        .build();
  }

  // ---- slices

  private static ParameterSet.Builder sliceTokens() {
    return ParameterSet.builder()
        .intValue(
            SLICE_TOKENS,
            Scls.DEFAULT.slices().sliceTokens(),
            1,
            1 << 20,
            TOKENS,
            "output tokens of one slice");
  }

  static ParameterSet.Builder sliceParameters() {
    return surfaces(sliceTokens())
        .doubleValue(
            "loadFactor",
            SlicePlanner.DEFAULT_LOAD_FACTOR,
            0,
            INFINITY,
            "",
            "share of the planned time after which a new plan is made")
        .doubleValue(
            "minimumSeconds",
            0,
            0,
            1e9,
            "s",
            "least time between two plans while batches are left");
  }

  static SliceBatches slices(PolicyConfig config) {
    return new SliceBatches(
        config.intValue(SLICE_TOKENS),
        LatencySurface.parse("prefill", config.text("prefill")),
        LatencySurface.parse("decode", config.text("decode")));
  }

  private static ParameterSet.Builder surfaces(ParameterSet.Builder builder) {
    return builder
        .text(
            "prefill",
            LatencySurface.DEFAULT_PREFILL.text(),
            "seconds of a prefill: product/batch/length/constant")
        .text(
            "decode",
            LatencySurface.DEFAULT_DECODE.text(),
            "seconds of a decode iteration: product/batch/length/constant");
  }

  // ---- buckets

  static ParameterSet bucketParameters() {
    BucketServe defaults = BucketServe.DEFAULT;
    return ParameterSet.builder()
        .intValue(
            "maxLengthTokens",
            defaults.buckets().maxLengthTokens(),
            1,
            MAX,
            TOKENS,
            "end of the last bucket")
        .doubleValue(
            "shortFraction",
            defaults.buckets().shortFraction(),
            0,
            Math.nextDown(1.0),
            "",
            "share of a bucket that must be shorter than its midpoint for a split")
        .doubleValue(
            "safeFraction",
            defaults.safeFraction(),
            Double.MIN_VALUE,
            1,
            "",
            "share of the pool that batches may fill")
        .choice("pick", "oldest", List.of("oldest", "shortest", "longest"), "which bucket is next")
        .intValue(
            MAX_REQUESTS,
            defaults.maxRequests(),
            1,
            1 << 20,
            "requests",
            "queued requests that a plan looks at")
        .build();
  }

  static LengthBuckets buckets(PolicyConfig config) {
    return new LengthBuckets(
        config.intValue("maxLengthTokens"), config.doubleValue("shortFraction"));
  }

  // ---- annealing

  private static final int ANNEALED_BATCH = 32;

  static ParameterSet.Builder annealingParameters() {
    AnnealingPlanner.Objectives objectives = AnnealingPlanner.Objectives.DEFAULT;
    return surfaces(
        ParameterSet.builder()
            .intValue("maxBatch", ANNEALED_BATCH, 1, 1 << 16, "jobs", "most jobs of a batch")
            .doubleValue(
                "startTemperature",
                SloAnnealing.DEFAULT_START_TEMPERATURE,
                Double.MIN_VALUE,
                1e9,
                "",
                "first temperature")
            .doubleValue(
                "endTemperature",
                SloAnnealing.DEFAULT_END_TEMPERATURE,
                1e-9,
                1e9,
                "",
                "least temperature")
            .doubleValue(
                "cooling", SloAnnealing.DEFAULT_COOLING, 1e-9, 0.999, "", "factor between levels")
            .intValue(
                "movesPerLevel",
                SloAnnealing.DEFAULT_MOVES_PER_LEVEL,
                0,
                1 << 20,
                "moves",
                "moves at one temperature")
            .doubleValue(
                "ttftSloSeconds",
                objectives.firstTokenSeconds(),
                Double.MIN_VALUE,
                1e9,
                "s",
                "TTFT objective of a request without its own")
            .doubleValue(
                "tpotSloSeconds",
                objectives.perTokenSeconds(),
                Double.MIN_VALUE,
                1e9,
                "s",
                "TPOT objective of a request without its own")
            .intValue(
                "maxJobs",
                AnnealingPlanner.DEFAULT_MAX_JOBS,
                1,
                1 << 16,
                "jobs",
                "queued requests that a plan looks at"));
  }

  static AnnealingPlanner annealing() {
    return new AnnealingPlanner(
        SloAnnealing.withBatchesOf(ANNEALED_BATCH),
        LatencySurface.DEFAULT_PREFILL,
        LatencySurface.DEFAULT_DECODE,
        AnnealingPlanner.Objectives.DEFAULT,
        AnnealingPlanner.DEFAULT_MAX_JOBS);
  }

  static AnnealingPlanner annealing(PolicyConfig config) {
    return new AnnealingPlanner(
        new SloAnnealing(
            config.intValue("maxBatch"),
            config.doubleValue("startTemperature"),
            config.doubleValue("endTemperature"),
            config.doubleValue("cooling"),
            config.intValue("movesPerLevel")),
        LatencySurface.parse("prefill", config.text("prefill")),
        LatencySurface.parse("decode", config.text("decode")),
        new AnnealingPlanner.Objectives(
            config.doubleValue("ttftSloSeconds"), config.doubleValue("tpotSloSeconds")),
        config.intValue("maxJobs"));
  }

  // ---- virtual queues

  static ParameterSet.Builder virtualQueueParameters() {
    VirtualQueuePlanner.Parameters defaults = VirtualQueuePlanner.Parameters.DEFAULT;
    return ParameterSet.builder()
        .doubleValue(
            "tokensPerRequest",
            defaults.tokensPerRequest(),
            Double.MIN_VALUE,
            1e9,
            TOKENS,
            "output tokens assumed for a request")
        .doubleValue(
            "tokensPerSecond",
            defaults.tokensPerSecond(),
            Double.MIN_VALUE,
            1e9,
            "tokens/s",
            "throughput of the instance; profile it")
        .doubleValue(
            "sloSeconds",
            defaults.sloSeconds(),
            Double.MIN_VALUE,
            1e9,
            "s",
            "objective of a request without its own")
        .doubleValue(
            "sloGranularitySeconds",
            defaults.sloGranularitySeconds(),
            1e-9,
            1e9,
            "s",
            "objectives within one such granule form one group")
        .doubleValue("swapSeconds", defaults.swapSeconds(), 0, 1e9, "s", "time of a model swap")
        .intValue(
            "maxGroupRequests",
            defaults.maxGroupRequests(),
            1,
            MAX,
            "requests",
            "most queued requests of a group")
        .choice(
            "replanning",
            "exact",
            List.of("edf", "exact"),
            "how a new order is made when an objective would be missed")
        .intValue(
            "exactGroups", defaults.exactGroups(), 1, 8, "groups", "most groups for an exact order")
        .doubleValue(
            "checkSeconds",
            defaults.checkSeconds(),
            1e-9,
            1e9,
            "s",
            "time between two checks without arrivals");
  }

  static VirtualQueuePlanner.Parameters virtualQueue(PolicyConfig config) {
    return new VirtualQueuePlanner.Parameters(
        config.doubleValue("tokensPerRequest"),
        config.doubleValue("tokensPerSecond"),
        config.doubleValue("sloSeconds"),
        config.doubleValue("sloGranularitySeconds"),
        config.doubleValue("swapSeconds"),
        config.intValue("maxGroupRequests"),
        config.choice("replanning", VirtualQueuePlanner.Replanning::valueOf),
        config.intValue("exactGroups"),
        config.doubleValue("checkSeconds"));
  }

  // ---- SLO- and output-driven batches

  static ParameterSet odbsParameters() {
    SloOdbs defaults = Uellm.DEFAULT.batching();
    return ParameterSet.builder()
        .doubleValue(
            "sloWeight", defaults.sloWeight(), 0, 1e9, "", "w1; 0 for output-driven batches")
        .doubleValue(
            "outputWeight", defaults.outputWeight(), 0, 1e9, "", "w2; 0 for SLO-driven batches")
        .doubleValue("sloScale", defaults.sloScale(), 0, 1e9, "", "L1")
        .doubleValue("outputScale", defaults.outputScale(), 0, 1e9, "", "L2")
        .doubleValue(
            "threshold", defaults.threshold(), 0, 1e18, "", "weighted sum that closes a batch")
        .intValue("maxBatch", defaults.maxBatch(), 1, MAX, "requests", "most requests of a batch")
        .doubleValue(
            "sloSeconds",
            Uellm.DEFAULT.sloSeconds(),
            Double.MIN_VALUE,
            1e9,
            "s",
            "objective of a request without its own")
        .build();
  }

  static SloOdbs odbs(PolicyConfig config) {
    return new SloOdbs(
        config.doubleValue("sloWeight"),
        config.doubleValue("outputWeight"),
        config.doubleValue("sloScale"),
        config.doubleValue("outputScale"),
        config.doubleValue("threshold"),
        config.intValue("maxBatch"));
  }

  // ---- sorted-F

  static ParameterSet.Builder sortedFParameters() {
    return ParameterSet.builder()
        .choice(
            "method",
            "f",
            List.of("f", "local-swap", "lp", "lp-swap"),
            "how sets are found; lp and lp-swap look at no more than "
                + SortedF.MAX_LP
                + " requests")
        .intValue(
            "exactRequests",
            SortedF.DEFAULT_EXACT_REQUESTS,
            0,
            SortedF.MAX_EXACT,
            "requests",
            "most requests for which sets are enumerated")
        .intValue(
            MAX_REQUESTS,
            SortedFPlanner.DEFAULT_MAX_REQUESTS,
            1,
            1 << 16,
            "requests",
            "queued requests that a plan looks at");
  }

  static SortedF sortedF(PolicyConfig config) {
    return new SortedF(
        config.choice("method", SortedF.Method::valueOf), config.intValue("exactRequests"));
  }
}
