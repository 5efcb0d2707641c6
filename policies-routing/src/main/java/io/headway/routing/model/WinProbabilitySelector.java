package io.headway.routing.model;

import io.headway.api.Request;
import io.headway.api.Stateless;
import io.headway.api.routing.ModelSelector;
import java.util.Arrays;

/**
 * Sends a request to the strong model if that is likely enough to answer better than the weak one.
 *
 * <p>Weak is the first, strong the last usable model of the view: context, capabilities and
 * entitlement allow the request. With the predicted probability {@code w} that the strong answer
 * wins: strong iff {@code w >= alpha}. An unknown probability, negative or NaN, counts as 1:
 * quality is never risked on a guess, unless {@code alpha} is above 1, which is never strong.
 * {@link #calibrate} finds the {@code alpha} for a wanted share of strong answers.
 *
 * <p>Raising {@code alpha} never sends a request to the strong model that was weak before. Rules
 * named in the draft: {@code weak}, {@code strong}. Cost: O(models). Safe for any number of
 * threads.
 *
 * <p>Ong et al.: RouteLLM, 2024 (arXiv 2406.18665). The predictor of {@code w} is the caller's. The
 * paper gives no default threshold; 0.5 is this library's.
 */
public final class WinProbabilitySelector implements ModelSelector<Stateless> {
  /** Threshold unless configured otherwise. */
  public static final double DEFAULT_ALPHA = 0.5;

  private final double alpha;

  /**
   * Creates the policy.
   *
   * @param alpha threshold, at least 0; infinite for never strong; 0.5 by default
   */
  public WinProbabilitySelector(double alpha) {
    if (!(alpha >= 0)) {
      throw new IllegalArgumentException("alpha must be at least 0, but was " + alpha);
    }
    this.alpha = alpha;
  }

  /**
   * Returns the smallest threshold among observed probabilities at which at most a share of them is
   * strong: the {@code 1 - strongShare} quantile.
   *
   * @param winProbabilities probabilities of a calibration set, each from 0 to 1
   * @param strongShare wanted share of strong answers, from 0 to 1
   * @return the threshold; infinite if even the largest value would send too many
   * @throws IllegalArgumentException if a number is out of range or there are none
   */
  public static double calibrate(double[] winProbabilities, double strongShare) {
    if (winProbabilities.length == 0) {
      throw new IllegalArgumentException("winProbabilities must have at least 1 entry, but had 0");
    }
    requireShare("strongShare", strongShare);
    double[] sorted = winProbabilities.clone();
    for (int i = 0; i < sorted.length; i++) {
      requireShare("winProbabilities[" + i + "]", sorted[i]);
    }
    Arrays.sort(sorted);
    for (int i = 0; i < sorted.length; i++) {
      // All equal values are strong together, so only the first of them counts.
      if ((i == 0 || sorted[i] > sorted[i - 1])
          && sorted.length - i <= strongShare * sorted.length + 1e-9) {
        return sorted[i];
      }
    }
    return Double.POSITIVE_INFINITY;
  }

  private static void requireShare(String name, double value) {
    if (!(value >= 0 && value <= 1)) {
      throw new IllegalArgumentException(name + " must lie in 0..1, but was " + value);
    }
  }

  @Override
  public String id() {
    return "win-probability";
  }

  @Override
  public Stateless newState() {
    return Stateless.STATE;
  }

  @Override
  public void choose(Stateless state, Request request, ModelView view, ModelDraft draft) {
    int weak = Models.firstUsable(request, view, 0);
    if (weak < 0) {
      Models.rejectUnusable(request, view, draft);
      return;
    }
    int strong = view.size() - 1;
    while (!Models.usable(request, view, strong)) {
      strong--;
    }
    double predicted = view.winProbability(request);
    double win = predicted >= 0 ? predicted : 1;
    boolean takesStrong = win >= alpha;
    draft.rule(takesStrong ? "strong" : "weak");
    draft.accept(takesStrong ? strong : weak);
  }
}
