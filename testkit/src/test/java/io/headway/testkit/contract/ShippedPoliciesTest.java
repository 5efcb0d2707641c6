package io.headway.testkit.contract;

import static org.assertj.core.api.Assertions.assertThat;

import io.headway.api.Decision;
import io.headway.api.batching.BatchingPolicy;
import io.headway.api.config.Parameter;
import io.headway.api.config.PolicyProvider;
import io.headway.api.config.PolicyRegistry;
import io.headway.api.memory.EvictionPolicy;
import io.headway.api.moe.ExpertRouter;
import io.headway.api.prediction.LengthPredictor;
import io.headway.api.prediction.ServiceTimePredictor;
import io.headway.api.routing.RoutingPolicy;
import io.headway.api.speculation.SpeculationPolicy;
import io.headway.testkit.drive.EngineRules;
import io.headway.testkit.drive.ExpertRoutingRules;
import io.headway.testkit.drive.FairQueueRules;
import io.headway.testkit.drive.PoolRules;
import io.headway.testkit.drive.PredictionRules;
import io.headway.testkit.drive.RouterRules;
import io.headway.testkit.drive.SpeculationRules;
import io.headway.testkit.scenario.Campaign;
import io.headway.testkit.scenario.CampaignResult;
import io.headway.testkit.scenario.FailureReport;
import io.headway.testkit.scenario.ScenarioContract;
import io.headway.testkit.subject.ClusterSubject;
import io.headway.testkit.subject.KvPoolSubject;
import io.headway.testkit.subject.RuntimeFairQueue;
import io.headway.testkit.subject.RuntimeSubject;
import io.headway.testkit.subject.SchedulerFactory;
import java.util.ArrayList;
import java.util.EnumSet;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.stream.Stream;
import org.junit.jupiter.api.DynamicTest;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.TestFactory;

/**
 * Every policy that is registered runs through its contract: a new one cannot forget it. {@code
 * -Dtestkit.profile=thorough} runs 10,000 scenarios of each instead of a few.
 */
class ShippedPoliciesTest {
  private static final int TRIES = 40;

  private static final int OPTION_TRIES = 3;

  /** What an option needs beside itself. */
  private static final Map<String, String> COMPANIONS =
      Map.of(
          // By its first chunk alone a prompt is begun again and again, as the page of vllm-v1
          // says.
          "vllm-v1.longPrefillTokenThreshold",
          ",reserveFullInput=true",
          "vllm-v1.maxLongPartialPrefills",
          ",longPrefillTokenThreshold=3");

  /** Values of options that are texts. */
  private static final Map<String, String> TEXTS =
      Map.of(
          // By name, so that whoever is renamed has another: nobody who is here.
          "weights", "(nobody=2)",
          "prefill", "1.0E-3/0.0/0.0/0.1",
          "decode", "1.0E-3/0.0/0.0/0.1",
          "profile", "(1:0.01,2:0.02,8:0.1)");

  private static final PolicyRegistry REGISTRY =
      PolicyRegistry.discover(ShippedPoliciesTest.class.getClassLoader());

  /** Decisions whose policies run here, alone or as a part of a batching policy. */
  private static final Set<Decision> COVERED =
      EnumSet.of(
          Decision.BATCHING,
          Decision.QUEUE_ORDER,
          Decision.ADMISSION,
          Decision.COMPOSITION,
          Decision.VICTIM_SELECTION,
          Decision.BATCH_PLANNING,
          Decision.EVICTION,
          Decision.ROUTING,
          Decision.EXPERT_ROUTING,
          Decision.LENGTH_PREDICTION,
          Decision.SPECULATION);

  /** Decisions that no contract is about yet: their modules' own tests check their policies. */
  private static final Set<Decision> ELSEWHERE =
      EnumSet.of(
          Decision.EXPERT_PLACEMENT,
          Decision.INSTANCE_FILTER,
          Decision.INSTANCE_SCORER,
          Decision.INSTANCE_PICKER,
          Decision.REBALANCING,
          Decision.MODEL_SELECTION,
          Decision.FAIRNESS,
          Decision.SERVICE_TIME_PREDICTION,
          Decision.ARRIVAL_FORECAST,
          Decision.CALIBRATION,
          Decision.DRIFT_DETECTION);

