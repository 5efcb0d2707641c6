package io.headway.architecture;

import static org.assertj.core.api.Assertions.assertThat;

import io.headway.api.Decision;
import io.headway.api.config.Parameter;
import io.headway.api.config.PolicyProvider;
import io.headway.api.config.PolicyRegistry;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.EnumMap;
import java.util.List;
import java.util.Map;
import java.util.regex.Matcher;
import java.util.regex.Pattern;
import java.util.stream.Stream;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.MethodSource;

/** The pages of docs/policies say what the catalogues say. */
class PolicyPagesTest {
  private static final PolicyRegistry REGISTRY =
      PolicyRegistry.discover(PolicyPagesTest.class.getClassLoader());
  private static final Path PAGES = ProjectModule.root().resolve("docs/policies");
  private static final Map<Decision, String> SHARED =
      new EnumMap<>(
          Map.of(
              Decision.INSTANCE_FILTER, "composed.md",
              Decision.INSTANCE_SCORER, "composed.md",
              Decision.INSTANCE_PICKER, "composed.md",
              Decision.REBALANCING, "gaps.md",
              Decision.LENGTH_PREDICTION, "length-prediction.md",
              Decision.SERVICE_TIME_PREDICTION, "service-time-prediction.md",
              Decision.CALIBRATION, "calibration.md",
              Decision.ARRIVAL_FORECAST, "arrival-forecast.md",
              Decision.DRIFT_DETECTION, "drift-detection.md"));
  private static final Pattern LINK = Pattern.compile("\\]\\(([^)#:]+)\\)");

  static Stream<PolicyProvider> documented() {
    return Stream.of(
            Decision.BATCHING, Decision.EXPERT_ROUTING, Decision.ROUTING, Decision.SPECULATION)
        .flatMap(decision -> REGISTRY.providers(decision).stream());
  }

  /** Policies that share a page: parts of a router, and the predictors of one decision. */
  static Stream<PolicyProvider> documentedTogether() {
    return SHARED.keySet().stream().flatMap(decision -> REGISTRY.providers(decision).stream());
  }

  @ParameterizedTest
  @MethodSource("documentedTogether")
  void everyPolicyOfASharedPageHasASectionWithEveryParameter(PolicyProvider provider)
      throws IOException {
    String text = Files.readString(PAGES.resolve(SHARED.get(provider.decision())));
    Matcher heading = Pattern.compile("(?m)^##.*`" + provider.id() + "`$").matcher(text);
    if (provider.decision() != Decision.REBALANCING) {
      assertThat(heading.find()).as("a heading for '%s'", provider.id()).isTrue();
      text = text.substring(heading.end());
      Matcher next = Pattern.compile("(?m)^##").matcher(text);
      text = next.find() ? text.substring(0, next.start()) : text;
    }
    for (Parameter parameter : provider.parameters().list()) {
      String value = parameter.defaultText().isEmpty() ? "none" : parameter.defaultText();
      assertThat(text.replace("`", ""))
          .as("%s: a row for %s with its default", provider.id(), parameter.name())
          .contains("| " + parameter.name() + " | " + value + " |");
    }
  }

  static List<Path> pages() throws IOException {
    try (Stream<Path> files = Files.list(PAGES)) {
      return files.filter(file -> file.toString().endsWith(".md")).sorted().toList();
    }
  }

  @ParameterizedTest
  @MethodSource("documented")
  void everyPolicyHasAPageThatNamesEveryParameterWithItsDefault(PolicyProvider provider)
      throws IOException {
    Path page = PAGES.resolve(provider.id() + ".md");
    assertThat(page)
        .as(
            "the page of '%s'; './headway policies %s --markdown' prints its table",
            provider.id(), provider.id())
        .isRegularFile();
    List<List<String>> rows = rows(page);
    for (Parameter parameter : provider.parameters().list()) {
      String value = parameter.defaultText().isEmpty() ? "none" : parameter.defaultText();
      assertThat(rows)
          .as("%s: a row for %s with its default", page.getFileName(), parameter.name())
          .anySatisfy(row -> assertThat(row).startsWith(parameter.name(), value));
    }
  }

  @ParameterizedTest
  @MethodSource("documented")
  void everyPolicyStandsInTheIndex(PolicyProvider provider) throws IOException {
    assertThat(Files.readString(PAGES.resolve("README.md"))).contains("(" + provider.id() + ".md)");
  }

  @ParameterizedTest
  @MethodSource("pages")
  void everyLinkLeadsSomewhere(Path page) throws IOException {
    List<String> dead = new ArrayList<>();
    Matcher link = LINK.matcher(Files.readString(page));
    while (link.find()) {
      if (!Files.exists(PAGES.resolve(link.group(1)))) {
        dead.add(link.group(1));
      }
    }
    assertThat(dead).as("dead links of %s", page).isEmpty();
  }

  /** A row that names another default is not taken for one of this parameter. */
  @Test
  void aWrongDefaultWouldBeFound() throws IOException {
    List<List<String>> rows = rows(PAGES.resolve("sarathi-serve.md"));
    assertThat(rows).anySatisfy(row -> assertThat(row).startsWith("tokenBudget", "512"));
    assertThat(rows).noneSatisfy(row -> assertThat(row).startsWith("tokenBudget", "513"));
  }

  /** The cells of every table row, without the backticks of code. */
  private static List<List<String>> rows(Path page) throws IOException {
    List<List<String>> rows = new ArrayList<>();
    for (String line : Files.readAllLines(page)) {
      if (line.startsWith("|")) {
        List<String> cells = new ArrayList<>();
        for (String cell : line.substring(1).split("(?<!\\\\)\\|")) {
          cells.add(cell.strip().replace("`", ""));
        }
        rows.add(cells);
      }
    }
    return rows;
  }
}
