package io.headway.batching.speculation;

import io.headway.api.Decision;
import io.headway.api.config.ParameterSet;
import io.headway.api.config.PolicyCatalog;
import io.headway.api.config.PolicyProvider;
import java.util.List;

/** Offers the speculation policies of this module by name. */
public final class SpeculationCatalog implements PolicyCatalog {
  private static final int LONGEST = 1024;

  /** Makes the catalogue; {@link java.util.ServiceLoader} calls this. */
  public SpeculationCatalog() {}

  @Override
  public List<PolicyProvider> providers() {
    return List.of(fixedLength(), leviathan());
  }

  private static PolicyProvider fixedLength() {
    return new PolicyProvider(
        "fixed-length",
        Decision.SPECULATION,
        "Drafts the same number of tokens for everybody.",
        "folklore",
        ParameterSet.builder()
            .intValue("draftTokens", 4, 0, LONGEST, "tokens", "drafted per request")
            .build(),
        config -> new FixedLengthSpeculation(config.intValue("draftTokens")));
  }

  private static PolicyProvider leviathan() {
    LeviathanSpeculation.Config standard = LeviathanSpeculation.Config.DEFAULT;
    return new PolicyProvider(
        "leviathan",
        Decision.SPECULATION,
        "Drafts the length that is best for the measured acceptance rate.",
        "Leviathan, Kalman and Matias, ICML 2023, arXiv 2211.17192",
        ParameterSet.builder()
            .doubleValue("initialAlpha", standard.initialAlpha(), 0, 1, "", "rate at the start")
            .doubleValue("weight", standard.weight(), 0, 1, "", "of one sequence's tests")
            .doubleValue(
                "costRatio",
                standard.costRatio(),
                0,
                Double.POSITIVE_INFINITY,
                "",
                "draft step relative to target step")
            .intValue(
                "maxDraftTokens", standard.maxDraftTokens(), 0, LONGEST, "tokens", "longest draft")
            .intValue(
                "probeEvery",
                standard.probeEvery(),
                0,
                Integer.MAX_VALUE,
                "iterations",
                "without drafts before a probe; 0 never")
            .build(),
        config ->
            new LeviathanSpeculation(
                new LeviathanSpeculation.Config(
                    config.doubleValue("initialAlpha"),
                    config.doubleValue("weight"),
                    config.doubleValue("costRatio"),
                    config.intValue("maxDraftTokens"),
                    config.intValue("probeEvery"))));
  }
}
