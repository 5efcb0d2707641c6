package io.headway.runtime;

import io.headway.api.Request;
import io.headway.api.prediction.Calibrator;
import io.headway.api.prediction.Estimate;
import io.headway.api.prediction.ServiceTimePredictor;
import java.util.LinkedHashMap;
import java.util.Map;
import org.jspecify.annotations.Nullable;

/**
 * A predictor of service times with its state, and its calibrator with one state for all requests
 * or one per kind of work. Guarded by the cluster's lock.
 */
final class ServicePredictions<P, C> {
  /** Kinds of work that have a calibrator state of their own; later ones share one. */
  private static final int MAX_KINDS = 64;

  private static final double NANOS_PER_SECOND = 1e9;

  /** About 70 years: sums of predictions stay within a long. */
  private static final double MAX_NANOS = 0x1p61;

  private final ServiceTimePredictor<P> predictor;
  private final P state;
  private final @Nullable Calibrator<C> calibrator;
  private final boolean perKind;
  private final Map<String, C> calibrations = new LinkedHashMap<>();
  private final Estimate estimate = new Estimate();
  private @Nullable RuntimeException fault;

  ServicePredictions(
      ServiceTimePredictor<P> predictor,
      P state,
      @Nullable Calibrator<C> calibrator,
      boolean perKind) {
    this.predictor = predictor;
    this.state = state;
    this.calibrator = calibrator;
    this.perKind = perKind;
  }

  String id() {
    return predictor.id();
  }

  /** Returns what predictor or calibrator threw since the last call, if anything. */
  @Nullable RuntimeException takeFault() {
    RuntimeException taken = fault;
    fault = null;
    return taken;
  }

  /** Puts back what {@link #takeFault} returned, in place of anything thrown since. */
  void keepFault(@Nullable RuntimeException taken) {
    fault = taken;
  }

  /** Returns the raw prediction in nanoseconds; -1 if there is none or the predictor fails. */
  long predict(Request request) {
    estimate.none();
    try {
      predictor.estimateSeconds(state, request, 0, estimate);
    } catch (RuntimeException e) {
      fault = e;
      return -1;
    }
    if (!estimate.isPresent() || estimate.value() < 0) {
      return -1;
    }
    return nanos(estimate.value());
  }

  /** Returns a prediction corrected by recent errors; as it is if the calibrator fails. */
  long calibrate(Request request, long predictedNanos) {
    if (calibrator == null) {
      return predictedNanos;
    }
    try {
      double seconds =
          calibrator.adjust(calibration(calibrator, request), predictedNanos / NANOS_PER_SECOND);
      return seconds >= 0 ? nanos(seconds) : predictedNanos;
    } catch (RuntimeException e) {
      fault = e;
      return predictedNanos;
    }
  }

  void learn(Request request, int outputTokens, long predictedNanos, long serviceNanos) {
    double seconds = serviceNanos / NANOS_PER_SECOND;
    try {
      predictor.observe(state, request, 0, Math.max(0, outputTokens), seconds);
      if (calibrator != null && predictedNanos >= 0) {
        calibrator.observe(
            calibration(calibrator, request), predictedNanos / NANOS_PER_SECOND, seconds);
      }
    } catch (RuntimeException e) {
      fault = e;
    }
  }

  private C calibration(Calibrator<C> source, Request request) {
    String kind = perKind ? request.workload() : "";
    C known = calibrations.get(kind);
    if (known == null) {
      if (calibrations.size() >= MAX_KINDS) {
        kind = "";
      }
      known = calibrations.computeIfAbsent(kind, k -> source.newState());
    }
    return known;
  }

  private static long nanos(double seconds) {
    return (long) Math.min(MAX_NANOS, Math.rint(seconds * NANOS_PER_SECOND));
  }
}
