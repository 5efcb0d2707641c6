package io.headway.simulator.workload;

import java.nio.file.Files;
import java.nio.file.Path;
import org.junit.jupiter.api.Assumptions;

/** Finds the published traces, which are not part of the sources. */
final class TestTraces {
  private TestTraces() {}

  /**
   * The file in the nearest folder {@code shared/traces} beside the sources or above them; the test
   * is skipped, visibly, if there is none.
   */
  static Path find(String name) {
    for (Path folder = Path.of("").toAbsolutePath(); folder != null; folder = folder.getParent()) {
      Path file = folder.resolve("shared").resolve("traces").resolve(name);
      if (Files.isRegularFile(file)) {
        return file;
      }
    }
    return Assumptions.abort("no shared/traces/" + name + " beside the project");
  }
}
