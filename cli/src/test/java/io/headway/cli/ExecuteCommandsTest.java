package io.headway.cli;

import static org.assertj.core.api.Assertions.assertThat;

import java.io.IOException;
import java.io.PrintWriter;
import java.io.StringWriter;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.stream.Stream;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

/**
 * {@code run}, {@code calibrate} and {@code devices}, and what {@code compare} does with a profile.
 */
class ExecuteCommandsTest {
  private static final List<String> FAST =
      List.of("--model", "tiny", "--max-prompt", "20", "--max-new", "6", "--max-seqs", "3");

  private final StringWriter out = new StringWriter();
  private final StringWriter err = new StringWriter();

  @TempDir Path folder;

  private int run(String... args) {
    return Main.run(
        Main.commandLine().setOut(new PrintWriter(out, true)).setErr(new PrintWriter(err, true)),
        args);
  }

  private int fast(String command, String... args) {
    return run(
        Stream.concat(Stream.concat(Stream.of(command), FAST.stream()), Stream.of(args))
            .toArray(String[]::new));
  }

  @Test
  void aWorkloadIsServedForRealAndMeasured() {
    assertThat(fast("run", "--requests", "12", "--rate", "1000", "--warm-up", "2"))
        .as(err.toString())
        .isZero();
    assertThat(out.toString())
        .contains("tiny, float, random weights, seed 1, on cpu (")
        .contains("sarathi-serve:tokenBudget=256 served 12 of 12 requests in ")
        .containsPattern("TTFT +[0-9.]+ +[0-9.]+ +[0-9.]+")
        .containsPattern("TPOT +[0-9.]+")
        .containsPattern("E2E +[0-9.]+")
        .doesNotContain("simulated");
  }

  @Test
  void aProfileIsMeasuredWrittenAndSimulatedWith() throws IOException {
    Path profile = folder.resolve("tiny.json");
    String[] few = {
      "--out", profile.toString(), "--steps", "50", "--warm-ups", "0", "--repetitions", "1"
    };
    assertThat(fast("calibrate", few)).as(err.toString()).isZero();
    assertThat(out.toString())
        .contains("tiny in float on cpu (")
        .contains("prefillAttentionPair")
        .contains("held out     10 steps: mean error ")
        .contains("wrote " + profile);
    assertThat(Files.list(folder)).containsExactly(profile);

    String[] again = {
      "--profile",
      profile.toString(),
      "--requests",
      "5",
      "--rate",
      "1000",
      "--warm-up",
      "0",
      "--policy",
      "vllm-v1",
      "--depth",
      "2",
      "--temperature",
      "0.8"
    };
    assertThat(fast("run", again)).as(err.toString()).isZero();
    assertThat(out.toString())
        .contains("vllm-v1:tokenBudget=256 served 5 of 5 requests")
        .containsPattern("TTFT +[0-9.]+ +[0-9.]+ +[0-9.]+ +[0-9.]+ \\([-+][0-9.]+ %\\)")
        .contains("simulated with tiny in float on cpu (");

    Path report = folder.resolve("report");
    assertThat(
            run(
                "compare",
                "--profile",
                profile.toString(),
                "--limit",
                "30",
                "--batching",
                "vllm-v1",
                "--out",
                report.toString()))
        .as(err.toString())
        .isZero();
    assertThat(Files.readString(report.resolve("report.json"))).contains("tiny in float on cpu (");

    assertThat(
            run("run", "--model", "tiny-moe", "--profile", profile.toString(), "--requests", "1"))
        .isEqualTo(2);
    assertThat(err.toString())
        .contains("--profile must be of what is run: it is of tiny in float on cpu (")
        .contains("but this run is of tiny-moe in float on cpu");
  }

  @Test
  void devicesAreListedWithWhatIsMissing() {
    assertThat(run("devices")).isZero();
    assertThat(out.toString())
        .containsPattern("cpu +available +")
        .contains("comes with headway-executor-gpu, which needs Java 25 and was left out");
  }

  @ParameterizedTest
  @CsvSource(
      delimiter = '|',
      value = {
        "run --executor cuda | --executor cuda: executor must be one of [cpu], but was 'cuda'; it comes with headway-executor-gpu",
        "run --executor tpu | executor must be one of [cpu], but was 'tpu'",
        "run --model gpt | model must be one of [tiny, tiny-bias,",
        "run --model llama2-70b | llama2-70b in FLOAT with 256 KV blocks needs",
        "run --model tiny --precision bfloat16 | precision must be FLOAT or DOUBLE on the CPU",
        "run --model tiny --precision half | precision",
        "run --weights /nowhere | no such file or folder",
        "run --requests 0 | --requests must be from 1 to 100000, but was 0",
        "run --depth 9 | --depth must be from 1 to 8, but was 9",
        "run --rate 0 | --rate must be above 0",
        "run --temperature -1 | --temperature must be from 0 to 100",
        "run --policy nothing | nothing",
        "run --policy vllm-v1,orca | --policy must name one policy, but names 2",
        "run --model tiny --max-prompt 9000 | must fit 4096 positions of tiny",
        "run --profile /nowhere.json | no such file",
        "calibrate --model tiny | out",
        "calibrate --model tiny --steps 3 --out x | steps must be at least 50 steps, but was 3",
        "calibrate --model tiny --max-prompt 5000 --out x | must together be at most 4096 tokens",
        "compare --gpu l4 --profile p.json | no such file",
      })
  void mistakesAreOneLine(String line, String message) {
    assertThat(run(line.split(" "))).as(err.toString()).isEqualTo(2);
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
  }

  @Test
  void aDamagedProfileIsRefused() throws IOException {
    Path file = Files.writeString(folder.resolve("p.json"), "{}");
    assertThat(run("compare", "--profile", file.toString())).isEqualTo(2);
    assertThat(err.toString())
        .contains("--profile " + file + ": schema must be 'headway-iteration-profile/1'");
  }
}
