package io.headway.routing.placement;

import static java.util.Objects.requireNonNull;

/**
 * Decides how many replicas each expert gets: one each, then every further one to the expert with
 * the largest load per replica (ties to the lower expert). No other counts with the same sum have a
 * smaller largest load per replica. O(extras x experts); arrays are reused, so a warmed-up instance
 * allocates nothing. Not thread-safe.
 */
public final class ExpertReplication {
  private int[] expert = {};
  private int[] rank = {};
  private int[] count = {};

  /** Creates an empty replication. */
  public ExpertReplication() {}

  /**
   * Replicates experts.
   *
   * @param weight load per expert, at least 0
   * @param experts number of experts, at least 1
   * @param replicas number of replicas in all, at least {@code experts}
   * @throws IllegalArgumentException if a count or weight is out of range
   */
  public void replicate(double[] weight, int experts, int replicas) {
    requireNonNull(weight, "weight");
    if (experts < 1) {
      throw new IllegalArgumentException("experts must be at least 1 expert, but was " + experts);
    }
    if (replicas < experts) {
      throw new IllegalArgumentException(
          "replicas must be at least one per expert, " + experts + ", but was " + replicas);
    }
    BalancedPacking.requireWeights(weight, experts);
    if (expert.length < replicas) {
      expert = new int[replicas];
      rank = new int[replicas];
    }
    if (count.length < experts) {
      count = new int[experts];
    }
    for (int e = 0; e < experts; e++) {
      expert[e] = e;
      rank[e] = 0;
      count[e] = 1;
    }
    for (int r = experts; r < replicas; r++) {
      int most = 0;
      double load = -1;
      for (int e = 0; e < experts; e++) {
        if (weight[e] / count[e] > load) {
          most = e;
          load = weight[e] / count[e];
        }
      }
      expert[r] = most;
      rank[r] = count[most]++;
    }
  }

  /**
   * Returns the expert of a replica.
   *
   * @param replica replica index
   * @return expert index
   */
  public int expert(int replica) {
    return expert[replica];
  }

  /**
   * Returns which replica of its expert a replica is.
   *
   * @param replica replica index
   * @return 0 for the first one
   */
  public int rank(int replica) {
    return rank[replica];
  }

  /**
   * Returns the number of replicas of an expert.
   *
   * @param expert expert index
   * @return at least 1
   */
  public int count(int expert) {
    return count[expert];
  }
}
