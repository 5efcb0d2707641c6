package io.headway.batching.composition;

import io.headway.api.Request;
import io.headway.api.Stateless;
import io.headway.api.batching.BatchComposer;
import io.headway.api.batching.BatchContext;
import io.headway.api.batching.BatchDraft;
import io.headway.api.batching.BatchView;
import io.headway.api.batching.SequenceState;
import io.headway.batching.internal.Arguments;

/**
 * Decides the batch as the baselines of MC-SF do: everybody in every iteration, prompts whole; when
 * the next iteration would pass the memory, running sequences are cleared, that is, sent back to
 * the queue, each with probability {@code clearProbability}, until the rest fits.
 *
 * <p>{@code clearProbability = 1} clears everybody (<em>alpha-protection</em>); less is
 * <em>alpha-protection, beta-clearing</em>, drawn from the view's randomness in order of admission.
 * A pass that clears nobody, or not enough, is repeated; the sequence admitted first is kept when
 * it is the only one left, or nobody would ever end (ours). Cleared sequences keep the tokens they
 * have emitted. O(running + admitted). Thread-safe, stateless.
 *
 * <p>Source: arXiv 2502.07115, baselines.
 */
public final class ClearingComposer implements BatchComposer<Stateless>, PreemptsOnShortage {
  private static final int MAX_PASSES = 1000;

  private final double clearProbability;
  private final IterationLevelComposer iteration = new IterationLevelComposer();

  /**
   * Makes the composer.
   *
   * @param clearProbability beta, in (0, 1]
   */
  public ClearingComposer(double clearProbability) {
    this.clearProbability =
        Arguments.within("clearProbability", clearProbability, Double.MIN_VALUE, 1, "");
  }

  @Override
  public String id() {
    return "clearing";
  }

  @Override
  public Stateless newState() {
    return Stateless.STATE;
  }

  @Override
  public boolean canServe(Stateless state, BatchView view, Request request) {
    return iteration.canServe(state, view, request);
  }

  @Override
  public void compose(Stateless state, BatchContext context) {
    BatchView view = context.view();
    for (int pass = 0; pass < MAX_PASSES && overflows(view); pass++) {
      clear(context, view, pass == MAX_PASSES - 1 ? 1 : clearProbability);
    }
    iteration.compose(state, context);
  }

  /** Whether what runs cannot grow by the tokens of the next iteration. */
  private static boolean overflows(BatchView view) {
    long atMost = 0;
    int oneToken = view.blocksFor(1);
    for (int i = 0, count = view.runningCount(); i < count; i++) {
      int need = view.needTokens(view.running(i));
      // At most the blocks of so many tokens alone, and one more: the pool need not be asked.
      atMost += need == 1 ? oneToken : (long) view.blocksFor(need) + oneToken;
    }
    return atMost > view.freeBlocks() && needsMoreThanIsFree(view);
  }

  private static boolean needsMoreThanIsFree(BatchView view) {
    long needed = 0;
    int running = 0;
    for (int i = 0, count = view.runningCount(); i < count; i++) {
      int sequence = view.running(i);
      if (view.state(sequence) == SequenceState.RUNNING) {
        running++;
        int after = view.computedTokens(sequence) + view.needTokens(sequence);
        needed += Math.max(0, view.blocksFor(after) - view.heldBlocks(sequence));
      }
    }
    return running > 1 && needed > view.freeBlocks();
  }

  private static void clear(BatchContext context, BatchView view, double probability) {
    BatchDraft draft = context.draft();
    int[] one = new int[1];
    int left = view.runningCount() - draft.preemptions();
    for (int i = view.runningCount() - 1; i >= 0 && left > 1; i--) {
      int sequence = view.running(i);
      boolean candidate = view.state(sequence) == SequenceState.RUNNING && !view.inFlight(sequence);
      if (candidate && (probability >= 1 || view.random().nextDouble() < probability)) {
        one[0] = sequence;
        left -= context.makeRoom(sequence, one, 0, 1) == BatchView.NONE ? 0 : 1;
      }
    }
  }

  @Override
  public int repeatableIterations(Stateless state, BatchView view) {
    return Integer.MAX_VALUE;
  }
}
