package io.headway.testkit.subject;

/** Makes routers to be tested, and says what they claim. */
public interface RouterFactory {
  /**
   * Makes a router that knows no instance.
   *
   * @param maxInFlight most outstanding requests of an instance; 0 for no limit
   * @param seed of its randomness
   * @return the router behind its adapter
   */
  RouterSubject create(int maxInFlight, long seed);

  /**
   * Returns whether requests may be retried.
   *
   * @return true by default
   */
  default boolean retries() {
    return true;
  }

  /**
   * Returns the claimed balance: by how much the counts of equal requests at equal, unobserved
   * instances may differ.
   *
   * @return requests, or -1 if nothing is claimed
   */
  default int balance() {
    return -1;
  }
}
