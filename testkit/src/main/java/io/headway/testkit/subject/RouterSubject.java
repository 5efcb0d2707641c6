package io.headway.testkit.subject;

import java.util.List;
import java.util.Optional;
import java.util.OptionalInt;

/**
 * A router under test. Instances are numbered from 0; an instance that comes back has the next
 * incarnation, and a message about an earlier one changes nothing. Called from one thread, with a
 * clock that never goes back. What {@link RouterFeature}s ask for is called only if they are
 * claimed.
 */
public interface RouterSubject extends AutoCloseable {
  /** Tokens of one word of a prompt's content. */
  int WORD_TOKENS = 16;

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
   * A request to be routed.
   *
   * @param number never used before
   * @param promptTokens its prompt
   * @param minNewTokens fewest output tokens, at most {@code maxNewTokens}
   * @param maxNewTokens most output tokens
   * @param session for affinity, or empty
   * @param words content of its prompt, one word per whole {@link #WORD_TOKENS}: equal leading
   *     words are equal prefixes
   */
  record Asked(
      int number,
      int promptTokens,
      int minNewTokens,
      int maxNewTokens,
      String session,
      List<Integer> words) {
    /** Copies the words. */
    public Asked {
      words = List.copyOf(words);
    }
  }

  /**
   * A request that was given an instance.
   *
   * @param request number of the request
   * @param instance number of the instance
   */
  record Routed(int request, int instance) {}

  /**
   * How a request goes on elsewhere.
   *
   * @param instance where, or empty if nowhere at once
   * @param minNewTokens fewest tokens it must still produce there
   * @param maxNewTokens most tokens it may still produce there
   */
  record Replay(OptionalInt instance, int minNewTokens, int maxNewTokens) {}

  /**
   * Decides where a request goes, and charges it to that instance.
   *
   * @param request the request
   * @param nowNanos clock
   * @return the instance; or empty if it waits at the router or was refused
   */
  OptionalInt route(Asked request, long nowNanos);

  /**
   * Decides where a request goes and charges it to that instance, but does not send it yet ({@link
   * RouterFeature#TWO_STEPS}). {@link #send} or {@link #abandon} follows.
   *
   * @param request the request
   * @param nowNanos clock
   * @return the instance; empty if there is none, which ends the request
   */
  default OptionalInt choose(Asked request, long nowNanos) {
    throw new UnsupportedOperationException("choose is for subjects that claim TWO_STEPS");
  }

  /**
   * Sends a request that was chosen an instance for.
   *
   * @param request its number
   * @param nowNanos clock
   */
  default void send(int request, long nowNanos) {
    throw new UnsupportedOperationException("send is for subjects that claim TWO_STEPS");
  }

  /**
   * Gives a request up that was chosen an instance for and could not be sent.
   *
   * @param request its number
   * @param nowNanos clock
   */
  default void abandon(int request, long nowNanos) {
    throw new UnsupportedOperationException("abandon is for subjects that claim TWO_STEPS");
  }

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
   * A request is given up by its instance and sent elsewhere ({@link RouterFeature#RETRIES}). If
   * neither an instance is given nor the request waits, it is over.
   *
   * @param request its number
   * @param deliveredTokens output tokens that this instance has delivered; they count
   * @param nowNanos clock
   * @return another instance, with what is left of the request's limits
   */
  default Replay retry(int request, int deliveredTokens, long nowNanos) {
    throw new UnsupportedOperationException("retry is for subjects that claim RETRIES");
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
   * An instance takes no new requests any more ({@link RouterFeature#DRAINS}).
   *
   * @param instance its number
   * @param incarnation which of its lives
   * @param nowNanos clock
   */
  default void drain(int instance, int incarnation, long nowNanos) {
    throw new UnsupportedOperationException("drain is for subjects that claim DRAINS");
  }

  /**
   * An instance is gone.
   *
   * @param instance its number
   * @param incarnation which of its lives ended
   * @param nowNanos clock
   */
  void down(int instance, int incarnation, long nowNanos);

  /**
   * An instance reports its load, perhaps late, perhaps after a newer report.
   *
   * @param instance its number
   * @param incarnation which of its lives
   * @param waiting requests that wait there
   * @param running requests that run there
   * @param observedNanos when that was
   */
  void observe(int instance, int incarnation, int waiting, int running, long observedNanos);

  /**
   * An instance reports that it holds one more copy of a block ({@link
   * RouterFeature#CACHE_EVENTS}).
   *
   * @param instance its number
   * @param incarnation which of its lives
   * @param words content from the first token up to the end of the block
   * @param copies how many it holds now
   * @param nowNanos clock
   */
  default void stored(
      int instance, int incarnation, List<Integer> words, int copies, long nowNanos) {
    throw new UnsupportedOperationException("stored is for subjects that claim CACHE_EVENTS");
  }

  /**
   * An instance reports that it holds one copy of a block less ({@link
   * RouterFeature#CACHE_EVENTS}).
   *
   * @param instance its number
   * @param incarnation which of its lives
   * @param words content from the first token up to the end of the block
   * @param copies how many it still holds
   * @param nowNanos clock
   */
  default void removed(
      int instance, int incarnation, List<Integer> words, int copies, long nowNanos) {
    throw new UnsupportedOperationException("removed is for subjects that claim CACHE_EVENTS");
  }

  /**
   * An instance reports that it cleared its cache ({@link RouterFeature#CACHE_EVENTS}).
   *
   * @param instance its number
   * @param incarnation which of its lives
   * @param nowNanos clock
   */
  default void cleared(int instance, int incarnation, long nowNanos) {
    throw new UnsupportedOperationException("cleared is for subjects that claim CACHE_EVENTS");
  }

  /**
   * Returns how many leading words of a prompt the router believes to be cached at an instance
   * ({@link RouterFeature#CACHE_EVENTS} or {@link RouterFeature#LEARNS_PREFIXES}).
   *
   * @param instance one that is up
   * @param words content of a prompt
   * @return words, at least 0
   */
  default int credited(int instance, List<Integer> words) {
    throw new UnsupportedOperationException("credited is for subjects with a prefix index");
  }

  /**
   * Returns how many requests the router itself counts as outstanding at an instance.
   *
   * @param instance its number
   * @return requests, or empty if the instance is unknown or the router does not tell
   */
  Optional<Integer> tracked(int instance);

  /**
   * Returns how many of {@link #tracked} have shown no token yet ({@link RouterFeature#PHASES}).
   *
   * @param instance one that is up
   * @return requests
   */
  default int prefilling(int instance) {
    throw new UnsupportedOperationException("prefilling is for subjects that claim PHASES");
  }

  /**
   * Returns the load that decisions go by: the latest report, brought up to date by what the router
   * has done since ({@link RouterFeature#CORRECTS_REPORTS}).
   *
   * @param instance one that is up
   * @return requests that wait or run there
   */
  default int believed(int instance) {
    throw new UnsupportedOperationException("believed is for subjects that claim CORRECTS_REPORTS");
  }

  @Override
  default void close() {}
}
