package io.headway.api.batching;

import io.headway.api.ProvidedByRuntime;
import io.headway.api.RandomSource;
import io.headway.api.Request;

/**
 * One instance as its batching policy sees it: queue, running set, pool and clock. Read-only,
 * allocation-free, valid during the call it was passed to. A sequence is a dense int; every
 * accessor that takes one is O(1) unless it says otherwise.
 *
 * <p>{@link #running(int)} is frozen while a batch is drafted: a sequence preempted meanwhile keeps
 * its position and changes its {@link #state}, and one admitted meanwhile appears in the next view,
 * so a loop by position never skips anybody. The queue changes at once.
 */
@ProvidedByRuntime
public interface BatchView {
  /** Stands for "no sequence". */
  int NONE = -1;

  /**
   * Returns the time of this decision.
   *
   * @return nanoseconds on the caller's clock
   */
  long nowNanos();

  /**
   * Returns how many iterations have been planned, those repeated without a decision included: the
   * number of the iteration that this decision drafts.
   *
   * @return a count that never falls
   */
  long iteration();

  /**
   * Returns how long the last completed iteration took, as the engine says, or else from its plan
   * (the completion before it, if that came later) to its completion: within {@link
   * SequenceEvents#onServed}, the one whose result is being reported, or all of them if several are
   * reported at once.
   *
   * @return nanoseconds; 0 before the first
   */
  long iterationNanos();

  /**
   * Returns the only randomness a policy may use.
   *
   * @return the scheduler's seeded source
   */
  RandomSource random();

  /**
   * Returns the engine's limit of sequences that hold a slot at once.
   *
   * @return sequences
   */
  int maxSequences();

  /**
   * Returns the engine's limit of tokens in one iteration.
   *
   * @return tokens; {@link Integer#MAX_VALUE} if none
   */
  int maxTokens();

  /**
   * Returns the number of sequences running when the decision began.
   *
   * @return a count
   */
  int runningCount();

  /**
   * Returns a sequence that was running when the decision began.
   *
   * @param position 0 to {@code runningCount - 1}, in order of admission
   * @return the sequence
   */
  int running(int position);

  /**
   * Returns the number of queued sequences now, swapped ones included.
   *
   * @return a count
   */
  int waitingCount();

  /**
   * Returns the head of the queue: arrivals by (arrival, id), preempted ones where {@link
   * BatchDraft#preempt} put them.
   *
   * @return a sequence, or {@link #NONE} if nobody waits
   */
  int firstWaiting();

  /**
   * Returns the next in the queue.
   *
   * @param sequence a queued sequence
   * @return the one behind it, or {@link #NONE}
   */
  int nextWaiting(int sequence);

  /**
   * Returns the request behind a sequence.
   *
   * @param sequence a live sequence
   * @return its request
   */
  Request request(int sequence);

  /**
   * Returns where a sequence stands now, this draft included.
   *
   * @param sequence a live sequence
   * @return its state
   */
  SequenceState state(int sequence);

  /**
   * Returns the prompt length.
   *
   * @param sequence a live sequence
   * @return tokens
   */
  int promptTokens(int sequence);

  /**
   * Returns the declared output cap.
   *
   * @param sequence a live sequence
   * @return tokens
   */
  int maxNewTokens(int sequence);

  /**
   * Returns the output tokens emitted so far, those of plans in flight assumed.
   *
   * @param sequence a live sequence
   * @return tokens
   */
  int generatedTokens(int sequence);

  /**
   * Returns the tokens whose KV is stored, those of plans in flight included. This draft's own
   * tokens are not.
   *
   * @param sequence a live sequence
   * @return tokens; 0 while waiting
   */
  int computedTokens(int sequence);

  /**
   * Returns how many tokens could be scheduled: {@code prompt + generated - computed}, or 0 if
   * nothing may be scheduled until a plan in flight completes. For a waiting sequence this ignores
   * prefix hits; see {@link #cachedTokens}.
   *
   * @param sequence a live sequence
   * @return tokens
   */
  int needTokens(int sequence);

  /**
   * Returns whether the next token of a running sequence is a decode: one token needed and the
   * whole prompt computed.
   *
   * @param sequence a live sequence
   * @return true if scheduling one token emits one
   */
  boolean decoding(int sequence);

  /**
   * Returns the arrival.
   *
   * @param sequence a live sequence
   * @return nanoseconds on the caller's clock
   */
  long arrivalNanos(int sequence);

  /**
   * Returns the urgency.
   *
   * @param sequence a live sequence
   * @return smaller is more urgent
   */
  int priority(int sequence);

  /**
   * Returns the tenant as a dense number that stays the same for the scheduler's life while the
   * tenant has live requests or was seen among the most recent tenants the scheduler remembers.
   *
   * @param sequence a live sequence
   * @return 0 or more
   */
  int tenant(int sequence);

  /**
   * Returns the name behind a tenant number, for stable tie-breaks.
   *
   * @param tenant from {@link #tenant}
   * @return its name, empty for requests without tenant
   */
  String tenantName(int tenant);

  /**
   * Returns whether a plan not yet completed contains the sequence.
   *
   * @param sequence a live sequence
   * @return true if it cannot be preempted now
   */
  boolean inFlight(int sequence);

  /**
   * Returns how often the sequence was preempted.
   *
   * @param sequence a live sequence
   * @return a count
   */
  int preemptions(int sequence);

  /**
   * Returns whether anybody predicts this sequence's remaining output: the scheduler's predictor,
   * else the request itself.
   *
   * @param sequence a live sequence
   * @return true if {@link #predictedRemainingTokens} is meaningful
   */
  boolean hasPrediction(int sequence);

  /**
   * Returns the predicted remaining output, predicted anew from the tokens generated so far where
   * the scheduler has a predictor.
   *
   * @param sequence a live sequence with a prediction
   * @return tokens, at least 1
   */
  int predictedRemainingTokens(int sequence);

  /**
   * Compares two sequences by (arrival, id): the last tie-break of every order.
   *
   * @param a a live sequence
   * @param b a live sequence
   * @return negative if {@code a} goes first, 0 only if both are the same
   */
  int compareArrival(int a, int b);

  /**
   * Returns the blocks that a new allocation could take now: free ones and cached ones nobody uses.
   *
   * @return blocks
   */
  int freeBlocks();

  /**
   * Returns the size of the pool.
   *
   * @return blocks
   */
  int totalBlocks();

  /**
   * Returns the host blocks that a swap could take now.
   *
   * @return blocks; 0 without a host tier
   */
  int freeHostBlocks();

  /**
   * Returns the size of the host tier.
   *
   * @return blocks; 0 if nothing can be swapped
   */
  int totalHostBlocks();

  /**
   * Returns the blocks that a length needs, by the one formula the pool itself uses.
   *
   * @param tokens KV entries of one sequence
   * @return blocks
   */
  int blocksFor(int tokens);

  /**
   * Returns the blocks a sequence holds.
   *
   * @param sequence a live sequence
   * @return blocks in its table
   */
  int heldBlocks(int sequence);

  /**
   * Returns how many leading tokens of a waiting sequence are in the prefix cache now. Pure:
   * changes neither recency nor counts. Cost O(hit blocks).
   *
   * @param sequence a waiting sequence
   * @return tokens, at most one less than its known tokens; 0 if caching is off
   */
  int cachedTokens(int sequence);
}
