package io.headway.executor.profile;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;
import static org.assertj.core.data.Offset.offset;

import io.headway.api.model.DecoderShape;
import io.headway.api.prediction.IterationShape;
import io.headway.executor.ExecutorOptions;
import io.headway.executor.ForwardingExecutor;
import io.headway.executor.PlanShapes;
import io.headway.executor.cpu.CpuExecutorProvider;
import io.headway.executor.profile.ProfileFile.ProfileException;
import io.headway.executor.weights.SeededWeights;
import io.headway.memory.pool.PagedKvBlockPool;
import io.headway.memory.pool.PagedKvConfig;
import io.headway.predictors.iteration.ProfiledIterationTime;
import io.headway.predictors.iteration.ProfiledIterationTime.Part;
import io.headway.predictors.iteration.ProfiledIterationTime.Step;
import io.headway.runtime.BatchPlan;
import io.headway.runtime.StepResult;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.regex.Pattern;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

/** Calibration of an executor whose times are known, and the file it ends in. */
class CalibrationTest {
  private static final ProfiledIterationTime TRUTH =
      new ProfiledIterationTime(new double[] {90_000, 700, 0.8, 3_000, 5_000, 11, 650});

  private static final Calibration CALIBRATION = new Calibration(5, 60, 50, 20, 4, 120, 4);

  private static final int BLOCKS = CALIBRATION.blocks(4);
  private static final Clockwork EXECUTOR = new Clockwork();

  private static IterationProfile profile;
  private static final List<List<Step>> PASSES = new ArrayList<>();

  @TempDir Path folder;

  @BeforeAll
  static void calibrate() {
    for (int pass = 0; pass < 3; pass++) {
      PASSES.add(CALIBRATION.pass(EXECUTOR, newPool()));
    }
    profile =
        CALIBRATION.profile(EXECUTOR, PASSES, "random weights, seed 1", "2026-01-31T12:00:00Z");
  }

  @AfterAll
  static void close() {
    EXECUTOR.close();
  }

  private static PagedKvBlockPool newPool() {
    return PagedKvBlockPool.of(PagedKvConfig.of(4, BLOCKS));
  }

  @Test
  void theTimesOfAnExecutorAreFoundThroughDisturbedPasses() {
    for (Part part : Part.values()) {
      double truth = TRUTH.nanosPer(part);
      assertThat(profile.time().nanosPer(part))
          .as(part.label())
          .isCloseTo(truth, offset(0.01 * truth + 0.05));
    }
    assertThat(profile.fit().steps()).isEqualTo(96);
    assertThat(profile.heldOut().steps()).isEqualTo(24);
    assertThat(profile.heldOut().p95RelativeError()).isLessThan(1e-3);
  }

  @Test
  void theTimeOfAStepIsTheMedianOverThePasses() {
    // The second pass took three times as long; the median of two is their mean.
    IterationProfile two =
        CALIBRATION.profile(
            EXECUTOR, PASSES.subList(0, 2), "random weights", "2026-01-31T12:00:00Z");
    assertThat(two.repetitions()).isEqualTo(2);
    assertThat(two.time().nanosPer(Part.STEP)).isCloseTo(2 * 90_000, offset(1_800.0));
  }

  @Test
  void passesOfOtherStepsAreRefused() {
    List<Step> first = PASSES.get(0);
    List<Step> swapped = new ArrayList<>(first);
    swapped.set(7, first.get(8));
    assertThatThrownBy(() -> CALIBRATION.profile(EXECUTOR, List.of(), "w", "t"))
        .hasMessage("passes must have at least 1 pass, but has none");
    assertThatThrownBy(() -> CALIBRATION.profile(EXECUTOR, List.of(first, swapped), "w", "t"))
        .hasMessage("pass 1 must have the 120 steps of this calibration");
    assertThatThrownBy(
            () -> CALIBRATION.profile(EXECUTOR, List.of(first, first.subList(0, 119)), "w", "t"))
        .hasMessage("pass 1 must have the 120 steps of this calibration");
  }

  @Test
  void withoutDraftsNoneIsMeasured() {
    Calibration plain = new Calibration(5, 60, 50, 20, 0, 120, 4);
    List<Step> steps = plain.pass(EXECUTOR, newPool());
    assertThat(steps).hasSize(120).allMatch(step -> step.draftTokens() == 0);
  }

  @Test
  void stepsAreSpreadOverAllParts() {
    assertThat(profile.largest().get(Part.PREFILL_TOKEN.index())).isBetween(40L, 60L * 5);
    assertThat(profile.largest().get(Part.DECODE.index())).isEqualTo(5);
    assertThat(profile.largest().get(Part.PREFILL_CHUNK.index())).isGreaterThan(1);
    assertThat(profile.largest().get(Part.DRAFT_TOKEN.index())).isGreaterThan(5);
    assertThat(profile.largest().get(Part.DECODE_CONTEXT_TOKEN.index())).isGreaterThan(100);
  }

