package io.headway.api.batching;

import io.headway.api.ImplementedByUsers;
import io.headway.api.Request;
import io.headway.api.SchedulingPolicy;

/**
 * Decides the whole batch of each iteration of one instance.
 *
 * @param <S> the policy's state
 */
@ImplementedByUsers
public interface BatchingPolicy<S> extends SchedulingPolicy<S>, SequenceEvents<S> {
  /**
   * Returns whether this policy could ever serve a request on an otherwise empty instance. Asked
   * once when the request is submitted; a refused one changes nothing and is answered NEVER_FITS.
   * That the pool can hold it at all has been checked before.
   *
   * @param state the policy's state
   * @param view the instance
   * @param request who asks
   * @return true (the default) to accept
   */
  default boolean canServe(S state, BatchView view, Request request) {
    return true;
  }

  /**
   * Returns the KV entries whose blocks a request takes at once whose prompt another instance
   * computes. Asked when its room is reserved; it runs as soon as its KV has arrived, without
   * having been admitted.
   *
   * @param state the policy's state
   * @param view the instance
   * @param request who comes
   * @return tokens; the prompt if smaller. By default all it may ever hold, which a policy needs
   *     that preempts nobody: without room to grow it could never go on.
   */
  default int incomingTokens(S state, BatchView view, Request request) {
    return request.maxKvTokens();
  }

  /**
   * Drafts the next batch. Leaving the draft empty means "nothing to do now".
   *
   * @param state the policy's state
   * @param view queue, running set and pool
   * @param draft where the batch is written
   */
  void plan(S state, BatchView view, BatchDraft draft);

  /**
   * Returns when time alone may change an empty decision, such as at the end of a batching window.
   *
   * @param state the policy's state
   * @param view the instance
   * @return nanoseconds on the caller's clock; {@link Long#MAX_VALUE} (the default) if only an
   *     event can
   */
  default long wakeAtNanos(S state, BatchView view) {
    return Long.MAX_VALUE;
  }

  /**
   * Returns for how many further iterations this policy would draft exactly the batch it has just
   * drafted, one token for each of the same sequences, as long as nothing arrives or ends and the
   * pool can supply the blocks. Asked only after a batch of decodes. Lets a simulator jump exactly;
   * the skipped iterations are reported by one {@link #onServed}.
   *
   * @param state the policy's state after {@link #plan}
   * @param view the instance
   * @return iterations, {@link Integer#MAX_VALUE} for "until an event"; 0 (the default) promises
   *     nothing
   */
  default int repeatableIterations(S state, BatchView view) {
    return 0;
  }

  /**
   * Explains in a few words why a queued sequence does not run, or what decides about a running
   * one: the answer of each test, score parts, the tie-break. Called on demand only, outside any
   * decision; changes nothing.
   *
   * @param state the policy's state
   * @param view the instance
   * @param sequence a queued or running sequence
   * @return for example {@code needs 12 blocks, 9 free above the watermark}; empty by default
   */
  default String explain(S state, BatchView view, int sequence) {
    return "";
  }
}
