package io.headway.batching.systems;

import static io.headway.batching.systems.BatchingParts.recomputeYoungest;
import static io.headway.batching.systems.BatchingParts.sarathiServe;
import static io.headway.batching.systems.BatchingParts.vtc;
import static io.headway.batching.systems.BatchingParts.wholePrompt;
import static org.assertj.core.api.Assertions.assertThat;

import io.headway.api.Decision;
import io.headway.api.SchedulingPolicy;
import io.headway.api.config.PolicyProvider;
import io.headway.api.config.PolicySpec;
import io.headway.batching.composition.Batching;
import io.headway.batching.composition.ComposedBatchingPolicy;
import java.lang.reflect.InvocationTargetException;
import java.lang.reflect.Method;
import java.lang.reflect.Modifier;
import java.util.ArrayList;
import java.util.EnumSet;
import java.util.List;
import java.util.Set;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.MethodSource;

/** An author finds every part in one class. */
class BatchingPartsTest {
  private static final Set<Decision> PARTS =
      EnumSet.of(
          Decision.QUEUE_ORDER,
          Decision.FAIRNESS,
          Decision.ADMISSION,
          Decision.COMPOSITION,
          Decision.VICTIM_SELECTION,
          Decision.BATCH_PLANNING);

  static List<PolicyProvider> parts() {
    return new BatchingPolicies()
        .providers().stream().filter(p -> PARTS.contains(p.decision())).toList();
  }

  @Test
  void readLikeASentence() {
    ComposedBatchingPolicy policy =
        Batching.order(vtc())
            .admission(wholePrompt())
            .composition(sarathiServe(512))
            .preemption(recomputeYoungest())
            .build();
    assertThat(policy).hasToString("compose[vtc, whole-prompt, sarathi-serve, youngest]");
  }

  @ParameterizedTest
  @MethodSource("parts")
  void offerEveryRegisteredPartWithItsDefaults(PolicyProvider provider)
      throws InvocationTargetException, IllegalAccessException {
    Object registered = provider.create(PolicySpec.parse(provider.id()));
    List<String> factories = new ArrayList<>();
    for (Method method : BatchingParts.class.getMethods()) {
      if (!Modifier.isStatic(method.getModifiers()) || method.getParameterCount() > 0) {
        continue;
      }
      Object made = method.invoke(null);
      boolean same =
          made.getClass() == registered.getClass()
              && ((SchedulingPolicy<?>) made).id().equals(provider.id());
      if (same) {
        factories.add(method.getName());
      }
    }
    assertThat(factories)
        .as(
            "public static factories without parameters in BatchingParts that make %s '%s'; add one"
                + " with the defaults of its paper",
            provider.decision(), provider.id())
        .isNotEmpty();
  }
}
