package io.headway.batching.composition;

import io.headway.api.Claims;
import io.headway.api.batching.BatchComposer;
import io.headway.api.batching.BatchContext;
import io.headway.api.batching.BatchDraft;
import io.headway.api.batching.BatchView;
import io.headway.api.batching.DraftOutcome;
import io.headway.api.batching.End;

/**
 * Decides the batch as Sarathi-Serve does: decodes never wait for prompts, and prompts are cut to
 * what the token budget leaves.
 *
 * <ol>
 *   <li>One token for each sequence whose prefill is complete, by (arrival, id). One that cannot
 *       get a block preempts among the running sequences not yet visited, itself last.
 *   <li>Prefills under way, by (arrival, id): {@code min(remaining, budget - used)} tokens.
 *   <li>The queue, while the budget lasts: {@code min(need, budget - used)} tokens of the head; the
 *       first that is refused ends the pass.
 * </ol>
 *
 * <p>The budget limits prefill only: if more sequences decode than it has tokens, all of them
 * decode. So a batch has at most {@code max(budget, decodes)} tokens, within the engine's own
 * limit. With a falling {@link ChunkSchedule} the budget of each chunk depends on how far its
 * prompt has come. A prefill under way that lacks blocks, which cannot be with an admission test
 * that reserves the whole prompt, preempts like a decode; otherwise half-computed prompts could
 * hold each other up for ever.
 *
 * <p>Promise: a running sequence with a complete prefill gets a token in every iteration while it
 * keeps its blocks and the engine's token limit is not below the number of decodes. Cost: O(running
 * + admitted). Thread-safe; the state is single-threaded.
 *
 * <p>Source: Agrawal et al., Taming Throughput-Latency Tradeoff in LLM Inference with
 * Sarathi-Serve, OSDI 2024, and its code, github.com/microsoft/sarathi-serve. Departure: the code
 * preempts when no block at all is free, even if no new one is needed; here the exact need decides.
 */
public final class StallFreeComposer
    implements BatchComposer<StallFreeComposer.State>, PreemptsOnShortage {
  private static final Claims CLAIMS =
      Claims.builder().bound(Claims.Bound.DECODE_GAP_ITERATIONS, 0).build();

  private final ChunkSchedule chunks;

  /**
   * Makes the composer with a constant budget.
   *
   * @param tokenBudget tokens in one iteration, at least 1
   * @throws IllegalArgumentException if it is below 1
   */
  public StallFreeComposer(int tokenBudget) {
    this(ChunkSchedule.constant(tokenBudget));
  }

  /**
   * Makes the composer.
   *
   * @param chunks budget of each chunk
   */
  public StallFreeComposer(ChunkSchedule chunks) {
    this.chunks = chunks;
  }

  /** The running sequences by arrival. Single-threaded. */
  public static final class State {
    private final ArrivalList running = new ArrivalList();

    private State() {}
  }

  @Override
  public String id() {
    return "sarathi-serve";
  }

  @Override
  public State newState() {
    return new State();
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
  public void compose(State state, BatchContext context) {
    BatchView view = context.view();
    BatchDraft draft = context.draft();
    boolean prefills = decode(state.running, context, view, draft);
    if (prefills) {
      continuePrefills(state.running, context, view, draft);
    }
    admitWaiting(context, view, draft);
  }

  /** Returns whether a prefill under way was passed over. */
  private static boolean decode(
      ArrivalList running, BatchContext context, BatchView view, BatchDraft draft) {
    boolean prefills = false;
    int i = 0;
    while (true) {
      i = draft.scheduleDecodes(running.array(), i, running.size());
      if (i == running.size()) {
        return prefills;
      }
      int sequence = running.at(i);
      if (view.decoding(sequence)) {
        if (schedule(running, i, 1, context, draft) == DraftOutcome.OVER_TOKENS) {
          return prefills;
        }
        // A sequence that preempted itself has left the list, and the next one stands in its place.
        if (i < running.size() && running.at(i) == sequence) {
          i++;
        }
      } else {
        prefills |= view.needTokens(sequence) > 0;
        i++;
      }
    }
  }

  private void continuePrefills(
      ArrivalList running, BatchContext context, BatchView view, BatchDraft draft) {
    int i = 0;
    while (i < running.size()) {
      int sequence = running.at(i);
      int need = view.needTokens(sequence);
      if (need > 0 && !view.decoding(sequence)) {
        int left = left(view, draft, view.computedTokens(sequence));
        if (left > 0) {
          schedule(running, i, Math.min(need, left), context, draft);
        }
      }
      if (i < running.size() && running.at(i) == sequence) {
        i++;
      }
    }
  }

  /** Schedules the sequence at a position, preempting among those from that position on. */
  private static DraftOutcome schedule(
      ArrivalList running, int at, int tokens, BatchContext context, BatchDraft draft) {
    int sequence = running.at(at);
    DraftOutcome outcome = draft.schedule(sequence, tokens);
    while (outcome == DraftOutcome.NO_BLOCKS) {
      int victim = context.makeRoom(sequence, running.array(), at, running.size());
      if (victim == sequence || victim == BatchView.NONE) {
        break;
      }
      outcome = draft.schedule(sequence, tokens);
    }
    return outcome;
  }

  private void admitWaiting(BatchContext context, BatchView view, BatchDraft draft) {
    while (draft.slotsLeft() > 0) {
      int head = context.head();
      if (head == BatchView.NONE) {
        return;
      }
      int left = left(view, draft, chunks.dynamic() ? view.cachedTokens(head) : 0);
      if (left <= 0) {
        return;
      }
      DraftOutcome outcome = context.admit(head, left);
      if (outcome == DraftOutcome.NO_ADAPTER) {
        context.setAside(head);
      } else if (!outcome.done() && outcome != DraftOutcome.NEVER_FITS) {
        return;
      }
    }
  }

  private int left(BatchView view, BatchDraft draft, int computedTokens) {
    return Math.min(chunks.limitTokens(computedTokens), view.maxTokens()) - draft.batchTokens();
  }

  @Override
  public int repeatableIterations(State state, BatchView view) {
    return Integer.MAX_VALUE;
  }

  @Override
  public void onAdmitted(State state, BatchView view, int sequence, int cachedTokens) {
    state.running.add(view, sequence);
  }

  @Override
  public void onPreempted(State state, BatchView view, int sequence) {
    state.running.remove(view, sequence);
  }

  @Override
  public void onEnded(State state, BatchView view, int sequence, End end) {
    state.running.remove(view, sequence);
  }

  @Override
  public int bulkIterations(State state, BatchView view) {
    return Integer.MAX_VALUE;
  }
}
