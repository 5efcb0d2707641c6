package io.headway.batching.composition;

import static java.util.Objects.requireNonNull;

import io.headway.api.Request;
import io.headway.api.batching.AdmissionTest;
import io.headway.api.batching.AdmissionVerdict;
import io.headway.api.batching.BatchComposer;
import io.headway.api.batching.BatchContext;
import io.headway.api.batching.BatchDraft;
import io.headway.api.batching.BatchView;
import io.headway.api.batching.DraftOutcome;
import io.headway.api.batching.End;
import io.headway.api.batching.SequenceState;
import io.headway.batching.admission.SloAdmission;
import io.headway.batching.internal.Arguments;
import io.headway.batching.order.TokenTargets;
import java.util.Arrays;
import java.util.BitSet;

/**
 * Decides who is promised its targets and what runs, as SLOs-Serve does: an admission test and a
 * composition in one, with one state where the same object plays both roles.
 *
 * <ol>
 *   <li>When the queue has changed, the first {@code mostCandidates} undecided requests of the
 *       queue are decided: the largest set that can meet its targets together with all promises
 *       given before, by {@link SloAdmission}, is promised; the others become best effort at once.
 *       Memory is counted in blocks for prompt and declared output, and there are never more
 *       promises than slots. A gateway that would rather send the others elsewhere reads {@link
 *       State#isBestEffort}.
 *   <li>The token budget of a batch is {@code floor((tau - fixed) / perToken)}, at least 1, with
 *       tau the least TPOT among promised requests, running and waiting.
 *   <li>One token for each promised sequence that decodes, by (arrival, id). Then prefills of
 *       promised ones in the policy's order, running or waiting, in what is left of the budget. A
 *       promised one that lacks a slot or blocks preempts best effort, the youngest first.
 *   <li>Best effort in what is left after that: decodes and prefills by (arrival, id), and, only
 *       when no promised request waits, the queue.
 *   <li>A promised request whose first token is overdue becomes best effort.
 * </ol>
 *
 * <p>Promise: if iterations never take longer than the model says, blocks are never short for
 * promised requests (one of them may hold more than it was counted with only after a failure), and
 * one plan is in flight, then a promised request gets its first token within its TTFT and the mean
 * time per further token within its TPOT. As an admission test it goes with itself as the
 * composition only, which alone keeps what it promises; as a composition it works with any test.
 *
 * <p>Cost: O(running + admitted + set aside) per iteration, one {@link SloAdmission#solve} per
 * change of the queue. Thread-safe; the state is single-threaded.
 *
 * <p>Source: SLOs-Serve, arXiv 2504.08784. Departures: declined requests are served as best effort
 * and never refused; promises weigh all the same; speculation is left to its own policy.
 */
