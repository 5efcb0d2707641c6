package io.headway.runtime;

import io.headway.api.ImplementedByUsers;

/** How long KV takes from one instance to another. Pure; called under the cluster's lock. */
@ImplementedByUsers
@FunctionalInterface
public interface TransferTimes {
  /** No instance is linked to another. */
  TransferTimes NONE = (from, to, bytes) -> Long.MAX_VALUE;

  /**
   * Returns the time of one transfer.
   *
   * @param fromInstance id of the source
   * @param toInstance id of the target
   * @param bytes how much
   * @return nanoseconds; {@link Long#MAX_VALUE} if they are not linked
   */
  long nanos(String fromInstance, String toInstance, long bytes);
}
