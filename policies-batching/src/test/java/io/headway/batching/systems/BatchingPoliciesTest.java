package io.headway.batching.systems;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatIllegalArgumentException;

import io.headway.api.Decision;
import io.headway.api.SchedulingPolicy;
import io.headway.api.batching.BatchingPolicy;
import io.headway.api.config.PolicyProvider;
import io.headway.api.config.PolicyRegistry;
import io.headway.api.config.PolicySpec;
import io.headway.batching.Run;
import io.headway.batching.T1;
import java.util.List;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.MethodSource;

class BatchingPoliciesTest {
  private final PolicyRegistry registry = PolicyRegistry.of(new BatchingPolicies());

  static List<PolicyProvider> providers() {
    return new BatchingPolicies().providers();
  }

  @Test
  void areDiscovered() {
    PolicyRegistry discovered = PolicyRegistry.discover(getClass().getClassLoader());
    assertThat(discovered.problems()).isEmpty();
    assertThat(discovered.providers(Decision.BATCHING))
        .extracting(PolicyProvider::id)
        .contains(
            "static-fcfs",
            "orca",
            "vllm-v1",
            "sarathi",
            "sarathi-serve",
            "vtc",
            "isrtf",
            "compose");
  }

  @ParameterizedTest
  @MethodSource("providers")
  void eachMakesAPolicyOfItsOwnNameFromItsDefaults(PolicyProvider provider) {
    Object policy =
        provider.create(PolicySpec.parse(provider.id()), PolicyRegistry.of(new BatchingPolicies()));
    assertThat(policy).isInstanceOf(SchedulingPolicy.class);
    assertThat(((SchedulingPolicy<?>) policy).id()).isEqualTo(provider.id());
    assertThat(provider.summary()).isNotBlank();
    assertThat(provider.source()).isNotBlank();
  }

  @Test
  void presetsEqualTheirRecordsWithDefaults() {
    assertThat(make("orca").toString()).isEqualTo(Orca.DEFAULT.policy().toString());
    for (Object[] pair :
        new Object[][] {
          {"static-fcfs", new StaticFcfs().policy()},
          {"orca", Orca.DEFAULT.policy()},
          {"vllm-v1", VllmV1.DEFAULT.policy()},
          {"sarathi", Sarathi.DEFAULT.policy()},
          {"sarathi-serve", SarathiServe.DEFAULT.policy()},
          {"vtc", Vtc.DEFAULT.policy()},
          {"isrtf", Isrtf.DEFAULT.policy()}
        }) {
      List<String> named = Run.with(make((String) pair[0])).run(T1.JOBS).table();
      List<String> made = Run.with((BatchingPolicy<?>) pair[1]).run(T1.JOBS).table();
      assertThat(named).as("%s", pair[0]).isEqualTo(made);
    }
  }

  @Test
  void parametersReachThePolicy() {
    assertThat(Run.with(make("sarathi-serve:tokenBudget=8")).run(T1.JOBS).table())
        .isEqualTo(Run.with(new SarathiServe(8, 0.01).policy()).run(T1.JOBS).table())
        .isNotEqualTo(Run.with(make("sarathi-serve")).run(T1.JOBS).table());
    assertThat(Run.with(make("vllm-v1:tokenBudget=16,policy=priority")).run(T1.JOBS).table())
        .isEqualTo(
            Run.with(new VllmV1(16, VllmV1.Order.PRIORITY, 0, true).policy()).run(T1.JOBS).table());
  }

  @Test
  void anyProductOfPartsHasAName() {
    BatchingPolicy<?> policy =
        make("compose:order=(vtc:outputPrice=3),admission=first-chunk,composition=sarathi-serve");
    assertThat(policy.id()).isEqualTo("compose");
    assertThat(policy.toString()).isEqualTo("compose[vtc, first-chunk, sarathi-serve, youngest]");
    Run.with(policy).run(T1.JOBS);
  }

  @Test
  void whatAComposedPolicyIsGivenReachesThePartThatDeclaresIt() {
    List<String> flat =
        Run.with(make("compose:composition=sarathi-serve,tokenBudget=8,watermarkFraction=0.2"))
            .run(T1.JOBS)
            .table();
    assertThat(flat)
        .isEqualTo(
            Run.with(
                    make(
                        "compose:composition=(sarathi-serve:tokenBudget=8),"
                            + "admission=(whole-prompt:watermarkFraction=0.2)"))
                .run(T1.JOBS)
                .table())
        .isEqualTo(Run.with(new SarathiServe(8, 0.2).policy()).run(T1.JOBS).table())
        .isNotEqualTo(Run.with(new SarathiServe(8, 0.01).policy()).run(T1.JOBS).table());
  }

  private BatchingPolicy<?> make(String text) {
    return registry.create(Decision.BATCHING, text, BatchingPolicy.class);
  }

  @ParameterizedTest
  @CsvSource(
      delimiter = '|',
      textBlock =
          """
          vllm-v1:tokenBudget=0 | policy 'vllm-v1': tokenBudget must be a whole number of at least 1 tokens, but was '0' (default 2048)
          vllm-v1:policy=lifo | policy 'vllm-v1': policy must be one of fcfs, priority, but was 'lifo' (default fcfs)
          sarathi-serve:watermarkFraction=1 | policy 'sarathi-serve': watermarkFraction must be a finite number from 0 to 0.9999999999999999, but was '1' (default 0.01)
          vtc:weights=(alice) | weights must be tenant=share entries separated by commas, each tenant once, such as (alice=2,bob=1), but has 'alice'
          vtc:weights=(alice=0) | weight of tenant 'alice' must be finite and above 0 shares, but was 0.0
          vtc:weights=(a=1,a=2) | weights must be tenant=share entries separated by commas, each tenant once, such as (alice=2,bob=1), but has 'a=2'
          compose:tokenBudgt=3 | policy 'compose' has no parameter 'tokenBudgt'; did you mean 'tokenBudget'?; it has order, admission, composition, preemption, planning, watermarkFraction, tokenBudget, mode, place
          compose:preemption=none,mode=swap | policy 'compose' has no parameter 'mode'; it has order, admission, composition, preemption, planning, watermarkFraction, tokenBudget
          compose:tokenBudget=0 | policy 'sarathi-serve': tokenBudget must be a whole number of at least 1 tokens, but was '0' (default 512)
          compose:tokenBudget=3,composition=(sarathi-serve:tokenBudget=4) | policy 'compose': tokenBudget is given twice, by itself and in composition=(sarathi-serve:tokenBudget=4); leave one of them out
          compose:preemption=none | batching policy makes no sense: admission 'whole-prompt' does not reserve memory for the whole output, so blocks can run out: add preemption, or reserve the whole output
          compose:admission=whole-output | batching policy makes no sense: preemption 'youngest' would never be asked, since admission 'whole-output' reserves memory for the whole output: leave one of them out
          """)
  void refusalsSayWhatWouldBeRight(String text, String message) {
    assertThatIllegalArgumentException().isThrownBy(() -> make(text)).withMessage(message);
  }

  @Test
  void anUnknownPartIsAnsweredWithTheNearestAndWithAll() {
    assertThatIllegalArgumentException()
        .isThrownBy(() -> make("compose:composition=run-to-complete"))
        .withMessageStartingWith(
            "unknown composition policy 'run-to-complete'; did you mean 'run-to-completion'?;"
                + " known: run-to-completion, ")
        .withMessageContaining("sarathi-serve");
  }
}
