package io.headway.cli;

import static org.assertj.core.api.Assertions.assertThat;

import java.io.PrintWriter;
import java.io.StringWriter;
import java.util.ArrayList;
import java.util.List;
import org.junit.jupiter.api.Test;

class PoliciesCommandTest {
  private final StringWriter out = new StringWriter();
  private final StringWriter err = new StringWriter();

  private int run(String... args) {
    List<String> line = new ArrayList<>(List.of("policies"));
    line.addAll(List.of(args));
    return Main.run(
        Main.commandLine().setOut(new PrintWriter(out, true)).setErr(new PrintWriter(err, true)),
        line.toArray(String[]::new));
  }

  @Test
  void aPolicyIsShownInFull() {
    assertThat(run("sarathi", "--decision", "batching")).isZero();
    assertThat(out.toString().lines())
        .contains(
            "sarathi (batching)",
            "  source: Agrawal et al., SARATHI, arXiv 2308.16369",
            "    chunkTokens=256 tokens");
  }

  @Test
  void parametersComeAsATableForAPage() {
    assertThat(run("vtc", "--decision=batching", "--markdown")).isZero();
    assertThat(out.toString().lines())
        .startsWith(
            "Decision: batching.",
            "",
            "| parameter | default | unit | allowed | meaning |",
            "| --- | --- | --- | --- | --- |",
            "| `cost` | `linear` |  | one of linear, profiled | how tokens are priced |")
        .contains(
            "| `weights` | none |  | text | shares such as (alice=2,bob=1); 1 for tenants not named |");
    assertThat(run("static-fcfs", "--markdown")).isZero();
    assertThat(out.toString()).contains("No parameters.");
  }

  @Test
  void aTableNeedsAPolicy() {
    assertThat(run("--markdown")).isEqualTo(2);
    assertThat(err.toString().strip())
        .isEqualTo("headway policies: --markdown needs the ID of a policy, such as sarathi-serve");
  }

  @Test
  void anUnknownPolicyIsAnsweredWithTheNearest() {
    assertThat(run("saratih")).isEqualTo(2);
    assertThat(err.toString()).contains("did you mean 'sarathi'?").doesNotContain("Exception");
  }

  @Test
  void aHintSaysWhichDecisionItIsFor() {
    assertThat(run("fooo")).isEqualTo(2);
    assertThat(err.toString().strip())
        .isEqualTo(
            "headway policies: unknown policy 'fooo'; did you mean 'fifo'? (eviction); 'headway"
                + " policies' lists all");
    err.getBuffer().setLength(0);
    assertThat(run("nothing-like-it-at-all")).isEqualTo(2);
    assertThat(err.toString().strip())
        .isEqualTo(
            "headway policies: unknown policy 'nothing-like-it-at-all'; 'headway policies' lists"
                + " all");
  }
}
