package io.headway.batching.composition;

import static java.util.Objects.requireNonNull;

import io.headway.api.Request;
import io.headway.api.batching.BatchComposer;
import io.headway.api.batching.BatchContext;
import io.headway.api.batching.BatchDraft;
import io.headway.api.batching.BatchView;
import io.headway.api.batching.DraftOutcome;
import io.headway.api.batching.SequenceState;
import io.headway.batching.internal.Arguments;
import io.headway.batching.order.TokenTargets;

/**
 * Decides the batch as Shepherd's FLEX does: a batch that nobody joins, the largest whose members
 * all meet their deadlines, which runs until its last member ends unless one that is worth {@code
 * valueRatio} times as much takes its place.
 *
 * <ol>
 *   <li>Deadline of a request: its own if it has one, and never later than {@code arrival + TTFT +
 *       (declared output - 1) * TPOT}.
 *   <li>Idle: the largest {@link FlexBatch} of the queue starts. If nobody can meet a deadline any
 *       more, those that are late run, in the policy's order, as a batch that is worth nothing.
 *   <li>Busy, when a request has arrived or came back: if of the largest batch of the queue at
 *       least {@code valueRatio} times as many members as the running one is worth have room
 *       together, with prompts and declared outputs, all members of the running one are preempted,
 *       and it starts, worth that many. Not while a plan in flight holds one of them, nor if nobody
 *       of it could start even then.
 * </ol>
 *
 * <p>A batch of n is taken to last {@code fixed + n * perRequest}, which fits models with fixed run
 * times; for an LLM it is a guess, so this is the field's baseline for deadline-bound serving
 * rather than a system for LLMs. Prompts are not cut; the engine's token limit still holds and
 * closes a batch early. Among requests that can never be in time, only arrivals that stop promise
 * an end: fresh batches preempt late ones.
 *
 * <p>Promise: a batch is preempted only for one at least {@code valueRatio} times as large. With
 * fixed run times and the default ratio the paper proves a competitive ratio of 12.62 for the
 * number of requests in time. Cost: O(waiting log waiting) per change of the queue, else O(batch).
 * Thread-safe; the state is single-threaded.
 *
 * <p>Source: Zhang et al., SHEPHERD: Serving DNNs in the Wild, NSDI 2023. Departures: decisions
 * fall between iterations; the periodic planner of the paper (HERD), which gives models and
 * machines to groups, belongs to placement; late requests are served.
 */
public final class FlexComposer implements BatchComposer<FlexComposer.State>, PreemptsForOrder {
  private final Parameters parameters;

  /**
   * Makes the composer.
   *
   * @param parameters its configuration
   */
  public FlexComposer(Parameters parameters) {
    this.parameters = requireNonNull(parameters, "parameters");
  }

  /**
   * Configuration of a {@link FlexComposer}.
   *
   * @param valueRatio lambda: how many times as large a batch must be to preempt, at least 1
   * @param targets deadlines of requests without their own
   * @param fixedNanos time of a batch without requests, at least 0
   * @param nanosPerRequest time that each request adds, at least 0
   */
  public record Parameters(
      double valueRatio, TokenTargets targets, double fixedNanos, double nanosPerRequest) {
    /** The paper's ratio of 3.03; targets and times, 1 s and 20 ms per request, are ours. */
    public static final Parameters DEFAULT =
        new Parameters(3.03, TokenTargets.DEFAULT, 1_000_000_000, 20_000_000);

    public Parameters {
      Arguments.within("valueRatio", valueRatio, 1, Double.MAX_VALUE, "times");
      requireNonNull(targets, "targets");
      Arguments.notNegative("fixedNanos", fixedNanos, "ns");
      Arguments.notNegative("nanosPerRequest", nanosPerRequest, "ns per request");
    }
  }

  /** The running batch. Single-threaded. */
  public static final class State {
    private final FlexBatch queue;
    private int value;
    private boolean changed;
    private int[] running = new int[8];

    private State(Parameters parameters) {
      queue = new FlexBatch(parameters.fixedNanos, parameters.nanosPerRequest);
    }

    /** Copies who runs; returns how many. */
    private int gather(BatchView view) {
      int count = view.runningCount();
      if (count > running.length) {
        running = new int[Math.max(count, 2 * running.length)];
      }
      for (int i = 0; i < count; i++) {
        running[i] = view.running(i);
      }
      return count;
    }

    /**
     * Returns what the running batch is worth.
     *
     * @return members it started with, or for which it took another's place; 0 if they were late
     */
    public int value() {
      return value;
    }
  }

  @Override
  public String id() {
    return "shepherd";
  }

  @Override
  public State newState() {
    return new State(parameters);
  }

  @Override
  public boolean canServe(State state, BatchView view, Request request) {
    return request.promptTokens() <= view.maxTokens();
  }

