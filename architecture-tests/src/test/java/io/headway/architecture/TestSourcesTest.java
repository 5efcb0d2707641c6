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

  /** The test classes of all modules but this one, which holds the fixtures. */
  private static JavaClasses importTestClasses() {
    try (Stream<Path> files = Files.walk(ProjectModule.root(), 4)) {
      List<Path> directories =
          files
              .filter(path -> path.endsWith("target/test-classes"))
              .filter(path -> !path.startsWith(ProjectModule.root().resolve("architecture-tests")))
              .toList();
      return new ClassFileImporter().importPaths(directories);
    } catch (IOException e) {
      throw new UncheckedIOException(e);
    }
  }
}
