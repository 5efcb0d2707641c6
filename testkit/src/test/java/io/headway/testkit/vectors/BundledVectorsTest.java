package io.headway.testkit.vectors;

import static org.assertj.core.api.Assertions.assertThat;
import static org.junit.jupiter.api.Assumptions.assumeTrue;
import static org.junit.jupiter.api.DynamicContainer.dynamicContainer;
import static org.junit.jupiter.api.DynamicTest.dynamicTest;

import java.io.IOException;
import java.io.InputStream;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.stream.Stream;
import org.junit.jupiter.api.DynamicNode;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.TestFactory;

/** Every bundled vector, one test per algorithm; what has no adapter yet is visibly skipped. */
class BundledVectorsTest {
  private static final Path PROJECT = Path.of("").toAbsolutePath().getParent();

  @TestFactory
  Stream<DynamicNode> bundledVectors() {
    VectorRunner runner = VectorRunner.standard();
    return VectorReader.bundledNames().stream()
        .map(
            name ->
                dynamicContainer(
                    name,
                    byAlgorithm(VectorReader.bundled(name)).entrySet().stream()
                        .map(e -> dynamicTest(e.getKey(), () -> check(runner, e.getValue())))));
  }

  private static Map<String, List<ConformanceVector>> byAlgorithm(VectorSuite suite) {
    Map<String, List<ConformanceVector>> map = new LinkedHashMap<>();
    for (ConformanceVector vector : suite.vectors()) {
      map.computeIfAbsent(vector.algorithm(), key -> new java.util.ArrayList<>()).add(vector);
    }
    return map;
  }

  private static void check(VectorRunner runner, List<ConformanceVector> vectors) {
    for (ConformanceVector vector : vectors) {
      if (vector.kind().equals("workload.stats")) {
        String trace = vector.input().path("file").asText();
        assumeTrue(
            TraceVectors.find(trace, vector.file()).isPresent(),
            "no ../shared/traces/" + trace + " beside the project");
      }
    }
    List<VectorOutcome> outcomes = vectors.stream().map(runner::run).toList();
    assertThat(outcomes)
        .filteredOn(outcome -> outcome.status() == VectorOutcome.Status.FAILED)
        .extracting(outcome -> outcome.vector().id() + " " + outcome.difference())
        .isEmpty();
    long unsupported =
        outcomes.stream()
            .filter(outcome -> outcome.status() == VectorOutcome.Status.UNSUPPORTED)
            .count();
    assumeTrue(unsupported == 0, unsupported + " of " + outcomes.size() + " have no adapter");
  }

  @Test
  void bundledSuitesAndPagesEqualThePublishedOnes() throws IOException {
    Path published = PROJECT.resolveSibling("shared").resolve("vectors");
    assumeTrue(Files.isDirectory(published), "no ../shared/vectors beside the project");
    for (String name : VectorReader.bundledNames()) {
      try (InputStream in = VectorReader.class.getResourceAsStream(name + ".json")) {
        assertThat(in).as(name).isNotNull();
        assertThat(in.readAllBytes())
            .as(name)
            .isEqualTo(Files.readAllBytes(published.resolve(name + ".json")));
      }
      assertThat(PROJECT.resolve("docs/vectors").resolve(name + ".md"))
          .hasSameBinaryContentAs(published.resolve(name + ".md"));
    }
  }

  @Test
  void everySuiteHasASchemaPage() {
    for (String name : VectorReader.bundledNames()) {
      assertThat(PROJECT.resolve("docs/vectors").resolve(name + ".md")).isNotEmptyFile();
    }
  }
}
