package io.headway.batching.systems;

import io.headway.api.Decision;
import io.headway.api.config.ParameterSet;
import io.headway.api.config.PolicyProvider;
import io.headway.batching.composition.FairBatchingComposer;
import io.headway.batching.composition.FlexComposer;
import io.headway.batching.composition.SloTiersComposer;
import io.headway.batching.fairness.EquinoxLedger;
import io.headway.batching.fairness.FairShareOrder;
import io.headway.batching.order.TokenDeadlineOrder;
import io.headway.batching.order.TokenTargets;
import io.headway.batching.planning.DensityPlanner;
import io.headway.batching.planning.PrefixGroupPlanner;
import java.util.List;

/** The parts, by name, of the systems for targets, holistic fairness and offline work. */
final class SloParts {
  private SloParts() {}

  static List<PolicyProvider> providers() {
    return List.of(
        new PolicyProvider(
            "token-deadline",
            Decision.QUEUE_ORDER,
            "The sequence whose next token is due first",
            FairBatching.SOURCE,
            FairBatching.targets(ParameterSet.builder(), TokenTargets.DEFAULT).build(),
            config -> new TokenDeadlineOrder(FairBatching.targets(config))),
        new PolicyProvider(
            "equinox",
            Decision.QUEUE_ORDER,
            "The tenant with the least holistic fairness first",
            Equinox.SOURCE,
            Equinox.parameters(),
            config -> FairShareOrder.of(new EquinoxLedger(Equinox.ledger(config)))),
        new PolicyProvider(
            "equinox",
            Decision.FAIRNESS,
            "Counters of users' service and machine time",
            Equinox.SOURCE,
            Equinox.parameters(),
            config -> new EquinoxLedger(Equinox.ledger(config))),
        new PolicyProvider(
            "slos-serve",
            Decision.ADMISSION,
            "Promises the largest set that can meet its targets; others wait for it",
            SlosServe.SOURCE,
            SlosServe.parameters(),
            config -> new SloTiersComposer(SlosServe.tiers(config))),
        new PolicyProvider(
            "fairbatching",
            Decision.COMPOSITION,
            "A time budget from the most urgent decode; decodes ahead of time yield to prefills",
            FairBatching.SOURCE,
            FairBatching.parameters().build(),
            config -> new FairBatchingComposer(FairBatching.composition(config))),
        new PolicyProvider(
            "slos-serve",
            Decision.COMPOSITION,
            "Batches sized to the tightest promised TPOT, best effort in what is left",
            SlosServe.SOURCE,
            SlosServe.parameters(),
            config -> new SloTiersComposer(SlosServe.tiers(config))),
        new PolicyProvider(
            "shepherd",
            Decision.COMPOSITION,
            "The largest batch that meets its deadlines; preempted for a much larger one",
            Shepherd.SOURCE,
            Shepherd.parameters(),
            config -> new FlexComposer(Shepherd.composition(config))),
        new PolicyProvider(
            "conserve",
            Decision.COMPOSITION,
            "Online work as if alone, the batch lane in what it leaves of a latency target",
            ConServe.SOURCE,
            ConServe.parameters().build(),
            ConServe::composition),
        new PolicyProvider(
            "batchllm",
            Decision.BATCH_PLANNING,
            "Groups that share a prefix, the most output per prefill token first",
            BatchLlm.SOURCE,
            BatchLlm.window(ParameterSet.builder()).build(),
            config -> new PrefixGroupPlanner(config.longValue("windowNanos"))),
        new PolicyProvider(
            "blendserve",
            Decision.BATCH_PLANNING,
            "Work bound by compute and by memory in alternation, prefixes together",
            BlendServe.SOURCE,
            BlendServe.planning(ParameterSet.builder()).build(),
            config -> new DensityPlanner(BlendServe.planning(config))));
  }
}
