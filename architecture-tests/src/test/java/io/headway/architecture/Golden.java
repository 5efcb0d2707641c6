package io.headway.architecture;

import static org.assertj.core.api.Assertions.assertThat;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;

/**
 * Files in {@code src/test/resources} that say what must not change unnoticed. {@code ./mvnw verify
 * -Dheadway.updateGolden=true} writes them anew; the difference is then reviewed like code.
 */
final class Golden {
  private Golden() {}

  /** Asserts that the golden file {@code name} consists of {@code lines}. */
  static void assertMatches(String name, List<String> lines) throws IOException {
    Path file = ProjectModule.root().resolve("architecture-tests/src/test/resources").resolve(name);
    if (Boolean.getBoolean("headway.updateGolden")) {
      Files.createDirectories(file.getParent());
      Files.write(file, lines);
    }
    assertThat(lines)
        .as("%s (to accept the change, build with -Dheadway.updateGolden=true)", file)
        .isEqualTo(Files.readAllLines(file));
  }
}
