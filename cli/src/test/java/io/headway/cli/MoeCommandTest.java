package io.headway.cli;

import static org.assertj.core.api.Assertions.assertThat;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectMapper;
import io.headway.api.Decision;
import io.headway.api.config.PolicyRegistry;
import java.io.IOException;
import java.io.PrintWriter;
import java.io.StringWriter;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

/** {@code headway moe}: what it reports, that it repeats, and one clear line for each mistake. */
class MoeCommandTest {
  private final StringWriter out = new StringWriter();
  private final StringWriter err = new StringWriter();

  @TempDir Path folder;

  private int run(String... args) {
    return runInto(report(), args);
  }

  private int runInto(Path report, String... args) {
    List<String> line = new ArrayList<>(List.of("moe", "--out", report.toString()));
    line.addAll(List.of(args));
    return Main.run(
        Main.commandLine().setOut(new PrintWriter(out, true)).setErr(new PrintWriter(err, true)),
        line.toArray(String[]::new));
  }

  private Path report() {
    return folder.resolve("report");
  }

  private JsonNode json() throws IOException {
    return new ObjectMapper().readTree(report().resolve("report.json").toFile());
  }

  private static double figure(JsonNode router, String name) {
    return router.path(name).asDouble();
  }

  @Test
  void reportsBalanceDropsAndStepTimeBeforeAndAfterReplacement() throws IOException {
    assertThat(run("--tokens", "512", "--experts", "16", "--top-k", "2", "--devices", "4"))
        .as(err.toString())
        .isZero();
    assertThat(out.toString()).contains("router", "dropped", "max/mean", "step ms", "eplb");
    JsonNode routers = json().path("routers");
    assertThat(routers).hasSize(12);
    for (JsonNode router : routers) {
      assertThat(out.toString()).contains(router.path("name").asText());
      double sum = 0;
      for (JsonNode share : router.path("expert_share_by_rank")) {
        sum += share.asDouble();
      }
      assertThat(sum).isBetween(1 - 1e-9, 1 + 1e-9);
      if (router.path("name").asText().equals("top-k")) {
        assertThat(figure(router, "pairs_per_token")).isEqualTo(2);
        assertThat(figure(router, "eplb_step_ms"))
            .as("replicas of popular experts shorten the step")
            .isLessThan(figure(router, "contiguous_step_ms"));
        assertThat(figure(router, "eplb_device_max_over_mean"))
            .isLessThan(figure(router, "contiguous_device_max_over_mean"));
      }
    }
    assertThat(Files.readString(report().resolve("index.html")))
        .startsWith("<!DOCTYPE html>")
        .contains("Content-Security-Policy", "Step time by placement", "Expert load by rank")
        .doesNotContain("<script", "http://", "https://");
    assertThat(Files.readAllLines(report().resolve("summary.csv"))).hasSize(13);
  }

  @Test
  void everyRegisteredRouterRunsWithTheSizesOfTheCommand() throws IOException {
    int all =
        PolicyRegistry.discover(getClass().getClassLoader())
            .providers(Decision.EXPERT_ROUTING)
            .size();
    assertThat(
            run(
                "--routers",
                "all",
                "--tokens",
                "48",
                "--experts",
                "12",
                "--top-k",
                "3",
                "--devices",
                "5",
                "--layers",
                "1",
                "--batches",
                "2"))
        .as(err.toString())
        .isZero();
    assertThat(json().path("routers")).hasSize(all);
  }

  @Test
  void theSameCommandWritesTheSameBytesAndAnotherSeedOthers() throws IOException {
    String[] args = {"--routers", "gshard-top2,top-k:topK=1", "--tokens", "64", "--seed", "5"};
    assertThat(run(args)).isZero();
    byte[] first = Files.readAllBytes(report().resolve("report.json"));
    assertThat(run(args)).isZero();
    assertThat(Files.readAllBytes(report().resolve("report.json"))).isEqualTo(first);
    args[5] = "6";
    assertThat(run(args)).isZero();
    assertThat(Files.readAllBytes(report().resolve("report.json"))).isNotEqualTo(first);
  }

