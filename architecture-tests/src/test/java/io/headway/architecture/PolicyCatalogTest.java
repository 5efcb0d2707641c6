package io.headway.architecture;

import static org.assertj.core.api.Assertions.assertThat;

import io.headway.api.SchedulingPolicy;
import io.headway.api.config.Parameter;
import io.headway.api.config.PolicyProvider;
import io.headway.api.config.PolicyRegistry;
import io.headway.api.config.PolicySpec;
import java.io.IOException;
import java.util.ArrayList;
import java.util.List;
import java.util.stream.Stream;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.MethodSource;

/** R19 and R37: the policies that the published modules register. */
class PolicyCatalogTest {
  private static final PolicyRegistry REGISTRY =
      PolicyRegistry.discover(PolicyCatalogTest.class.getClassLoader());

  static Stream<PolicyProvider> providers() {
    return REGISTRY.providers().stream();
  }

  @Test
  void discoveryHasNoProblem() {
    assertThat(REGISTRY.problems()).isEmpty();
  }

  @ParameterizedTest
  @MethodSource("providers")
  void defaultsMakeThePolicyThatWasAskedFor(PolicyProvider provider) {
    Object policy = provider.create(PolicySpec.parse(provider.id()), REGISTRY);
    if (policy instanceof SchedulingPolicy<?> scheduling) {
      assertThat(scheduling.id()).isEqualTo(provider.id());
      assertThat(scheduling.claims()).isNotNull();
      assertThat(scheduling.newState()).isNotNull();
    }
  }

  @ParameterizedTest
  @MethodSource("providers")
  void everythingIsExplained(PolicyProvider provider) {
    assertThat(provider.summary()).isNotBlank().doesNotContain("\n");
    assertThat(provider.source()).isNotBlank();
    assertThat(provider.parameters().list())
        .allSatisfy(parameter -> assertThat(parameter.explanation()).isNotBlank());
  }

  @Test
  void idsParametersAndDefaultsAreTheGoldenOnes() throws IOException {
    List<String> lines = new ArrayList<>();
    for (PolicyProvider provider : REGISTRY.providers()) {
      lines.add(provider.decision() + " " + provider.id());
      for (Parameter parameter : provider.parameters().list()) {
        String text =
            "  "
                + parameter.name()
                + "="
                + parameter.defaultText()
                + " "
                + parameter.type()
                + " "
                + parameter.unit()
                + (parameter.choices().isEmpty() ? "" : parameter.choices());
        lines.add(text.stripTrailing());
      }
    }
    Golden.assertMatches("policies.txt", lines);
  }
}