  @Test
  void aProfileIsReadAsWritten() throws IOException {
    Path file = folder.resolve("p.json");
    ProfileFile.write(profile, file);
    IterationProfile read = ProfileFile.read(file);
    for (Part part : Part.values()) {
      assertThat(read.time().nanosPer(part)).isEqualTo(profile.time().nanosPer(part));
    }
    assertThat(read).usingRecursiveComparison().ignoringFields("time").isEqualTo(profile);
    assertThat(read.summary())
        .isEqualTo(
            "tiny in float on clockwork (a clock), measured 2026-01-31T12:00:00Z by the clock wall");
    assertThat(Files.list(folder)).containsExactly(file);
  }

  @ParameterizedTest
  @CsvSource(
      delimiter = '|',
      value = {
        "headway-iteration-profile/1 | other/2 | schema must be 'headway-iteration-profile/1', but was 'other/2'",
        "\"executor\" | \"executer\" | executor is missing",
        "\"threads\" : 1 | \"threads\" : 0 | threads must be a whole number of at least 1, but was 0",
        "\"threads\" : 1 | \"threads\" : 1.5 | threads must be a whole number of at least 1, but was 1.5",
        "\"threads\" : 1 | \"threads\" : 99999999999 | threads must be at most 2147483647",
        "\"threads\" : 1 | \"threads\" : 1, \"more\" : 2 | more is no field of a profile",
        "\"threads\" : 1 | \"threads\" : 1, \"threads\" : 2 | is not valid JSON",
        "\"headDim\" : 8 | \"headDim\" : 7 | model: headDim must be even",
        "\"qkvBias\" : false | \"qkvBias\" : 0 | model.qkvBias must be true or false",
        "\"precision\" : \"float\" | \"precision\" : \"int4\" | precision must be one of [bfloat16, float, double], but was 'int4'",
        "2026-01-31T12:00:00Z | yesterday | measuredAt must be an instant such as",
        "\"ropeTheta\" : 10000.0 | \"ropeTheta\" : -1 | model.ropeTheta must be a finite number of at least 0",
        "\"decode\" : 5 | \"decode\" : \"x\" | largest.decode must be a whole number",
        "\"clock\" : \"wall\" | \"clock\" : 1 | clock must be text, but was 1",
        "\"device\" : \"a clock\" | \"device\" : \"\" | device must be text",
        "\"p95RelativeError\" | \"p96RelativeError\" | p95RelativeError is missing",
      })
  void eachFieldIsChecked(String from, String to, String message) throws IOException {
    Path file = folder.resolve("p.json");
    ProfileFile.write(profile, file);
    String text = Files.readString(file);
    assertThat(text).contains(from);
    Files.writeString(file, text.replaceFirst(Pattern.quote(from), to));
    assertThatThrownBy(() -> ProfileFile.read(file))
        .isInstanceOf(ProfileException.class)
        .hasMessageStartingWith(file + ": ")
        .hasMessageContaining(message)
        .satisfies(e -> assertThat(e.getMessage()).doesNotContain("\n"));
  }

  @Test
  void filesThatAreNoProfilesAreRefused() throws IOException {
    refused("", "must hold a JSON object");
    refused("[]", "must hold a JSON object");
    refused("{", "is not valid JSON");
    refused("{}", "schema must be");
    refused("[".repeat(5_000), "is not valid JSON");
    refused(" ".repeat(100_000), "must have at most 65536 bytes, but has 100000");
    // The coefficients come behind the sizes of the same names.
    String whole = text();
    int coefficients = whole.indexOf("\"nanosPer\"");
    refused(
        whole.substring(0, coefficients)
            + whole.substring(coefficients).replaceFirst("\"step\" : ", "\"step\" : -"),
        "nanosPer.step must be a finite number of at least 0");
  }

  @Test
  void settingsOutOfRangeAreNamed() {
    assertThatThrownBy(() -> new Calibration(0, 1, 1, 2, 0, 50, 0))
        .hasMessage("maxSequences must be at least 1 sequence, but was 0");
    assertThatThrownBy(() -> new Calibration(1, 1, 1, 2, 0, 49, 0))
        .hasMessage("steps must be at least 50 steps, but was 49");
  }

  private String text() throws IOException {
    Path file = folder.resolve("whole.json");
    ProfileFile.write(profile, file);
    return Files.readString(file);
  }

  private void refused(String text, String message) throws IOException {
    Path file = Files.writeString(folder.resolve("p.json"), text);
    assertThatThrownBy(() -> ProfileFile.read(file))
        .isInstanceOf(ProfileException.class)
        .hasMessageContaining(message);
  }

  /** Computes for real and reports times made by a formula; one pass in three is disturbed. */
  private static final class Clockwork extends ForwardingExecutor {
    private final IterationShape shape = new IterationShape();
    private int steps;

    Clockwork() {
      super(
          new CpuExecutorProvider()
              .open(
                  new SeededWeights(DecoderShape.TINY, 1),
                  ExecutorOptions.of(4, BLOCKS, CALIBRATION.maxSequences())
                      .withDrafter(Calibration::draftAll)));
    }

    @Override
    public void enqueue(BatchPlan plan, StepResult result) {
      delegate().execute(plan, result);
      PlanShapes.describe(plan, shape);
      int pass = steps++ / CALIBRATION.steps();
      result.elapsed(TRUTH.nanos(shape) * (pass == 1 ? 3 : 1));
    }

    @Override
    public String id() {
      return "clockwork";
    }

    @Override
    public String device() {
      return "a clock";
    }
  }
}
