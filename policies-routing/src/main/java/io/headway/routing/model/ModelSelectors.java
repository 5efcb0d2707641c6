package io.headway.routing.model;

import io.headway.api.Decision;
import io.headway.api.config.ParameterSet;
import io.headway.api.config.PolicyCatalog;
import io.headway.api.config.PolicyConfig;
import io.headway.api.config.PolicyProvider;
import java.util.List;
import java.util.Locale;

/** Offers the model selectors of this package by name. */
public final class ModelSelectors implements PolicyCatalog {
  /** Makes the catalogue; {@link java.util.ServiceLoader} calls this. */
  public ModelSelectors() {}

  @Override
  public List<PolicyProvider> providers() {
    return List.of(tierMap(), winProbability(), cascade(), activatedBudget());
  }

  private static PolicyProvider tierMap() {
    return new PolicyProvider(
        "tier-map",
        Decision.MODEL_SELECTION,
        "The cheapest tier whose context, capabilities, entitlement and quality will do",
        "folklore; product tiers as in Qwen Team, Qwen2.5, 2024, arXiv 2412.15115",
        ParameterSet.NONE,
        config -> new TierModelSelector());
  }

  private static PolicyProvider winProbability() {
    return new PolicyProvider(
        "win-probability",
        Decision.MODEL_SELECTION,
        "The strong model if it is likely enough to answer better",
        "Ong et al., RouteLLM, 2024, arXiv 2406.18665",
        ParameterSet.builder()
            .doubleValue(
                "alpha",
                WinProbabilitySelector.DEFAULT_ALPHA,
                0,
                Double.MAX_VALUE,
                "",
                "least win probability of the strong model; above 1 for never")
            .build(),
        config -> new WinProbabilitySelector(config.doubleValue("alpha")));
  }

  private static PolicyProvider cascade() {
    return new PolicyProvider(
        "cascade",
        Decision.MODEL_SELECTION,
        "Models from the cheapest up until one is confident of its answer",
        "Chen, Zaharia, Zou, FrugalGPT, 2023, arXiv 2305.05176",
        ParameterSet.builder()
            .text(
                "thresholds",
                Double.toString(CascadeSelector.DEFAULT_THRESHOLD),
                "least confidence per level, such as 0.75/0.5; the last counts for all further"
                    + " levels")
            .build(),
        config -> new CascadeSelector(thresholds(config)));
  }

  private static double[] thresholds(PolicyConfig config) {
    String text = config.text("thresholds");
    String[] parts = text.split("/", -1);
    double[] thresholds = new double[parts.length];
    for (int i = 0; i < parts.length; i++) {
      try {
        thresholds[i] = Double.parseDouble(parts[i].strip());
      } catch (NumberFormatException e) {
        throw new IllegalArgumentException(
            "thresholds must be numbers from 0 to 1 with a slash between them, such as 0.75/0.5,"
                + " but was '"
                + text
                + "'",
            e);
      }
    }
    return thresholds;
  }

  private static PolicyProvider activatedBudget() {
    ActivatedBudgetSelector.Config defaults = ActivatedBudgetSelector.Config.DEFAULT;
    return new PolicyProvider(
        "activated-budget",
        Decision.MODEL_SELECTION,
        "The largest model by activated parameters within a tenant's compute budget",
        "folklore; activated parameters as in Sun et al., Hunyuan-Large, 2024, arXiv 2411.02265",
        ParameterSet.builder()
            .doubleValue(
                "flopsPerSecond",
                defaults.flopsPerSecond(),
                0,
                Double.MAX_VALUE,
                "FLOPs/s",
                "what a tenant's bucket gains")
            .doubleValue(
                "burstFlops",
                defaults.burstFlops(),
                0,
                Double.MAX_VALUE,
                "FLOPs",
                "what a full bucket holds")
            .doubleValue(
                "servingFlopsPerSecond",
                defaults.servingFlopsPerSecond(),
                0,
                Double.MAX_VALUE,
                "FLOPs/s",
                "speed that deadlines are judged by; 0 to ignore deadlines")
            .choice(
                "overBudget",
                defaults.overBudget().name().toLowerCase(Locale.ROOT),
                List.of("cheapest", "reject"),
                "what happens beyond the limits")
            .build(),
        config ->
            new ActivatedBudgetSelector(
                new ActivatedBudgetSelector.Config(
                    config.doubleValue("flopsPerSecond"),
                    config.doubleValue("burstFlops"),
                    config.doubleValue("servingFlopsPerSecond"),
                    config.choice("overBudget", ActivatedBudgetSelector.OverBudget::valueOf))));
  }
}
