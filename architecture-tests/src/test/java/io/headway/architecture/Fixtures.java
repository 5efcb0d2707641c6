package io.headway.architecture;

import static org.assertj.core.api.Assertions.assertThat;

import com.tngtech.archunit.core.importer.ClassFileImporter;
import com.tngtech.archunit.lang.ArchRule;
import java.util.List;

/** Shows that a rule can fail. */
final class Fixtures {
  private Fixtures() {}

  /**
   * Asserts that each of {@code fragments} occurs in the violations of {@code rule}, and nothing
   * else is one.
   */
  static void assertBreaks(ArchRule rule, Class<?> fixture, String... fragments) {
    List<String> details =
        rule.evaluate(new ClassFileImporter().importClasses(fixture))
            .getFailureReport()
            .getDetails();
    for (String fragment : fragments) {
      assertThat(details).anyMatch(detail -> detail.contains(fragment));
    }
    assertThat(details)
        .as("violations of %s", fixture.getSimpleName())
        .allMatch(detail -> List.of(fragments).stream().anyMatch(detail::contains));
  }
}
