package io.headway.api;

/**
 * One model replica as a cluster-level policy sees it: the last observation plus what the router
 * itself has sent there since.
 *
 * <p>Read-only and valid for one decision. Every count includes the router's own corrections, so
 * that many requests routed on one observation do not herd. Without any observation {@link
 * #ageNanos()} is {@link Long#MAX_VALUE} and the counts hold the router's own requests only:
 * unknown is not the same as idle.
 */
@ProvidedByRuntime
public interface Instance {
  /**
   * Returns the name. Ascending ids are the last tie-break of every routing policy.
   *
   * @return the id
   */
  String id();

  /**
   * Returns the dense number of this instance among those up, stable while it is up.
   *
   * @return 0 or more
   */
  int index();

  /**
   * Returns which life this is; it grows by one with each restart.
   *
   * @return 0 or more
   */
  int incarnation();

  /**
   * Returns the role.
   *
   * @return what it does
   */
  Role role();

  /**
   * Returns the life-cycle state.
   *
   * @return the state at decision time
   */
  InstanceState state();

  /**
   * Returns how old the observation is.
   *
   * @return nanoseconds since it was taken, {@link Long#MAX_VALUE} if there is none
   */
  long ageNanos();

  /**
   * Returns the requests queued there.
   *
   * @return a count
   */
  int waiting();

  /**
   * Returns the requests in its running batch.
   *
   * @return a count
   */
  int running();

  /**
   * Returns the prompt tokens not yet computed of its queued requests.
   *
   * @return tokens
   */
  long waitingPromptTokens();

  /**
   * Returns the context held by its running requests.
   *
   * @return tokens
   */
  long runningContextTokens();

  /**
   * Returns the KV blocks in use.
   *
   * @return blocks; cached but unreferenced blocks do not count
   */
  int usedBlocks();

  /**
   * Returns the size of its KV pool.
   *
   * @return blocks, 0 if unknown
   */
  int totalBlocks();

  /**
   * Returns the block size.
   *
   * @return tokens a block
   */
  int blockTokens();

  /**
   * Returns the most requests it runs at once.
   *
   * @return the sequence limit
   */
  int maxSequences();

  /**
   * Returns its speed relative to the reference instance of the cluster.
   *
   * @return 1 for the reference, 2 if twice as fast
   */
  double speedFactor();

  /**
   * Returns the calibrated remaining service time of everything queued or running there, as
   * predicted when it was routed and reduced by execution since.
   *
   * @return nanoseconds of one server's work, 0 if the cluster has no service-time predictor
   */
  long backlogNanos();

  /**
   * Returns the share of recently finished requests that missed their deadline or targets.
   *
   * @return 0 to 1, 0 if none finished yet
   */
  double violationRate();

  /**
   * Returns whether an adapter is loaded there.
   *
   * @param adapter its name
   * @return true if resident
   */
  boolean hasAdapter(String adapter);

  /**
   * Returns the share of the KV pool in use.
   *
   * @return 0 to 1; 1 if the pool size is 0
   */
  default double kvUsage() {
    return totalBlocks() == 0 ? 1.0 : (double) usedBlocks() / totalBlocks();
  }
}
