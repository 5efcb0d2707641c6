package io.headway.predictors.service;

import io.headway.api.Request;

/**
 * What the learned service-time predictors see of a request, all of order 1: {@code (1, uncached
 * prompt / 1000, cached prompt / 1000, output / 1000)}. The output is the request's own predicted
 * length if it has one, else its declared cap.
 */
final class ServiceFeatures {
  static final int DIMENSION = 4;
  private static final double SCALE = 1000;

  private ServiceFeatures() {}

  static void fill(double[] features, Request request, int cachedTokens) {
    features[0] = 1;
    features[1] = (request.promptTokens() - cachedTokens) / SCALE;
    features[2] = cachedTokens / SCALE;
    features[3] =
        (request.hasPredictedOutput()
                ? Math.min(request.predictedOutputTokens(), request.maxNewTokens())
                : request.maxNewTokens())
            / SCALE;
  }

  static void requireTime(double serviceSeconds) {
    if (!(serviceSeconds >= 0) || Double.isInfinite(serviceSeconds)) {
      throw new IllegalArgumentException(
          "serviceSeconds must be finite and at least 0 s, but was " + serviceSeconds);
    }
  }
}
