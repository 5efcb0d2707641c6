package io.headway.api.batching;

import io.headway.api.ProvidedByRuntime;

/**
 * The batch under construction. Every call either takes effect whole or changes nothing and says
 * why; what no policy may do (a finished or unknown sequence, no tokens, more tokens than needed,
 * the same sequence twice) throws {@link io.headway.api.PolicyViolationException} naming rule and
 * request.
 *
 * <p>Rows come out in the order the executor wants, whatever the order of calls. Allocation-free;
 * single-threaded.
 */
@ProvidedByRuntime
public interface BatchDraft {
  /**
   * Returns what the engine's token limit leaves for this iteration.
   *
   * @return tokens
   */
  int tokensLeft();

  /**
   * Returns the slots still free, those of sequences preempted in this draft included.
   *
   * @return sequences that could be admitted, as far as slots go
   */
  int slotsLeft();

  /**
   * Returns the tokens drafted for a sequence.
   *
   * @param sequence a live sequence
   * @return tokens, 0 if it is not in the batch
   */
  int scheduledTokens(int sequence);

  /**
   * Returns the tokens in the batch so far, drafted speculation included, padding not.
   *
   * @return tokens
   */
  int batchTokens();

  /**
   * Returns the sequences in the batch so far.
   *
   * @return a count
   */
  int batchSequences();

  /**
   * Returns the preemptions drafted so far.
   *
   * @return a count
   */
  int preemptions();

  /**
   * Adds a running sequence to the batch and takes the blocks for it.
   *
   * @param sequence running, not yet in this batch
   * @param tokens 1 to {@link BatchView#needTokens}
   * @return {@link DraftOutcome#DONE}, {@link DraftOutcome#NO_BLOCKS}, {@link
   *     DraftOutcome#NEVER_FITS} or {@link DraftOutcome#OVER_TOKENS}
   * @throws io.headway.api.PolicyViolationException if the sequence may not be scheduled or the
   *     count is out of range
   */
  DraftOutcome schedule(int sequence, int tokens);

  /**
   * Adds running sequences that decode to the batch, one token each, in the order given, and stops
   * at the first that it cannot add: one that is not {@linkplain BatchView#decoding decoding} or
   * not running or in the batch already, one for whose token there is no block, or the first beyond
   * the token limit. The same as {@link #schedule} of each in turn, and several times as fast: most
   * iterations are nothing else. What is to become of the one it stopped at is the policy's choice;
   * {@link #schedule} tells what keeps it.
   *
   * @param sequences sequences; any numbers, since it stops at what is not running
   * @param from position of the first
   * @param to position behind the last; may be bounded to keep within a budget, as each takes one
   *     token
   * @return position of the first that was not added; {@code to} if all were
   * @throws io.headway.api.PolicyViolationException if the positions are not in the array
   */
  int scheduleDecodes(int[] sequences, int from, int to);

  /**
   * As {@link #scheduleDecodes(int[], int, int)}, for the running set in its own order.
   *
   * @param from position in {@link BatchView#running}
   * @param to position behind the last, at most {@link BatchView#runningCount}
   * @return position of the first that was not added; {@code to} if all were
   * @throws io.headway.api.PolicyViolationException if there are no such positions
   */
  int scheduleDecodes(int from, int to);

  /**
   * Adds a decoding sequence with drafted tokens to be verified in the same iteration; takes blocks
   * for all of them.
   *
   * @param sequence running and decoding, not yet in this batch
   * @param draftTokens 1 or more drafted tokens behind the one emitted token
   * @return as {@link #schedule}, or {@link DraftOutcome#IN_FLIGHT} while a plan in flight contains
   *     the sequence, since the position of its next token is not known yet
   * @throws io.headway.api.PolicyViolationException if the sequence is not decoding, or drafts
   *     would pass the declared output cap
   */
  DraftOutcome verify(int sequence, int draftTokens);

