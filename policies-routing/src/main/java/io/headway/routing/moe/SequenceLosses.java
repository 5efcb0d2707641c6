package io.headway.routing.moe;

import io.headway.api.moe.DeviceMap;
import io.headway.api.moe.ExpertAssignments;
import io.headway.api.moe.RouterInput;
import io.headway.api.moe.RoutingSignals;
import io.headway.api.moe.Workspace;
import java.util.Arrays;

/** Balance losses that are taken per sequence, over softmax affinities; off the serving path. */
final class SequenceLosses {
  private static final int COUNT = TokenChoice.OWN + 6;
  private static final int MEAN = TokenChoice.OWN + 6;

  private SequenceLosses() {}

  /** Reports the expert-level and device-level losses of DeepSeekMoE with their statistics. */
  static void report(
      RouterInput in,
      ExpertAssignments out,
      int[] expert,
      int k,
      DeviceMap map,
      double expertWeight,
      double deviceWeight) {
    int experts = in.experts();
    if (map.experts() != experts) {
      throw new IllegalArgumentException(
          "deviceMap must have " + experts + " experts, but had " + map.experts());
    }
    int sequences = in.sequenceCount();
    int devices = map.devices();
    RoutingSignals signals = out.signals();
    double[] expertLoss = signals.add(MoeSignals.EXPERT_BALANCE_LOSS, 1, sequences);
    double[] deviceLoss = signals.add(MoeSignals.DEVICE_BALANCE_LOSS, 1, sequences);
    double[] share = signals.add(MoeSignals.CHOICE_SHARE, sequences, experts);
    double[] mean = signals.add(MoeSignals.MEAN_PROBABILITY, sequences, experts);
    double[] deviceShare = signals.add(MoeSignals.DEVICE_CHOICE_SHARE, sequences, devices);
    double[] deviceMean = signals.add(MoeSignals.DEVICE_MEAN_PROBABILITY, sequences, devices);
    Workspace work = out.workspace();
    int[] count = work.ints(COUNT, Math.max(experts, devices));
    double[] sums = work.doubles(MEAN, experts);
    int from = 0;
    for (int s = 0; s < sequences; s++) {
      int to = from + in.sequenceTokens(s);
      int real = softmaxSums(in, work, from, to, sums);
      TokenChoice.countChoices(expert, from * k, to * k, experts, count);
      for (int e = 0; e < experts && real > 0; e++) {
        int at = s * experts + e;
        share[at] = k == 0 ? 0 : (double) experts * count[e] / ((double) k * real);
        mean[at] = sums[e] / real;
        expertLoss[s] += expertWeight * share[at] * mean[at];
        deviceShare[s * devices + map.device(e)] += share[at];
        deviceMean[s * devices + map.device(e)] += mean[at];
      }
      Arrays.fill(count, 0, devices, 0);
      for (int e = 0; e < experts; e++) {
        count[map.device(e)]++;
      }
      for (int d = 0; d < devices; d++) {
        int at = s * devices + d;
        deviceShare[at] = count[d] == 0 ? 0 : deviceShare[at] / count[d];
        deviceLoss[s] += deviceWeight * deviceShare[at] * deviceMean[at];
      }
      from = to;
    }
  }

  /** Sums the softmax probabilities of a range of tokens and returns how many are not padding. */
  private static int softmaxSums(RouterInput in, Workspace work, int from, int to, double[] sums) {
    int experts = in.experts();
    double[] row = work.doubles(TokenChoice.ROW, experts);
    double[] exponential = work.doubles(TokenChoice.EXPONENTIAL, experts);
    double[] scale = work.doubles(TokenChoice.SCALE, experts);
    Arrays.fill(sums, 0, experts, 0);
    int real = 0;
    for (int t = from; t < to; t++) {
      if (in.isPadding(t)) {
        continue;
      }
      int best = in.loadRow(t, row);
      double sum = Exponentials.of(row, 1, row[best], exponential, scale, experts);
      for (int e = 0; e < experts; e++) {
        sums[e] += exponential[e] / sum;
      }
      real++;
    }
    return real;
  }
}