public final class SloTiersComposer
    implements AdmissionTest<SloTiersComposer.State>,
        BatchComposer<SloTiersComposer.State>,
        PreemptsForOrder {
  private final Parameters parameters;

  /**
   * Makes the composer.
   *
   * @param parameters its configuration
   */
  public SloTiersComposer(Parameters parameters) {
    this.parameters = requireNonNull(parameters, "parameters");
  }

  /**
   * Configuration of a {@link SloTiersComposer}.
   *
   * @param targets targets of requests without their own
   * @param fixedNanos time of a batch without tokens, at least 0
   * @param nanosPerToken time per token, above 0
   * @param mostCandidates most requests decided together, 1 to {@value SloAdmission#MOST}
   */
  public record Parameters(
      TokenTargets targets, double fixedNanos, double nanosPerToken, int mostCandidates) {
    /**
     * The targets and the time model of this library, 16 candidates; the paper's own depend on
     * model and workload.
     */
    public static final Parameters DEFAULT =
        new Parameters(
            TokenTargets.DEFAULT,
            LinearBatchTime.DEFAULT.fixedNanos(),
            LinearBatchTime.DEFAULT.nanosPerToken(),
            16);

    public Parameters {
      requireNonNull(targets, "targets");
      Arguments.notNegative("fixedNanos", fixedNanos, "ns");
      Arguments.positive("nanosPerToken", nanosPerToken, "ns per token");
      Arguments.within("mostCandidates", mostCandidates, 1, SloAdmission.MOST, "requests");
    }
  }

  /** Who is promised and who is not. Single-threaded. */
  public static final class State {
    private final SloAdmission planner;
    private final ArrivalList running = new ArrivalList();
    private final BitSet promised = new BitSet();
    private final BitSet promisedWaiting = new BitSet();
    private final BitSet bestEffort = new BitSet();
    private int[] scratch = new int[16];

    /** Best effort that stood before promised requests in the queue of this decision, in order. */
    private int[] passed = new int[16];

    private int passedCount;

    /** Promised requests that this decision tried, and found the places of adapters taken. */
    private int lackAdapter;

    private boolean changed;
    private boolean steady;

    private State(Parameters parameters) {
      planner = new SloAdmission(parameters.fixedNanos, parameters.nanosPerToken);
    }

    /**
     * Returns whether a live request is promised its targets.
     *
     * @param sequence a live sequence
     * @return false for one that is best effort or not decided yet
     */
    public boolean isPromised(int sequence) {
      return promised.get(sequence);
    }

    /**
     * Returns whether a live request was declined a promise, or lost it.
     *
     * @param sequence a live sequence
     * @return false for one that is promised or not decided yet
     */
    public boolean isBestEffort(int sequence) {
      return bestEffort.get(sequence);
    }

    private void promise(int sequence) {
      promised.set(sequence);
      promisedWaiting.set(sequence);
    }

    private void decline(int sequence) {
      promised.clear(sequence);
      promisedWaiting.clear(sequence);
      bestEffort.set(sequence);
    }

    private void pass(int sequence) {
      if (passedCount == passed.length) {
        passed = Arrays.copyOf(passed, 2 * passedCount);
      }
      passed[passedCount++] = sequence;
    }

    private void ensureScratch(int count) {
      if (count > scratch.length) {
        scratch = Arrays.copyOf(scratch, Math.max(count, scratch.length * 2));
      }
    }
  }

  @Override
  public String id() {
    return "slos-serve";
  }

  @Override
  public State newState() {
    return new State(parameters);
  }

  @Override
  public boolean canServe(State state, BatchView view, Request request) {
    return true;
  }

  // ---- promises

  private void decide(State state, BatchView view) {
    for (int s = state.promised.nextSetBit(0); s >= 0; s = state.promised.nextSetBit(s + 1)) {
      if (view.generatedTokens(s) == 0
          && view.nowNanos() > parameters.targets.firstDueNanos(view, s)) {
        state.decline(s);
      }
    }
    if (!state.changed) {
      return;
    }
    state.changed = false;
    int asked = candidates(state, view);
    SloAdmission planner = state.planner;
    planner.begin(view.totalBlocks(), view.maxSequences(), view.maxTokens());
    for (int s = state.promised.nextSetBit(0); s >= 0; s = state.promised.nextSetBit(s + 1)) {
      // What decodes needs one token a batch, which its membership pays for.
      boolean queued = view.state(s) != SequenceState.RUNNING;
      int prefill = !queued && view.decoding(s) ? 0 : view.needTokens(s);
      planner.require(
          prefill, dueIn(view, s), parameters.targets.tpotNanos(view, s), blocks(view, s));
    }
    for (int rank = 0; rank < asked; rank++) {
      int s = state.scratch[rank];
      planner.add(
          s,
          rank,
          view.needTokens(s),
          dueIn(view, s),
          parameters.targets.tpotNanos(view, s),
          blocks(view, s));
    }
    planner.solve();
    for (int i = 0; i < planner.admittedCount(); i++) {
      state.promise(planner.admitted(i));
    }
    for (int i = 0; i < asked; i++) {
      if (!state.promised.get(state.scratch[i])) {
        state.decline(state.scratch[i]);
      }
    }
  }

  /** Collects the first undecided requests of the queue, by (arrival, id). */
  private int candidates(State state, BatchView view) {
    int asked = 0;
    for (int s = view.firstWaiting(); s != BatchView.NONE; s = view.nextWaiting(s)) {
      if (state.promised.get(s) || state.bestEffort.get(s)) {
        continue;
      }
      if (asked == parameters.mostCandidates) {
        state.changed = true;
        break;
      }
      state.ensureScratch(asked + 1);
      int at = asked++;
      while (at > 0 && view.compareArrival(state.scratch[at - 1], s) > 0) {
        state.scratch[at] = state.scratch[at - 1];
        at--;
      }
      state.scratch[at] = s;
    }
    return asked;
  }

  /**
   * When the next token of a sequence is due, from now: its first, or the one after a recompute.
   */
  private long dueIn(BatchView view, int sequence) {
    return parameters.targets.dueNanos(view, sequence) - view.nowNanos();
  }

  private static int blocks(BatchView view, int sequence) {
    return view.blocksFor(view.promptTokens(sequence) + view.maxNewTokens(sequence));
  }

  // ---- the admission test

  @Override
  public AdmissionVerdict test(State state, BatchView view, BatchDraft draft, int candidate) {
    decide(state, view);
    boolean waits =
        !state.promised.get(candidate)
            && state.promisedWaiting.cardinality() > state.lackAdapter
            && (view.runningCount() > 0 || draft.batchSequences() > 0);
    return waits ? AdmissionVerdict.LATER : AdmissionVerdict.YES;
  }

  @Override
  public int reserveTokens(State state, BatchView view, int candidate) {
    return view.promptTokens(candidate) + view.generatedTokens(candidate);
  }

  @Override
  public String explain(State state, BatchView view, int candidate) {
    if (state.promised.get(candidate)) {
      return "promised its targets";
    }
    return state.bestEffort.get(candidate)
        ? "best effort, behind " + state.promisedWaiting.cardinality() + " promised requests"
        : "not decided yet";
  }

  // ---- the composition

  @Override
  public void compose(State state, BatchContext context) {
    BatchView view = context.view();
    BatchDraft draft = context.draft();
    state.passedCount = 0;
    state.lackAdapter = 0;
    decide(state, view);
    int budget = budgetTokens(state, view);
    runDecodes(state, context, budget, true);
    runPrefills(state, context, budget);
    runDecodes(state, context, budget, false);
    continuePrefills(state, context, budget);
    // Who waits for an adapter keeps nobody else waiting.
    if (state.promisedWaiting.cardinality() == state.lackAdapter && draft.preemptions() == 0) {
      admitBestEffort(state, context, budget);
    }
    state.steady = view.waitingCount() == 0 && draft.batchTokens() == view.runningCount();
  }

  private int budgetTokens(State state, BatchView view) {
    long tau = Long.MAX_VALUE;
    for (int s = state.promised.nextSetBit(0); s >= 0; s = state.promised.nextSetBit(s + 1)) {
      tau = Math.min(tau, parameters.targets.tpotNanos(view, s));
    }
    if (tau == Long.MAX_VALUE) {
      tau = parameters.targets.tpotNanos();
    }
    double tokens = Math.floor((tau - parameters.fixedNanos) / parameters.nanosPerToken + 1e-9);
    return (int) Math.max(1, Math.min(tokens, view.maxTokens()));
  }

  private static void runDecodes(State state, BatchContext context, int budget, boolean promised) {
    BatchView view = context.view();
    int i = 0;
    while (i < state.running.size()) {
      int sequence = state.running.at(i);
      boolean runs =
          state.promised.get(sequence) == promised
              && view.needTokens(sequence) > 0
              && view.decoding(sequence)
              && context.draft().scheduledTokens(sequence) == 0;
      if (runs && (promised || context.draft().batchTokens() < budget)) {
        run(state, context, sequence, 1);
      }
      // One that preempted itself has left the list, and the next one stands in its place.
      if (i < state.running.size() && state.running.at(i) == sequence) {
        i++;
      }
    }
  }

  private static void runPrefills(State state, BatchContext context, int budget) {
    BatchView view = context.view();
    BatchDraft draft = context.draft();
    int i = 0;
    while (draft.batchTokens() < budget) {
      while (i < state.running.size() && !prefills(state, context, i, true)) {
        i++;
      }
      int running = i < state.running.size() ? state.running.at(i) : BatchView.NONE;
      int head = promisedHead(state, context);
      if (running == BatchView.NONE && head == BatchView.NONE) {
        return;
      }
      boolean takesRunning =
          head == BatchView.NONE
              || (running != BatchView.NONE && context.compare(running, head) < 0);
      if (takesRunning) {
        run(
            state,
            context,
            running,
            Math.min(view.needTokens(running), budget - draft.batchTokens()));
        if (i < state.running.size() && state.running.at(i) == running) {
          i++;
        }
      } else {
        admitPromised(state, context, head, budget - draft.batchTokens());
        i = 0;
      }
    }
  }

  private static boolean prefills(
      State state, BatchContext context, int position, boolean promised) {
    BatchView view = context.view();
    int sequence = state.running.at(position);
    return state.promised.get(sequence) == promised
        && view.needTokens(sequence) > 0
        && !view.decoding(sequence)
        && context.draft().scheduledTokens(sequence) == 0;
  }

  /** The first promised request of the queue; those before it are set aside. */
  private static int promisedHead(State state, BatchContext context) {
    if (state.promisedWaiting.isEmpty()) {
      return BatchView.NONE;
    }
    int head = context.head();
    while (head != BatchView.NONE && !state.promised.get(head)) {
      state.pass(head);
      context.setAside(head);
      head = context.head();
    }
    return head;
  }

  /** Admits a promised request, preempting best effort for a slot or blocks, or sets it aside. */
  private static void admitPromised(State state, BatchContext context, int head, int tokens) {
    int count = gatherBestEffort(state, context);
    DraftOutcome outcome = context.runByPreempting(head, tokens, state.scratch, 0, count);
    if (!outcome.done() && outcome != DraftOutcome.NEVER_FITS) {
      context.setAside(head);
      state.lackAdapter += outcome == DraftOutcome.NO_ADAPTER ? 1 : 0;
    }
  }

  /** Best-effort sequences that are not in the batch; returns how many. */
  private static int gatherBestEffort(State state, BatchContext context) {
    state.ensureScratch(state.running.size());
    int count = 0;
    for (int i = 0; i < state.running.size(); i++) {
      int sequence = state.running.at(i);
      if (!state.promised.get(sequence) && context.draft().scheduledTokens(sequence) == 0) {
        state.scratch[count++] = sequence;
      }
    }
    return count;
  }

  private static void continuePrefills(State state, BatchContext context, int budget) {
    BatchView view = context.view();
    int i = 0;
    while (i < state.running.size()) {
      int sequence = state.running.at(i);
      int left = budget - context.draft().batchTokens();
      if (left > 0 && prefills(state, context, i, false)) {
        run(state, context, sequence, Math.min(view.needTokens(sequence), left));
      }
      if (i < state.running.size() && state.running.at(i) == sequence) {
        i++;
      }
    }
  }

  private static void admitBestEffort(State state, BatchContext context, int budget) {
    BatchDraft draft = context.draft();
    int next = 0;
    while (draft.slotsLeft() > 0 && draft.batchTokens() < budget) {
      boolean wasPassed = next < state.passedCount;
      int head = wasPassed ? state.passed[next++] : context.head();
      if (head == BatchView.NONE) {
        return;
      }
      DraftOutcome outcome = context.admit(head, budget - draft.batchTokens());
      if (outcome == DraftOutcome.NO_ADAPTER) {
        if (!wasPassed) {
          context.setAside(head);
        }
      } else if (!outcome.done() && outcome != DraftOutcome.NEVER_FITS) {
        return;
      }
    }
  }

  /** Schedules a running sequence; on shortage best effort yields first, then the youngest. */
  private static void run(State state, BatchContext context, int sequence, int tokens) {
    BatchDraft draft = context.draft();
    DraftOutcome outcome = draft.schedule(sequence, tokens);
    while (outcome == DraftOutcome.NO_BLOCKS) {
      int victim = makeRoom(state, context, sequence);
      if (victim == sequence || victim == BatchView.NONE) {
        return;
      }
      outcome = draft.schedule(sequence, tokens);
    }
  }

  private static int makeRoom(State state, BatchContext context, int beneficiary) {
    state.ensureScratch(state.running.size());
    int count = 0;
    for (int tier = 0; tier < 2; tier++) {
      for (int i = 0; i < state.running.size(); i++) {
        int sequence = state.running.at(i);
        if (state.promised.get(sequence) == (tier == 0)
            && context.draft().scheduledTokens(sequence) == 0) {
          state.scratch[count++] = sequence;
        }
      }
    }
    return context.makeRoom(beneficiary, state.scratch, 0, count);
  }

  // ---- events

  @Override
  public int repeatableIterations(State state, BatchView view) {
    return state.steady ? Integer.MAX_VALUE : 0;
  }

  @Override
  public void onQueued(State state, BatchView view, int sequence) {
    state.changed = true;
    if (state.promised.get(sequence)) {
      state.promisedWaiting.set(sequence);
    }
  }

  @Override
  public void onAdmitted(State state, BatchView view, int sequence, int cachedTokens) {
    state.running.add(view, sequence);
    state.promisedWaiting.clear(sequence);
  }

  @Override
  public void onPreempted(State state, BatchView view, int sequence) {
    state.running.remove(view, sequence);
  }

  @Override
  public void onEnded(State state, BatchView view, int sequence, End end) {
    state.running.remove(view, sequence);
    state.promised.clear(sequence);
    state.promisedWaiting.clear(sequence);
    state.bestEffort.clear(sequence);
  }

  @Override
  public int bulkIterations(State state, BatchView view) {
    return Integer.MAX_VALUE;
  }
}
