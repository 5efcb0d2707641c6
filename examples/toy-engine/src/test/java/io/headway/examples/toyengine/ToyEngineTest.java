package io.headway.examples.toyengine;

import static org.assertj.core.api.Assertions.assertThat;

import io.headway.api.Decision;
import io.headway.api.Request;
import io.headway.api.config.PolicyProvider;
import io.headway.api.config.PolicyRegistry;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.stream.Stream;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.Arguments;
import org.junit.jupiter.params.provider.MethodSource;

/**
 * The five tests of the example: whatever the policy and the depth, nobody's output depends on who
 * else was there.
 */
class ToyEngineTest {
  static Stream<Arguments> everyPolicyAndDepth() {
    List<Arguments> all = new ArrayList<>();
    for (PolicyProvider provider :
        PolicyRegistry.discover(ToyEngine.class.getClassLoader()).providers(Decision.BATCHING)) {
      for (int depth = 1; depth <= 3; depth++) {
        all.add(Arguments.of(provider.id(), depth));
      }
    }
    assertThat(all).hasSizeGreaterThanOrEqualTo(7 * 3);
    return all.stream();
  }

  @ParameterizedTest
  @MethodSource("everyPolicyAndDepth")
  void outputsEqualThoseOfEachRequestAlone(String policy, int depth) {
    ToyEngine together = Main.run(policy, depth);
    for (Request request : Main.scenario()) {
      if (request.id().equals("short") || request.id().equals("long")) {
        ToyEngine alone = new ToyEngine(policy, 1);
        alone.submit(request);
        alone.run("", -1);
        assertThat(together.ends).containsEntry(request.id(), alone.ends.get(request.id()));
      }
    }
  }

  @ParameterizedTest
  @MethodSource("everyPolicyAndDepth")
  void endsAreAsExpected(String policy, int depth) {
    var ends = Main.run(policy, depth).ends;
    assertThat(ends).hasSize(5);
    assertThat(ends.get("short")).startsWith("LENGTH");
    assertThat(ends.get("long")).startsWith("STOPPED");
    assertThat(ends.get("cancelled")).startsWith("CANCELLED");
    assertThat(ends.get("late")).startsWith("EXPIRED");
    assertThat(ends.get("huge")).isEqualTo("NEVER_FITS");
  }

  @ParameterizedTest
  @MethodSource("everyPolicyAndDepth")
  void everyBlockIsFreeAfterwards(String policy, int depth) {
    assertThat(Main.run(policy, depth).scheduler.stats().usedBlocks()).isZero();
  }

  @ParameterizedTest
  @MethodSource("everyPolicyAndDepth")
  void twoRunsPrintTheSame(String policy, int depth) {
    ToyEngine first = Main.run(policy, depth);
    ToyEngine second = Main.run(policy, depth);
    assertThat(second.plans).isEqualTo(first.plans);
    assertThat(second.ends).isEqualTo(first.ends);
  }

  @Test
  void theDocumentationShowsThisFile() throws Exception {
    Path root = Path.of("").toAbsolutePath();
    while (!Files.exists(root.resolve("mvnw"))) {
      root = root.getParent();
    }
    String source =
        Files.readString(
            root.resolve(
                "examples/toy-engine/src/main/java/io/headway/examples/toyengine/ToyEngine.java"));
    assertThat(source.lines().count()).isLessThan(100);
    assertThat(Files.readString(root.resolve("docs/embed-in-your-engine.md"))).contains(source);
  }
}
