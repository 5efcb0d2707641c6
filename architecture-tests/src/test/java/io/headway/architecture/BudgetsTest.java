package io.headway.architecture;

import static org.assertj.core.api.Assertions.assertThat;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.regex.Pattern;
import java.util.stream.Stream;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

/**
 * Every time budget of the design has an entry among the benchmarks, and a place in their table.
 */
class BudgetsTest {
  private static Path benchmarks() {
    return ProjectModule.root().resolve("benchmarks");
  }

  @ParameterizedTest
  @CsvSource({
    "DecodeStepBenchmark, step",
    "RoutingBenchmark, route",
    "PrefixCacheBenchmark, match",
    "PrefixCacheBenchmark, insert",
    "PrefixCacheBenchmark, evict",
    "PrefixCacheBenchmark, admitWithHits",
    "MoeRoutingBenchmark, route",
    "EplbBenchmark, plan",
    "SimulatorBenchmark, run",
  })
  void r16EveryBudgetHasABenchmark(String type, String entry) throws IOException {
    Path file = benchmarks().resolve("src/main/java/io/headway/benchmarks").resolve(type + ".java");
    assertThat(
            Pattern.compile("@Benchmark[^;{]*\\b" + entry + "\\(")
                .matcher(Files.readString(file))
                .find())
        .as("%s has an entry %s", type, entry)
        .isTrue();
    assertThat(Files.readString(benchmarks().resolve("README.md"))).contains(type);
  }

  @Test
  void r16EveryRatioNamesABenchmarkWithItsParameters() throws IOException {
    Path csv = benchmarks().resolve("src/main/resources/io/headway/benchmarks/budgets.csv");
    var lines = Files.readAllLines(csv);
    assertThat(lines.get(1)).startsWith("yardstick;");
    for (String line : lines.subList(1, lines.size())) {
      String[] cells = line.split(";", -1);
      assertThat(cells).as(line).hasSize(6);
      String[] entry = cells[1].split("\\.");
      String source =
          Files.readString(
              benchmarks().resolve("src/main/java/io/headway/benchmarks/" + entry[0] + ".java"));
      assertThat(source).as(line).contains(" " + entry[1] + "(");
      for (String parameter : cells[2].isEmpty() ? new String[0] : cells[2].split(" ")) {
        assertThat(source).as(line).containsPattern("\\b" + parameter.split("=")[0] + ";");
      }
      assertThat(Double.parseDouble(cells[5])).as(line).isPositive();
    }
  }

  @Test
  void everyBenchmarkStandsInTheTables() throws IOException {
    String tables = Files.readString(benchmarks().resolve("README.md"));
    try (Stream<Path> files =
        Files.list(benchmarks().resolve("src/main/java/io/headway/benchmarks"))) {
      assertThat(files.map(file -> file.getFileName().toString()))
          .filteredOn(name -> name.endsWith("Benchmark.java"))
          .allSatisfy(
              name ->
                  assertThat(tables).contains(name.substring(0, name.length() - ".java".length())));
    }
  }
}
