package io.headway.examples.firstpolicy;

import static org.assertj.core.api.Assertions.assertThat;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.regex.Matcher;
import java.util.regex.Pattern;
import java.util.stream.Stream;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

/**
 * Every Java snippet of the documentation stands, line for line, in a source file that is built.
 */
class DocumentationTest {
  private static final Pattern SNIPPET = Pattern.compile("```java\n(.*?)```", Pattern.DOTALL);

  @ParameterizedTest
  @ValueSource(
      strings = {
        "README.md",
        "docs/embed-in-your-engine.md",
        "docs/moe-in-your-engine.md",
        "docs/run-for-real.md",
        "docs/write-your-first-policy.md"
      })
  void snippetsAreCompiledCode(String page) throws IOException {
    List<String> sources = sources();
    Matcher snippets = SNIPPET.matcher(Files.readString(root().resolve(page)));
    int found = 0;
    while (snippets.find()) {
      found++;
      String snippet = normalised(snippets.group(1));
      assertThat(sources)
          .as("%s, snippet %s:%n%s", page, found, snippets.group(1))
          .anyMatch(source -> source.contains(snippet));
    }
    assertThat(found).as("snippets in %s", page).isPositive();
  }

  @Test
  void aSnippetThatNobodyWroteWouldBeFound() throws IOException {
    assertThat(sources()).noneMatch(source -> source.contains("nobody ever wrote this line"));
  }

  /** Joins the lines without indentation: a snippet may be indented differently. */
  private static String normalised(String code) {
    return code.lines()
        .map(String::strip)
        .filter(line -> !line.isEmpty())
        .reduce("", (a, b) -> a + "\n" + b);
  }

  private static List<String> sources() throws IOException {
    List<String> all = new ArrayList<>();
    for (Path folder : sourceFolders()) {
      try (Stream<Path> files = Files.walk(folder)) {
        for (Path file : files.filter(DocumentationTest::isOtherSource).sorted().toList()) {
          all.add(normalised(Files.readString(file)));
        }
      }
    }
    return all;
  }

  /** Of all examples; what they build into may change while it is read. */
  private static List<Path> sourceFolders() throws IOException {
    try (Stream<Path> examples = Files.list(root().resolve("examples"))) {
      return examples
          .map(example -> example.resolve("src"))
          .filter(Files::isDirectory)
          .sorted()
          .toList();
    }
  }

  private static boolean isOtherSource(Path file) {
    return file.toString().endsWith(".java") && !file.endsWith("DocumentationTest.java");
  }

  private static Path root() {
    Path directory = Path.of("").toAbsolutePath();
    while (!Files.exists(directory.resolve("mvnw"))) {
      directory = directory.getParent();
    }
    return directory;
  }
}
