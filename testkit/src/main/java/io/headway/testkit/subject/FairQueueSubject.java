package io.headway.testkit.subject;

import java.util.OptionalInt;

/** A queue under test that serves flows of different tenants. Called from one thread. */
public interface FairQueueSubject extends AutoCloseable {
  /**
   * Queues an item.
   *
   * @param item its number, never used before
   * @param flow its flow, 0 or more
   * @param cost service that it will take, at least 1
   * @param nowNanos clock
   * @return false if a limit refuses it, which changes nothing
   */
  boolean enqueue(int item, int flow, int cost, long nowNanos);

  /**
   * Takes the next item out and serves it.
   *
   * @param nowNanos clock
   * @return its number; empty exactly if nothing is queued that may go
   */
  OptionalInt dequeue(long nowNanos);

  /**
   * Takes an item back that may be queued, or not.
   *
   * @param item its number
   * @param nowNanos clock
   */
  void cancel(int item, long nowNanos);

  /**
   * Holds a queued item back until {@link #ready} ({@link FairQueueFeature#HOLDS}).
   *
   * @param item its number
   * @param nowNanos clock
   */
  default void hold(int item, long nowNanos) {
    throw new UnsupportedOperationException("hold is for subjects that claim HOLDS");
  }

  /**
   * An item that was held back may go.
   *
   * @param item its number
   * @param nowNanos clock
   */
  default void ready(int item, long nowNanos) {
    throw new UnsupportedOperationException("ready is for subjects that claim HOLDS");
  }

  /**
   * Something happened that concerns none of the items held back ({@link FairQueueFeature#HOLDS}).
   *
   * @param nowNanos clock
   */
  default void nudge(long nowNanos) {
    throw new UnsupportedOperationException("nudge is for subjects that claim HOLDS");
  }

  @Override
  default void close() {}
}