  private static final BatchingPolicy<?> VLLM = batching("vllm-v1");

  private static int tries(int quick) {
    return Profile.current() == Profile.QUICK ? quick : Profile.current().tries();
  }

  private static Object policy(PolicyProvider provider) {
    return REGISTRY.create(provider.decision(), provider.id(), Object.class);
  }

  private static <F> DynamicTest test(String name, ScenarioContract<F> contract, F factory) {
    return test(name, contract, factory, TRIES);
  }

  private static <F> DynamicTest test(
      String name, ScenarioContract<F> contract, F factory, int quickTries) {
    return DynamicTest.dynamicTest(
        name,
        () -> {
          CampaignResult result = Campaign.of(contract, factory).tries(tries(quickTries)).run();
          result
              .failure()
              .ifPresent(
                  failure -> {
                    throw new AssertionError("\n" + FailureReport.print(failure));
                  });
          assertThat(result.exercised()).isNotEmpty();
        });
  }

  @TestFactory
  Stream<DynamicTest> batchingPolicies() {
    return REGISTRY.providers(Decision.BATCHING).stream()
        .map(provider -> (BatchingPolicy<?>) policy(provider))
        .map(policy -> test(policy.id(), EngineRules.standard(), claiming(policy)));
  }

  /** Every documented option of every preset, each alone at a value away from its default. */
  @TestFactory
  Stream<DynamicTest> optionsOfBatchingPolicies() {
    return REGISTRY.providers(Decision.BATCHING).stream()
        .flatMap(
            provider ->
                provider.parameters().list().stream()
                    // The parts of a composed policy have a test of their own.
                    .filter(parameter -> parameter.type() != Parameter.Type.POLICY)
                    .flatMap(parameter -> variants(provider.id(), parameter).stream()))
        .map(
            text -> {
              BatchingPolicy<?> policy =
                  REGISTRY.create(Decision.BATCHING, text, BatchingPolicy.class);
              return test(text, EngineRules.standard(), claiming(policy), OPTION_TRIES);
            });
  }

  /** Policy strings with a parameter at the first of a few small values, or at every choice. */
  private static List<String> variants(String id, Parameter parameter) {
    List<String> values =
        switch (parameter.type()) {
          case BOOLEAN -> List.of("true", "false");
          case CHOICE -> parameter.choices();
          case INT, LONG ->
              List.of(
                  whole(parameter.minimum()),
                  "1",
                  "2",
                  "3",
                  whole(Double.parseDouble(parameter.defaultText()) / 2));
          case DOUBLE ->
              List.of(
                  Double.toString(parameter.minimum()),
                  "0.5",
                  "2",
                  Double.toString(Double.parseDouble(parameter.defaultText()) / 2));
          case TEXT -> List.of(text(parameter.name()));
          case POLICY -> List.of();
        };
    int most = parameter.type() == Parameter.Type.CHOICE ? values.size() : 1;
    List<String> texts =
        values.stream()
            .distinct()
            .filter(value -> !value.equals(parameter.defaultText()))
            .map(
                value ->
                    id
                        + ":"
                        + parameter.name()
                        + "="
                        + value
                        + COMPANIONS.getOrDefault(id + "." + parameter.name(), ""))
            .filter(ShippedPoliciesTest::isAccepted)
            .limit(most)
            .toList();
    assertThat(texts).as("values of " + id + "." + parameter.name()).isNotEmpty();
    return texts;
  }

  private static String whole(double value) {
    return Long.toString((long) value);
  }

  private static String text(String parameter) {
    String text = TEXTS.get(parameter);
    assertThat(text).as("a value of " + parameter).isNotNull();
    return text;
  }

  private static boolean isAccepted(String text) {
    try {
      REGISTRY.create(Decision.BATCHING, text, BatchingPolicy.class);
      return true;
    } catch (IllegalArgumentException e) {
      // Values that go with no others, and those out of range, have tests of their own.
      return false;
    }
  }

