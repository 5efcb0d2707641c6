package io.headway.testkit.subject;

import java.util.List;
import java.util.Optional;

/**
 * A scheduler under test, behind a thin adapter that an engine author writes. Four methods are
 * enough; the others are for what the subject claims. Called from one thread, with a clock that
 * never goes back. A subject that throws breaks INV-02, whatever the input: all input is legal.
 */
public interface SchedulerSubject extends AutoCloseable {
  /**
   * Takes a request.
   *
   * @param request the request
   * @param nowNanos clock
   * @return false if it is refused for good, which changes nothing
   */
  boolean submit(RequestSpec request, long nowNanos);

  /**
   * Cancels a request. Legal in every state, twice, and after the end.
   *
   * @param id the request
   * @param nowNanos clock
   */
  void cancel(String id, long nowNanos);

  /**
   * Takes exactly one scheduling decision. Asked only while fewer results are outstanding than the
   * claimed depth.
   *
   * @param nowNanos clock
   * @return what runs
   */
  BatchDecision decide(long nowNanos);

  /**
   * Takes the result of an earlier decision, possibly late.
   *
   * @param report what the executor reports
   * @param nowNanos clock
   * @return for each row whether its tokens belong to the output; false for requests that ended
   *     meanwhile
   */
  boolean[] deliver(StepReport report, long nowNanos);

  /**
   * Takes the loss of a whole decision; its requests are computed again, or end.
   *
   * @param step the decision
   * @param nowNanos clock
   */
  default void fail(long step, long nowNanos) {
    throw new UnsupportedOperationException("fail is for subjects that claim RETRIES");
  }

  /**
   * Reserves room for a request whose prompt is computed elsewhere. If granted, a transfer begins.
   *
   * @param request the request
   * @param nowNanos clock
   * @return false if it is refused, now or for good, which changes nothing
   */
  default boolean reserveIncoming(RequestSpec request, long nowNanos) {
    throw new UnsupportedOperationException("reserveIncoming is for subjects that claim TRANSFERS");
  }

  /**
   * Tells which token the prefill of an incoming request emitted elsewhere, before its transfer
   * ends. It has been delivered there.
   *
   * @param id the request
   * @param token its first output token
   */
  default void firstToken(String id, int token) {}

  /**
   * Returns the transfers that have begun since the last call.
   *
   * @return in order
   */
  default List<Transfer> transfers() {
    return List.of();
  }

  /**
   * Tells how a transfer ended. Legal also after its request ended or its lease expired.
   *
   * @param transfer from {@link #transfers()}
   * @param arrivedTokens leading tokens that arrived; the whole prompt if it succeeded
   * @param succeeded whether it succeeded
   * @param nowNanos clock
   */
  default void transferEnded(
      Transfer transfer, int arrivedTokens, boolean succeeded, long nowNanos) {
    throw new UnsupportedOperationException("transferEnded is for subjects that claim TRANSFERS");
  }

  /**
   * Says that what a deferred request waited for has come.
   *
   * @param id the request
   * @param nowNanos clock
   */
  default void ready(String id, long nowNanos) {
    throw new UnsupportedOperationException("ready is for subjects that claim DEFERRAL");
  }

  /**
   * Takes a part of the pool away, or gives it back.
   *
   * @param blocks blocks that are taken from now on, as far as they are free
   * @param nowNanos clock
   */
  default void setReserved(int blocks, long nowNanos) {
    throw new UnsupportedOperationException("setReserved is for subjects that claim PRESSURE");
  }

  /**
   * Forgets every cached prefix that nobody uses, or refuses to.
   *
   * @param nowNanos clock
   */
  default void clearCache(long nowNanos) {
    throw new UnsupportedOperationException("clearCache is for subjects that claim CLEAR_CACHE");
  }

  /**
   * Returns the requests that have ended since the last call.
   *
   * @return in order
   */
  default List<Ended> ended() {
    return List.of();
  }

  /**
   * Says what is inside. White box, optional.
   *
   * @return a snapshot, or empty
   */
  default Optional<EngineSnapshot> inspect() {
    return Optional.empty();
  }

  /**
   * Makes a scheduler of the same primary state: what is queued, running, in flight and held.
   * Whatever is derived from that is found anew. It writes no records and shares nothing.
   *
   * @return the other scheduler, which is asked for one decision
   */
  default SchedulerSubject rebuilt() {
    throw new UnsupportedOperationException("rebuilt is for subjects that claim REBUILD");
  }

  /**
   * Returns whether the subject writes its own trace records. Otherwise the driver writes those
   * that can be seen from outside.
   *
   * @return false by default
   */
  default boolean recordsItself() {
    return false;
  }

  @Override
  default void close() {}
}
