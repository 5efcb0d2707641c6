package io.headway.batching.composition;

import static java.util.Objects.requireNonNull;

import io.headway.api.Claims;
import io.headway.api.batching.BatchComposer;
import io.headway.api.batching.BatchContext;
import io.headway.api.batching.BatchDraft;
import io.headway.api.batching.BatchView;
import io.headway.api.batching.DraftOutcome;
import io.headway.api.batching.End;
import io.headway.api.batching.SequenceState;
import io.headway.batching.internal.Arguments;
import io.headway.batching.order.LaneExpiry;
import java.util.Arrays;
import java.util.BitSet;

/**
 * Decides the batch of an engine that backfills: interactive requests exactly as {@link
 * TokenBudgetComposer} would alone, and work of the batch lane in whatever they leave.
 *
 * <ol>
 *   <li>Waiting batch work whose time has come expires, preempted work included; what runs then
 *       goes on, or is ended too with {@link AtExpiry#ABORT}.
 *   <li>Batch work that has become {@linkplain LaneExpiry urgent} while it waited is interactive
 *       from here on, to its end, except that it expires.
 *   <li>Interactive running sequences, in order of admission. When blocks are short the victim
 *       selector is asked, which should take batch work first.
 *   <li>Unless an interactive one was preempted: interactive admissions, in order. For each, as
 *       little batch work yields as lets it start when blocks or a slot are missing, and none if
 *       that would not do; see {@link Yielding}.
 *   <li>Running batch work by (expiry, arrival, id), with what is left of the budget, and at most
 *       {@code laneTokens} an iteration; short of blocks, the last of the lane yields, perhaps
 *       itself.
 *   <li>Batch work is admitted only if no interactive request waits and nobody was preempted, in
 *       order of expiry, until the first that does not fit.
 * </ol>
 *
 * <p>Non-interference: with one plan in flight and without prefix caching, the tokens computed for
 * interactive requests in every iteration are those of the same engine without the lane; only the
 * duration of iterations differs, which {@code laneTokens} bounds. Urgency gives that up: urgent
 * batch work competes. Under shared prefix blocks an interactive request may find other hits than
 * without the lane.
 *
 * <p>Meant for {@link io.headway.batching.order.LaneOrder}. O(running + admitted), O(lane) per
 * change of the running lane. Thread-safe; the state is single-threaded. The rules are ours: the
 * product modelled (Anthropic Message Batches: independent requests, expiry after 24 hours)
 * describes no schedule.
 */
