package io.headway.architecture;

import static org.assertj.core.api.Assertions.assertThat;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.regex.Matcher;
import java.util.regex.Pattern;
import java.util.stream.IntStream;
import java.util.stream.Stream;
import org.junit.jupiter.api.Test;

/** The table of requirements names tests that exist, at least one for each requirement. */
class RequirementsTableTest {
  private static final Pattern ROW = Pattern.compile("^\\| (R\\d+) \\|.*");
  private static final Pattern TEST = Pattern.compile("`(\\w+)#(\\w+)`");
  private static final int LAST = 31;

  @Test
  void everyRequirementHasTestsThatExist() throws IOException {
    Map<String, String> sources = testSources();
    List<String> numbers = new ArrayList<>();
    List<String> missing = new ArrayList<>();
    for (String line : Files.readAllLines(ProjectModule.root().resolve("docs/requirements.md"))) {
      Matcher row = ROW.matcher(line);
      if (!row.matches()) {
        continue;
      }
      numbers.add(row.group(1));
      Matcher test = TEST.matcher(line);
      int tests = 0;
      while (test.find()) {
        tests++;
        String source = sources.getOrDefault(test.group(1), "");
        if (!Pattern.compile("void\\s+" + test.group(2) + "\\(").matcher(source).find()) {
          missing.add(test.group());
        }
      }
      assertThat(tests).as("tests of %s", row.group(1)).isPositive();
    }
    assertThat(missing).as("tests that do not exist").isEmpty();
    assertThat(numbers)
        .containsExactlyElementsOf(IntStream.rangeClosed(1, LAST).mapToObj(i -> "R" + i).toList());
  }

  private static Map<String, String> testSources() throws IOException {
    Map<String, String> sources = new HashMap<>();
    try (Stream<Path> modules = Files.list(ProjectModule.root())) {
      for (Path module : modules.filter(path -> Files.isDirectory(path)).toList()) {
        Path tests = module.resolve("src/test/java");
        if (!Files.isDirectory(tests)) {
          continue;
        }
        try (Stream<Path> files = Files.walk(tests)) {
          for (Path file : files.filter(path -> path.toString().endsWith(".java")).toList()) {
            String name = file.getFileName().toString();
            sources.merge(
                name.substring(0, name.length() - ".java".length()),
                Files.readString(file),
                String::concat);
          }
        }
      }
    }
    return sources;
  }
}
