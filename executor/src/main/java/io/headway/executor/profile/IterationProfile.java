package io.headway.executor.profile;

import static java.util.Objects.requireNonNull;

import io.headway.api.model.DecoderShape;
import io.headway.executor.Precision;
import io.headway.predictors.iteration.ProfiledIterationTime;
import io.headway.predictors.iteration.ProfiledIterationTime.Part;
import io.headway.predictors.iteration.ProfiledIterationTime.Step;
import java.util.Arrays;
import java.util.List;
import java.util.Locale;

/**
 * How long the iterations of one executor take, and where that is known from.
 *
 * @param executor id of the executor's provider, such as {@code cpu}
 * @param device device and driver or virtual machine, in words
 * @param model the model that was run
 * @param weights where its parameters came from
 * @param precision number format
 * @param blockTokens tokens a KV block
 * @param threads threads on the host
 * @param clock id of the {@link io.headway.executor.StepClock} that the times are of
 * @param measuredAt when, as an ISO 8601 instant
 * @param repetitions how often each step was measured; its time is the median
 * @param largest the most work of each part in a step, in the order of {@link
 *     ProfiledIterationTime.Part}; beyond it the model extrapolates
 * @param time the fitted model
 * @param fit its errors on the steps it was fitted to
 * @param heldOut its errors on the steps that were left out
 */
public record IterationProfile(
    String executor,
    String device,
    DecoderShape model,
    String weights,
    Precision precision,
    int blockTokens,
    int threads,
    String clock,
    String measuredAt,
    int repetitions,
    List<Long> largest,
    ProfiledIterationTime time,
    ProfiledIterationTime.Accuracy fit,
    ProfiledIterationTime.Accuracy heldOut) {

  /** Checks that everything is there, and copies the list. */
  public IterationProfile {
    requireNonNull(executor, "executor");
    requireNonNull(device, "device");
    requireNonNull(model, "model");
    requireNonNull(weights, "weights");
    requireNonNull(precision, "precision");
    requireNonNull(clock, "clock");
    requireNonNull(measuredAt, "measuredAt");
    requireNonNull(time, "time");
    requireNonNull(fit, "fit");
    requireNonNull(heldOut, "heldOut");
    if (largest.size() != ProfiledIterationTime.Part.values().length) {
      throw new IllegalArgumentException(
          "largest must have one entry per part, but has " + largest.size());
    }
    largest = List.copyOf(largest);
  }

  /**
   * Returns the parts of which some step has more than any that was measured, so that the model
   * extrapolates.
   *
   * @param steps what is or was to be predicted
   * @return in their order; none if all steps are within what was measured
   */
  public List<Part> beyond(List<Step> steps) {
    return Arrays.stream(Part.values())
        .filter(
            part -> steps.stream().anyMatch(step -> step.work(part) > largest.get(part.index())))
        .toList();
  }

  /**
   * Describes the profile in a line.
   *
   * @return model, device, date and clock
   */
  public String summary() {
    return model.name()
        + " in "
        + precision.name().toLowerCase(Locale.ROOT)
        + " on "
        + executor
        + " ("
        + device
        + "), measured "
        + measuredAt
        + " by the clock "
        + clock;
  }
}
