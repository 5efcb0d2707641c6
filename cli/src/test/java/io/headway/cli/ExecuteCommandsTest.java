package io.headway.cli;

import static org.assertj.core.api.Assertions.assertThat;

import java.io.IOException;
import java.io.PrintWriter;
import java.io.StringWriter;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.regex.Matcher;
import java.util.regex.Pattern;
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
        .contains("times by the clock cpu; waits for arrivals are jumped over")
        .containsPattern("TTFT +measured +[0-9.]+ +[0-9.]+ +[0-9.]+\n")
        .containsPattern("TPOT +measured +[0-9.]+")
        .containsPattern("E2E +measured +[0-9.]+")
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
        .containsPattern("TTFT +measured +[0-9.]+ +[0-9.]+ +[0-9.]+\n +simulated +[0-9.]+ \\(")
        .contains("simulated with tiny in float on cpu (")
        .containsPattern("executed +[0-9]+ steps: mean error ");

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

  /** By the scripted executor: who meets whom in a step depends on the speed of a machine. */
  @Test
  void stepsLargerThanAnyMeasuredOneAreSaidToBeExtrapolated() {
    String profile = folder.resolve("tiny.json").toString();
    List<String> scripted = List.of("--executor", "clockwork", "--profile", profile);
    assertThat(
            fast(
                "calibrate",
                "--executor",
                "clockwork",
                "--out",
                profile,
                "--steps",
                "50",
                "--warm-ups",
                "0",
                "--repetitions",
                "1"))
        .as(err.toString())
        .isZero();
    String[] within = {"--requests", "5", "--rate", "1000", "--warm-up", "0"};
    assertThat(fast("run", with(scripted, within))).as(err.toString()).isZero();
    assertThat(out.toString())
        .containsPattern("executed +[0-9]+ steps: mean error ")
        .doesNotContain("extrapolated");
    String[] beyond = {"run", "--model", "tiny", "--requests", "12", "--rate", "100000"};
    assertThat(run(with(List.of(beyond), scripted.toArray(String[]::new))))
        .as(err.toString())
        .isZero();
    assertThat(out.toString())
        .contains("extrapolated: some executed steps have more than any measured one of prefill");
  }

  private static String[] with(List<String> first, String... more) {
    return Stream.concat(first.stream(), Stream.of(more)).toArray(String[]::new);
  }

  @Test
  void aRequestThatCannotBeServedIsNamedWithTheReason() {
    assertThat(
            fast("run", "--requests", "12", "--rate", "1000", "--warm-up", "0", "--kv-blocks", "1"))
        .as(err.toString())
        .isEqualTo(1);
    assertThat(out.toString())
        .containsPattern("served [0-9]+ of 12 requests")
        .containsPattern(
            "not served first: request [0-9]+ of [0-9]+ prompt and [0-9]+ output tokens: NEVER_FITS");
  }

  /** The scripted executor takes exactly as long as a profile can say. */
  @Test
  void aRunThatTakesWhatTheProfileSaysIsMeasuredAsSimulated() {
    assertThat(
            fast(
                "run",
                "--executor",
                "clockwork",
                "--calibrate",
                "--repeat",
                "3",
                "--requests",
                "40",
                "--rate",
                "400",
                "--policy",
                "sarathi-serve:tokenBudget=12"))
        .as(err.toString())
        .isZero();
    String printed = out.toString();
    assertThat(printed)
        .contains("served 40 of 40 requests in ")
        .contains("median of 3 repeats, least to most in brackets")
        .contains(
            "each repeat is simulated with the passes of 150 steps before and after it; over all 4 passes:")
        .contains("held out     30 steps: mean error 0.0 %")
        .containsPattern("executed +[0-9]+ steps: mean error 0.0 %");
    assertThat(printed.split("\\([-+]0\\.0 %\\)", -1)).as(printed).hasSize(1 + 9);
    Matcher ranges = Pattern.compile("([0-9.]+) \\(([0-9.]+) to ([0-9.]+)\\)").matcher(printed);
    int found = 0;
    for (; ranges.find(); found++) {
      assertThat(ranges.group(2)).isEqualTo(ranges.group(1)).isEqualTo(ranges.group(3));
    }
    assertThat(found).isEqualTo(9);
  }

  /** Passes and repeats meet the same machine, although it is half as fast in some of them. */
  @Test
  void aMachineWhoseSpeedWandersIsComparedWithItself() {
    assertThat(
            run(
                "run",
                "--executor",
                "clockwork",
                "--model",
                "tiny-bias",
                "--max-prompt",
                "20",
                "--max-new",
                "6",
                "--calibrate",
                "--repeat",
                "5",
                "--requests",
                "40",
                "--rate",
                "400"))
        .as(err.toString())
        .isZero();
    Matcher differences = Pattern.compile("\\(([-+][0-9.]+) %\\)").matcher(out.toString());
    int found = 0;
    for (; differences.find(); found++) {
      assertThat(Double.parseDouble(differences.group(1)))
          .as(out.toString())
          .isBetween(-10.0, 10.0);
    }
    assertThat(found).isEqualTo(9);
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
        "run --executor cuda | --executor cuda: executor must be one of [clockwork, cpu], but was 'cuda'; it comes with headway-executor-gpu",
        "run --executor tpu | executor must be one of [clockwork, cpu], but was 'tpu'",
        "run --model gpt | model must be one of [tiny, tiny-bias,",
        "run --model llama2-70b | llama2-70b in FLOAT with 256 KV blocks needs",
        "run --model tiny --precision bfloat16 | precision must be FLOAT or DOUBLE on the CPU",
        "run --model tiny --precision half | precision",
        "run --weights /nowhere | no such file or folder",
        "run --requests 0 | --requests must be from 1 to 100000, but was 0",
        "run --repeat 0 | --repeat must be from 1 to 1000, but was 0",
        "run --clock sun | Invalid value for option '--clock': expected one of [CPU, WALL] (case-insensitive) but was 'sun'",
        "run --executor clockwork --clock cpu | --clock must be wall with --executor clockwork",
        "run --calibrate --profile p.json | --calibrate and --profile exclude each other",
        "run --threads 0 | --threads must be from 1 to 256, but was 0",
        "run --threads 100000 | --threads must be from 1 to 256, but was 100000",
        "run --block-tokens 0 | --block-tokens must be from 1 to 65536, but was 0",
        "run --model tiny --weights x | --model and --weights exclude each other",
        "run --profile / | --profile /: is no regular file",
        "run --depth 9 | --depth must be from 1 to 8, but was 9",
        "run --rate 0 | --rate must be above 0",
        "run --temperature -1 | --temperature must be from 0 to 100",
        "run --policy nothing | nothing",
        "run --policy vllm-v1,orca | --policy must name one policy, but names 2",
        "run --model tiny --max-prompt 9000 | must fit 4096 positions of tiny",
        "run --profile /nowhere.json | no such file",
        "calibrate --model tiny | out",
        "calibrate --model tiny --warm-ups -1 --out x | --warm-ups must be from 0 to 1000, but was -1",
        "calibrate --model tiny --repetitions 0 --out x | --repetitions must be from 1 to 1000, but was 0",
        "calibrate --model tiny --out /nowhere/x | --out /nowhere/x: there is no folder /nowhere",
        "calibrate --model tiny --out / | --out must name a file, but / is a folder",
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
