package io.headway.predictors.length;

import io.headway.api.Request;
import io.headway.api.prediction.LengthEstimate;
import io.headway.api.prediction.LengthPredictor;
import java.util.HashMap;
import java.util.Map;

/**
 * Predicts the remaining output of running requests from the serving model's own hidden states:
 * whoever has the classifier hands its bin probabilities to {@link Posteriors#refine} after every
 * token, and the {@link TrailPosterior} of the request is the answer (TRAIL, ICLR 2025, arXiv
 * 2410.01035).
 *
 * <p>Requests never refined are answered by {@code none}. The answer is clipped to what the request
 * may still produce; the last bin stands for everything beyond. O(k) per answer, no allocation.
 */
public final class TrailLength implements LengthPredictor<TrailLength.Posteriors> {
  private final int bins;
  private final double binTokens;
  private final double temper;

  /**
   * Makes a predictor.
   *
   * @param bins number of bins, at least 1
   * @param binTokens width of a bin, at least 1 token
   * @param temper exponent on the classifier's probabilities, above 0; 1 for none
   * @throws IllegalArgumentException if a value is out of range
   */
  public TrailLength(int bins, double binTokens, double temper) {
    this.bins = bins;
    this.binTokens = binTokens;
    this.temper = temper;
    newPosterior();
  }

  private TrailPosterior newPosterior() {
    return new TrailPosterior(bins, binTokens, temper);
  }

  @Override
  public String id() {
    return "trail";
  }

  @Override
  public Posteriors newState() {
    return new Posteriors(this);
  }

  @Override
  public void estimate(
      Posteriors state, Request request, int generatedTokens, LengthEstimate into) {
    TrailPosterior posterior = state.byRequest.get(request.id());
    if (posterior == null) {
      into.none();
    } else {
      into.point(
          Math.max(
              0, Math.min(posterior.remainingTokens(), request.maxNewTokens() - generatedTokens)));
    }
  }

  @Override
  public void observe(Posteriors state, Request request, int outputTokens, boolean censored) {
    state.byRequest.remove(request.id());
  }

  /** The filters of the requests now running. */
  public static final class Posteriors {
    private final TrailLength predictor;
    private final Map<String, TrailPosterior> byRequest = new HashMap<>();

    private Posteriors(TrailLength predictor) {
      this.predictor = predictor;
    }

    /**
     * Takes in the classifier's answer for one request after one more token.
     *
     * @param request a running request
     * @param probabilities one number per bin, at least 0, not all 0
     * @throws IllegalArgumentException if the length differs or a number is out of range
     */
    public void refine(Request request, double[] probabilities) {
      byRequest.computeIfAbsent(request.id(), id -> predictor.newPosterior()).step(probabilities);
    }
  }
}