  /**
   * Starts or resumes a queued sequence: gives it a slot, pins its prefix hits, takes its blocks
   * (moving swapped ones back in) and adds its first tokens to the batch.
   *
   * @param sequence waiting or swapped; one preempted in this draft, or in one just before that led
   *     to no batch, is answered {@link DraftOutcome#NO_BLOCKS}
   * @param tokens most tokens to compute now, at least 1; fewer are scheduled if fewer remain after
   *     prefix hits
   * @param reserveTokens KV entries to hold blocks for from now on; the entries needed now if
   *     smaller. While a transfer is pending, whose memory nobody can take back, one that was
   *     preempted before gets blocks for all its known tokens or none
   * @param headroomBlocks blocks that must stay free afterwards
   * @return {@link DraftOutcome#DONE} or why not
   * @throws io.headway.api.PolicyViolationException if the sequence is not queued, or a count is
   *     out of range
   */
  DraftOutcome admit(int sequence, int tokens, int reserveTokens, int headroomBlocks);

  /**
   * Brings a swapped sequence back ahead of its turn: gives it a slot and moves its blocks in while
   * this batch runs, without computing any of its tokens. It appears in the next view as running.
   * The opposite, moving somebody out ahead of need, is {@link #preempt} by swap.
   *
   * @param sequence swapped; one preempted in this draft or in one just before that led to no
   *     batch, or resumed and preempted since the last plan, is answered {@link
   *     DraftOutcome#NO_BLOCKS}
   * @param headroomBlocks blocks that must stay free afterwards
   * @return {@link DraftOutcome#DONE} or why not
   * @throws io.headway.api.PolicyViolationException if the sequence is not swapped, or the count is
   *     negative
   */
  DraftOutcome resume(int sequence, int headroomBlocks);

  /**
   * Takes a running sequence out of the running set and back into the queue. If it was already in
   * this batch, its tokens are given back first.
   *
   * @param victim running; may be the beneficiary itself
   * @param beneficiary who needs the room; the victim itself if nobody in particular
   * @param mode recompute or swap
   * @param place where it enters the queue
   * @return {@link DraftOutcome#DONE}, {@link DraftOutcome#IN_FLIGHT} or {@link
   *     DraftOutcome#NO_HOST_BLOCKS}
   * @throws io.headway.api.PolicyViolationException if the victim is not running, or was admitted
   *     or resumed in this draft
   */
  DraftOutcome preempt(int victim, int beneficiary, PreemptionMode mode, QueueEnd place);

  /**
   * Returns what {@link #admit} of a queued sequence, or {@link #schedule} of a running one, would
   * answer once others had been preempted: slots, adapters, tokens, and blocks with all sharing and
   * prefix hits. Changes nothing and tells nobody, so that a policy can be sure that a preemption
   * helps before it preempts. A refused swap counts as recompute. Cost: O(blocks of the victims).
   *
   * @param victims running, each once
   * @param modes how each would yield
   * @param count how many of both arrays count
   * @param sequence who is to run, not one of the victims
   * @param tokens as for the call foreseen
   * @param reserveTokens as for {@link #admit}; ignored for a running sequence
   * @param headroomBlocks as for {@link #admit}; ignored for a running sequence
   * @return the answer, or {@link DraftOutcome#IN_FLIGHT} if a victim cannot be preempted now
   * @throws io.headway.api.PolicyViolationException as the calls foreseen
   */
  DraftOutcome outcomeAfter(
      int[] victims,
      PreemptionMode[] modes,
      int count,
      int sequence,
      int tokens,
      int reserveTokens,
      int headroomBlocks);

  /**
   * Says that the policy itself lets a queued sequence wait: its admission test, its composition or
   * its plan says not now. Changes nothing; the decision log and {@code explain} tell it as {@link
   * DraftOutcome#LATER}, so that those behind it are known to wait for it.
   *
   * @param sequence waiting or swapped
   * @throws io.headway.api.PolicyViolationException if the sequence is not queued
   */
  void defer(int sequence);

  /**
   * Ends a queued sequence as {@link End#NEVER_FITS}: the policy can never serve it.
   *
   * @param sequence waiting
   * @throws io.headway.api.PolicyViolationException if the sequence is not queued
   */
  void refuse(int sequence);

  /**
   * Ends a queued sequence as {@link End#EXPIRED}: its time to start has passed. A deadline of the
   * request itself needs no policy; the runtime keeps it.
   *
   * @param sequence waiting or swapped
   * @throws io.headway.api.PolicyViolationException if the sequence is not queued
   */
  void expire(int sequence);

  /**
   * Declares token positions that the executor computes in vain beside the batch: padded prompts
   * and rows of ended sequences in a static batch. They cost time and no memory, and are not
   * charged to the token limit.
   *
   * @param tokens at least 0; replaces what was declared before
   */
  void pad(int tokens);
}
