package io.headway.api.speculation;

import io.headway.api.ImplementedByUsers;

/**
 * What drafting and verifying cost, as policies weigh them. A pure function: immutable,
 * thread-safe, allocation-free.
 */
@ImplementedByUsers
public interface SpeculationCost {
  /**
   * Returns the duration of one draft step, which drafts one token (one tree level) for every
   * request.
   *
   * @param requests how many draft, at least 1
   * @param contextTokens sum of their stored tokens
   * @return seconds, finite and at least 0
   */
  double draftSeconds(int requests, long contextTokens);

  /**
   * Returns the duration of one pass of the target model.
   *
   * @param queryTokens token positions in the pass, at least 1
   * @param contextTokens sum of the stored tokens that they attend to
   * @return seconds, finite and above 0
   */
  double verifySeconds(long queryTokens, long contextTokens);
}
