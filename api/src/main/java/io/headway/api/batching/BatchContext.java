package io.headway.api.batching;

import io.headway.api.ProvidedByRuntime;

/**
 * What a {@link BatchComposer} works with: the view, the draft, and the other three parts of the
 * policy behind three calls. Valid during one call of {@link BatchComposer#compose}.
 */
@ProvidedByRuntime
public interface BatchContext {
  /**
   * Returns the instance.
   *
   * @return the view of this decision
   */
  BatchView view();

  /**
   * Returns the batch under construction.
   *
   * @return the draft of this decision
   */
  BatchDraft draft();

  /**
   * Returns the first waiting sequence in the policy's order that was not set aside in this
   * decision. With a {@link BatchPlanner}, planned sequences come before the others.
   *
   * @return a sequence, or {@link BatchView#NONE} if nobody waits or the plan lets nobody start now
   */
  int head();

  /**
   * Sets the head aside for the rest of this decision, so that {@link #head} returns the one behind
   * it. Its rank is kept.
   *
   * @param sequence the head
   */
  void setAside(int sequence);

  /**
   * Compares any two live sequences, queued or running, by the policy's order.
   *
   * @param a a live sequence
   * @param b a live sequence
   * @return negative if {@code a} goes first; 0 only if {@code a == b}
   */
  int compare(int a, int b);

  /**
   * Asks the admission test and, on YES, admits. NEVER ends the request and answers {@link
   * DraftOutcome#NEVER_FITS}; LATER answers {@link DraftOutcome#NO_BLOCKS}.
   *
   * @param sequence a queued sequence
   * @param tokens most tokens to compute now, at least 1
   * @return {@link DraftOutcome#DONE} or why not
   */
  DraftOutcome admit(int sequence, int tokens);

  /**
   * Says that the composition itself lets a queued sequence wait, such as one that does not fit
   * what is left of its own budget whole; see {@link BatchDraft#defer}. A budget or a cap that is
   * used up need not be said each time: {@link io.headway.api.Claims.Bound#BATCH_TOKENS} and {@link
   * io.headway.api.Claims.Bound#BATCH_SEQUENCES} say it once.
   *
   * @param sequence a queued sequence
   */
  void defer(int sequence);

  /**
   * Ends a queued sequence whose time to start has passed, as {@link BatchDraft#expire}.
   *
   * @param sequence a queued sequence
   */
  void expire(int sequence);

  /**
   * Asks the victim selector for one of all running sequences, in order of admission, and preempts
   * it.
   *
   * @param beneficiary who needs blocks
   * @return the victim, or {@link BatchView#NONE} if nobody was preempted
   */
  int makeRoom(int beneficiary);

  /**
   * Asks the victim selector for one of the given sequences and preempts it.
   *
   * @param beneficiary who needs blocks
   * @param candidates running sequences in the composer's order; those in flight are passed over
   * @param from first candidate
   * @param to behind the last candidate
   * @return the victim, or {@link BatchView#NONE} if nobody was preempted
   */
  int makeRoom(int beneficiary, int[] candidates, int from, int to);

  /**
   * Runs a sequence: {@link #admit}s a queued one, or schedules a running one. If slot or blocks
   * are short, or its admission test says LATER, the victim selector names one of the given
   * sequences after the other until the sequence can run for sure; then these are preempted. Nobody
   * is if that cannot be reached: the selector names nobody any more, the test says LATER even so
   * ({@link AdmissionTest#testAfter}), or what is short is something else.
   *
   * @param sequence queued, or running and not yet in this batch
   * @param tokens as for {@link #admit} or {@link BatchDraft#schedule}
   * @param candidates running sequences in the composer's order; those in flight are passed over
   * @param from first candidate
   * @param to behind the last candidate
   * @return {@link DraftOutcome#DONE} or why not
   */
  DraftOutcome runByPreempting(int sequence, int tokens, int[] candidates, int from, int to);

  /**
   * Admits a queued sequence as {@link #runByPreempting}, with what a token budget leaves, all
   * running sequences being candidates in order of admission. Victims that are in the batch already
   * give their tokens back, and somebody yields also when the budget is used up.
   *
   * @param sequence a queued sequence
   * @param budgetTokens most tokens of the whole batch
   * @return {@link DraftOutcome#DONE} or why not
   */
  DraftOutcome admitByPreempting(int sequence, int budgetTokens);

  /**
   * Asks the victim selector for one of the given sequences and moves it to host memory although
   * nobody needs its blocks yet. Unlike {@link #makeRoom} it never falls back to recomputation.
   *
   * @param candidates running sequences in the composer's order; those in flight are passed over
   * @param from first candidate
   * @param to behind the last candidate
   * @return the sequence moved, or {@link BatchView#NONE} if none was: the selector names none or
   *     has it recompute, or the host has no room
   */
  int swapOut(int[] candidates, int from, int to);

  /**
   * Asks the victim selector which of the given sequences comes back first, and moves it to the
   * device without tokens.
   *
   * @param candidates queued sequences in the policy's order; those not swapped are passed over
   * @param from first candidate
   * @param to behind the last candidate
   * @param headroomBlocks blocks that must stay free afterwards
   * @return the sequence moved, or {@link BatchView#NONE} if none was
   */
  int resume(int[] candidates, int from, int to, int headroomBlocks);
}
