package io.headway.cli;

import static org.assertj.core.api.Assertions.assertThat;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectMapper;
import java.io.IOException;
import java.io.PrintWriter;
import java.io.StringWriter;
import java.nio.file.Files;
import java.nio.file.Path;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

class CheckCommandTest {
  private static final String HOLDS =
      """
      {"type":"CONFIG","tokenBudget":8,"slots":2,"kvMode":"paged","blocks":4,"blockTokens":4}
      {"type":"ARRIVE","r":"a","prompt":4,"maxNew":1}
      {"type":"ALLOC","r":"a","blocks":[0]}
      {"type":"STEP","step":0,"batch":[{"r":"a","start":0,"n":4,"kind":"prefill"}],"total":4,"waiting":0,"running":1,"free":3}
      {"type":"COMPLETE","step":0}
      {"type":"OUTPUT","step":0,"r":"a","accepted":1,"position":0}
      {"type":"FINISH","r":"a","reason":"length","output":1}
      {"type":"RELEASE","r":"a","blocks":[0]}
      """;

  @TempDir private Path folder;
  private final StringWriter out = new StringWriter();
  private final StringWriter err = new StringWriter();

  @Test
  void aLogThatHoldsIsListedRuleByRule() throws IOException {
    assertThat(check(HOLDS)).isZero();
    assertThat(out.toString())
        .contains("8 records")
        .contains("INV-03  HOLDS")
        .contains("INV-33  UNKNOWN(ROUTE)")
        .contains("total: 0 violated, 0 inconclusive,");
  }

  @Test
  void aViolationIsExplainedWithTheLinesThatMatter() throws IOException {
    assertThat(check(HOLDS.replace("\"total\":4", "\"total\":5"))).isEqualTo(1);
    assertThat(out.toString())
        .contains("INV-03 Decision closure: VIOLATED at ")
        .contains("trace.jsonl:4 (1 in all)")
        .contains("  STEP declares 5 tokens, but its rows sum to 4")
        .contains("  line 3: {\"type\":\"ALLOC\"");
  }

  @Test
  void aLogThatEndsTooEarlyIsInconclusive() throws IOException {
    String cut = HOLDS.substring(0, HOLDS.indexOf("{\"type\":\"FINISH\""));
    assertThat(check(cut)).isEqualTo(2);
    assertThat(out.toString()).contains("the trace ends while 1 requests are live");
    assertThat(check(cut, "--only", "INV-03")).isZero();
  }

  @Test
  void aRequiredRuleMustHaveApplied() throws IOException {
    assertThat(check(HOLDS, "--require", "INV-03,INV-08")).isZero();
    assertThat(check(HOLDS, "--require", "INV-20")).isEqualTo(2);
    assertThat(out.toString())
        .contains("INV-20 is required, but was not shown: INV-20 HOLDS, applied 0 times");
  }

  @Test
  void theReportIsAlsoJson() throws IOException {
    assertThat(check(HOLDS.replace("\"total\":4", "\"total\":5"), "--json")).isEqualTo(1);
    JsonNode report = new ObjectMapper().readTree(out.toString());
    assertThat(report.get("verdicts")).hasSize(40);
    JsonNode rule = report.get("verdicts").get(2);
    assertThat(rule.get("invariant").asText()).isEqualTo("INV-03");
    assertThat(rule.get("verdict").asText()).isEqualTo("VIOLATED");
    assertThat(rule.get("line").asInt()).isEqualTo(4);
    assertThat(rule.get("explanation").get(0).get("record").get("type").asText())
        .isEqualTo("CONFIG");
  }

  @Test
  void twoRunsAreCompared() throws IOException {
    Path other =
        Files.writeString(folder.resolve("other.jsonl"), HOLDS.replace("\"free\":3", "\"free\":2"));
    assertThat(check(HOLDS, "--same-as", other.toString())).isEqualTo(1);
    assertThat(out.toString()).contains("INV-39 Determinism: VIOLATED").contains("\"free\":2");
  }

  @Test
  void anotherFormatIsReadAndConverted() throws IOException {
    Path target = folder.resolve("converted.jsonl");
    assertThat(
            check(
                "{\"event\":\"config\",\"block_size\":4}\n"
                    + "{\"event\":\"arrive\",\"req_id\":\"a\",\"num_prompt_tokens\":4,\"max_tokens\":1}\n"
                    + "{\"event\":\"abort\",\"req_id\":\"a\"}\n",
                "--format",
                "vllm",
                "--convert",
                target.toString()))
        .isZero();
    assertThat(Files.readString(target)).contains("{\"type\":\"CANCEL\",\"r\":\"a\"");
  }

  @Test
  void whatCannotBeReadIsOneLine() throws IOException {
    assertThat(check("{\"type\":\"STEP\"}")).isEqualTo(2);
    assertThat(err.toString())
        .hasLineCount(1)
        .contains("trace.jsonl:1: a STEP record needs the field 'batch', an array of objects");
    err.getBuffer().setLength(0);
    assertThat(check("{\"type\":\"X\"}")).isEqualTo(2);
    assertThat(err.toString()).hasLineCount(1).contains("has no record of a known type");
    err.getBuffer().setLength(0);
    assertThat(check(HOLDS, "--only", "INV-99")).isEqualTo(2);
    assertThat(err.toString()).contains("rules from INV-01 to INV-40, but got 'INV-99'");
    err.getBuffer().setLength(0);
    assertThat(check(HOLDS, "--only", "INV-01", "--require", "INV-02")).isEqualTo(2);
    assertThat(err.toString()).contains("--require names a rule that --only leaves out");
    err.getBuffer().setLength(0);
    assertThat(check(HOLDS, "--explain", "2")).isEqualTo(2);
    assertThat(err.toString()).contains("--explain must be at least 3 records, but was 2");
    err.getBuffer().setLength(0);
    assertThat(run("check", folder.resolve("none.jsonl").toString())).isEqualTo(2);
    assertThat(err.toString()).contains("no such file or directory");
    err.getBuffer().setLength(0);
    assertThat(run("check", folder.toString())).isEqualTo(2);
    assertThat(err.toString()).contains("is a directory");
  }

  private int check(String log, String... options) throws IOException {
    Path file = Files.writeString(folder.resolve("trace.jsonl"), log);
    String[] args = new String[options.length + 2];
    args[0] = "check";
    args[1] = file.toString();
    System.arraycopy(options, 0, args, 2, options.length);
    return run(args);
  }

  private int run(String... args) {
    return Main.run(
        Main.commandLine().setOut(new PrintWriter(out, true)).setErr(new PrintWriter(err, true)),
        args);
  }
}
