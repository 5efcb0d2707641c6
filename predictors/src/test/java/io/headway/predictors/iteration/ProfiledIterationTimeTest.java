package io.headway.predictors.iteration;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;
import static org.assertj.core.data.Offset.offset;

import io.headway.api.prediction.IterationShape;
import io.headway.predictors.iteration.ProfiledIterationTime.Part;
import io.headway.predictors.iteration.ProfiledIterationTime.Step;
import java.util.ArrayList;
import java.util.List;
import java.util.Random;
import net.jqwik.api.Example;
import net.jqwik.api.ForAll;
import net.jqwik.api.Property;

class ProfiledIterationTimeTest {
  private static final double[] TRUE = {50_000, 900, 1.5, 2_000, 4_000, 25, 1_200};

  @Property(seed = "31", tries = 20)
  void coefficientsThatMadeTheTimesAreFoundAgain(@ForAll int seed) {
    List<Step> steps = steps(new Random(seed), new ProfiledIterationTime(TRUE), 0);
    ProfiledIterationTime fitted = ProfiledIterationTime.fit(steps);
    for (Part part : Part.values()) {
      // Times are whole nanoseconds of at least 50,000.
      assertThat(fitted.nanosPer(part))
          .as(part.label())
          .isCloseTo(TRUE[part.index()], offset(1e-3 * TRUE[part.index()] + 1e-3));
    }
    assertThat(fitted.accuracy(steps).p95RelativeError()).isLessThan(1e-4);
  }

  @Property(seed = "32", tries = 20)
  void noCoefficientIsNegativeAndNoneCanBeMovedForTheBetter(@ForAll int seed) {
    Random random = new Random(seed);
    List<Step> steps = steps(random, new ProfiledIterationTime(TRUE), 0.4);
    ProfiledIterationTime fitted = ProfiledIterationTime.fit(steps);
    double[] best = new double[TRUE.length];
    for (Part part : Part.values()) {
      best[part.index()] = fitted.nanosPer(part);
      assertThat(best[part.index()]).isNotNegative();
    }
    double[] divisors = new double[steps.size()];
    double ratios = 0;
    for (int i = 0; i < divisors.length; i++) {
      divisors[i] = predicted(steps.get(i), best);
      ratios += steps.get(i).nanos() / divisors[i] / divisors.length;
    }
    assertThat(ratios).isCloseTo(1, offset(1e-6));
    double error = squares(steps, best, divisors);
    for (int part = 0; part < best.length; part++) {
      for (double change : new double[] {-0.01 * TRUE[part], 0.01 * TRUE[part]}) {
        double[] moved = best.clone();
        moved[part] = Math.max(0, moved[part] + change);
        assertThat(squares(steps, moved, divisors)).isGreaterThanOrEqualTo(error * (1 - 1e-9));
      }
    }
  }

  @Example
  void noiseThatIsAShareOfTheTimeDoesNotMakeStepsFaster() {
    // Half of the steps took 0.7, half 1.3 of the truth: their mean is it.
    ProfiledIterationTime truth = new ProfiledIterationTime(TRUE);
    List<Step> exact = steps(new Random(7), truth, 0);
    List<Step> noisy = new ArrayList<>();
    for (Step step : exact) {
      noisy.add(step.withNanos(Math.round(0.7 * step.nanos())));
      noisy.add(step.withNanos(Math.round(1.3 * step.nanos())));
    }
    ProfiledIterationTime fitted = ProfiledIterationTime.fit(noisy);
    for (Part part : Part.values()) {
      assertThat(fitted.nanosPer(part))
          .as(part.label())
          .isCloseTo(TRUE[part.index()], offset(1e-3 * TRUE[part.index()] + 1e-3));
    }
  }

  @Example
  void partsThatNeverOccurCostNothing() {
    List<Step> steps = new ArrayList<>();
    for (int decodes = 1; decodes < 9; decodes++) {
      steps.add(new Step(0, 0, 0, decodes, 0, 0, 1_000 + 100L * decodes));
    }
    ProfiledIterationTime fitted = ProfiledIterationTime.fit(steps);
    assertThat(fitted.nanosPer(Part.STEP)).isCloseTo(1_000, offset(1e-6));
    assertThat(fitted.nanosPer(Part.DECODE)).isCloseTo(100, offset(1e-6));
    assertThat(fitted.nanosPer(Part.PREFILL_TOKEN)).isZero();
    assertThat(fitted.nanosPer(Part.DRAFT_TOKEN)).isZero();
  }

