package io.headway.batching.composition;

import static java.util.Objects.requireNonNull;

import io.headway.api.batching.BatchComposer;
import io.headway.api.batching.BatchContext;
import io.headway.api.batching.BatchDraft;
import io.headway.api.batching.BatchView;
import io.headway.api.batching.DraftOutcome;
import io.headway.api.batching.End;
import io.headway.api.batching.SequenceState;
import io.headway.batching.internal.Arguments;
import io.headway.batching.order.TokenTargets;
import java.util.Arrays;

/**
 * Decides the batch as FairBatching does: each batch may take as long as the most urgent decode can
 * wait, and a decode that can wait yields to prefills.
 *
 * <ol>
 *   <li>Token i of a request is due at {@code arrival + TTFT + i * TPOT}: an envelope, not a gap,
 *       so that tokens delivered early build up slack. The slack of a decode is the time left until
 *       its next token is due.
 *   <li>Time budget: the least slack of the decodes, clipped to [minimum, maximum]; the maximum
 *       without decodes. Work joins the batch while its predicted time, by a {@link
 *       LinearBatchTime}, stays within.
 *   <li>Urgent decodes first, those with less slack than the next batch takes, by (slack, arrival,
 *       id). Then prefills, running and waiting, in the policy's order, each with the largest chunk
 *       that fits. Then the other decodes. What does not fit is passed over.
 *   <li>Without {@code nextBatchNanos} the next batch is taken to need the time of one token for
 *       each decode, clipped like the budget.
 * </ol>
 *
 * <p>Targets are those of the request, else those of the parameters. When a decode lacks a block,
 * the running sequences not yet in the batch are offered as victims, the most urgent first and so
 * preempted last; after a preemption nobody is admitted. An empty batch helps nobody: if nothing
 * fits although somebody could run, the first in the order of filling runs alone, a prefill with
 * what the maximum allows and at least one token.
 *
 * <p>Promise: the predicted time of a batch of two or more sequences is at most its budget; with
 * targets of 0, a minimum time of {@code tokenBudget} tokens, no price for context and no more
 * decodes than that budget, the batches are those of Sarathi-Serve. Cost: O(running log running +
 * admitted). Thread-safe; the state is single-threaded.
 *
 * <p>Source: FairBatching, arXiv 2510.14392. The time of the next batch is not defined there; ours
 * is stated above, and can be given. Departure: the engine's own token limit holds too.
 */
