package io.headway.batching.composition;

import static java.util.Objects.requireNonNull;

import io.headway.api.Lane;
import io.headway.api.batching.BatchComposer;
import io.headway.api.batching.BatchContext;
import io.headway.api.batching.BatchDraft;
import io.headway.api.batching.BatchView;
import io.headway.api.batching.DraftOutcome;
import io.headway.api.batching.End;
import io.headway.batching.internal.Arguments;
import java.util.Arrays;
import java.util.BitSet;

/**
 * Decides the batch as ConServe does: online work as if it were alone, and offline work, that of
 * {@link Lane#BATCH}, harvested from what online work leaves of the iteration.
 *
 * <ol>
 *   <li>Token budget: the largest size in the latency profile that stays within the target, at
 *       least the smallest size of the profile, so that online work is never stopped.
 *   <li>Online work: every decode, then prefills under way, then the queue, as Sarathi-Serve with
 *       this budget. When it lacks a slot or blocks, offline sequences are preempted, the youngest
 *       first, and only then online ones; for one that waits, nobody is if it could not start even
 *       then.
 *   <li>Offline work in what is left, {@code budget - online tokens}: decodes and prefills by
 *       (arrival, id), and, when no online request waits and nobody was preempted, the queue. An
 *       offline sequence that lacks blocks preempts offline ones only.
 * </ol>
 *
 * <p>Victims should move to the host, so that nothing is computed again; that is the engine's way
 * of checkpointing them. Promise: with one plan in flight, an admission test that looks at the pool
 * alone, prefix caching off and, if victims swap, room on the host for all of them, online work
 * gets exactly the iterations it would get without any offline work. Cost: O(running + admitted +
 * set aside). Thread-safe; the state is single-threaded.
 *
 * <p>Source: ConServe: Harvesting GPUs for Low-Latency and High-Throughput Large Language Model
 * Serving, arXiv 2410.01228. Departures: the safepoint is the end of an iteration, not of a layer;
 * blocks move to the host when a sequence is preempted, not while it runs; the engine moves them
 * back when it is resumed.
 */