  @Override
  public void compose(State state, BatchContext context) {
    BatchView view = context.view();
    if (view.runningCount() == 0) {
      state.changed = false;
      state.value = form(state, view);
      if (state.queue.size() == 0) {
        startLate(context);
      } else {
        start(state, context, 0);
      }
    } else if (state.changed && !anyInFlight(view)) {
      state.changed = false;
      form(state, view);
      int size = withRoom(state, view);
      if (FlexBatch.preempts(size, state.value, parameters.valueRatio)) {
        replace(state, context, size);
      }
      // A victim selector may spare some or all of them.
      RunningFirst.run(context, view.maxTokens(), Integer.MAX_VALUE);
    } else {
      RunningFirst.run(context, view.maxTokens(), Integer.MAX_VALUE);
    }
  }

  private int form(State state, BatchView view) {
    state.queue.clear();
    for (int s = view.firstWaiting(); s != BatchView.NONE; s = view.nextWaiting(s)) {
      state.queue.add(s, deadlineNanos(view, s));
    }
    return state.queue.form(view.nowNanos(), view.maxSequences());
  }

  /**
   * Returns how many members of the batch formed, the earliest deadlines first, an empty instance
   * has room for. Else a batch could yield to one that starts smaller, and that one to it.
   */
  private static int withRoom(State state, BatchView view) {
    long blocks = 0;
    long tokens = 0;
    int count = 0;
    while (count < state.queue.size()) {
      int sequence = state.queue.sequence(count);
      blocks += view.blocksFor(view.promptTokens(sequence) + view.maxNewTokens(sequence));
      tokens += view.needTokens(sequence);
      if (blocks > view.totalBlocks() || tokens > view.maxTokens()) {
        break;
      }
      count++;
    }
    return count;
  }

  private long deadlineNanos(BatchView view, int sequence) {
    TokenTargets targets = parameters.targets;
    long byTargets =
        targets.firstDueNanos(view, sequence)
            + (view.maxNewTokens(sequence) - 1L) * targets.tpotNanos(view, sequence);
    return Math.min(view.request(sequence).deadlineNanos(), byTargets);
  }

  private static boolean anyInFlight(BatchView view) {
    for (int i = 0, count = view.runningCount(); i < count; i++) {
      if (view.inFlight(view.running(i))) {
        return true;
      }
    }
    return false;
  }

  /** Starts the batch of the queue in place of the running one, if its first member can start. */
  private static void replace(State state, BatchContext context, int value) {
    BatchView view = context.view();
    int count = state.gather(view);
    DraftOutcome outcome = DraftOutcome.NEVER_FITS;
    int first = 0;
    while (outcome == DraftOutcome.NEVER_FITS && first < state.queue.size()) {
      int sequence = state.queue.sequence(first++);
      int tokens = Math.min(view.needTokens(sequence), view.maxTokens());
      outcome = context.runByPreempting(sequence, tokens, state.running, 0, count);
    }
    if (!outcome.done()) {
      return;
    }
    int beneficiary = state.queue.sequence(first - 1);
    for (int i = 0; i < count; i++) {
      if (view.state(state.running[i]) == SequenceState.RUNNING) {
        context.makeRoom(beneficiary, state.running, i, i + 1);
      }
    }
    start(state, context, first);
    state.value = Math.max(state.value, value);
  }

  private static void start(State state, BatchContext context, int first) {
    BatchView view = context.view();
    for (int i = first; i < state.queue.size(); i++) {
      int sequence = state.queue.sequence(i);
      DraftOutcome outcome =
          context.admit(sequence, Math.min(view.needTokens(sequence), view.maxTokens()));
      boolean goOn =
          outcome.done()
              || outcome == DraftOutcome.NO_ADAPTER
              || outcome == DraftOutcome.NEVER_FITS;
      if (!goOn) {
        break;
      }
    }
    state.value = context.draft().batchSequences();
  }

  private static void startLate(BatchContext context) {
    BatchView view = context.view();
    BatchDraft draft = context.draft();
    while (draft.slotsLeft() > 0 && draft.tokensLeft() > 0) {
      int head = context.head();
      if (head == BatchView.NONE) {
        return;
      }
      DraftOutcome outcome = context.admit(head, Math.min(view.needTokens(head), view.maxTokens()));
      if (outcome == DraftOutcome.NO_ADAPTER) {
        context.setAside(head);
      } else if (!outcome.done() && outcome != DraftOutcome.NEVER_FITS) {
        return;
      }
    }
  }

  @Override
  public int repeatableIterations(State state, BatchView view) {
    return Integer.MAX_VALUE;
  }

  @Override
  public void onQueued(State state, BatchView view, int sequence) {
    state.changed = true;
  }

  @Override
  public int bulkIterations(State state, BatchView view) {
    return Integer.MAX_VALUE;
  }
}
