package io.headway.api.speculation;

import io.headway.api.ImplementedByUsers;
import io.headway.api.SchedulingPolicy;
import io.headway.api.batching.BatchView;
import io.headway.api.batching.End;

/**
 * Decides, in every iteration, how many tokens to draft for which request and in which shape, when
 * to stop drafting, and which drafted tokens to verify.
 *
 * <p>What comes out is the target model's own text whatever a policy decides, as long as it looks
 * at the draft side only: lengths, load, draft confidences and the acceptance of earlier
 * iterations.
 *
 * @param <S> acceptance statistics and the like
 */
@ImplementedByUsers
public interface SpeculationPolicy<S> extends SchedulingPolicy<S> {
  /**
   * Plans the drafts of one iteration.
   *
   * @param state the policy's state
   * @param view the decoding requests, before anything was drafted
   * @param plan nobody drafts yet
   */
  void plan(S state, SpeculationView view, SpeculationPlan plan);

  /**
   * Returns whether to draft one more token for every request whose plan asks for it. Asked before
   * every step but the first.
   *
   * @param state the policy's state
   * @param view the decoding requests with what was drafted so far
   * @param steps draft steps done, at least 1
   * @return true by default
   */
  default boolean draftOn(S state, SpeculationView view, int steps) {
    return true;
  }

  /**
   * Shortens drafts before they are verified. Never lengthens them.
   *
   * @param state the policy's state
   * @param view the decoding requests with what was drafted
   * @param plan what was drafted; by default all of it is verified
   */
  default void trim(S state, SpeculationView view, SpeculationPlan plan) {}

  /**
   * Learns how the drafts of one sequence fared. Called once per verified sequence and iteration,
   * in the order of the view.
   *
   * @param state the policy's state
   * @param sequence the sequence
   * @param verifiedTokens drafted tokens that were verified, at least 0
   * @param acceptedTokens how many of them became output, 0 to {@code verifiedTokens}
   * @param testedTokens drafts on which an acceptance test was made: the accepted ones and those
   *     refused, not those behind a refusal
   */
  default void onVerified(
      S state, int sequence, int verifiedTokens, int acceptedTokens, int testedTokens) {}

  /**
   * A sequence is over. Its number may be reused after this call.
   *
   * @param state the policy's state
   * @param view the instance
   * @param sequence the sequence
   * @param end why it ended
   */
  default void onEnded(S state, BatchView view, int sequence, End end) {}
}
