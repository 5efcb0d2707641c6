package io.headway.architecture;

import static io.headway.architecture.Fixtures.assertBreaks;
import static org.assertj.core.api.Assertions.assertThat;

import com.tngtech.archunit.core.domain.JavaClasses;
import com.tngtech.archunit.core.importer.ClassFileImporter;
import io.headway.architecture.fixture.IsNoTest;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.stream.Stream;
import org.junit.jupiter.api.Test;

class TestSourcesTest {
  private static final JavaClasses CLASSES = importTestClasses();

  @Test
  void testsAreSeen() {
    assertThat(CLASSES.contain("io.headway.cli.MainTest")).isTrue();
  }

  @Test
  void testsAreRepeatable() {
    TestRules.REPEATABLE.check(CLASSES);
  }

  @Test
  void noTestIsDisabled() {
    TestRules.NONE_DISABLED.check(CLASSES);
  }

  @Test
  void propertiesAreSeeded() {
    TestRules.SEEDED.check(CLASSES);
  }

  @Test
  void sleepClockAndRandomnessAreFound() {
    assertBreaks(
        TestRules.REPEATABLE,
        IsNoTest.class,
        "java.lang.Thread.sleep(",
        "java.lang.System.nanoTime()",
        "java.util.Random.<init>()");
  }

  @Test
  void aDisabledTestIsFound() {
    assertBreaks(TestRules.NONE_DISABLED, IsNoTest.class, "org.junit.jupiter.api.Disabled");
  }

  @Test
  void anUnseededPropertyIsFound() {
    assertBreaks(TestRules.SEEDED, IsNoTest.class, "unseeded()> has no seed");
  }

  /**
   * The test classes of all modules but this one, which holds the fixtures. Only folders of modules
   * are looked into: whatever else lies in a checkout may be unreadable or change meanwhile.
   */
  private static JavaClasses importTestClasses() {
    List<Path> directories = new ArrayList<>();
    for (Path parent : List.of(ProjectModule.root(), ProjectModule.root().resolve("examples"))) {
      try (Stream<Path> modules = Files.list(parent)) {
        modules
            .filter(module -> Files.exists(module.resolve("pom.xml")))
            .filter(module -> !module.endsWith("architecture-tests"))
            .map(module -> module.resolve("target/test-classes"))
            .filter(Files::isDirectory)
            .sorted()
            .forEach(directories::add);
      } catch (IOException e) {
        throw new UncheckedIOException(e);
      }
    }
    return new ClassFileImporter().importPaths(directories);
  }
}
