package io.headway.cli;

import static org.assertj.core.api.Assertions.assertThat;

import io.headway.api.Decision;
import io.headway.api.config.PolicyProvider;
import io.headway.api.config.PolicyRegistry;
import java.io.IOException;
import java.io.PrintWriter;
import java.io.RandomAccessFile;
import java.io.StringWriter;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.stream.Stream;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.ValueSource;
import picocli.CommandLine;

/**
 * What a user types, and what comes back: results, one clear line for each mistake, and never half
 * a report.
 */
class CompareCommandTest {
  private final StringWriter out = new StringWriter();
  private final StringWriter err = new StringWriter();

  @TempDir Path folder;

  private int run(String... args) {
    List<String> line = new ArrayList<>(List.of("compare", "--out", report().toString()));
    line.addAll(List.of(args));
    return Main.run(
        Main.commandLine().setOut(new PrintWriter(out, true)).setErr(new PrintWriter(err, true)),
        line.toArray(String[]::new));
  }

  private Path report() {
    return folder.resolve("report");
  }

  private void assertRefused(int exitCode, String... parts) {
    assertThat(exitCode).as(err.toString()).isEqualTo(2);
    assertThat(err.toString()).contains(parts).doesNotContain("Exception").doesNotContain("\tat ");
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
  void theSameCommandTwiceWritesTheSameBytes() throws IOException {
    assertThat(run("--limit", "150", "--seeds", "1..2")).isZero();
    byte[] first = Files.readAllBytes(report().resolve("report.json"));
    assertThat(run("--limit", "150", "--seeds", "1..2")).isZero();
    assertThat(Files.readAllBytes(report().resolve("report.json"))).isEqualTo(first);
    assertThat(run("--limit", "150", "--seeds", "1..2", "--no-fast-forward")).isZero();
    assertThat(Files.readAllBytes(report().resolve("report.json"))).isEqualTo(first);
    assertThat(out.toString())
        .contains("sarathi-serve")
        .contains("isrtf+oracle")
        .contains("index.html");
    assertThat(report().resolve("index.html")).isNotEmptyFile();
    assertThat(report().resolve("summary.csv")).isNotEmptyFile();
  }

  @Test
  void everyBatchingAndRoutingPolicyServesEveryRequest() {
    assertThat(run("--limit", "60", "--batching", "all", "--verify")).isZero();
    assertThat(
            run(
                "--limit",
                "60",
                "--batching",
                "vllm-v1",
                "--routing",
                "round-robin,random,least-requests,power-of-two,least-kv,prefix-affinity,gaps",
                "--verify"))
        .isZero();
    assertThat(out.toString()).contains("verified: in all 7 runs every request ended exactly once");
    int policies =
        PolicyRegistry.discover(getClass().getClassLoader()).providers(Decision.BATCHING).size();
    assertThat(out.toString()).contains("verified: in all " + (policies - 1) + " runs");
  }

  @Test
  void aProductOfPartsIsAContender() throws IOException {
    String product = "compose:order=vtc,admission=first-chunk,composition=sarathi-serve";
    assertThat(run("--limit", "80", "--batching", product + ",tokenBudget=256,sarathi-serve"))
        .isZero();
    String named = Files.readString(report().resolve("report.json"));
    assertThat(run("--limit", "80", "--batching", product + ",vtc", "--token-budget", "256"))
        .isZero();
    assertThat(Files.readString(report().resolve("report.json")))
        .contains(product + ",tokenBudget=256");
    assertThat(named).contains(product + ",tokenBudget=256").contains("sarathi-serve");
  }

  @ParameterizedTest
  @CsvSource(
      delimiter = '|',
      value = {
        "--rate-scale=0|rateScale must be above 0|but was 0",
        "--batching=saratih|unknown batching policy 'saratih'|did you mean 'sarathi'?",
        "--batching=vtc:foo=1|policy 'vtc' has no parameter 'foo'|it has",
        "--batching=vtc:inputPrice=-1|inputPrice must be a finite number of at least 0|but was"
            + " '-1'",
        "--batching=compose:order=vtk|unknown queue order policy 'vtk'|did you mean 'vtc'?",
        "--batching=compose:order=vtc,tokenBudgt=5|policy 'compose' has no parameter"
            + " 'tokenBudgt'|did you mean 'tokenBudget'?",
        "--batching=compose:preemption=none|batching policy makes no sense|add preemption",
        "--batching=isrtf+orakle|unknown length prediction policy 'orakle'|did you mean 'oracle'?",
        "--routing=foo|unknown routing policy 'foo'|round-robin",
        "--kv-blocks=1|an instance holds 16 KV tokens|raise --kv-blocks",
        "--instances=0|instances must be at least 1 instance|but was 0",
        "--max-seqs=0|maxSequences must be at least 1 sequence|but was 0",
        "--model=foo|foo|llama3-8b",
        "--gpu=h10|h10|h100",
        "--seeds=5..1|--seeds must be different whole numbers|'5..1'",
        "--slo-ttft=5|must be a time above 0 such as 500ms|but was '5'",
        "--limit=0|has no request to serve|--limit must be at least 1",
        "--clip=1|contextTokens must be at least 2 tokens|but was 1",
        "--trace=nofile.csv|--trace nofile.csv: no such file|nofile",
        "--log=x.jsonl|--log needs a single contender and seed|--batching",
        "--config=nofile|--config nofile: cannot be read|nofile",
        "--host-blocks=-1|--host-blocks must be at least 0 blocks|but was -1",
        "--host-blocks=many|'--host-blocks'|'many' is not an int",
        "--limt=5|Unknown option|--limt"
      })
  void mistakesAreNamed(String argument, String what, String hint) {
    assertRefused(run(argument), what, hint);
  }

  @Test
  void aWrongTraceNamesFileAndLine() throws IOException {
    Path trace =
        Files.writeString(
            folder.resolve("bad.csv"),
            "TIMESTAMP,ContextTokens,GeneratedTokens\n2023-11-16 18:15:46.6805900,-374,44\n");
    assertRefused(run("--trace", trace.toString()), trace + ":2", "-374");
    err.getBuffer().setLength(0);
    Path columns =
        Files.writeString(folder.resolve("columns.csv"), "TIMESTAMP,ContextToken\n1,2\n");
    assertRefused(run("--trace", columns.toString()), columns + ":1");
  }

  @Test
  void anEndlessLineIsRefusedWithoutReadingItAll() throws IOException {
    Path trace = folder.resolve("endless.csv");
    try (RandomAccessFile file = new RandomAccessFile(trace.toFile(), "rw")) {
      file.setLength(10L << 30); // sparse: one line of 10 GiB
    }
    assertRefused(run("--trace", trace.toString()), trace + ":1");
  }

  @Test
  void aFolderThatIsNoReportIsNotReplaced() throws IOException {
    Files.createDirectories(report());
    Files.writeString(report().resolve("precious.txt"), "mine");
    assertThat(run("--limit", "20", "--batching", "vllm-v1")).isEqualTo(2);
    assertThat(err.toString()).contains("--out " + report());
    assertThat(report().resolve("precious.txt")).hasContent("mine");
    try (Stream<Path> left = Files.list(folder)) {
      assertThat(left).containsExactly(report());
    }
  }

  @Test
  void optionsComeFromAFileAndTheCommandLineComesFirst() throws IOException {
    Path file =
        Files.writeString(
            folder.resolve("run.properties"), "limit=40\nbatching=orca\nrate-scale=2\n");
    assertThat(run("--config", file.toString(), "--batching", "vtc")).isZero();
    assertThat(out.toString())
        .contains("40 requests")
        .contains("rate x 2")
        .contains("vtc")
        .doesNotContain("orca");
    Path wrong = Files.writeString(folder.resolve("wrong.properties"), "limitt=40\n");
    assertThat(run("--config", wrong.toString())).isEqualTo(2);
    assertThat(err.toString()).contains("'limitt' is no option");
  }

  @Test
  void theDecisionLogIsJsonLines() throws IOException {
    Path log = folder.resolve("log.jsonl");
    assertThat(run("--limit", "30", "--batching", "sarathi-serve", "--log", log.toString()))
        .isZero();
    List<String> lines = Files.readAllLines(log);
    assertThat(lines)
        .isNotEmpty()
        .allMatch(line -> line.startsWith("{\"type\":\"") && line.endsWith("}"));
    assertThat(lines.stream().filter(line -> line.contains("\"FINISH\"")).count()).isEqualTo(30);
  }

  /** What a policy promises of its order is in the log, so that anybody can check it. */
  @ParameterizedTest
  @ValueSource(
      strings = {"static-fcfs", "orca", "vllm-v1", "vllm-v1:policy=priority", "sarathi-serve"})
  void theOrderOfStartsIsCheckedOnTheDecisionLog(String policy) throws IOException {
    Path log = folder.resolve("log.jsonl");
    assertThat(
            run("--limit", "60", "--max-seqs", "4", "--batching", policy, "--log", log.toString()))
        .isZero();
    String order = policy.contains("priority") ? "\"priority\",\"arrival\"" : "\"arrival\"";
    assertThat(Files.readString(log)).contains("\"order\":[" + order + "]");
    out.getBuffer().setLength(0);
    CommandLine line =
        Main.commandLine().setOut(new PrintWriter(out, true)).setErr(new PrintWriter(err, true));
    assertThat(Main.run(line, "check", log.toString(), "--require", "INV-19"))
        .as(out.toString() + err)
        .isZero();
    assertThat(out.toString()).containsPattern("INV-19  HOLDS +[1-9]");
  }

  @Test
  void hostBlocksLetSequencesSwapInsteadOfRecompute() throws IOException {
    Path log = folder.resolve("log.jsonl");
    String[] common = {
      "--limit", "60", "--batching", "fastserve", "--kv-blocks", "600", "--log", log.toString()
    };
    assertThat(run(common)).isZero();
    assertThat(Files.readString(log)).contains("\"hostBlocks\":0").doesNotContain("\"TIER\"");
    String[] swapping = Arrays.copyOf(common, common.length + 2);
    swapping[common.length] = "--host-blocks";
    swapping[common.length + 1] = "2000";
    assertThat(run(swapping)).isZero();
    assertThat(Files.readString(log))
        .contains("\"hostBlocks\":2000")
        .contains("\"TIER\"", "\"from\":\"device\",\"to\":\"host\"")
        .contains("\"from\":\"host\",\"to\":\"device\"");
  }

  @Test
  void policiesAreListedAndShown() {
    Main.run(
        Main.commandLine().setOut(new PrintWriter(out, true)).setErr(new PrintWriter(err, true)),
        "policies");
    assertThat(out.toString())
        .contains(
            "batching", "routing", "sarathi-serve", "tokenBudget=512 tokens", "length prediction")
        .contains("expert routing", "expert placement", "eplb");
    List<PolicyProvider> known =
        PolicyRegistry.discover(CompareCommandTest.class.getClassLoader()).providers();
    assertThat(known)
        .extracting(PolicyProvider::decision)
        .contains(Decision.EXPERT_ROUTING, Decision.EXPERT_PLACEMENT);
    assertThat(known).allSatisfy(each -> assertThat(out.toString()).contains(each.id()));
    out.getBuffer().setLength(0);
    Main.run(
        Main.commandLine().setOut(new PrintWriter(out, true)).setErr(new PrintWriter(err, true)),
        "policies",
        "vtc");
    assertThat(out.toString()).contains("vtc (batching)", "OSDI 2024", "outputPrice=2");
    int exit =
        Main.run(
            Main.commandLine()
                .setOut(new PrintWriter(out, true))
                .setErr(new PrintWriter(err, true)),
            "policies",
            "vtd");
    assertThat(exit).isEqualTo(2);
    assertThat(err.toString()).contains("did you mean 'vtc'?").hasLineCount(1);
  }
}