  @Example
  void secondsAreTheSumOfTheParts() {
    ProfiledIterationTime time = new ProfiledIterationTime(TRUE);
    IterationShape shape = new IterationShape();
    assertThat(time.nanos(shape)).isZero();
    shape.addPrefill(10, 5);
    shape.addDecode(100);
    shape.addVerify(50, 3);
    shape.addPadding(7);
    long pairs = 10 * 5 + 55;
    assertThat(time.nanos(shape))
        .isEqualTo(Math.round(50_000 + 9_000 + 1.5 * pairs + 2_000 + 8_000 + 25 * 150 + 3_600));
    assertThat(Step.of(shape, 5)).isEqualTo(new Step(10, pairs, 1, 2, 150, 3, 5));
  }

  @Example
  void accuracyIsMeasuredAsItSays() {
    ProfiledIterationTime time = new ProfiledIterationTime(new double[] {100, 0, 0, 0, 0, 0, 0});
    List<Step> steps = new ArrayList<>();
    for (int i = 0; i < 20; i++) {
      steps.add(new Step(0, 0, 0, 1, 0, 0, i == 0 ? 50 : i == 1 ? 200 : 100));
    }
    ProfiledIterationTime.Accuracy accuracy = time.accuracy(steps);
    assertThat(accuracy.steps()).isEqualTo(20);
    assertThat(accuracy.meanRelativeError()).isCloseTo((1 + 0.5) / 20, offset(1e-12));
    assertThat(accuracy.p95RelativeError()).isCloseTo(0.5, offset(1e-12));
    assertThat(accuracy.totalRelativeError()).isCloseTo(2_000.0 / 2_050 - 1, offset(1e-12));
  }

  @Example
  void whatIsWrongIsNamed() {
    assertThatThrownBy(() -> new ProfiledIterationTime(new double[3]))
        .hasMessage("nanosPer must have one coefficient for each of the 7 parts, but has 3");
    assertThatThrownBy(() -> new ProfiledIterationTime(new double[7]))
        .hasMessage("some coefficient must be above 0 ns, but all are 0");
    assertThatThrownBy(() -> new ProfiledIterationTime(new double[] {1, 0, 0, -2, 0, 0, 0}))
        .hasMessage(
            "the coefficient of prefillChunk must be finite and at least 0 ns, but was -2.0");
    assertThatThrownBy(() -> ProfiledIterationTime.fit(List.of()))
        .hasMessage("steps must have at least 1 step, but has none");
    assertThatThrownBy(() -> new Step(0, 0, 0, 1, 0, 0, 0))
        .hasMessage("nanos must be at least 1 ns, but was 0");
    assertThatThrownBy(() -> new Step(-1, 0, 0, 1, 0, 0, 1))
        .hasMessage("the work of a step must be at least 0 in every part");
  }

  private static double squares(List<Step> steps, double[] coefficients, double[] divisors) {
    double sum = 0;
    for (int i = 0; i < divisors.length; i++) {
      double error = (steps.get(i).nanos() - predicted(steps.get(i), coefficients)) / divisors[i];
      sum += error * error;
    }
    return sum;
  }

  private static double predicted(Step step, double[] coefficients) {
    double[] work = step.work();
    double predicted = 0;
    for (int part = 0; part < work.length; part++) {
      predicted += coefficients[part] * work[part];
    }
    return predicted;
  }

  private static List<Step> steps(Random random, ProfiledIterationTime truth, double noise) {
    List<Step> steps = new ArrayList<>();
    IterationShape shape = new IterationShape();
    for (int i = 0; i < 150; i++) {
      shape.clear();
      for (int chunk = random.nextInt(3); chunk > 0; chunk--) {
        shape.addPrefill(1 + random.nextInt(200), random.nextInt(300));
      }
      for (int row = random.nextInt(9); row > 0; row--) {
        if (random.nextInt(4) == 0) {
          shape.addVerify(random.nextInt(400), 1 + random.nextInt(4));
        } else {
          shape.addDecode(random.nextInt(400));
        }
      }
      if (shape.isEmpty()) {
        shape.addDecode(1);
      }
      double nanos = truth.nanos(shape) * (1 + noise * (random.nextDouble() - 0.5));
      steps.add(Step.of(shape, Math.round(nanos)));
    }
    return steps;
  }
}