  /** Hosts a policy, which is held to its own claims, too. */
  static SchedulerFactory claiming(BatchingPolicy<?> policy) {
    SchedulerFactory hosting = RuntimeSubject.hosting(policy);
    return SchedulerFactory.of(
        BatchingPolicyContract.claimed(hosting.features(), policy.claims()), hosting::create);
  }

  /** Every part, beside the default ones of a composed policy. */
  @TestFactory
  Stream<DynamicTest> partsOfBatchingPolicies() {
    List<DynamicTest> tests = new ArrayList<>();
    add(tests, Decision.QUEUE_ORDER, "order");
    add(tests, Decision.ADMISSION, "admission");
    add(tests, Decision.COMPOSITION, "composition");
    add(tests, Decision.VICTIM_SELECTION, "preemption");
    add(tests, Decision.BATCH_PLANNING, "planning");
    return tests.stream();
  }

  private static void add(List<DynamicTest> tests, Decision decision, String parameter) {
    for (PolicyProvider provider : REGISTRY.providers(decision)) {
      BatchingPolicy<?> policy = composed("compose:" + parameter + "=" + provider.id());
      tests.add(test(parameter + " " + provider.id(), EngineRules.standard(), claiming(policy)));
    }
  }

  /** Composes a part with the default ones; if that makes no sense, with the first that does. */
  private static BatchingPolicy<?> composed(String part) {
    List<String> texts = new ArrayList<>(List.of(part));
    texts = with(texts, "preemption", Decision.VICTIM_SELECTION, true);
    texts = with(texts, "composition", Decision.COMPOSITION, false);
    texts = with(texts, "admission", Decision.ADMISSION, false);
    // Some parts read an order of their own; those that go with any come first.
    texts = withOrders(texts);
    StringBuilder refusals = new StringBuilder();
    for (String text : texts) {
      try {
        return REGISTRY.create(Decision.BATCHING, text, BatchingPolicy.class);
      } catch (IllegalArgumentException e) {
        refusals.append('\n').append(text).append(": ").append(e.getMessage());
      }
    }
    throw new AssertionError("nothing goes with " + part + refusals);
  }

  private static List<String> with(
      List<String> texts, String parameter, Decision decision, boolean none) {
    List<String> more = new ArrayList<>(texts);
    for (String text : texts) {
      if (!text.contains(parameter + "=")) {
        if (none) {
          more.add(text + "," + parameter + "=none");
        }
        for (PolicyProvider provider : REGISTRY.providers(decision)) {
          more.add(text + "," + parameter + "=" + provider.id());
        }
      }
    }
    return more;
  }

  private static List<String> withOrders(List<String> texts) {
    List<String> more = new ArrayList<>(texts);
    if (!texts.get(0).contains("order=")) {
      for (PolicyProvider provider : REGISTRY.providers(Decision.QUEUE_ORDER)) {
        texts.forEach(text -> more.add(text + ",order=" + provider.id()));
      }
    }
    return more;
  }

  @TestFactory
  Stream<DynamicTest> evictionPolicies() {
    return REGISTRY.providers(Decision.EVICTION).stream()
        .map(provider -> (EvictionPolicy<?>) policy(provider))
        .flatMap(
            policy ->
                Stream.of(
                    test(policy.id(), PoolRules.withHostTier(), KvPoolSubject.evictingBy(policy)),
                    test(policy.id() + " alone", PoolRules.device(), EvictionContract.held(policy)),
                    test(
                        policy.id() + " under an engine",
                        EngineRules.standard(),
                        RuntimeSubject.hosting(VLLM, policy))));
  }

