package io.headway.testkit.subject;

/** Makes fair queues to be tested, and says what they claim. */
public interface FairQueueFactory {
  /**
   * Makes an empty queue.
   *
   * @return the queue behind its adapter
   */
  FairQueueSubject create();

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
