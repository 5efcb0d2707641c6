package io.headway.api.batching;

import io.headway.api.ImplementedByUsers;
import io.headway.api.Request;
import io.headway.api.SchedulingPolicy;

/**
 * Decides whether a waiting sequence may start, and how much memory it takes from the start. The
 * pool's own test follows in any case: a {@link AdmissionVerdict#YES} never over-commits.
 *
 * @param <S> the policy's state
 */
@ImplementedByUsers
public interface AdmissionTest<S> extends SchedulingPolicy<S>, SequenceEvents<S> {
  /**
   * As {@link BatchingPolicy#canServe}.
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
   * Decides about one candidate.
   *
   * @param state the policy's state
   * @param view the instance
   * @param draft the batch so far
   * @param candidate a queued sequence
   * @return YES, LATER or NEVER
   */
  AdmissionVerdict test(S state, BatchView view, BatchDraft draft, int candidate);

  /**
   * Decides about one candidate as {@link #test} would once others had yielded. Changes nothing.
   *
   * @param state the policy's state
   * @param view the instance
   * @param draft the batch so far
   * @param candidate a queued sequence
   * @param victims running sequences, each once
   * @param count how many of them count
   * @return as {@link #test} (the default), for a test that does not count who runs; its answer
   *     must not get worse with more victims
   */
  default AdmissionVerdict testAfter(
      S state, BatchView view, BatchDraft draft, int candidate, int[] victims, int count) {
    return test(state, view, draft, candidate);
  }

  /**
   * Returns the KV entries whose blocks the candidate takes at once.
   *
   * @param state the policy's state
   * @param view the instance
   * @param candidate a queued sequence
   * @return tokens; 0 (the default) for what its first chunk needs
   */
  default int reserveTokens(S state, BatchView view, int candidate) {
    return 0;
  }

  /**
   * Returns the blocks that must stay free after the admission.
   *
   * @param state the policy's state
   * @param view the instance
   * @param candidate a queued sequence
   * @return blocks; 0 by default
   */
  default int headroomBlocks(S state, BatchView view, int candidate) {
    return 0;
  }

  /**
   * Returns for how many further iterations of the same decodes the LATER given in this decision
   * stands, as {@link BatchingPolicy#repeatableIterations}.
   *
   * @param state the policy's state
   * @param view the instance
   * @return iterations, {@link Integer#MAX_VALUE} for "until an event"; 0 (the default) promises
   *     nothing
   */
  default int repeatableIterations(S state, BatchView view) {
    return 0;
  }

  /**
   * Explains a verdict in a few words, for {@code explain}; called on demand only.
   *
   * @param state the policy's state
   * @param view the instance
   * @param candidate a queued sequence
   * @return for example {@code needs 12 blocks, 9 free above the watermark}
   */
  default String explain(S state, BatchView view, int candidate) {
    return "";
  }
}
