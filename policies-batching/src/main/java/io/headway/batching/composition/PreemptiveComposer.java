package io.headway.batching.composition;

import static java.util.Objects.requireNonNull;

import io.headway.api.Claims;
import io.headway.api.Request;
import io.headway.api.batching.BatchComposer;
import io.headway.api.batching.BatchContext;
import io.headway.api.batching.BatchDraft;
import io.headway.api.batching.BatchView;
import io.headway.api.batching.DraftOutcome;
import io.headway.api.batching.End;
import io.headway.api.batching.SequenceState;
import io.headway.batching.internal.Arguments;
import java.util.Arrays;
import java.util.BitSet;

/**
 * Decides the batch anew in every iteration: the first sequences of the policy's order run, running
 * and waiting ones alike, as many as slots, tokens and memory allow. This is preemption at the
 * granularity of a token, as in FastServe, vLLM-LTR, ALISE, Autellix, Andes and TokenFlow, which
 * differ in their order.
 *
 * <ol>
 *   <li>Running sequences and the head of the queue are taken in order. A running one gets the
 *       tokens it needs; a waiting one is admitted. Whoever lacks a slot or blocks takes them from
 *       running sequences behind it, if it runs for sure with what these yield.
 *   <li>A running sequence that is not reached keeps slot and KV until somebody before it needs
 *       them, and does not run.
 *   <li>A waiting sequence that cannot be admitted ends the admissions of this iteration, or is
 *       passed over; running ones behind it run all the same.
 *   <li>A running sequence whose prefill is under way yields to running ones before it that decode,
 *       or whose own prefill began earlier, never to a waiting one: nobody loses a prefill to an
 *       order that changes before somebody has got a token for it.
 *   <li>With {@code reserveBlocks} of 0 or more, KV moves ahead of need: while fewer blocks are
 *       free, sequences that do not run are swapped out; if nobody was preempted in this iteration,
 *       swapped ones come back while so many stay free. The victim selector says who.
 * </ol>
 *
 * <p>Without a token budget prompts are computed whole; the engine's token limit still holds, a
 * prompt above it can never be served, and what was preempted late is recomputed in pieces. Cost:
 * O(running) if the order has not changed, O(running log running) else, O(log waiting) per
 * admission. Thread-safe; the state is single-threaded.
 *
 * <p>Properties: the batch is a prefix, in the policy's order, of the sequences that had slot and
 * memory; the first sequence of the order always runs, unless a plan in flight holds what it needs.
 *
 * <p>Sources: Wu et al., FastServe, arXiv 2305.05920; Fu et al., Efficient LLM Scheduling by
 * Learning to Rank, NeurIPS 2024.
 */
