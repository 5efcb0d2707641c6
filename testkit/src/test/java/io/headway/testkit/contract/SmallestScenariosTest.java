package io.headway.testkit.contract;

import static org.assertj.core.api.Assertions.assertThat;

import io.headway.api.Decision;
import io.headway.api.batching.BatchingPolicy;
import io.headway.api.config.PolicyRegistry;
import io.headway.memory.eviction.LruEviction;
import io.headway.testkit.drive.EngineRules;
import io.headway.testkit.drive.PoolRules;
import io.headway.testkit.scenario.Outcome;
import io.headway.testkit.scenario.Scenario;
import io.headway.testkit.scenario.ScenarioContract;
import io.headway.testkit.scenario.ScenarioJson;
import io.headway.testkit.subject.KvPoolSubject;
import java.io.IOException;
import java.io.InputStream;
import java.io.UncheckedIOException;
import java.nio.charset.StandardCharsets;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

/**
 * The smallest scenarios of campaigns of 1,000 tries in which a shipped policy, the runtime, or a
 * check of it was wrong once.
 */
class SmallestScenariosTest {
  private static <F> Scenario scenario(String name, ScenarioContract<F> contract) {
    try (InputStream in = SmallestScenariosTest.class.getResourceAsStream(name + ".json")) {
      assertThat(in).as(name).isNotNull();
      String json = new String(in.readAllBytes(), StandardCharsets.UTF_8);
      return ScenarioJson.read(json, name, contract.vocabulary());
    } catch (IOException e) {
      throw new UncheckedIOException("cannot read " + name, e);
    }
  }

  private static <F> void holds(ScenarioContract<F> contract, F factory, String name) {
    Outcome outcome = contract.run(factory, scenario(name, contract), true);
    assertThat(outcome.exercised()).isNotEmpty();
    assertThat(outcome.violations()).isEmpty();
  }

  @ParameterizedTest
  @CsvSource({
    "isrtf, isrtf-yields-to-a-transfer",
    "isrtf:windowTokens=2, isrtf-chosen-again-after-it-yielded",
    "isrtf:windowTokens=3, isrtf-short-beside-members-at-rest",
    "scls:sliceTokens=1, scls-end-of-a-slice",
    "shepherd, shepherd-short-of-blocks",
    "vllm-v1, vllm-v1-arrival-behind-a-failed-transfer",
    "vllm-v1, vllm-v1-preempted-with-the-adapter",
    "vllm-v1, vllm-v1-chunks-that-do-not-fit",
    "'vllm-v1:longPrefillTokenThreshold=1,reserveFullInput=true', vllm-v1-prompt-begun-in-vain",
    "qlm, qlm-swapped-out-before-a-transfer"
  })
  void batchingPolicyHolds(String policy, String scenario) {
    BatchingPolicy<?> made =
        PolicyRegistry.discover(SmallestScenariosTest.class.getClassLoader())
            .create(Decision.BATCHING, policy, BatchingPolicy.class);
    holds(EngineRules.standard(), ShippedPoliciesTest.claiming(made), scenario);
  }

  @Test
  void whoRecomputesAfterAFailureDoesNotDecode() {
    BatchingPolicy<?> made =
        PolicyRegistry.discover(SmallestScenariosTest.class.getClassLoader())
            .create(Decision.BATCHING, "sarathi-serve:tokenBudget=1", BatchingPolicy.class);
    holds(
        EngineRules.transferring(),
        ShippedPoliciesTest.claiming(made),
        "sarathi-serve-recomputes-after-a-failure");
  }

  @Test
  void poolLooksAlikeWhoeverWasThereBefore() {
    holds(
        PoolRules.withHostTier(),
        KvPoolSubject.evictingBy(new LruEviction()),
        "pool-of-many-past-holders");
  }
}
