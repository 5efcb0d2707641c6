package io.headway.architecture;

import static io.headway.architecture.Fixtures.assertBreaks;

import io.headway.architecture.fixture.DrawsRandomness;
import io.headway.architecture.fixture.IteratesInHashOrder;
import io.headway.architecture.fixture.LooksUpByHash;
import io.headway.architecture.fixture.ReadsClock;
import io.headway.architecture.fixture.ReadsFiles;
import io.headway.architecture.fixture.SamplesADistribution;
import io.headway.architecture.fixture.StartsThreads;
import io.headway.architecture.fixture.WritesForOneCountry;
import java.util.Set;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.EnumSource;
import org.junit.jupiter.params.provider.FieldSource;

class DeterminismTest {
  static final Set<ProjectModule> deterministic = ProjectModule.DETERMINISTIC;
  static final Set<ProjectModule> policies = ProjectModule.POLICIES;
  static final Set<ProjectModule> engineFacing = ProjectModule.ENGINE_FACING;

  @ParameterizedTest
  @FieldSource("deterministic")
  void noClock(ProjectModule module) {
    DeterminismRules.NO_CLOCK.check(module.classes());
  }

  @ParameterizedTest
  @FieldSource("deterministic")
  void noRandomness(ProjectModule module) {
    DeterminismRules.NO_RANDOMNESS.check(module.classes());
  }

  @ParameterizedTest
  @FieldSource("policies")
  void noSampling(ProjectModule module) {
    DeterminismRules.NO_SAMPLING.check(module.classes());
  }

  @ParameterizedTest
  @FieldSource("engineFacing")
  void noThreads(ProjectModule module) {
    DeterminismRules.NO_THREADS.check(module.classes());
  }

  @ParameterizedTest
  @FieldSource("engineFacing")
  void noInputOutput(ProjectModule module) {
    DeterminismRules.NO_INPUT_OUTPUT.check(module.classes());
  }

  @ParameterizedTest
  @FieldSource("policies")
  void noHashOrder(ProjectModule module) {
    DeterminismRules.NO_HASH_ORDER.check(module.classes());
    DeterminismRules.NO_HASH_ITERATION.check(module.classes());
  }

  @ParameterizedTest
  @EnumSource
  void noDefaultLocale(ProjectModule module) {
    DeterminismRules.NO_DEFAULT_LOCALE.check(module.classes());
  }

  @Test
  void aClockIsFound() {
    assertBreaks(
        DeterminismRules.NO_CLOCK,
        ReadsClock.class,
        "java.lang.System.nanoTime()",
        "java.lang.System.currentTimeMillis()",
        "java.time.Instant.now()");
  }

  @Test
  void randomnessIsFound() {
    assertBreaks(
        DeterminismRules.NO_RANDOMNESS,
        DrawsRandomness.class,
        "java.lang.Math.random()",
        "java.util.Random",
        "java.util.UUID.randomUUID()");
  }

  @Test
  void samplingIsFound() {
    assertBreaks(
        DeterminismRules.NO_SAMPLING,
        SamplesADistribution.class,
        "org.apache.commons.math3.distribution.NormalDistribution.sample()");
  }

  @Test
  void aThreadIsFound() {
    assertBreaks(
        DeterminismRules.NO_THREADS,
        StartsThreads.class,
        "java.lang.Thread.start()",
        "java.lang.Thread.<init>",
        "java.util.concurrent.Executors",
        "java.util.concurrent.CompletableFuture.runAsync");
  }

  @Test
  void inputAndOutputAreFound() {
    assertBreaks(
        DeterminismRules.NO_INPUT_OUTPUT,
        ReadsFiles.class,
        "java.nio.file.Files",
        "java.nio.file.Path",
        "java.lang.System.out",
        "java.io.PrintStream");
  }

  @Test
  void theDefaultLocaleIsFound() {
    assertBreaks(
        DeterminismRules.NO_DEFAULT_LOCALE,
        WritesForOneCountry.class,
        "java.lang.String.format(java.lang.String, [Ljava.lang.Object;)",
        "java.lang.String.toLowerCase()",
        "java.io.PrintStream.printf(java.lang.String, [Ljava.lang.Object;)",
        "java.time.ZoneId.systemDefault()",
        "java.lang.String.getBytes()",
        "java.io.InputStreamReader.<init>(java.io.InputStream)");
  }

  @Test
  void hashOrderIsFound() {
    assertBreaks(DeterminismRules.NO_HASH_ORDER, IteratesInHashOrder.class, "java.util.Set.of(");
    assertBreaks(
        DeterminismRules.NO_HASH_ITERATION,
        IteratesInHashOrder.class,
        "java.util.Map.values()",
        "java.util.Set.iterator()");
  }

  @Test
  void lookingUpByHashIsAllowed() {
    assertBreaks(DeterminismRules.NO_HASH_ORDER, LooksUpByHash.class);
    assertBreaks(DeterminismRules.NO_HASH_ITERATION, LooksUpByHash.class);
  }
}
