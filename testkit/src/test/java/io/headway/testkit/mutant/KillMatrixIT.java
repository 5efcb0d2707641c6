package io.headway.testkit.mutant;

import static org.assertj.core.api.Assertions.assertThat;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import org.junit.jupiter.api.Test;

/** The whole kill matrix: {@code ./mvnw -Pmutants verify}. */
class KillMatrixIT {
  private static final int SEEDS = 10;
  private static final int TRIES = 1_000;
  private static final int REFERENCE_TRIES = 10_000;

  @Test
  void everyMutantIsKilledAndEveryRuleIsNeeded() throws IOException {
    KillMatrix matrix =
        KillMatrix.run(
            Mutants.all(),
            Mutants.references(),
            SEEDS,
            TRIES,
            REFERENCE_TRIES,
            Runtime.getRuntime().availableProcessors(),
            System.out::println);
    Path target = Files.createDirectories(Path.of("target"));
    KillMatrixPage.write(
        matrix, target.resolve("kill-matrix.md"), target.resolve("kill-matrix.json"));
    assertThat(matrix.complaints()).isEmpty();
    assertThat(KillMatrixPage.markdown(matrix))
        .as("docs/kill-matrix.md is what this job writes: copy testkit/target/kill-matrix.md")
        .isEqualTo(Files.readString(Path.of("../docs/kill-matrix.md")));
  }
}
