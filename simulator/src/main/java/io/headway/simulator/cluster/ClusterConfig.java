package io.headway.simulator.cluster;

import io.headway.api.prediction.IterationTimeModel;
import java.util.Objects;
import org.jspecify.annotations.Nullable;

/**
 * The cluster a workload is run on: equal instances, each with its own KV pool and sequence limit.
 *
 * @param instances how many, 1 to 4096
 * @param blockTokens tokens a KV block, at least 1
 * @param blocks KV blocks of each instance, at least 1
 * @param maxSequences sequences each instance runs at once, at least 1
 * @param maxTokens tokens of one iteration, at least 1; {@link Integer#MAX_VALUE} for no limit
 *     beyond the policy's own budget
 * @param maxNewTokens output cap that requests declare, at least 1; a request whose true output is
 *     longer declares that
 * @param prefixCaching whether blocks are shared where the workload names them
 * @param model time of an iteration
 * @param host host memory for swapping; null for none, so that who is preempted recomputes
 */
public record ClusterConfig(
    int instances,
    int blockTokens,
    int blocks,
    int maxSequences,
    int maxTokens,
    int maxNewTokens,
    boolean prefixCaching,
    IterationTimeModel model,
    @Nullable HostTier host) {
  /** Tokens a KV block by default: that of the paged engines the policies were published for. */
  public static final int DEFAULT_BLOCK_TOKENS = 16;

  /** Output cap that requests declare by default. */
  public static final int DEFAULT_MAX_NEW_TOKENS = 1024;

  public ClusterConfig {
    atLeastOne("instances", instances, "instance");
    if (instances > 4096) {
      throw new IllegalArgumentException("instances must be at most 4096, but was " + instances);
    }
    atLeastOne("blockTokens", blockTokens, "token");
    atLeastOne("blocks", blocks, "block");
    atLeastOne("maxSequences", maxSequences, "sequence");
    atLeastOne("maxTokens", maxTokens, "token");
    atLeastOne("maxNewTokens", maxNewTokens, "token");
    Objects.requireNonNull(model, "model");
  }

  /**
   * Makes a cluster without host memory.
   *
   * @param instances how many, 1 to 4096
   * @param blockTokens tokens a KV block, at least 1
   * @param blocks KV blocks of each instance, at least 1
   * @param maxSequences sequences each instance runs at once, at least 1
   * @param maxTokens tokens of one iteration, at least 1
   * @param maxNewTokens output cap that requests declare, at least 1
   * @param prefixCaching whether blocks are shared where the workload names them
   * @param model time of an iteration
   */
  public ClusterConfig(
      int instances,
      int blockTokens,
      int blocks,
      int maxSequences,
      int maxTokens,
      int maxNewTokens,
      boolean prefixCaching,
      IterationTimeModel model) {
    this(
        instances,
        blockTokens,
        blocks,
        maxSequences,
        maxTokens,
        maxNewTokens,
        prefixCaching,
        model,
        null);
  }

  /**
   * Returns the same cluster with host memory.
   *
   * @param tier host memory of each instance
   * @return a changed copy
   */
  public ClusterConfig withHost(HostTier tier) {
    return new ClusterConfig(
        instances,
        blockTokens,
        blocks,
        maxSequences,
        maxTokens,
        maxNewTokens,
        prefixCaching,
        model,
        Objects.requireNonNull(tier, "tier"));
  }

  private static void atLeastOne(String name, int value, String unit) {
    if (value < 1) {
      throw new IllegalArgumentException(
          name + " must be at least 1 " + unit + ", but was " + value);
    }
  }
}
