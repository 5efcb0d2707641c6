package io.headway.api.speculation;

import io.headway.api.ProvidedByRuntime;
import io.headway.api.RandomSource;

/**
 * The decoding part of one iteration as its speculation policy sees it. Read-only, allocation-free,
 * valid during the call it was passed to.
 *
 * <p>A request is named by its position, 0 to {@code requests - 1}, in the batch policy's order;
 * {@link #sequence} leads to what outlives the iteration.
 */
@ProvidedByRuntime
public interface SpeculationView {
  /**
   * Returns the only randomness a policy may use.
   *
   * @return the scheduler's seeded source
   */
  RandomSource random();

  /**
   * Returns how many requests decode in this iteration.
   *
   * @return requests that will emit a token; each holds one base token that drafts never displace
   */
  int requests();

  /**
   * Returns the sequence behind a request.
   *
   * @param request position, 0 to {@code requests - 1}
   * @return its number in {@link io.headway.api.batching.BatchView}, reused after it ends
   */
  int sequence(int request);

  /**
   * Returns the tokens a request has stored.
   *
   * @param request position
   * @return tokens
   */
  int contextTokens(int request);

  /**
   * Returns the most tokens that may be drafted for a request: one less than it may still emit, and
   * within the limits of both models and of a grammar.
   *
   * @param request position
   * @return tokens, at least 0
   */
  int maxDraftTokens(int request);

  /**
   * Returns the prompt tokens computed in the same iteration.
   *
   * @return tokens
   */
  int prefillTokens();

  /**
   * Returns what the token budget of the iteration leaves for drafts, after base and prefill
   * tokens.
   *
   * @return tokens; {@link Integer#MAX_VALUE} without a budget
   */
  int draftBudgetTokens();

  /**
   * Returns the tightest TPOT target of the requests.
   *
   * @return nanoseconds; {@link Long#MAX_VALUE} if none has one
   */
  long tpotTargetNanos();

  /**
   * Returns what drafting and verifying cost here.
   *
   * @return the cost model
   */
  SpeculationCost cost();

  /**
   * Returns the tokens drafted so far for a request.
   *
   * @param request position
   * @return tokens; 0 before drafting
   */
  int draftedTokens(int request);

  /**
   * Returns the draft model's own probability of a token it drafted.
   *
   * @param request position
   * @param draft which drafted token, from 0
   * @return a probability in [0, 1]
   */
  double confidence(int request, int draft);
}