public final class PreemptiveComposer
    implements BatchComposer<PreemptiveComposer.State>, PreemptsForOrder {
  /** What a waiting sequence that cannot be admitted means for those behind it. */
  public enum Refused {
    /** They wait, too. */
    STOP,
    /** They are tried. */
    SKIP
  }

  /** Stands for no swapping ahead of need. */
  public static final int NO_RESERVE = -1;

  private final int batchSequences;
  private final int tokenBudget;
  private final Refused refused;
  private final int reserveBlocks;

  /** Makes the composer with the engine's limits only: prompts whole, stop, nothing ahead. */
  public PreemptiveComposer() {
    this(0, 0, Refused.STOP, NO_RESERVE);
  }

  /**
   * Makes the composer.
   *
   * @param batchSequences most sequences in one batch, at least 0; 0 for the engine's limit.
   *     Smaller than that limit if sequences are to keep their KV while others run
   * @param tokenBudget tokens in one iteration, to which prefills are cut, at least 0; 0 for whole
   *     prompts
   * @param refused whether a waiting sequence that cannot be admitted ends the admissions
   * @param reserveBlocks blocks to keep free by moving KV ahead of need, at least 0; {@link
   *     #NO_RESERVE} to move KV only when somebody needs room
   * @throws IllegalArgumentException if a number is out of range
   */
  public PreemptiveComposer(
      int batchSequences, int tokenBudget, Refused refused, int reserveBlocks) {
    this.batchSequences = Arguments.atLeast("batchSequences", batchSequences, 0, "sequences");
    this.tokenBudget = Arguments.atLeast("tokenBudget", tokenBudget, 0, "tokens");
    this.refused = requireNonNull(refused, "refused");
    this.reserveBlocks = Arguments.atLeast("reserveBlocks", reserveBlocks, NO_RESERVE, "blocks");
  }

  /** Running sequences in the order of the last decision. Single-threaded. */
  public static final class State {
    // Those that ran when the decision began, in order; behind them those admitted in it.
    private int[] ranked = new int[16];
    private int residents;
    private int size;
    private final BitSet prefilling = new BitSet();
    private long[] stamps = new long[16];
    // Known tokens at admission if more than one of them had to be computed, else NONE.
    private int[] lengths = new int[16];
    private long admissions;
    private int[] yielding = new int[8];
    private int[] swapped = new int[8];
    private boolean everybody;

    private State() {}

    private void append(BatchView view, int sequence, int cachedTokens) {
      if (size == ranked.length) {
        ranked = Arrays.copyOf(ranked, size * 2);
      }
      ranked[size++] = sequence;
      if (sequence >= stamps.length) {
        int length = Math.max(sequence + 1, stamps.length * 2);
        stamps = Arrays.copyOf(stamps, length);
        lengths = Arrays.copyOf(lengths, length);
      }
      stamps[sequence] = admissions++;
      int known = known(view, sequence);
      lengths[sequence] = known - cachedTokens > 1 ? known : BatchView.NONE;
    }

    private void remove(int sequence) {
      for (int i = 0; i < size; i++) {
        if (ranked[i] == sequence) {
          System.arraycopy(ranked, i + 1, ranked, i, --size - i);
          if (i < residents) {
            residents--;
          }
          break;
        }
      }
      prefilling.clear(sequence);
    }
  }

  @Override
  public String id() {
    return "preemptive";
  }

  @Override
  public State newState() {
    return new State();
  }

  /** Its budget and its cap, as far as it has them. */
  @Override
  public Claims claims() {
    Claims.Builder claims = Claims.builder();
    if (tokenBudget > 0) {
      claims.bound(Claims.Bound.BATCH_TOKENS, tokenBudget);
    }
    if (batchSequences > 0) {
      claims.bound(Claims.Bound.BATCH_SEQUENCES, batchSequences);
    }
    return claims.build();
  }

  @Override
  public boolean canServe(State state, BatchView view, Request request) {
    return tokenBudget > 0 || request.promptTokens() <= view.maxTokens();
  }

  @Override
  public void compose(State state, BatchContext context) {
    BatchView view = context.view();
    BatchDraft draft = context.draft();
    rank(state, context, view);
    int next = run(state, context, view, draft);
    if (draft.batchSequences() == 0 && !state.prefilling.isEmpty()) {
      finishOldestPrefill(state, context, view, draft);
    }
    state.everybody = draft.batchSequences() == state.residents && draft.preemptions() == 0;
    // Without a batch the scheduler asks again at once, and KV would go to and fro.
    if (reserveBlocks >= 0 && draft.batchSequences() > 0) {
      moveAhead(state, context, view, draft, next);
    }
  }

  private static void rank(State state, BatchContext context, BatchView view) {
    int before = state.residents;
    state.residents = state.size;
    for (int i = before; i < state.size; i++) {
      mark(state, view, state.ranked[i]);
    }
    Ranking.sort(state.ranked, 0, state.size, context);
  }

  /** Notes whether a prefill was cut: there is more to compute, and it has not yielded a token. */
  private static void mark(State state, BatchView view, int sequence) {
    boolean cut = view.needTokens(sequence) > 0 && known(view, sequence) == state.lengths[sequence];
    state.prefilling.set(sequence, cut);
  }

  private static int known(BatchView view, int sequence) {
    return view.promptTokens(sequence) + view.generatedTokens(sequence);
  }

  /** Returns the position of the first running sequence that was not reached. */
  private int run(State state, BatchContext context, BatchView view, BatchDraft draft) {
    int most = batchSequences == 0 ? Integer.MAX_VALUE : batchSequences;
    int budget = tokenBudget == 0 ? view.maxTokens() : Math.min(tokenBudget, view.maxTokens());
    int head = context.head();
    int next = 0;
    int ahead = ahead(state, context, next, head);
    int preemptions = 0;
    while (draft.batchSequences() < most) {
      int left = budget - draft.batchTokens();
      if (left <= 0 || (head == BatchView.NONE && next >= state.residents)) {
        break;
      }
      if (next < ahead) {
        int room = Math.min(left, most - draft.batchSequences());
        int end = next + Math.min(ahead - next, room);
        next = draft.scheduleDecodes(state.ranked, next, end);
        if (next < end) {
          next = runResident(state, context, view, draft, next, budget - draft.batchTokens());
        }
        if (draft.preemptions() > preemptions) {
          preemptions = draft.preemptions();
          ahead = ahead(state, context, next, head);
        }
        continue;
      }
      DraftOutcome outcome = start(state, context, view, next, head, left);
      if (outcome.done() || outcome == DraftOutcome.NEVER_FITS) {
        head = context.head();
      } else if (refused == Refused.SKIP || outcome == DraftOutcome.NO_ADAPTER) {
        context.setAside(head);
        head = context.head();
      } else {
        head = BatchView.NONE;
      }
      preemptions = draft.preemptions();
      ahead = ahead(state, context, next, head);
    }
    return next;
  }

  /**
   * Returns the first position, from {@code next} on, whose running sequence yields to the head.
   */
  private static int ahead(State state, BatchContext context, int next, int head) {
    int low = next;
    int high = state.residents;
    while (head != BatchView.NONE && low < high) {
      int middle = (low + high) >>> 1;
      if (context.compare(state.ranked[middle], head) < 0) {
        low = middle + 1;
      } else {
        high = middle;
      }
    }
    return high;
  }

  /** Returns the position of the running sequence behind this one. */
  private static int runResident(
      State state, BatchContext context, BatchView view, BatchDraft draft, int at, int left) {
    int sequence = state.ranked[at];
    int need = view.needTokens(sequence);
    int tokens = Math.min(need, left);
    if (tokens == 0) {
      return at + 1;
    }
    DraftOutcome outcome = draft.schedule(sequence, tokens);
    if (outcome == DraftOutcome.NO_BLOCKS) {
      long stamp = state.prefilling.get(sequence) ? state.stamps[sequence] : Long.MIN_VALUE;
      int count = gatherYielding(state, at + 1, stamp);
      outcome = context.runByPreempting(sequence, tokens, state.yielding, 0, count);
    }
    if (outcome.done() && tokens == need) {
      state.prefilling.clear(sequence);
    }
    return at + 1;
  }

  /**
   * Prefills under way hold what each other needs: the one that began first takes it, wherever the
   * order has put it.
   */
  private void finishOldestPrefill(
      State state, BatchContext context, BatchView view, BatchDraft draft) {
    int oldest = -1;
    for (int i = 0; i < state.residents; i++) {
      int sequence = state.ranked[i];
      boolean older = oldest < 0 || state.stamps[sequence] < state.stamps[state.ranked[oldest]];
      if (state.prefilling.get(sequence) && view.needTokens(sequence) > 0 && older) {
        oldest = i;
      }
    }
    if (oldest < 0) {
      return;
    }
    int sequence = state.ranked[oldest];
    System.arraycopy(state.ranked, 0, state.ranked, 1, oldest);
    state.ranked[0] = sequence;
    int budget = tokenBudget == 0 ? view.maxTokens() : Math.min(tokenBudget, view.maxTokens());
    runResident(state, context, view, draft, 0, budget);
  }

  private DraftOutcome start(
      State state, BatchContext context, BatchView view, int next, int sequence, int left) {
    int need = view.needTokens(sequence);
    int tokens = Math.min(need, tokenBudget == 0 ? view.maxTokens() : left);
    int count = gatherYielding(state, next, Long.MAX_VALUE);
    return wholeFits(state, view, count, sequence)
        ? context.runByPreempting(sequence, tokens, state.yielding, 0, count)
        : context.admit(sequence, tokens);
  }

  /**
   * Those from a place on that may yield: who is in the middle of a prefill does only if it was
   * admitted after a given stamp.
   */
  private static int gatherYielding(State state, int next, long stamp) {
    if (state.yielding.length < state.residents) {
      state.yielding = new int[Math.max(state.residents, state.yielding.length * 2)];
    }
    int count = 0;
    for (int i = next; i < state.residents; i++) {
      int sequence = state.ranked[i];
      if (!state.prefilling.get(sequence) || state.stamps[sequence] > stamp) {
        state.yielding[count++] = sequence;
      }
    }
    return count;
  }

  /**
   * Returns whether all known tokens of a waiting sequence could find room, not its first chunk
   * alone. Blocks that are shared count for each holder: it is the context that makes sure.
   */
  private static boolean wholeFits(State state, BatchView view, int count, int sequence) {
    int known = known(view, sequence);
    int needed =
        view.state(sequence) == SequenceState.SWAPPED
            ? Math.max(view.heldBlocks(sequence), view.blocksFor(known))
            : view.blocksFor(known) - view.blocksFor(view.cachedTokens(sequence));
    int room = view.freeBlocks();
    for (int i = 0; i < count && room < needed; i++) {
      if (!view.inFlight(state.yielding[i])) {
        room += view.heldBlocks(state.yielding[i]);
      }
    }
    return room >= needed;
  }

  private void moveAhead(
      State state, BatchContext context, BatchView view, BatchDraft draft, int next) {
    boolean roomWasNeeded = draft.preemptions() > 0;
    while (next < state.residents && view.freeBlocks() < reserveBlocks) {
      if (context.swapOut(state.ranked, next, state.residents) == BatchView.NONE) {
        break;
      }
      roomWasNeeded = true;
    }
    if (roomWasNeeded || draft.slotsLeft() == 0 || view.freeBlocks() <= reserveBlocks) {
      return;
    }
    int count = 0;
    for (int s = view.firstWaiting(); s != BatchView.NONE; s = view.nextWaiting(s)) {
      if (view.state(s) == SequenceState.SWAPPED) {
        if (count == state.swapped.length) {
          state.swapped = Arrays.copyOf(state.swapped, count * 2);
        }
        state.swapped[count++] = s;
      }
    }
    Ranking.sort(state.swapped, 0, count, context);
    int back = count == 0 ? BatchView.NONE : context.resume(state.swapped, 0, count, reserveBlocks);
    while (back != BatchView.NONE) {
      back = context.resume(state.swapped, 0, count, reserveBlocks);
    }
  }

  @Override
  public int repeatableIterations(State state, BatchView view) {
    return state.everybody && reserveBlocks < 0 ? Integer.MAX_VALUE : 0;
  }

  @Override
  public void onAdmitted(State state, BatchView view, int sequence, int cachedTokens) {
    state.append(view, sequence, cachedTokens);
  }

  @Override
  public void onPreempted(State state, BatchView view, int sequence) {
    state.remove(sequence);
  }

  @Override
  public void onEnded(State state, BatchView view, int sequence, End end) {
    state.remove(sequence);
  }

  @Override
  public int bulkIterations(State state, BatchView view) {
    return Integer.MAX_VALUE;
  }
}
