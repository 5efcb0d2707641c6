package io.headway.testkit.subject;

import io.headway.testkit.trace.TraceSink;
import java.util.EnumSet;
import java.util.Set;

/** Makes routers to be tested, and says what they claim. */
public interface RouterFactory {
  /**
   * Makes a router that knows no instance.
   *
   * @param config what it is built with
   * @param trace takes the records of its decisions, if it writes any; they are judged, too
   * @return the router behind its adapter
   */
  RouterSubject create(RouterConfig config, TraceSink trace);

  /**
   * Returns what the routers claim.
   *
   * @return retries by default
   */
  default Set<RouterFeature> features() {
    return EnumSet.of(RouterFeature.RETRIES);
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

  /**
   * Returns the claimed load gap: how many more outstanding requests the chosen instance may have
   * than the least loaded one that could be chosen, affinity and cached prefixes notwithstanding.
   *
   * @return requests, or -1 if nothing is claimed
   */
  default int loadGap() {
    return -1;
  }
}
