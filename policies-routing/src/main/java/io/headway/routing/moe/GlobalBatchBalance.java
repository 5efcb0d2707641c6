package io.headway.routing.moe;

import io.headway.api.moe.ExpertAssignments;
import java.util.Arrays;

/**
 * Balance loss whose choice shares are taken over a whole optimizer step instead of one
 * micro-batch.
 *
 * <p>Counts are summed over all ranks and micro-batches with {@link #add}; the loss of a
 * micro-batch is {@code N sum_i f_i P_i} with {@code f_i = count_i / (k * tokens)} of everything
 * added so far and its own mean probabilities {@code P}. Averaged over micro-batches of equal size
 * it equals the loss of the concatenated batch; otherwise {@link #tokenWeightedMean} does. It asks
 * experts to be balanced over the data as a whole and leaves each domain its specialists.
 *
 * <p>Not thread-safe. Cost: O(experts) per call.
 *
 * <p>Qiu et al.: Demons in the Detail: On Implementing Load Balancing Loss for Training Specialized
 * Mixture-of-Expert Models, ACL 2025 (arXiv 2501.11873).
 */
public final class GlobalBatchBalance {
  /** Weight of the local loss in the mixture that the authors recommend. */
  public static final double DEFAULT_LOCAL_WEIGHT = 0.01;

  private final int topK;
  private final long[] counts;
  private long tokens;

  /**
   * Starts an optimizer step.
   *
   * @param experts number of routed experts, at least 1
   * @param topK choices per token, at least 1
   */
  public GlobalBatchBalance(int experts, int topK) {
    Checks.atLeast("experts", 1, experts, "expert");
    Checks.atLeast("topK", 1, topK, "expert");
    this.topK = topK;
    counts = new long[experts];
  }

  /** Starts the next optimizer step. */
  public void reset() {
    Arrays.fill(counts, 0);
    tokens = 0;
  }

  /**
   * Adds the counts of one micro-batch of one rank.
   *
   * @param microBatch result of a dropless router with the same experts and choices per token
   * @throws IllegalArgumentException if the experts differ, or the pairs are not {@code topK} per
   *     token
   */
  public void add(ExpertAssignments microBatch) {
    requireExperts(microBatch);
    if (microBatch.pairCount() % topK != 0) {
      throw new IllegalArgumentException(
          "a micro-batch must have "
              + topK
              + " pairs per token, but had "
              + microBatch.pairCount()
              + " in all");
    }
    for (int e = 0; e < counts.length; e++) {
      counts[e] += microBatch.load(e);
    }
    tokens += microBatch.pairCount() / topK;
  }

  /**
   * Returns how many tokens chose an expert.
   *
   * @param expert expert index
   * @return pairs since the last reset
   */
  public long count(int expert) {
    return counts[expert];
  }

  /**
   * Returns the share of choices of an expert.
   *
   * @param expert expert index
   * @return {@code count / (k * tokens)}, 0 without tokens; the shares of all experts sum to 1
   */
  public double share(int expert) {
    return tokens == 0 ? 0 : (double) counts[expert] / ((double) topK * tokens);
  }

  /**
   * Returns the loss of one micro-batch against the shares so far.
   *
   * @param microBatch its routing result with {@link MoeSignals#MEAN_PROBABILITY}
   * @return the loss, 1 if shares or probabilities are uniform; 0 without tokens
   */
  public double loss(ExpertAssignments microBatch) {
    requireExperts(microBatch);
    double loss = 0;
    for (int e = 0; e < counts.length; e++) {
      loss += share(e) * microBatch.signals().value(MoeSignals.MEAN_PROBABILITY, 0, e);
    }
    return counts.length * loss;
  }

  /**
   * Returns the loss of one micro-batch mixed with its local loss.
   *
   * @param microBatch its routing result with {@link MoeSignals#AUXILIARY_LOSS}
   * @param localWeight weight of the local loss, finite and at least 0
   * @return global loss plus weighted local loss
   */
  public double mixedLoss(ExpertAssignments microBatch, double localWeight) {
    Checks.coefficient("localWeight", localWeight);
    return loss(microBatch) + localWeight * microBatch.signals().value(MoeSignals.AUXILIARY_LOSS);
  }

  /**
   * Returns the mean of losses of micro-batches of different sizes.
   *
   * @param losses one loss per micro-batch
   * @param microBatchTokens tokens per micro-batch, each at least 0
   * @return the mean weighted by tokens; 0 without tokens
   */
  public static double tokenWeightedMean(double[] losses, int[] microBatchTokens) {
    if (losses.length != microBatchTokens.length) {
      throw new IllegalArgumentException(
          "microBatchTokens must have "
              + losses.length
              + " entries, but had "
              + microBatchTokens.length);
    }
    double sum = 0;
    long weight = 0;
    for (int i = 0; i < losses.length; i++) {
      if (microBatchTokens[i] > 0) {
        sum += losses[i] * microBatchTokens[i];
        weight += microBatchTokens[i];
      }
    }
    return weight == 0 ? 0 : sum / weight;
  }

  private void requireExperts(ExpertAssignments microBatch) {
    if (microBatch.experts() != counts.length) {
      throw new IllegalArgumentException(
          "a micro-batch must have " + counts.length + " experts, but had " + microBatch.experts());
    }
  }
}
