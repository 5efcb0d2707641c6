package io.headway.batching.composition;

import io.headway.api.Claims;
import io.headway.api.Stateless;
import io.headway.api.batching.BatchComposer;
import io.headway.api.batching.BatchContext;
import io.headway.api.batching.BatchDraft;
import io.headway.api.batching.BatchView;
import io.headway.api.batching.DraftOutcome;
import io.headway.api.batching.SequenceState;
import io.headway.batching.internal.Arguments;

/**
 * Decides the batch as SARATHI does: every decode, and at most one prefill chunk that fills the
 * batch up to a fixed number of tokens, so that the matrix shape stays a multiple of the tile.
 *
 * <ol>
 *   <li>One token for each decoding sequence, in order of admission.
 *   <li>One chunk of {@code min(remaining, chunkTokens - decodes)} tokens: of the sequence with an
 *       unfinished prefill, else of the head of the queue. The iteration that ends a prefill starts
 *       no second one.
 * </ol>
 *
 * <p>At most {@code min(engine's sequences, chunkTokens)} sequences run, so that decodes can never
 * starve a prefill (the paper asks for {@code chunkTokens > maxSequences - 1} instead). The
 * engine's token limit lowers the chunk. Cost: O(running). Thread-safe, stateless.
 *
 * <p>Source: Agrawal et al., SARATHI: Efficient LLM Inference by Piggybacking Decodes with Chunked
 * Prefills, arXiv 2308.16369.
 */
public final class DecodeMaximalComposer implements BatchComposer<Stateless>, PreemptsOnShortage {
  private static final Claims CLAIMS =
      Claims.builder().bound(Claims.Bound.DECODE_GAP_ITERATIONS, 0).build();

  private final int chunkTokens;

  /**
   * Makes the composer.
   *
   * @param chunkTokens tokens of a batch that contains a chunk, its decodes included, at least 1
   * @throws IllegalArgumentException if it is below 1
   */
  public DecodeMaximalComposer(int chunkTokens) {
    this.chunkTokens = Arguments.atLeast("chunkTokens", chunkTokens, 1, "token");
  }

  @Override
  public String id() {
    return "sarathi";
  }

  @Override
  public Stateless newState() {
    return Stateless.STATE;
  }

  @Override
  public Claims claims() {
    return CLAIMS;
  }

  @Override
  public boolean keepsOrder() {
    return true;
  }

  @Override
  public void compose(Stateless state, BatchContext context) {
    BatchView view = context.view();
    BatchDraft draft = context.draft();
    int running = 0;
    int prefill = BatchView.NONE;
    boolean short_ = false;
    for (int i = 0, count = view.runningCount(); i < count; i++) {
      int sequence = view.running(i);
      if (view.state(sequence) != SequenceState.RUNNING) {
        continue;
      }
      running++;
      if (!view.decoding(sequence)) {
        if (prefill == BatchView.NONE && view.needTokens(sequence) > 0) {
          prefill = sequence;
        }
        continue;
      }
      short_ |= !schedule(context, draft, sequence, 1);
    }
    int limit = Math.min(chunkTokens, view.maxTokens());
    int left = limit - draft.batchTokens();
    if (prefill != BatchView.NONE) {
      if (left > 0 && view.state(prefill) == SequenceState.RUNNING) {
        schedule(context, draft, prefill, Math.min(view.needTokens(prefill), left));
      }
    } else if (!short_ && draft.preemptions() == 0 && running < limit && left > 0) {
      admitOne(context, draft, left);
    }
  }

  /** Returns whether the sequence is in the batch or has yielded itself. */
  private static boolean schedule(
      BatchContext context, BatchDraft draft, int sequence, int tokens) {
    DraftOutcome outcome = draft.schedule(sequence, tokens);
    while (outcome == DraftOutcome.NO_BLOCKS) {
      int victim = context.makeRoom(sequence);
      if (victim == sequence) {
        return true;
      }
      if (victim == BatchView.NONE) {
        return false;
      }
      outcome = draft.schedule(sequence, tokens);
    }
    return outcome.done();
  }

  private static void admitOne(BatchContext context, BatchDraft draft, int tokens) {
    while (draft.slotsLeft() > 0) {
      int head = context.head();
      if (head == BatchView.NONE) {
        return;
      }
      DraftOutcome outcome = context.admit(head, tokens);
      if (outcome == DraftOutcome.NO_ADAPTER) {
        context.setAside(head);
      } else if (outcome != DraftOutcome.NEVER_FITS) {
        return;
      }
    }
  }

  @Override
  public int repeatableIterations(Stateless state, BatchView view) {
    return Integer.MAX_VALUE;
  }
}
