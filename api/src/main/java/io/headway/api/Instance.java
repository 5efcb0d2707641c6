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
   * Returns how old the observation is. Policies that must not act on stale numbers compare it with
   * their own limit.
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
   * Returns everything it has: queued and running.
   *
   * @return a count
   */
  default int requests() {
    return waiting() + running();
  }

  /**
   * Returns the requests that this router sent there and that are not over.
   *
   * @return a count; other routers' requests are not in it
   */
  int inFlight();

  /**
   * Returns the prompt tokens of the requests that this router sent there and that are not over.
   *
   * @return tokens
   */
  long inFlightTokens();

  /**
   * Returns when this router last sent a request there, as the number of requests it had routed by
   * then. The smallest number is the instance that has gone without the longest, which is what
   * breaks ties without favouring one instance.
   *
   * @return 1 or more; 0 if never in this incarnation
   */
  long lastRouted();

  /**
   * Returns whether this router has sent anything there yet, so that there is a rate.
   *
   * @return true if {@link #requestsPerSecond()} is meaningful
   */
  boolean hasRequestRate();

  /**
   * Returns the requests that this router sent there, averaged over its sliding window.
   *
   * @return requests a second, 0 without a rate
   */
  double requestsPerSecond();

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
   * Returns the calibrated remaining service time of everything that this router has queued or
   * running there, as predicted when it was routed and reduced by execution since.
   *
   * @return nanoseconds of one server's work, 0 if the cluster has no service-time predictor
   */
  long backlogNanos();

  /**
   * Returns how many requests share its work at a time, so that {@link #backlogNanos()} divided by
   * this is the time to wait.
   *
   * @return at least 1; the running requests of a batching engine, 1 for a single server
   */
  default double effectiveConcurrency() {
    return Math.max(1, running());
  }

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
   * Returns whether requests for an adapter wait there for it to be loaded.
   *
   * @param adapter its name
   * @return true if it is going to be resident
   */
  boolean awaitsAdapter(String adapter);

  /**
   * Returns whether one more adapter can be loaded there without evicting another.
   *
   * @return true if fewer adapters are resident than it has places
   */
  boolean hasAdapterRoom();

  /**
   * Returns how many of its places for requests are taken.
   *
   * @return 0 to 1: {@code min(1, requests / maxSequences)}
   */
  default double utilization() {
    return Math.min(1.0, (double) requests() / Math.max(1, maxSequences()));
  }

  /**
   * Returns the share of the KV pool in use.
   *
   * @return 0 to 1; 1 if the pool size is 0
   */
  default double kvUsage() {
    return totalBlocks() == 0 ? 1.0 : (double) usedBlocks() / totalBlocks();
  }
}
