package io.headway.testkit.vectors;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

class VectorReaderTest {
  private static final String VECTOR =
      """
      {"id": "a/one", "kind": "k", "algorithm": "a", "sheet": "s.md#1", "params": {}, "input": {},
       "expect": {"x": 1}, "tolerance": {"abs": 1e-9, "rel": 0}}""";

  @TempDir Path folder;

  private Path write(String name, String text) throws IOException {
    return Files.writeString(folder.resolve(name), text);
  }

  private static String envelope(String vectors) {
    return "{\"format\": \"headway-vectors/1\", \"suite\": \"s\", \"vectors\": [" + vectors + "]}";
  }

  @Test
  void readsAFileAndAFolder() throws IOException {
    Path b = write("b.json", envelope(VECTOR));
    write("a.json", envelope(""));
    write("notes.txt", "not read");
    List<VectorSuite> one = VectorReader.read(b);
    assertThat(one).hasSize(1);
    ConformanceVector vector = one.get(0).vectors().get(0);
    assertThat(vector.id()).isEqualTo("a/one");
    assertThat(vector.suite()).isEqualTo("s");
    assertThat(vector.file()).isEqualTo(b);
    assertThat(vector.absoluteTolerance()).isEqualTo(1e-9);
    assertThat(vector.operation()).isEmpty();
    assertThat(VectorReader.read(folder))
        .extracting(VectorSuite::origin)
        .containsExactly(folder.resolve("a.json").toString(), b.toString());
  }

  @ParameterizedTest
  @CsvSource(
      delimiter = '|',
      quoteCharacter = '`',
      textBlock =
          """
          []                                        | the file must hold one JSON object
          {"format": "x"}                           | format must be "headway-vectors/1", but was "x"
          {"format": "headway-vectors/1"}           | suite must be a non-empty string
          {"format": "headway-vectors/1", "suite": "s"} | vectors must be an array
          {"format": "headway-vectors/1", "suite": "s", "vectors": [3]} | vectors[0] must be an object
          {"format": "headway-vectors/1", "suite": "s", "vectors": [{}]} | vectors[0]: id must be a non-empty string
          {"format": "headway-vectors/1", "suite": "s", "vectors": []} 1 | : Trailing token
          {"format": 1, "format": 2}                | : Duplicate field 'format'
          {"format": NaN}                           | : Non-standard token 'NaN'
          {                                         | : Unexpected end-of-input
          """)
  void complainsInOneLine(String text, String complaint) throws IOException {
    Path file = write("bad.json", text);
    assertThatThrownBy(() -> VectorReader.read(file))
        .isInstanceOf(VectorFormatException.class)
        .hasMessageStartingWith(file.toString())
        .hasMessageContaining(complaint)
        .message()
        .doesNotContain("\n")
        .hasSizeLessThan(400);
  }

  @ParameterizedTest
  @CsvSource(
      delimiter = '|',
      quoteCharacter = '`',
      textBlock =
          """
          "params": {}     | "params": []      | (a/one): params must be an object
          "abs": 1e-9      | "abs": -1         | (a/one): tolerance.abs must be a number of at least 0
          "abs": 1e-9      | "abs": "1"        | (a/one): tolerance.abs must be a number of at least 0
          "abs": 1e-9      | "abs": 1e999      | (a/one): tolerance.abs must be a number of at least 0
          "kind": "k"      | "kind": ""        | (a/one): kind must be a non-empty string
          """)
  void namesTheVector(String from, String to, String complaint) throws IOException {
    Path file = write("bad.json", envelope(VECTOR.replace(from, to)));
    assertThatThrownBy(() -> VectorReader.read(file))
        .isInstanceOf(VectorFormatException.class)
        .hasMessage(file + ": vectors[0] " + complaint);
  }

  @Test
  void refusesDuplicateIds() throws IOException {
    Path file = write("bad.json", envelope(VECTOR + "," + VECTOR));
    assertThatThrownBy(() -> VectorReader.read(file))
        .isInstanceOf(VectorFormatException.class)
        .hasMessage(file + ": id \"a/one\" occurs twice");
  }

  @Test
  void refusesDeepNesting() throws IOException {
    Path file = write("deep.json", "[".repeat(100_000));
    assertThatThrownBy(() -> VectorReader.read(file))
        .isInstanceOf(VectorFormatException.class)
        .hasMessageContaining("nesting depth");
  }

  @Test
  void refusesMissingPathsAndEmptyFolders() throws IOException {
    Path missing = folder.resolve("none.json");
    assertThatThrownBy(() -> VectorReader.read(missing))
        .isInstanceOf(VectorFormatException.class)
        .hasMessage(missing + ": no such file");
    Path empty = Files.createDirectory(folder.resolve("empty"));
    assertThatThrownBy(() -> VectorReader.read(empty))
        .isInstanceOf(VectorFormatException.class)
        .hasMessage(empty + ": the folder has no *.json file");
  }

  @Test
  void refusesUnknownBundledSuites() {
    assertThatThrownBy(() -> VectorReader.bundled("x"))
        .isInstanceOf(IllegalArgumentException.class)
        .hasMessageStartingWith("suite must be one of [batching, ")
        .hasMessageEndingWith("but was 'x'");
  }
}
