package io.headway.batching.systems;

import io.headway.api.Decision;
import io.headway.api.config.ParameterSet;
import io.headway.api.config.PolicyProvider;
import io.headway.batching.admission.HostHeadroomAdmission;
import io.headway.batching.admission.PeakForecastAdmission;
import io.headway.batching.composition.PreemptiveComposer;
import io.headway.batching.fairness.DeficitPrefixOrder;
import io.headway.batching.order.AttainedServiceOrder;
import io.headway.batching.order.ClientBufferOrder;
import io.headway.batching.order.ExperienceOrder;
import io.headway.batching.order.LearnedRankOrder;
import io.headway.batching.order.MemoryTimeOrder;
import io.headway.batching.order.PredictedTimeOrder;
import io.headway.batching.order.SkipJoinMlfqOrder;
import java.util.List;

/** The parts of systems that reorder by service, prediction or readers, by name. */
final class PreemptiveParts {
  private static final String FASTSERVE = "Wu et al., FastServe, arXiv 2305.05920";
  private static final String AUTELLIX = "Luo et al., Autellix, arXiv 2502.13965";
  private static final String ANDES = "Liu et al., Andes, arXiv 2404.16283";
  private static final String TOKENFLOW = "Chen et al., TokenFlow, arXiv 2510.02758";

  private PreemptiveParts() {}

  static List<PolicyProvider> orders() {
    return List.of(
        new PolicyProvider(
            "skip-join-mlfq",
            Decision.QUEUE_ORDER,
            "Skip-join multi-level feedback queue",
            FASTSERVE,
            FastServe.queueParameters().build(),
            config -> new SkipJoinMlfqOrder(FastServe.queue(config))),
        new PolicyProvider(
            "learned-rank",
            Decision.QUEUE_ORDER,
            "By predicted rank, those left out too long first",
            "Fu et al., Efficient LLM Scheduling by Learning to Rank, NeurIPS 2024",
            LearnedRank.orderParameters().build(),
            config ->
                new LearnedRankOrder(
                    config.intValue("starvationIterations"),
                    config.intValue("promotionIterations"))),
        new PolicyProvider(
            "predicted-time",
            Decision.QUEUE_ORDER,
            "Levels of predicted remaining time",
            "Zhao and Wang, ALISE, ICCAD 2024",
            Alise.orderParameters().build(),
            config -> new PredictedTimeOrder(Alise.order(config))),
        new PolicyProvider(
            "dlpm",
            Decision.QUEUE_ORDER,
            "The longest cached prefix among the tenants that have credit",
            "Cao et al., Locality-aware Fair Scheduling in LLM Serving, arXiv 2501.14312",
            Dlpm.parameters(),
            config -> new DeficitPrefixOrder(Dlpm.order(config))),
        new PolicyProvider(
            "plas",
            Decision.QUEUE_ORDER,
            "Calls of the program that was served least first",
            AUTELLIX,
            Autellix.orderParameters().build(),
            config ->
                new AttainedServiceOrder(Autellix.order(config, AttainedServiceOrder.Scope.PLAS))),
        new PolicyProvider(
            "atlas",
            Decision.QUEUE_ORDER,
            "Calls at the end of the shortest path of service first",
            AUTELLIX,
            Autellix.orderParameters().build(),
            config ->
                new AttainedServiceOrder(Autellix.order(config, AttainedServiceOrder.Scope.ATLAS))),
        new PolicyProvider(
            "memory-time",
            Decision.QUEUE_ORDER,
            "The smallest memory over time first, external calls included",
            "Shahout et al., LAMPS, arXiv 2410.18248",
            Lamps.orderParameters().build(),
            config -> new MemoryTimeOrder(Lamps.order(config))),
        new PolicyProvider(
            "experience",
            Decision.QUEUE_ORDER,
            "Who gains most quality of experience per KV entry first",
            ANDES,
            Andes.orderParameters().build(),
            config -> new ExperienceOrder(Andes.order(config))),
        new PolicyProvider(
            "client-buffer",
            Decision.QUEUE_ORDER,
            "Readers with the shortest buffer first",
            TOKENFLOW,
            TokenFlow.orderParameters().build(),
            config -> new ClientBufferOrder(TokenFlow.order(config))));
  }

  static List<PolicyProvider> admissions() {
    return List.of(
        new PolicyProvider(
            "past-future",
            Decision.ADMISSION,
            "The forecast peak of memory must fit",
            "Gong et al., Past-Future Scheduler, ASPLOS 2025",
            PastFuture.parameters().build(),
            config -> new PeakForecastAdmission(PastFuture.admission(config))),
        new PolicyProvider(
            "host-headroom",
            Decision.ADMISSION,
            "Host memory must have room for swapping",
            FASTSERVE,
            ParameterSet.builder()
                .doubleValue(
                    "hostFreeFraction",
                    HostHeadroomAdmission.HOST_FREE_FRACTION,
                    0,
                    Math.nextDown(1.0),
                    "",
                    "share of host memory that must be free for a new prefill")
                .build(),
            config -> new HostHeadroomAdmission(config.doubleValue("hostFreeFraction"))));
  }

  static List<PolicyProvider> compositions() {
    return List.of(
        new PolicyProvider(
            "preemptive",
            Decision.COMPOSITION,
            "The first of the order, running and waiting alike, chosen anew in every iteration",
            FASTSERVE,
            ParameterSet.builder()
                .intValue(
                    "batchSequences",
                    0,
                    0,
                    Integer.MAX_VALUE,
                    "sequences",
                    "most sequences in one batch; 0 for the engine's limit")
                .intValue(
                    "tokenBudget",
                    0,
                    0,
                    Integer.MAX_VALUE,
                    "tokens",
                    "tokens in one iteration, to which prefills are cut; 0 for whole prompts")
                .choice(
                    "refused",
                    "stop",
                    List.of("stop", "skip"),
                    "whether who cannot be admitted ends the admissions")
                .intValue(
                    "reserveBlocks",
                    PreemptiveComposer.NO_RESERVE,
                    PreemptiveComposer.NO_RESERVE,
                    Integer.MAX_VALUE,
                    "blocks",
                    "blocks kept free by swapping ahead of need; -1 for swapping on need only")
                .build(),
            config ->
                new PreemptiveComposer(
                    config.intValue("batchSequences"),
                    config.intValue("tokenBudget"),
                    config.choice("refused", PreemptiveComposer.Refused::valueOf),
                    config.intValue("reserveBlocks"))));
  }

  static List<PolicyProvider> victims() {
    return List.of(
        new PolicyProvider(
            "skip-join-mlfq",
            Decision.VICTIM_SELECTION,
            "Who runs last by the estimated next scheduling time",
            FASTSERVE,
            FastServe.queueParameters().build(),
            config -> new SkipJoinMlfqOrder(FastServe.queue(config))),
        new PolicyProvider(
            "experience",
            Decision.VICTIM_SELECTION,
            "The last candidate that was preempted less often than the cap",
            ANDES,
            Andes.orderParameters().build(),
            config -> new ExperienceOrder(Andes.order(config))),
        new PolicyProvider(
            "client-buffer",
            Decision.VICTIM_SELECTION,
            "The last candidate whose buffer outlasts the move of its KV",
            TOKENFLOW,
            TokenFlow.orderParameters().build(),
            config -> new ClientBufferOrder(TokenFlow.order(config))));
  }
}
