package io.headway.routing.placement;

import io.headway.api.Decision;
import io.headway.api.config.ParameterSet;
import io.headway.api.config.PolicyCatalog;
import io.headway.api.config.PolicyProvider;
import io.headway.api.config.PolicySpec;
import io.headway.api.moe.ExpertPlacementPlanner;
import java.util.ArrayList;
import java.util.List;

/** Offers the expert placement planners of this package by name. */
public final class ExpertPlanners implements PolicyCatalog {
  private static final String EPLB_SOURCE = "DeepSeek-AI, EPLB and DeepSeek-V3, arXiv 2412.19437";

  /** Makes the catalogue; {@link java.util.ServiceLoader} calls this. */
  public ExpertPlanners() {}

  @Override
  public List<PolicyProvider> providers() {
    List<PolicyProvider> all = new ArrayList<>(plain());
    all.add(
        new PolicyProvider(
            "hysteresis",
            Decision.EXPERT_PLACEMENT,
            "Keeps layers where another planner's plan gains too little to move weights",
            "folklore",
            ParameterSet.builder()
                .policy("planner", "eplb", "planner of this package that makes the plans")
                .doubleValue(
                    "minGain",
                    HysteresisPlanner.DEFAULT_MIN_GAIN,
                    0,
                    1,
                    "",
                    "least relative fall of the largest device load")
                .intValue(
                    "maxMovedSlots",
                    Integer.MAX_VALUE,
                    1,
                    Integer.MAX_VALUE,
                    "slots",
                    "most slots that one plan may change")
                .build(),
            config ->
                hysteresis(
                    config.policy("planner"),
                    config.doubleValue("minGain"),
                    config.intValue("maxMovedSlots"))));
    return List.copyOf(all);
  }

  private static List<PolicyProvider> plain() {
    return List.of(
        new PolicyProvider(
            "eplb",
            Decision.EXPERT_PLACEMENT,
            "Replicates heavy experts and packs replicas evenly onto devices",
            EPLB_SOURCE,
            ParameterSet.NONE,
            config -> new EplbPlanner()),
        fixed("contiguous", "Experts in consecutive blocks", StaticPlanner.Rule.CONTIGUOUS),
        fixed("round-robin", "Expert e on device e mod devices", StaticPlanner.Rule.ROUND_ROBIN),
        fixed("packed", "Experts packed by load, no replicas", StaticPlanner.Rule.PACKED));
  }

  private static PolicyProvider fixed(String id, String summary, StaticPlanner.Rule rule) {
    return new PolicyProvider(
        id,
        Decision.EXPERT_PLACEMENT,
        summary,
        rule == StaticPlanner.Rule.PACKED ? EPLB_SOURCE : "folklore",
        ParameterSet.NONE,
        config -> new StaticPlanner(rule));
  }

  private static HysteresisPlanner<?> hysteresis(
      PolicySpec planner, double minGain, int maxMovedSlots) {
    for (PolicyProvider provider : plain()) {
      if (provider.id().equals(planner.name())
          && provider.create(planner) instanceof ExpertPlacementPlanner<?> inner) {
        return new HysteresisPlanner<>(inner, minGain, maxMovedSlots);
      }
    }
    throw new IllegalArgumentException(
        "planner must be one of eplb, contiguous, round-robin, packed, but was '"
            + planner.name()
            + "'");
  }
}
