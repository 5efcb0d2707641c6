package io.headway.testkit.subject;

import java.util.List;
import java.util.Optional;
import java.util.OptionalInt;

/**
 * A router under test. Instances are numbered from 0; an instance that comes back has the next
 * incarnation. Called from one thread, with a clock that never goes back.
 */
public interface RouterSubject extends AutoCloseable {
  /** How a routed request ends. */
  enum Cause {
    /** It was served. */
    COMPLETED,
    /** Its client left. */
    CANCELLED,
    /** The instance failed. */
    ERROR,
    /** It took too long. */
    TIMEOUT
  }

  /**
   * A request that was given an instance.
   *
   * @param request number of the request
   * @param instance number of the instance
   */
  record Routed(int request, int instance) {}

  /**
   * Decides where a request goes.
   *
   * @param request number of the request, never used before
   * @param promptTokens its prompt
   * @param maxNewTokens most output tokens
   * @param session for affinity, or empty
   * @param words content of its prompt, in blocks: equal leading words are equal prefixes
   * @param nowNanos clock
   * @return the instance; or empty if it waits at the router or was refused
   */
  OptionalInt route(
      int request, int promptTokens, int maxNewTokens, String session, int[] words, long nowNanos);

  /**
   * Returns the requests that waited at the router and were given an instance since the last call.
   *
   * @return in order
   */
  default List<Routed> promoted() {
    return List.of();
  }

  /**
   * Returns whether a request waits at the router.
   *
   * @param request its number
   * @return false if it was refused, was given an instance, or is over
   */
  default boolean waits(int request) {
    return false;
  }

  /**
   * A request's first token came.
   *
   * @param request its number
   * @param nowNanos clock
   */
  default void firstToken(int request, long nowNanos) {}

  /**
   * A request is over, in whatever state it is. Legal twice.
   *
   * @param request its number
   * @param cause why
   * @param nowNanos clock
   */
  void ended(int request, Cause cause, long nowNanos);

  /**
   * A request is given up by its instance and sent elsewhere.
   *
   * @param request its number
   * @param nowNanos clock
   * @return another instance, or empty if there is none; then the request is over
   */
  default OptionalInt retry(int request, long nowNanos) {
    throw new UnsupportedOperationException("retry is for subjects that can");
  }

  /**
   * An instance is ready.
   *
   * @param instance its number
   * @param incarnation 0 at first, one more each time it comes back
   * @param nowNanos clock
   */
  void up(int instance, int incarnation, long nowNanos);

  /**
   * An instance is gone.
   *
   * @param instance its number
   * @param incarnation which of its lives ended
   * @param nowNanos clock
   */
  void down(int instance, int incarnation, long nowNanos);

  /**
   * An instance reports its load, perhaps late.
   *
   * @param instance its number
   * @param incarnation which of its lives
   * @param waiting requests that wait there
   * @param running requests that run there
   * @param observedNanos when that was
   */
  void observe(int instance, int incarnation, int waiting, int running, long observedNanos);

  /**
   * Returns how many requests the router itself counts as outstanding at an instance.
   *
   * @param instance its number
   * @return requests, or empty if the instance is unknown or the router does not tell
   */
  Optional<Integer> tracked(int instance);

  @Override
  default void close() {}
}
