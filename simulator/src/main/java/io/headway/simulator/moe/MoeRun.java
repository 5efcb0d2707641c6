package io.headway.simulator.moe;

import java.util.List;

/**
 * What one router did to a stream of batches, and how long the layers took under each placement.
 *
 * @param tokens tokens routed, per layer
 * @param layers layers
 * @param assignedPairs pairs carried out, over all layers
 * @param droppedPairs pairs dropped, over all layers
 * @param unroutedTokens tokens without any expert, over all layers
 * @param maxOverMean largest over mean expert load of a batch, averaged over layers and batches
 * @param coefficientOfVariation of the expert loads of a batch, averaged likewise
 * @param normalisedEntropy of the expert loads of a batch, averaged likewise
 * @param distinctExperts experts of a layer that a batch touches, averaged likewise
 * @param expertShare share of the layer's pairs per rank of expert, largest first, averaged over
 *     layers
 * @param placements one result per placement, in the order they were given
 */
public record MoeRun(
    long tokens,
    int layers,
    long assignedPairs,
    long droppedPairs,
    long unroutedTokens,
    double maxOverMean,
    double coefficientOfVariation,
    double normalisedEntropy,
    double distinctExperts,
    List<Double> expertShare,
    List<PlacedRun> placements) {
  /** Copies the lists. */
  public MoeRun {
    expertShare = List.copyOf(expertShare);
    placements = List.copyOf(placements);
  }

  /**
   * Times under one placement. A step is one batch through all layers, each waiting for its slowest
   * device, so that imbalance is taken per layer before it is added up.
   *
   * @param stepSeconds mean time of a step
   * @param computeSeconds part of it in the experts
   * @param exchangeSeconds part of it in both exchanges
   * @param deviceMaxOverMean largest over mean device load, averaged over layers and batches
   * @param transfersPerToken hidden states sent to another device per token and layer, one way
   */
  public record PlacedRun(
      double stepSeconds,
      double computeSeconds,
      double exchangeSeconds,
      double deviceMaxOverMean,
      double transfersPerToken) {}

  /**
   * Returns MaxVio.
   *
   * @return {@code maxOverMean - 1}
   */
  public double maxViolation() {
    return maxOverMean - 1;
  }

  /**
   * Returns the share of demanded pairs that was dropped.
   *
   * @return from 0 to 1; 0 without demand
   */
  public double droppedFraction() {
    long demanded = assignedPairs + droppedPairs;
    return demanded == 0 ? 0 : (double) droppedPairs / demanded;
  }
}
