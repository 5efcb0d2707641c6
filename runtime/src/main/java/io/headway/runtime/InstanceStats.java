package io.headway.runtime;

import java.util.Set;

/**
 * What an instance said about itself at one moment. A number that it does not report is {@link
 * #UNKNOWN}, which is not 0: the router then goes by what it sent there itself. Immutable.
 *
 * @param waiting requests queued there
 * @param running requests in its running batch
 * @param waitingPromptTokens prompt tokens not yet computed of its queued requests
 * @param runningContextTokens context held by its running requests
 * @param usedBlocks KV blocks in use, cached but unreferenced ones not counted
 * @param adapters adapters that are resident
 * @param waitingAdapters adapters that requests wait for
 */
public record InstanceStats(
    int waiting,
    int running,
    long waitingPromptTokens,
    long runningContextTokens,
    int usedBlocks,
    Set<String> adapters,
    Set<String> waitingAdapters) {
  /** Stands for a number that the instance does not report. */
  public static final int UNKNOWN = -1;

  /**
   * Checks the numbers.
   *
   * @param waiting requests queued there
   * @param running requests in its running batch
   * @param waitingPromptTokens prompt tokens not yet computed
   * @param runningContextTokens context held by running requests
   * @param usedBlocks KV blocks in use
   * @param adapters adapters that are resident
   * @param waitingAdapters adapters that requests wait for
   * @throws IllegalArgumentException if a number is below -1
   */
  public InstanceStats {
    Check.atLeast("waiting", waiting, UNKNOWN, "requests");
    Check.atLeast("running", running, UNKNOWN, "requests");
    Check.atLeast("waitingPromptTokens", waitingPromptTokens, UNKNOWN, "tokens");
    Check.atLeast("runningContextTokens", runningContextTokens, UNKNOWN, "tokens");
    Check.atLeast("usedBlocks", usedBlocks, UNKNOWN, "blocks");
    adapters = Set.copyOf(adapters);
    waitingAdapters = Set.copyOf(waitingAdapters);
  }

  /**
   * Makes statistics without adapters.
   *
   * @param waiting requests queued there
   * @param running requests in its running batch
   * @param waitingPromptTokens prompt tokens not yet computed
   * @param runningContextTokens context held by running requests
   * @param usedBlocks KV blocks in use
   * @return the statistics
   */
  public static InstanceStats of(
      int waiting,
      int running,
      long waitingPromptTokens,
      long runningContextTokens,
      int usedBlocks) {
    return new InstanceStats(
        waiting,
        running,
        waitingPromptTokens,
        runningContextTokens,
        usedBlocks,
        Set.of(),
        Set.of());
  }

  /**
   * Takes over what an engine in this process says; adapters are not in it.
   *
   * @param stats of its scheduler
   * @return the statistics
   */
  public static InstanceStats of(EngineStats stats) {
    return of(
        stats.waiting(),
        stats.running(),
        stats.waitingPromptTokens(),
        stats.runningContextTokens(),
        stats.usedBlocks());
  }

  /**
   * Adds adapters.
   *
   * @param resident adapters that are resident
   * @param waited adapters that requests wait for
   * @return changed copy
   */
  public InstanceStats withAdapters(Set<String> resident, Set<String> waited) {
    return new InstanceStats(
        waiting, running, waitingPromptTokens, runningContextTokens, usedBlocks, resident, waited);
  }
}
