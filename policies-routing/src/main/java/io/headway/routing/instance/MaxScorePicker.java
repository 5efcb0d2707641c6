package io.headway.routing.instance;

import static java.util.Objects.requireNonNull;

import io.headway.api.Stateless;
import io.headway.api.routing.ClusterView;
import io.headway.api.routing.InstancePicker;

/**
 * Picks the candidate with the highest score. Ties by {@link TieBreak}; the Gateway API Inference
 * Extension shuffles them instead. Cost O(M), no allocation; keeps nothing.
 */
public final class MaxScorePicker implements InstancePicker<Stateless> {
  private final TieBreak ties;

  /**
   * Makes the picker.
   *
   * @param ties who wins among equals
   */
  public MaxScorePicker(TieBreak ties) {
    this.ties = requireNonNull(ties, "ties");
  }

  @Override
  public String id() {
    return "max-score";
  }

  @Override
  public Stateless newState() {
    return Stateless.STATE;
  }

  @Override
  public int pick(Stateless state, ClusterView view, boolean[] candidate, double[] score) {
    int best = -1;
    for (int i = 0; i < view.size(); i++) {
      if (candidate[i]
          && (best < 0
              || score[i] > score[best]
              || (score[i] == score[best]
                  && ties.replaces(view.instance(i), view.instance(best))))) {
        best = i;
      }
    }
    return best;
  }
}