public final class HarvestComposer
    implements BatchComposer<HarvestComposer.State>, PreemptsForOrder {
  /** The target of this library's profile: 100 ms an iteration. The paper's depend on the model. */
  public static final long DEFAULT_TARGET_NANOS = 100_000_000L;

  private final int budgetTokens;

  /**
   * Makes the composer.
   *
   * @param profile how long iterations take
   * @param targetNanos most time that an iteration with offline work may take, at least 1
   * @throws IllegalArgumentException if the target is below 1
   */
  public HarvestComposer(LatencyProfile profile, long targetNanos) {
    requireNonNull(profile, "profile");
    Arguments.atLeast("targetNanos", targetNanos, 1L, "ns");
    budgetTokens =
        Math.max(profile.points().get(0).tokens(), profile.budgetTokens((double) targetNanos));
  }

  /** Who runs, by lane, and how many wait online. Single-threaded. */
  public static final class State {
    private final ArrivalList online = new ArrivalList();
    private final ArrivalList offline = new ArrivalList();
    private final BitSet onlineWaiting = new BitSet();
    private int[] scratch = new int[16];

    private State() {}

    private void ensureScratch(int count) {
      if (count > scratch.length) {
        scratch = Arrays.copyOf(scratch, Math.max(count, scratch.length * 2));
      }
    }
  }

  /**
   * Returns the budget that follows from profile and target.
   *
   * @return tokens of one iteration
   */
  public int budgetTokens() {
    return budgetTokens;
  }

  /**
   * Returns what a budget leaves for offline work.
   *
   * @param budgetTokens tokens of one iteration
   * @param onlineTokens tokens of online work in it
   * @return {@code max(0, budgetTokens - onlineTokens)}
   */
  public static int offlineTokens(int budgetTokens, int onlineTokens) {
    return Math.max(0, budgetTokens - onlineTokens);
  }

  @Override
  public String id() {
    return "conserve";
  }

  @Override
  public State newState() {
    return new State();
  }

  private static boolean isOnline(BatchView view, int sequence) {
    return view.request(sequence).lane() == Lane.INTERACTIVE;
  }

  @Override
  public void compose(State state, BatchContext context) {
    BatchDraft draft = context.draft();
    int budget = Math.min(budgetTokens, context.view().maxTokens());
    boolean prefills = runDecodes(state, context, state.online, Integer.MAX_VALUE);
    if (prefills) {
      continuePrefills(state, context, state.online, budget);
    }
    int online = draft.preemptions();
    admitOnline(state, context, budget);
    boolean offlineYielded = draft.preemptions() > online;
    int before = draft.preemptions();
    if (runDecodes(state, context, state.offline, budget)) {
      continuePrefills(state, context, state.offline, budget);
    }
    boolean calm = !offlineYielded && draft.preemptions() == before;
    if (calm && state.onlineWaiting.isEmpty()) {
      admitOffline(context, budget);
    }
  }

  /** Returns whether any prefill is under way. */
  private static boolean runDecodes(
      State state, BatchContext context, ArrivalList lane, int budget) {
    BatchView view = context.view();
    boolean prefills = false;
    int i = 0;
    while (i < lane.size()) {
      int sequence = lane.at(i);
      if (view.decoding(sequence)) {
        boolean room = context.draft().batchTokens() < budget;
        if (room && isOpen(view, context.draft(), sequence)) {
          schedule(state, context, lane, i, 1);
        }
      } else {
        prefills |= view.needTokens(sequence) > 0;
      }
      // One that preempted itself has left the list, and the next one stands in its place.
      if (i < lane.size() && lane.at(i) == sequence) {
        i++;
      }
    }
    return prefills;
  }

  private static boolean isOpen(BatchView view, BatchDraft draft, int sequence) {
    return view.needTokens(sequence) > 0
        && draft.tokensLeft() > 0
        && draft.scheduledTokens(sequence) == 0;
  }

  private static void continuePrefills(
      State state, BatchContext context, ArrivalList lane, int budget) {
    BatchView view = context.view();
    int i = 0;
    while (i < lane.size()) {
      int sequence = lane.at(i);
      int left = budget - context.draft().batchTokens();
      if (left > 0 && !view.decoding(sequence) && isOpen(view, context.draft(), sequence)) {
        schedule(state, context, lane, i, Math.min(view.needTokens(sequence), left));
      }
      if (i < lane.size() && lane.at(i) == sequence) {
        i++;
      }
    }
  }

  /** Schedules the sequence at a position of its lane, preempting offline ones first. */
  private static void schedule(
      State state, BatchContext context, ArrivalList lane, int at, int tokens) {
    int sequence = lane.at(at);
    DraftOutcome outcome = context.draft().schedule(sequence, tokens);
    while (outcome == DraftOutcome.NO_BLOCKS) {
      int victim = makeRoom(state, context, sequence, lane, at);
      if (victim == sequence || victim == BatchView.NONE) {
        return;
      }
      outcome = context.draft().schedule(sequence, tokens);
    }
  }

  /** Offers those of the lane from a position on, and before them everybody offline. */
  private static int makeRoom(
      State state, BatchContext context, int beneficiary, ArrivalList lane, int at) {
    state.ensureScratch(state.online.size() + state.offline.size());
    int count = 0;
    for (int i = at; i < lane.size(); i++) {
      state.scratch[count++] = lane.at(i);
    }
    if (lane == state.online) {
      for (int i = 0; i < state.offline.size(); i++) {
        state.scratch[count++] = state.offline.at(i);
      }
    }
    return context.makeRoom(beneficiary, state.scratch, 0, count);
  }

  private static void admitOnline(State state, BatchContext context, int budget) {
    BatchDraft draft = context.draft();
    while (!state.onlineWaiting.isEmpty() && draft.batchTokens() < budget) {
      int head = onlineHead(state, context);
      if (head == BatchView.NONE) {
        return;
      }
      int count = gatherOffline(state);
      DraftOutcome outcome =
          context.runByPreempting(head, budget - draft.batchTokens(), state.scratch, 0, count);
      if (outcome == DraftOutcome.NO_ADAPTER) {
        context.setAside(head);
      } else if (!outcome.done() && outcome != DraftOutcome.NEVER_FITS) {
        return;
      }
    }
  }

  /** The first online request of the queue; offline ones before it are set aside. */
  private static int onlineHead(State state, BatchContext context) {
    int head = context.head();
    while (head != BatchView.NONE && !state.onlineWaiting.get(head)) {
      context.setAside(head);
      head = context.head();
    }
    return head;
  }

  /** Copies who runs offline; returns how many. */
  private static int gatherOffline(State state) {
    int count = state.offline.size();
    state.ensureScratch(count);
    for (int i = 0; i < count; i++) {
      state.scratch[i] = state.offline.at(i);
    }
    return count;
  }

  private static void admitOffline(BatchContext context, int budget) {
    BatchDraft draft = context.draft();
    while (draft.slotsLeft() > 0 && draft.batchTokens() < budget) {
      int head = context.head();
      if (head == BatchView.NONE) {
        return;
      }
      DraftOutcome outcome = context.admit(head, budget - draft.batchTokens());
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
    if (isOnline(view, sequence)) {
      state.onlineWaiting.set(sequence);
    }
  }

  @Override
  public void onAdmitted(State state, BatchView view, int sequence, int cachedTokens) {
    state.onlineWaiting.clear(sequence);
    lane(state, view, sequence).add(view, sequence);
  }

  @Override
  public void onPreempted(State state, BatchView view, int sequence) {
    lane(state, view, sequence).remove(view, sequence);
  }

  @Override
  public void onEnded(State state, BatchView view, int sequence, End end) {
    state.onlineWaiting.clear(sequence);
    lane(state, view, sequence).remove(view, sequence);
  }

  private static ArrivalList lane(State state, BatchView view, int sequence) {
    return isOnline(view, sequence) ? state.online : state.offline;
  }

  @Override
  public int bulkIterations(State state, BatchView view) {
    return Integer.MAX_VALUE;
  }
}
