package io.headway.runtime;

import io.headway.api.Request;

/** Predicts the remaining output of a request; what the scheduler's predictor is reduced to. */
interface RemainingTokens {
  /** Uses what the request itself carries, less what was generated, at least 1. */
  RemainingTokens DECLARED =
      new RemainingTokens() {
        @Override
        public boolean has(Request request, int generatedTokens) {
          return request.hasPredictedOutput();
        }

        @Override
        public int remaining(Request request, int generatedTokens) {
          return Math.max(1, request.predictedOutputTokens() - generatedTokens);
        }
      };

  boolean has(Request request, int generatedTokens);

  int remaining(Request request, int generatedTokens);
}
