package io.headway.examples.firstpolicy;

import io.headway.api.Decision;
import io.headway.api.config.ParameterSet;
import io.headway.api.config.PolicyCatalog;
import io.headway.api.config.PolicyProvider;
import io.headway.batching.admission.WholePromptAdmission;
import io.headway.batching.composition.Batching;
import io.headway.batching.composition.StallFreeComposer;
import io.headway.batching.preemption.LastCandidate;
import java.util.List;

/**
 * Offers the example's composed policies by name, so that engines and the command line find it on
 * the class path.
 */
public final class FirstPolicies implements PolicyCatalog {
  /** Makes the catalogue; {@link java.util.ServiceLoader} calls this. */
  public FirstPolicies() {}

  @Override
  public List<PolicyProvider> providers() {
    ParameterSet parameters =
        ParameterSet.builder()
            .intValue("tokenBudget", 512, 1, Integer.MAX_VALUE, "tokens", "tokens in one iteration")
            .build();
    return List.of(
        new PolicyProvider(
            "shortest-prompt-first",
            Decision.BATCHING,
            "Shortest prompt first, composed like Sarathi-Serve",
            "example",
            parameters,
            config ->
                Batching.order(new ShortestPromptFirst())
                    .admission(new WholePromptAdmission(0.01))
                    .composition(new StallFreeComposer(config.intValue("tokenBudget")))
                    .preemption(new LastCandidate())
                    .id("shortest-prompt-first")
                    .build()),
        new PolicyProvider(
            "shortest-output-first",
            Decision.BATCHING,
            "Shortest predicted output first, with room for prompt and predicted output",
            "example",
            parameters,
            config ->
                Batching.order(new ShortestOutputFirst())
                    .admission(new PredictedOutputAdmission())
                    .composition(new StallFreeComposer(config.intValue("tokenBudget")))
                    .preemption(new LastCandidate())
                    .id("shortest-output-first")
                    .build()));
  }
}
