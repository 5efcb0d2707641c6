package io.headway.testkit.subject;

import io.headway.testkit.trace.TraceSink;
import java.util.Set;

/** Makes fair queues to be tested, and says what they claim. */
public interface FairQueueFactory {
  /**
   * Makes an empty queue.
   *
   * @param config what it is built with
   * @param trace takes the records of what it does, if it writes any; they are judged, too
   * @return the queue behind its adapter
   */
  FairQueueSubject create(FairQueueConfig config, TraceSink trace);

  /**
   * Returns what the queues claim.
   *
   * @return nothing by default
   */
  default Set<FairQueueFeature> features() {
    return Set.of();
  }

  /**
   * Returns the claimed bound on the difference of the service of two flows over any time in which
   * both are backlogged, beside the cost of the largest items.
   *
   * @return a multiple of the largest cost, or -1 if nothing is claimed
   */
  default int largestCosts() {
    return -1;
  }

  /**
   * Returns whether items of one flow come out in the order in which they came in.
   *
   * @return true by default
   */
  default boolean firstComeWithinFlow() {
    return true;
  }
}
