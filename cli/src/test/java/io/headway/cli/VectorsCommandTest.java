package io.headway.cli;

import static org.assertj.core.api.Assertions.assertThat;

import java.io.IOException;
import java.io.PrintWriter;
import java.io.StringWriter;
import java.nio.file.Files;
import java.nio.file.Path;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

class VectorsCommandTest {
  private final StringWriter out = new StringWriter();
  private final StringWriter err = new StringWriter();

  @TempDir Path folder;

  private int run(String... args) {
    String[] line = new String[args.length + 1];
    line[0] = "vectors";
    System.arraycopy(args, 0, line, 1, args.length);
    return Main.run(
        Main.commandLine().setOut(new PrintWriter(out, true)).setErr(new PrintWriter(err, true)),
        line);
  }

  private Path suite(String algorithm, String expect) throws IOException {
    return Files.writeString(
        folder.resolve("one.json"),
        """
        {"format": "headway-vectors/1", "suite": "predictors", "vectors": [
          {"id": "x/one", "kind": "predict.formula", "algorithm": "%s", "sheet": "predictors.md#19",
           "params": {"op": "no-such-operation"},
           "input": {"rows": [{"low": 0, "high": 2, "actual": 1}]},
           "expect": %s, "tolerance": {"abs": 1e-9, "rel": 1e-9}}]}
        """
            .formatted(algorithm, expect));
  }

  @Test
  void anUnsupportedVectorFailsUnlessAllowed() throws IOException {
    String file = suite("no-such-algorithm", "{}").toString();
    assertThat(run(file)).isEqualTo(1);
    assertThat(out.toString())
        .contains("no-such-algorithm  0 passed, 0 failed, 1 unsupported")
        .contains("total: 0 passed, 0 failed, 1 unsupported");
    assertThat(run("--allow-unsupported", file)).isEqualTo(0);
    assertThat(err.toString()).isEmpty();
  }

  @Test
  void aMalformedFileIsOneLineAndExitCode2() throws IOException {
    Path file = Files.writeString(folder.resolve("bad.json"), "{\"format\": ");
    assertThat(run(file.toString())).isEqualTo(2);
    assertThat(err.toString())
        .startsWith("headway vectors: " + file + ": line 1, column")
        .hasLineCount(1);
    assertThat(out.toString()).isEmpty();
  }

  @Test
  void anEmptySelectionIsExitCode2() throws IOException {
    assertThat(run("--algorithm", "nothing", suite("x", "{}").toString())).isEqualTo(2);
    assertThat(err.toString())
        .contains("no vector was selected: no suite has the algorithm nothing");
  }
}