public final class BackfillComposer
    implements BatchComposer<BackfillComposer.State>, PreemptsOnShortage {
  /** What happens to batch work that runs when its time has come. */
  public enum AtExpiry {
    /** It goes on to its end. */
    FINISH,
    /** It is ended as expired. */
    ABORT
  }

  /** Whether batch work yields for an interactive request that does not start even so. */
  public enum Yielding {
    /** Only as much as lets the request start, and none if nothing would. */
    HELPFUL,
    /** One after the other while the request is short of blocks or a slot, to no avail perhaps. */
    ALWAYS
  }

  private final int tokenBudget;
  private final int laneTokens;
  private final LaneExpiry expiry;
  private final AtExpiry atExpiry;
  private final Yielding yielding;

  /**
   * Makes the composer.
   *
   * @param tokenBudget tokens in one iteration, at least 1
   * @param laneTokens most tokens of batch work in one iteration, at least 0; 0 for what the budget
   *     leaves
   * @param expiry when batch work expires
   * @param atExpiry what happens to batch work that runs then
   * @param yielding whether batch work yields where that does not help
   */
  public BackfillComposer(
      int tokenBudget, int laneTokens, LaneExpiry expiry, AtExpiry atExpiry, Yielding yielding) {
    this.tokenBudget = Arguments.atLeast("tokenBudget", tokenBudget, 1, "token");
    this.laneTokens = Arguments.atLeast("laneTokens", laneTokens, 0, "tokens");
    this.expiry = requireNonNull(expiry, "expiry");
    this.atExpiry = requireNonNull(atExpiry, "atExpiry");
    this.yielding = requireNonNull(yielding, "yielding");
  }

  /** The lane: who waits, by expiry, and who runs. Single-threaded. */
  public static final class State {
    private final IndexedHeap waiting;
    private int[] running = new int[16];
    private int runningCount;
    private final BitSet interactiveWaiting = new BitSet();
    private int interactiveCount;
    private final IndexedHeap becomingUrgent;
    private final BitSet promoted = new BitSet();
    private final int[] one = new int[1];

    private State(LaneExpiry expiry) {
      waiting =
          new IndexedHeap(
              (view, a, b) -> expiry.compare(view, a, b) < 0, new IndexedHeap.Positions());
      becomingUrgent =
          new IndexedHeap(
              (view, a, b) -> expiry.urgentNanos(view, a) < expiry.urgentNanos(view, b),
              new IndexedHeap.Positions());
    }

    /**
     * Returns how much batch work waits.
     *
     * @return sequences
     */
    public int waitingBatch() {
      return waiting.size();
    }

    /**
     * Returns how much batch work runs.
     *
     * @return sequences
     */
    public int runningBatch() {
      return runningCount;
    }

    private boolean isBackfill(BatchView view, int sequence) {
      return LaneExpiry.isBatch(view, sequence) && !promoted.get(sequence);
    }

    private void leavesQueue(BatchView view, int sequence) {
      if (waiting.contains(sequence)) {
        waiting.remove(view, sequence);
      }
      if (becomingUrgent.contains(sequence)) {
        becomingUrgent.remove(view, sequence);
      }
      waitsNoMore(sequence);
    }

    private void waits(int sequence) {
      interactiveWaiting.set(sequence);
      interactiveCount++;
    }

    private void waitsNoMore(int sequence) {
      if (interactiveWaiting.get(sequence)) {
        interactiveWaiting.clear(sequence);
        interactiveCount--;
      }
    }

    private void start(BatchView view, int sequence, LaneExpiry expiry) {
      if (runningCount == running.length) {
        running = Arrays.copyOf(running, runningCount * 2);
      }
      int at = runningCount++;
      while (at > 0 && expiry.compare(view, sequence, running[at - 1]) < 0) {
        running[at] = running[at - 1];
        at--;
      }
      running[at] = sequence;
    }

    private void stop(int sequence) {
      for (int i = 0; i < runningCount; i++) {
        if (running[i] == sequence) {
          System.arraycopy(running, i + 1, running, i, --runningCount - i);
          return;
        }
      }
    }
  }

  @Override
  public String id() {
    return "batch-lane";
  }

  @Override
  public State newState() {
    return new State(expiry);
  }

  @Override
  public Claims claims() {
    Claims.Builder claims = Claims.builder().bound(Claims.Bound.BATCH_TOKENS, tokenBudget);
    if (!expiry.promotes()) {
      claims.bound(Claims.Bound.INTERACTIVE_DELAY_ITERATIONS, 0);
    }
    return claims.build();
  }

  @Override
  public void compose(State state, BatchContext context) {
    BatchView view = context.view();
    BatchDraft draft = context.draft();
    int budget = Math.min(tokenBudget, view.maxTokens());
    expire(state, context, view);
    promote(state, view);
    int aborted = draft.preemptions();
    if (runInteractive(state, context, view, draft, budget)) {
      admitInteractive(state, context, view, draft, budget);
    }
    int laneBudget = budget;
    if (laneTokens > 0) {
      laneBudget = (int) Math.min(budget, (long) draft.batchTokens() + laneTokens);
    }
    runLane(state, context, view, draft, laneBudget);
    if (state.interactiveCount == 0 && draft.preemptions() == aborted) {
      admitLane(state, context, view, draft, laneBudget);
    }
  }

  private void expire(State state, BatchContext context, BatchView view) {
    if (atExpiry == AtExpiry.ABORT) {
      for (int i = state.runningCount - 1; i >= 0; i--) {
        int sequence = state.running[i];
        if (isOver(view, sequence) && !view.inFlight(sequence)) {
          state.one[0] = sequence;
          context.makeRoom(sequence, state.one, 0, 1);
        }
      }
    }
    while (state.waiting.size() > 0 && isOver(view, state.waiting.first())) {
      int sequence = state.waiting.first();
      state.leavesQueue(view, sequence);
      context.expire(sequence);
    }
  }

  private void promote(State state, BatchView view) {
    IndexedHeap urgent = state.becomingUrgent;
    while (urgent.size() > 0 && expiry.urgentNanos(view, urgent.first()) <= view.nowNanos()) {
      int sequence = urgent.first();
      urgent.remove(view, sequence);
      state.promoted.set(sequence);
      state.waits(sequence);
    }
  }

  private boolean isOver(BatchView view, int sequence) {
    return expiry.nanos(view, sequence) <= view.nowNanos();
  }

  /** Returns whether interactive requests may be admitted: none of them yielded or went short. */
  private static boolean runInteractive(
      State state, BatchContext context, BatchView view, BatchDraft draft, int budget) {
    boolean enough = true;
    boolean batchWorkRuns = state.runningCount > 0;
    for (int i = 0, count = view.runningCount(); i < count; i++) {
      int left = budget - draft.batchTokens();
      if (left <= 0) {
        break;
      }
      int sequence = view.running(i);
      int tokens = Math.min(view.needTokens(sequence), left);
      if (tokens == 0
          || view.state(sequence) != SequenceState.RUNNING
          || (batchWorkRuns && state.isBackfill(view, sequence))) {
        continue;
      }
      DraftOutcome outcome = draft.schedule(sequence, tokens);
      while (outcome == DraftOutcome.NO_BLOCKS) {
        int victim = context.makeRoom(sequence);
        if (victim == sequence) {
          return false;
        }
        if (victim == BatchView.NONE || !state.isBackfill(view, victim)) {
          enough = false;
        }
        if (victim == BatchView.NONE) {
          break;
        }
        outcome = draft.schedule(sequence, tokens);
      }
    }
    return enough;
  }

  private void admitInteractive(
      State state, BatchContext context, BatchView view, BatchDraft draft, int budget) {
    while (true) {
      int head = context.head();
      if (head == BatchView.NONE
          || state.isBackfill(view, head)
          || budget - draft.batchTokens() <= 0) {
        return;
      }
      int left = budget - draft.batchTokens();
      DraftOutcome outcome =
          yielding == Yielding.HELPFUL
              ? context.runByPreempting(head, left, state.running, 0, state.runningCount)
              : admitWhileShort(state, context, head, left);
      if (outcome == DraftOutcome.NO_ADAPTER) {
        context.setAside(head);
      } else if (!outcome.done() && outcome != DraftOutcome.NEVER_FITS) {
        return;
      }
    }
  }

  private static DraftOutcome admitWhileShort(
      State state, BatchContext context, int head, int tokens) {
    DraftOutcome outcome = context.admit(head, tokens);
    while (outcome == DraftOutcome.NO_BLOCKS || outcome == DraftOutcome.NO_SLOT) {
      if (context.makeRoom(head, state.running, 0, state.runningCount) == BatchView.NONE) {
        break;
      }
      outcome = context.admit(head, tokens);
    }
    return outcome;
  }

  private static void runLane(
      State state, BatchContext context, BatchView view, BatchDraft draft, int budget) {
    for (int i = 0; i < state.runningCount; i++) {
      int sequence = state.running[i];
      int tokens = Math.min(view.needTokens(sequence), budget - draft.batchTokens());
      if (tokens <= 0) {
        continue;
      }
      DraftOutcome outcome = draft.schedule(sequence, tokens);
      while (outcome == DraftOutcome.NO_BLOCKS) {
        int victim = context.makeRoom(sequence, state.running, i, state.runningCount);
        if (victim == sequence || victim == BatchView.NONE) {
          break;
        }
        outcome = draft.schedule(sequence, tokens);
      }
    }
  }

  private static void admitLane(
      State state, BatchContext context, BatchView view, BatchDraft draft, int budget) {
    while (draft.slotsLeft() > 0) {
      int left = budget - draft.batchTokens();
      int head = context.head();
      if (left <= 0 || head == BatchView.NONE || !state.isBackfill(view, head)) {
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

  @Override
  public long wakeAtNanos(State state, BatchView view) {
    if (state.waiting.size() == 0) {
      return Long.MAX_VALUE;
    }
    long next = expiry.nanos(view, state.waiting.first());
    if (state.becomingUrgent.size() > 0) {
      next = Math.min(next, expiry.urgentNanos(view, state.becomingUrgent.first()));
    }
    return next > view.nowNanos() ? next : Long.MAX_VALUE;
  }

  @Override
  public int repeatableIterations(State state, BatchView view) {
    boolean expires =
        state.waiting.size() > 0 || (atExpiry == AtExpiry.ABORT && state.runningCount > 0);
    return expires ? 0 : Integer.MAX_VALUE;
  }

  @Override
  public void onQueued(State state, BatchView view, int sequence) {
    if (LaneExpiry.isBatch(view, sequence)) {
      state.waiting.add(view, sequence);
      if (state.promoted.get(sequence)) {
        state.waits(sequence);
      } else if (expiry.promotes()) {
        state.becomingUrgent.add(view, sequence);
      }
    } else {
      state.waits(sequence);
    }
  }

  @Override
  public void onAdmitted(State state, BatchView view, int sequence, int cachedTokens) {
    state.leavesQueue(view, sequence);
    if (state.isBackfill(view, sequence)) {
      state.start(view, sequence, expiry);
    }
  }

  @Override
  public void onPreempted(State state, BatchView view, int sequence) {
    state.stop(sequence);
  }

  @Override
  public void onEnded(State state, BatchView view, int sequence, End end) {
    state.stop(sequence);
    state.leavesQueue(view, sequence);
    state.promoted.clear(sequence);
  }

  @Override
  public int bulkIterations(State state, BatchView view) {
    return Integer.MAX_VALUE;
  }
}
