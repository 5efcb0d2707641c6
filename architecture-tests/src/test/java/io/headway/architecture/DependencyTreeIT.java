package io.headway.architecture;

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
    List<String> tree = withoutOwnVersions(module.target().resolve("dependency-tree.txt"));
    Golden.assertMatches("dependency-trees/" + module.artifactId() + ".txt", tree);
  }

  /** A release changes the project's own version everywhere and nothing else. */
  private static List<String> withoutOwnVersions(Path tree) throws IOException {
    return Files.readAllLines(tree).stream()
        .map(line -> line.replaceAll("(io\\.headway:[a-z-]+:jar):[^:]+", "$1"))
        .map(line -> line.replaceAll(":(compile|runtime)( \\(optional\\))?$", "$2"))
        .toList();
  }
}