  @ParameterizedTest
  @CsvSource(
      delimiter = '|',
      value = {
        "--experts|0|--experts must be at least 1, but was 0",
        "--top-k|65|--top-k must lie in 1..--experts = 64, but was 65",
        "--tokens|-3|--tokens must be at least 1, but was -3",
        "--tokens|x|Invalid value for option '--tokens'",
        "--devices|65|--devices must be at most --experts = 64, but was 65",
        "--slots|60|--slots must be at least --experts = 64 and a multiple of --devices = 8",
        "--nodes|3|--nodes must divide --devices = 8 and --experts = 64, but was 3",
        "--batches|1|--batches must be at least 2, but was 1",
        "--batches|100000|--batches must be at most 1000, but was 100000",
        "--layers|1001|--layers must be at most 1000, but was 1001",
        "--experts|4097|--experts must be at most 4096, but was 4097",
        "--slots|800000|--slots must be at most 65536, but was 800000",
        "--layers|0|--layers must be at least 1, but was 0",
        "--skew|zipf|skew must be uniform, zipf:EXPONENT or hot-set:EXPERTS:FACTOR",
        "--skew|hot-set:65:2|hot experts must be at most 64 experts, but was 65",
        "--routers|swich|did you mean 'switch'",
        "--routers|deepseek-v3:groups=3|deepseek-v3:groups=3: experts must be a multiple of groups",
        "--routers|switch,switch|--routers must name each router once",
        "--planner|nobody|nobody",
        "--link-gbs|0|--link-gbs must be finite and above 0, but was 0.0",
        "--memory-gbs|-1|--memory-gbs must be finite and above 0, but was -1.0",
        "--tflops|NaN|--tflops must be finite and above 0, but was NaN",
        "--tokens|2000000000|tokens x experts must be at most 268435456",
      })
  void aMistakeIsOneLineAndWritesNothing(String option, String value, String message) {
    assertThat(run(option, value)).as(err.toString()).isEqualTo(2);
    assertThat(err.toString())
        .contains(message)
        .doesNotContain("Exception")
        .doesNotContain("\tat ");
    assertThat(
            err.toString()
                .lines()
                .filter(l -> !l.startsWith("Try '") && !l.startsWith("Possible"))
                .count())
        .as(err.toString())
        .isEqualTo(1);
    assertThat(out.toString()).isEmpty();
    assertThat(report()).doesNotExist();
  }

  @Test
  void aPlaceForNoReportIsRefusedBeforeAnythingElseIsDone() throws IOException {
    Path file = Files.writeString(folder.resolve("file"), "mine");
    // More than the command would compute: refused, too, but only when it is about to.
    assertThat(runInto(file.resolve("report"), "--tokens", "2000000000")).isEqualTo(2);
    assertThat(err.toString())
        .contains("--out " + file.resolve("report") + ": no folder can be made in ")
        .doesNotContain("268435456")
        .doesNotContain("Exception");
    assertThat(out.toString()).isEmpty();
    assertThat(file).hasContent("mine");
  }

  @Test
  void aForeignFolderIsLeftAlone() throws IOException {
    Files.createDirectories(report());
    Files.writeString(report().resolve("mine.txt"), "mine");
    assertThat(run("--tokens", "16", "--routers", "switch")).isEqualTo(2);
    assertThat(err.toString()).contains("must be empty or hold an earlier report only");
    assertThat(report().resolve("mine.txt")).hasContent("mine");
  }

  @Test
  void helpNamesEveryOption() {
    assertThat(run("--help")).isZero();
    assertThat(out.toString())
        .contains("--experts", "--top-k", "--skew", "--routers", "--layers", "--seed", "--out");
  }
}
