package io.headway.routing.instance;

import io.headway.api.Stateless;
import io.headway.api.routing.ClusterView;
import io.headway.api.routing.InstancePicker;

/**
 * Picks a candidate at random, uniformly or in proportion to its score (Gateway API Inference
 * Extension's {@code random} and {@code weighted-random} pickers).
 *
 * <p>One draw, none with a single candidate. In proportion, the first candidate whose cumulative
 * share exceeds the draw; if all scores are 0, uniformly. Cost O(M), no allocation; keeps nothing.
 */
public final class RandomPicker implements InstancePicker<Stateless> {
  private final boolean weighted;

  /**
   * Makes the picker.
   *
   * @param weighted whether scores are shares
   */
  public RandomPicker(boolean weighted) {
    this.weighted = weighted;
  }

  @Override
  public String id() {
    return weighted ? "weighted-random" : "random";
  }

  @Override
  public Stateless newState() {
    return Stateless.STATE;
  }

  @Override
  public int pick(Stateless state, ClusterView view, boolean[] candidate, double[] score) {
    double sum = 0;
    int count = 0;
    int last = -1;
    for (int i = 0; i < view.size(); i++) {
      if (candidate[i]) {
        sum += score[i];
        count++;
        last = i;
      }
    }
    if (count == 1) {
      return last;
    }
    boolean byShare = weighted && sum > 0;
    double drawn = view.random().nextDouble() * (byShare ? sum : count);
    double passed = 0;
    for (int i = 0; i < last; i++) {
      if (candidate[i]) {
        passed += byShare ? score[i] : 1;
        if (passed > drawn) {
          return i;
        }
      }
    }
    return last;
  }
}