public final class FairBatchingComposer
    implements BatchComposer<FairBatchingComposer.State>, PreemptsOnShortage {
  /** Stands for "as long as one token for each decode takes". */
  public static final long NEXT_BATCH_OF_DECODES = -1;

  private final Parameters parameters;

  /**
   * Makes the composer.
   *
   * @param parameters its configuration
   */
  public FairBatchingComposer(Parameters parameters) {
    this.parameters = requireNonNull(parameters, "parameters");
  }

  /**
   * Configuration of a {@link FairBatchingComposer}.
   *
   * @param targets when tokens are due
   * @param time how long an iteration takes
   * @param minimumNanos least time budget, above 0
   * @param maximumNanos greatest time budget, at least the minimum and the time of one token
   * @param nextBatchNanos time of the next batch, at least 0, or {@link #NEXT_BATCH_OF_DECODES}
   */
  public record Parameters(
      TokenTargets targets,
      LinearBatchTime time,
      long minimumNanos,
      long maximumNanos,
      long nextBatchNanos) {
    /** Budgets from 20 to 200 ms. The paper's depend on model and targets; these are ours. */
    public static final Parameters DEFAULT =
        new Parameters(
            TokenTargets.DEFAULT,
            LinearBatchTime.DEFAULT,
            20_000_000L,
            200_000_000L,
            NEXT_BATCH_OF_DECODES);

    public Parameters {
      requireNonNull(targets, "targets");
      requireNonNull(time, "time");
      Arguments.atLeast("minimumNanos", minimumNanos, 1L, "ns");
      Arguments.atLeast("maximumNanos", maximumNanos, minimumNanos, "ns");
      Arguments.atLeast("nextBatchNanos", nextBatchNanos, NEXT_BATCH_OF_DECODES, "ns");
      if (!time.fits((double) maximumNanos, 1, 0)) {
        throw new IllegalArgumentException(
            "maximumNanos must be at least the "
                + (long) Math.ceil(time.nanos(1, 0))
                + " ns that an iteration of one token takes, but was "
                + maximumNanos);
      }
    }
  }

  /** The running sequences by arrival, and the batch in the making. Single-threaded. */
  public static final class State {
    private final ArrivalList running = new ArrivalList();
    private final FairBatch batch;
    private int[] candidates = new int[16];
    private boolean steady;

    private State(Parameters parameters) {
      batch = new FairBatch(parameters.time, parameters.minimumNanos, parameters.maximumNanos);
    }

    /**
     * Returns the time budget of the last decision.
     *
     * @return nanoseconds
     */
    public long budgetNanos() {
      return batch.budgetNanos();
    }

    /**
     * Returns how long the batch of the last decision will take.
     *
     * @return nanoseconds; 0 if it is empty
     */
    public double predictedNanos() {
      return batch.predictedNanos();
    }

    /**
     * Returns what the last batch left of its budget: a signal of load for a router.
     *
     * @return nanoseconds; negative if a single sequence took longer than the budget
     */
    public double residualNanos() {
      return batch.budgetNanos() - batch.predictedNanos();
    }
  }

  @Override
  public String id() {
    return "fairbatching";
  }

  @Override
  public State newState() {
    return new State(parameters);
  }

  private long deadlineNanos(BatchView view, int sequence) {
    return parameters.targets.dueNanos(view, sequence);
  }

  @Override
  public void compose(State state, BatchContext context) {
    BatchView view = context.view();
    BatchDraft draft = context.draft();
    FairBatch batch = state.batch;
    openBatch(state, view);
    boolean all = runDecodes(state, context, 0, batch.urgent());
    boolean prefills = runPrefills(state, context);
    all &= runDecodes(state, context, batch.urgent(), batch.decodes());
    if (draft.batchSequences() == 0 && draft.preemptions() == 0) {
      runFirst(state, context);
    }
    state.steady = all && !prefills && view.waitingCount() == 0;
  }

  private void openBatch(State state, BatchView view) {
    FairBatch batch = state.batch;
    batch.begin(view.nowNanos());
    for (int i = 0; i < state.running.size(); i++) {
      int sequence = state.running.at(i);
      if (view.needTokens(sequence) > 0 && view.decoding(sequence)) {
        batch.addDecode(sequence, deadlineNanos(view, sequence), view.computedTokens(sequence));
      }
    }
    if (parameters.nextBatchNanos == NEXT_BATCH_OF_DECODES) {
      batch.open();
    } else {
      batch.open(parameters.nextBatchNanos);
    }
  }

  /** Returns whether all of them run. */
  private boolean runDecodes(State state, BatchContext context, int from, int to) {
    BatchView view = context.view();
    boolean all = true;
    for (int i = from; i < to; i++) {
      int sequence = state.batch.decode(i);
      boolean runs =
          isRunning(view, sequence)
              && state.batch.fits(view.computedTokens(sequence))
              && run(state, context, sequence, 1);
      all &= runs;
    }
    return all;
  }

  private static boolean isRunning(BatchView view, int sequence) {
    return view.state(sequence) == SequenceState.RUNNING;
  }

  /** Schedules tokens of a running sequence, preempting among those not yet in the batch. */
  private boolean run(State state, BatchContext context, int sequence, int tokens) {
    BatchView view = context.view();
    BatchDraft draft = context.draft();
    int held = view.computedTokens(sequence);
    DraftOutcome outcome = draft.schedule(sequence, tokens);
    while (outcome == DraftOutcome.NO_BLOCKS) {
      int victim = makeRoom(state, context, sequence);
      if (victim == sequence || victim == BatchView.NONE) {
        break;
      }
      outcome = draft.schedule(sequence, tokens);
    }
    if (outcome.done()) {
      state.batch.add(tokens, held);
    }
    return outcome.done();
  }

  /** Offers the running sequences that are not in the batch, the most urgent first. */
  private int makeRoom(State state, BatchContext context, int beneficiary) {
    BatchView view = context.view();
    ArrivalList running = state.running;
    if (running.size() > state.candidates.length) {
      state.candidates =
          Arrays.copyOf(state.candidates, Math.max(running.size(), state.candidates.length * 2));
    }
    int[] candidates = state.candidates;
    int count = 0;
    for (int i = 0; i < running.size(); i++) {
      int sequence = running.at(i);
      if (context.draft().scheduledTokens(sequence) > 0) {
        continue;
      }
      long deadline = deadlineNanos(view, sequence);
      int at = count++;
      while (at > 0 && deadlineNanos(view, candidates[at - 1]) > deadline) {
        candidates[at] = candidates[at - 1];
        at--;
      }
      candidates[at] = sequence;
    }
    return context.makeRoom(beneficiary, candidates, 0, count);
  }

  /** Returns whether any prefill is under way or was started. */
  private boolean runPrefills(State state, BatchContext context) {
    BatchView view = context.view();
    boolean any = false;
    boolean admitting = true;
    int i = 0;
    while (true) {
      while (i < state.running.size() && !prefills(context, state.running.at(i))) {
        i++;
      }
      int running = i < state.running.size() ? state.running.at(i) : BatchView.NONE;
      int head = admitting ? head(state, context) : BatchView.NONE;
      if (running == BatchView.NONE && head == BatchView.NONE) {
        return any;
      }
      any = true;
      boolean takesRunning =
          head == BatchView.NONE
              || (running != BatchView.NONE && context.compare(running, head) < 0);
      if (takesRunning) {
        int chunk =
            Math.min(
                state.batch.chunk(view.needTokens(running), view.computedTokens(running)),
                context.draft().tokensLeft());
        if (chunk > 0) {
          run(state, context, running, chunk);
        }
        // One that preempted itself has left the list, and the next one stands in its place.
        if (i < state.running.size() && state.running.at(i) == running) {
          i++;
        }
      } else {
        admitting = admit(state, context, head);
        // Newcomers enter the list by arrival; those in the batch are passed over.
        i = 0;
      }
    }
  }

  /** Whether a running sequence has a prefill under way that this decision has not dealt with. */
  private static boolean prefills(BatchContext context, int sequence) {
    BatchView view = context.view();
    return view.needTokens(sequence) > 0
        && !view.decoding(sequence)
        && context.draft().scheduledTokens(sequence) == 0;
  }

  private static int head(State state, BatchContext context) {
    BatchDraft draft = context.draft();
    boolean open =
        draft.preemptions() == 0
            && draft.slotsLeft() > 0
            && draft.tokensLeft() > 0
            && state.batch.chunk(1, 0) > 0;
    return open ? context.head() : BatchView.NONE;
  }

  /** Returns whether to go on with the queue. */
  private static boolean admit(State state, BatchContext context, int head) {
    BatchView view = context.view();
    int cached = view.cachedTokens(head);
    int chunk = state.batch.chunk(view.needTokens(head), cached);
    if (chunk == 0) {
      context.setAside(head);
      return true;
    }
    return admit(state, context, head, chunk, cached);
  }

  private static boolean admit(State state, BatchContext context, int head, int chunk, int cached) {
    DraftOutcome outcome = context.admit(head, chunk);
    if (outcome.done()) {
      state.batch.add(context.draft().scheduledTokens(head), cached);
    } else if (outcome == DraftOutcome.NO_ADAPTER) {
      context.setAside(head);
    }
    return outcome.done()
        || outcome == DraftOutcome.NO_ADAPTER
        || outcome == DraftOutcome.NEVER_FITS;
  }

  /** Runs the first in the order of filling alone, whatever it takes. */
  private void runFirst(State state, BatchContext context) {
    BatchView view = context.view();
    for (int i = 0; i < state.batch.decodes(); i++) {
      if (run(state, context, state.batch.decode(i), 1)) {
        return;
      }
    }
    for (int i = 0; i < state.running.size(); i++) {
      int sequence = state.running.at(i);
      if (prefills(context, sequence)
          && run(state, context, sequence, alone(state, context, sequence))) {
        return;
      }
    }
    while (context.draft().preemptions() == 0 && context.draft().slotsLeft() > 0) {
      int head = context.head();
      if (head == BatchView.NONE
          || !admit(state, context, head, alone(state, context, head), view.cachedTokens(head))
          || context.draft().batchSequences() > 0) {
        return;
      }
    }
  }

  private static int alone(State state, BatchContext context, int sequence) {
    BatchView view = context.view();
    boolean queued = view.state(sequence) != SequenceState.RUNNING;
    int held = queued ? view.cachedTokens(sequence) : view.computedTokens(sequence);
    return Math.min(
        state.batch.chunkWithinMaximum(view.needTokens(sequence), held),
        context.draft().tokensLeft());
  }

  @Override
  public int repeatableIterations(State state, BatchView view) {
    return state.steady ? state.batch.iterationsWithinMinimum() : 0;
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