  /** Budgets and caps of their own, below the engine's in most scenarios. */
  @TestFactory
  Stream<DynamicTest> batchingPoliciesWithOwnCaps() {
    return Stream.of(
            "orca:batchSequences=2",
            "vllm-v1:tokenBudget=3",
            "vllm-v1:tokenBudget=6,chunkedPrefill=false",
            "vllm-v1:tokenBudget=4,maxNumPartialPrefills=1",
            "vllm-v1:longPrefillTokenThreshold=3,maxLongPartialPrefills=1",
            "sarathi:chunkTokens=3",
            "sarathi-serve:tokenBudget=3",
            "qlm:tokenBudget=3",
            "fineinfer:batchSequences=2",
            "batch-lane:tokenBudget=3",
            "batchllm:tokenBudget=3",
            "fastserve:batchSequences=1",
            "alise:batchSequences=2",
            "autellix:batchSequences=2",
            "andes:batchSequences=2",
            "tokenflow:batchSequences=2",
            "ltr:tokenBudget=3",
            "lamps:tokenBudget=3")
        .map(spec -> test(spec, EngineRules.standard(), claiming(batching(spec))));
  }

  private static BatchingPolicy<?> batching(String spec) {
    return REGISTRY.create(Decision.BATCHING, spec, BatchingPolicy.class);
  }

  @TestFactory
  Stream<DynamicTest> routingPolicies() {
    ServiceTimePredictor<?> predictor =
        REGISTRY.create(
            Decision.SERVICE_TIME_PREDICTION, "type-linear", ServiceTimePredictor.class);
    return REGISTRY.providers(Decision.ROUTING).stream()
        .map(provider -> (RoutingPolicy<?>) policy(provider))
        .flatMap(
            policy ->
                Stream.of(
                    test(
                        policy.id(),
                        RouterRules.standard(),
                        ClusterSubject.hosting(policy, predictor)),
                    test(
                        policy.id() + " migrating",
                        RouterRules.migrating(),
                        ClusterSubject.hosting(policy, predictor))));
  }

  @TestFactory
  Stream<DynamicTest> fairQueues() {
    return REGISTRY.providers(Decision.BATCHING).stream()
        .map(provider -> (BatchingPolicy<?>) policy(provider))
        .map(
            policy ->
                test(
                    policy.id(),
                    FairQueueRules.standard(),
                    RuntimeFairQueue.of(policy, -1, false)));
  }

  /** With output tokens for nothing, a virtual token counter differs by its largest charges. */
  @TestFactory
  DynamicTest virtualTokenCountersAreFair() {
    BatchingPolicy<?> vtc =
        REGISTRY.create(
            Decision.BATCHING, "vtc:inputPrice=1,outputPrice=0.000001", BatchingPolicy.class);
    return test("vtc", FairQueueRules.standard(), RuntimeFairQueue.of(vtc, 3, true));
  }

  @TestFactory
  Stream<DynamicTest> expertRouters() {
    return REGISTRY.providers(Decision.EXPERT_ROUTING).stream()
        .map(provider -> (ExpertRouter<?>) policy(provider))
        .map(policy -> test(policy.id(), ExpertRoutingRules.standard(), policy));
  }

  @TestFactory
  Stream<DynamicTest> lengthPredictors() {
    return REGISTRY.providers(Decision.LENGTH_PREDICTION).stream()
        .map(provider -> (LengthPredictor<?>) policy(provider))
        .map(policy -> test(policy.id(), PredictionRules.standard(), policy));
  }

  @TestFactory
  Stream<DynamicTest> speculationPolicies() {
    return REGISTRY.providers(Decision.SPECULATION).stream()
        .map(provider -> (SpeculationPolicy<?>) policy(provider))
        .map(policy -> test(policy.id(), SpeculationRules.standard(), policy));
  }

  @Test
  void everyRegisteredPolicyIsCoveredOrNamedAsCheckedElsewhere() {
    assertThat(REGISTRY.problems()).isEmpty();
    for (PolicyProvider provider : REGISTRY.providers()) {
      assertThat(COVERED.contains(provider.decision()) || ELSEWHERE.contains(provider.decision()))
          .as(provider.decision() + " " + provider.id())
          .isTrue();
    }
    for (Decision decision : COVERED) {
      assertThat(REGISTRY.providers(decision)).as(decision.toString()).isNotEmpty();
    }
  }
}
