package io.headway.simulator.cluster;

import io.headway.api.RandomSource;
import io.headway.api.Request;
import io.headway.api.prediction.LengthPredictor;
import io.headway.runtime.EngineScheduler;

/**
 * A length predictor with the one state that all instances of a run share, as a service beside a
 * cluster would keep it.
 */
final class Predictor<S> {
  private final LengthPredictor<S> predictor;
  private final S state;

  Predictor(LengthPredictor<S> predictor) {
    this.predictor = predictor;
    state = predictor.newState();
  }

  void giveTo(EngineScheduler.Builder engine) {
    engine.predictor(predictor, state);
  }

  void reveal(Request request, int outputTokens, RandomSource random) {
    predictor.reveal(state, request, outputTokens, random);
  }
}
