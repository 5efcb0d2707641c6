package io.headway.architecture;

import static org.assertj.core.api.Assertions.assertThat;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.EnumSource;

/**
 * R23: what an artifact brings to its users' class path changes only together with a golden file in
 * {@code src/test/resources/dependency-trees}.
 */
class DependencyTreeIT {
  @ParameterizedTest
  @EnumSource
  void theTreeIsTheGoldenOne(ProjectModule module) throws IOException {
    Path golden =
        ProjectModule.root()
            .resolve("architecture-tests/src/test/resources/dependency-trees")
            .resolve(module.artifactId() + ".txt");
    Path built = module.target().resolve("dependency-tree.txt");
    assertThat(withoutOwnVersions(built)).isEqualTo(Files.readAllLines(golden));
  }

  /** A release changes the project's own version everywhere and nothing else. */
  private static List<String> withoutOwnVersions(Path tree) throws IOException {
    return Files.readAllLines(tree).stream()
        .map(line -> line.replaceAll("(io\\.headway:[a-z-]+:jar):[^:]+", "$1"))
        .map(line -> line.replaceAll(":(compile|runtime)$", ""))
        .toList();
  }
}
