package io.headway.api.routing;

import io.headway.api.ProvidedByRuntime;

/**
 * The route under construction. The last of {@code accept}, {@code queue} and {@code reject} wins;
 * a draft left empty is an error of the policy. Positions are those of the {@link ClusterView}; any
 * other number throws {@link io.headway.api.PolicyViolationException}.
 */
@ProvidedByRuntime
public interface RouteDraft {
  /**
   * Sends the request to one instance for prompt and decodes. That may be a DECODE instance, where
   * it pays to compute a short prompt, or one that is mostly cached, without a transfer.
   *
   * @param position the instance
   */
  void accept(int position);

  /**
   * Sends the prompt to one instance and the decodes to another.
   *
   * @param prefillPosition runs the prompt
   * @param decodePosition receives its KV and runs the decodes
   */
  void accept(int prefillPosition, int decodePosition);

  /**
   * Names the next-best instance, tried in order of calls if the chosen one fails before its first
   * token.
   *
   * @param position the instance
   */
  void fallback(int position);

  /**
   * Names an instance whose cached prefix should be fetched first.
   *
   * @param position the instance
   */
  void kvSource(int position);

  /**
   * Sets the deadline the policy gives the request.
   *
   * @param nanos on the caller's clock
   */
  void deadlineNanos(long nanos);

  /**
   * Keeps the request at the router until an observation, a release or the given time.
   *
   * @param reason why, in a few words
   * @param retryAtNanos latest time to decide again
   */
  void queue(String reason, long retryAtNanos);

  /**
   * Turns the request away.
   *
   * @param code why
   * @param reason in a few words
   * @param retryAfterNanos when trying again makes sense; 0 if never
   */
  void reject(RejectCode code, String reason, long retryAfterNanos);

  /**
   * Returns whether somebody asked for an explanation, so that {@link #score} is worth calling.
   *
   * @return false on ordinary decisions
   */
  boolean explaining();

  /**
   * Records one part of a candidate's score for the explanation; ignored unless {@link
   * #explaining}.
   *
   * @param position the candidate
   * @param part name of the part
   * @param value its value
   */
  void score(int position, String part, double value);

  /**
   * Records a number that concerns the whole decision, such as a capacity, for the explanation;
   * ignored unless {@link #explaining}.
   *
   * @param name what it is
   * @param value its value
   */
  void detail(String name, double value);

  /**
   * Names the rule that decided, such as {@code affinity} or {@code fallback}, for the explanation
   * and the log. The last call wins.
   *
   * @param name a constant word; a policy with one rule need not call this
   */
  void rule(String name);
}
