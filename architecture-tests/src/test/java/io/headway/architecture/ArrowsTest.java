package io.headway.architecture;

import static io.headway.architecture.Fixtures.assertBreaks;
import static org.assertj.core.api.Assertions.assertThat;

import io.headway.architecture.fixture.ReadsLogger;
import io.headway.architecture.fixture.ReadsOtherPlatformModule;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.EnumSource;

class ArrowsTest {
  @ParameterizedTest
  @EnumSource
  void classesReadOnlyWhatTheArrowsAllow(ProjectModule module) {
    ArrowRules.arrowsOf(module).check(module.classes());
  }

  @ParameterizedTest
  @EnumSource
  void classesStandInThePackagesOfTheirModule(ProjectModule module) {
    ArrowRules.packagesOf(module).check(module.classes());
  }

  @Test
  void onlyTheContractsReadJqwik() {
    ArrowRules.onlyReadBy("net.jqwik", "io.headway.testkit.contract")
        .check(ProjectModule.TESTKIT.classes());
  }

  @Test
  void everyModuleIsSeen() {
    // An import from the wrong directory would let every other rule pass.
    for (ProjectModule module : ProjectModule.values()) {
      assertThat(module.classesDirectory()).isDirectory();
    }
    assertThat(ProjectModule.API.classes().contain("io.headway.api.SchedulingPolicy")).isTrue();
    assertThat(ProjectModule.CLI.classes().contain("io.headway.cli.Main")).isTrue();
  }

  @Test
  void aPolicyThatLogsBreaksItsArrow() {
    assertBreaks(
        ArrowRules.arrowsOf(ProjectModule.BATCHING), ReadsLogger.class, "org.slf4j.Logger");
  }

  @Test
  void aPlatformModuleOtherThanJavaBaseBreaksTheArrow() {
    assertBreaks(
        ArrowRules.arrowsOf(ProjectModule.API),
        ReadsOtherPlatformModule.class,
        "java.util.logging.Level");
  }

  @Test
  void aClassOutsideTheModulesPackagesIsFound() {
    assertBreaks(
        ArrowRules.packagesOf(ProjectModule.API),
        ReadsLogger.class,
        "does not reside in a package 'io.headway.api..'");
  }

  @Test
  void aLibraryReadOutsideItsPackageIsFound() {
    assertBreaks(
        ArrowRules.onlyReadBy("org.slf4j", "io.headway.cli"),
        ReadsLogger.class,
        "org.slf4j.Logger");
  }
}
