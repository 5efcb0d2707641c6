package io.headway.testkit.mutant;

import io.headway.api.Request;
import io.headway.api.prediction.LengthEstimate;
import io.headway.api.prediction.LengthPredictor;
import org.jspecify.annotations.Nullable;

/**
 * A small predictor that is correct unless a fault is planted: the mean length of the requests that
 * ended by themselves, less what was generated, but at least 0; none before the first.
 */
final class ReferenceLengths implements LengthPredictor<ReferenceLengths.Sum> {
  /** A history. */
  static final class Sum {
    long requests;
    long tokens;
  }

  private final @Nullable PolicyFault fault;
  private final Sum own = new Sum();

  ReferenceLengths(@Nullable PolicyFault fault) {
    this.fault = fault;
  }

  private boolean has(PolicyFault planted) {
    return fault == planted;
  }

  @Override
  public String id() {
    return "reference";
  }

  @Override
  public Sum newState() {
    return new Sum();
  }

  private Sum history(Sum state) {
    return has(PolicyFault.H_75) ? own : state;
  }

  @Override
  public void estimate(Sum state, Request request, int generatedTokens, LengthEstimate into) {
    Sum history = history(state);
    if (history.requests == 0) {
      into.none();
      return;
    }
    double rest = (double) history.tokens / history.requests - generatedTokens;
    into.point(has(PolicyFault.H_76) ? rest : Math.max(0, rest));
    if (has(PolicyFault.H_74)) {
      history.requests++;
    }
  }

  @Override
  public void observe(Sum state, Request request, int outputTokens, boolean censored) {
    if (!censored || has(PolicyFault.H_77)) {
      Sum history = history(state);
      history.requests++;
      history.tokens += outputTokens;
    }
  }
}
