package io.headway.routing;

import static org.assertj.core.api.Assertions.assertThat;

import io.headway.api.Decision;
import io.headway.api.config.Parameter;
import io.headway.api.config.PolicyProvider;
import io.headway.routing.model.ModelSelectors;
import io.headway.routing.moe.ExpertRouters;
import io.headway.routing.placement.ExpertPlanners;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.stream.Stream;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.MethodSource;

/** Every expert router, placement planner and model selector has a page with all its parameters. */
class PolicyPagesTest {
  static List<PolicyProvider> providers() {
    return Stream.of(
            new ExpertRouters().providers(),
            new ExpertPlanners().providers(),
            new ModelSelectors().providers())
        .flatMap(List::stream)
        .toList();
  }

  /** An instance router is called round-robin too, and the shorter page name is its. */
  private static String page(PolicyProvider provider) {
    boolean planner = provider.decision() == Decision.EXPERT_PLACEMENT;
    return planner && provider.id().equals("round-robin")
        ? "round-robin-placement.md"
        : provider.id() + ".md";
  }

  @ParameterizedTest
  @MethodSource("providers")
  void hasAPageThatNamesEveryParameterWithItsDefault(PolicyProvider provider) throws IOException {
    Path folder = Path.of("").toAbsolutePath().getParent().resolve("docs/policies");
    String text = Files.readString(folder.resolve(page(provider)));
    assertThat(text)
        .startsWith("# " + provider.id() + "\n")
        .contains("## When to use it", "## Rule", "## Parameters", "## Source and departures");
    for (Parameter parameter : provider.parameters().list()) {
      assertThat(text)
          .contains(
              "| `"
                  + parameter.name()
                  + "` | `"
                  + parameter.defaultText()
                  + "` | "
                  + parameter.unit()
                  + " | "
                  + parameter.explanation()
                  + " |");
    }
  }
}
