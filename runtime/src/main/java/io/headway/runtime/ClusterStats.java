package io.headway.runtime;

import io.headway.api.routing.RejectCode;
import java.util.Collections;
import java.util.Map;
import java.util.TreeMap;

/**
 * Counts of a cluster scheduler at one moment.
 *
 * @param instances instances known, in any state but DOWN
 * @param readyInstances instances that take requests
 * @param queued requests waiting at the router
 * @param inFlight tickets not released, those on instances that went down included
 * @param prefixBlocks (block, instance) pairs in the prefix index
 * @param accepted requests accepted since the start, queued ones when they were
 * @param rejected requests turned away since the start, by reason; reasons that did not occur are 0
 * @param released tickets released since the start, by cause; causes that did not occur are 0
 * @param retries retries since the start
 * @param violations policy faults caught by the guard since the start
 */
public record ClusterStats(
    int instances,
    int readyInstances,
    int queued,
    int inFlight,
    long prefixBlocks,
    long accepted,
    Map<RejectCode, Long> rejected,
    Map<ReleaseCause, Long> released,
    long retries,
    long violations) {
  /**
   * Copies the maps.
   *
   * @param instances instances known
   * @param readyInstances instances that take requests
   * @param queued requests waiting at the router
   * @param inFlight tickets not released
   * @param prefixBlocks pairs in the prefix index
   * @param accepted requests accepted since the start
   * @param rejected requests turned away since the start
   * @param released tickets released since the start
   * @param retries retries since the start
   * @param violations policy faults since the start
   */
  public ClusterStats {
    rejected = inOrder(rejected);
    released = inOrder(released);
  }

  /**
   * An immutable copy in the order of the enum; that of {@link Map#copyOf} changes with each run.
   */
  private static <E extends Enum<E>> Map<E, Long> inOrder(Map<E, Long> counts) {
    return Collections.unmodifiableMap(new TreeMap<>(counts));
  }
}
