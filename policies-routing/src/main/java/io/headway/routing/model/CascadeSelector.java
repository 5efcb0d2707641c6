package io.headway.routing.model;

import io.headway.api.Request;
import io.headway.api.Stateless;
import io.headway.api.routing.ModelSelector;

/**
 * Asks models from the cheapest up until one is confident enough of its answer.
 *
 * <p>The first usable model (context, capabilities, entitlement) answers. Its answer is kept iff
 * its confidence is at least the threshold of its level, else the next usable model is asked; the
 * last one's answer is always kept. The cost of a request is the sum of the prices of all levels
 * that were asked: at least the cheapest's, at most everybody's. {@link CascadeThresholds} finds
 * thresholds from recorded answers.
 *
 * <p>Level {@code i} is model {@code i} of the view; levels beyond the given thresholds use the
 * last one. Without any threshold, as for a single level, every answer is kept. A confidence that
 * is NaN is below every threshold. Rule named in the draft: {@code first}. Cost: O(models). Safe
 * for any number of threads.
 *
 * <p>Chen, Zaharia, Zou: FrugalGPT, 2023 (arXiv 2305.05176). The score of an answer is the
 * caller's. The paper learns its thresholds; 0.5 for every level is this library's default.
 */
public final class CascadeSelector implements ModelSelector<Stateless> {
  /** Threshold of every level unless configured otherwise. */
  public static final double DEFAULT_THRESHOLD = 0.5;

  private final double[] thresholds;

  /**
   * Creates the policy.
   *
   * @param thresholds least confidence per level, each from 0 to 1; copied
   */
  public CascadeSelector(double... thresholds) {
    for (int i = 0; i < thresholds.length; i++) {
      if (!(thresholds[i] >= 0 && thresholds[i] <= 1)) {
        throw new IllegalArgumentException(
            "thresholds[" + i + "] must lie in 0..1, but was " + thresholds[i]);
      }
    }
    this.thresholds = thresholds.clone();
  }

  @Override
  public String id() {
    return "cascade";
  }

  @Override
  public Stateless newState() {
    return Stateless.STATE;
  }

  @Override
  public void choose(Stateless state, Request request, ModelView view, ModelDraft draft) {
    int first = Models.firstUsable(request, view, 0);
    if (first < 0) {
      Models.rejectUnusable(request, view, draft);
      return;
    }
    draft.rule("first");
    draft.accept(first);
  }

  @Override
  public int escalate(
      Stateless state, Request request, ModelView view, int answered, double confidence) {
    if (thresholds.length == 0) {
      return NONE;
    }
    double threshold = thresholds[Math.min(answered, thresholds.length - 1)];
    return confidence >= threshold ? NONE : Models.firstUsable(request, view, answered + 1);
  }
}
