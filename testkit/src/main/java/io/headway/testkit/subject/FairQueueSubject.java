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
   * @return its number; empty exactly if nothing is queued
   */
  OptionalInt dequeue(long nowNanos);

  /**
   * Takes an item back that may be queued, or not.
   *
   * @param item its number
   * @param nowNanos clock
   */
  void cancel(int item, long nowNanos);

  @Override
  default void close() {}
}
