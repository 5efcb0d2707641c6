package io.headway.routing.moe;

import io.headway.api.moe.ExpertAssignments;
import io.headway.api.moe.RouterInput;

/** Balance losses over counts and summed probabilities; off the serving path. */
final class Losses {
  private Losses() {}

  /**
   * Reports {@code weight * E * sum_e f_e * P_e}, with {@code f} the share of {@code choices} and
   * {@code P} the mean probability over the tokens that are not padding.
   */
  static void switchBalance(
      RouterInput in,
      ExpertAssignments out,
      int[] count,
      long choices,
      double[] sums,
      double weight) {
    int experts = in.experts();
    double[] share = out.signals().add(MoeSignals.CHOICE_SHARE, 1, experts);
    double[] mean = out.signals().add(MoeSignals.MEAN_PROBABILITY, 1, experts);
    double loss = 0;
    if (choices > 0) {
      for (int e = 0; e < experts; e++) {
        share[e] = (double) count[e] / choices;
        mean[e] = sums[e] / in.realTokens();
        loss += share[e] * mean[e];
      }
    }
    out.signals().add(MoeSignals.AUXILIARY_LOSS, weight * experts * loss);
  }

  static void zLoss(RouterInput in, ExpertAssignments out, double squares) {
    out.signals().add(MoeSignals.Z_LOSS, in.realTokens() == 0 ? 0 : squares / in.realTokens());
  }
}
