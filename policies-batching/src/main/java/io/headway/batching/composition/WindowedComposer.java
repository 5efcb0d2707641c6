package io.headway.batching.composition;

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

/**
 * Decides the batch as ELIS does: when a window opens, the first sequences of the policy's order,
 * running and waiting ones alike, become its members, as many as the engine has slots; each member
 * then emits up to {@code windowTokens} tokens before anybody is chosen again.
 *
 * <ol>
 *   <li>A window opens when no running member has tokens of its window left. Ties of the order end
 *       in (arrival, id).
 *   <li>Members run whole: a prompt is computed in one iteration, every later iteration decodes. A
 *       member that has emitted its tokens rests until the window ends.
 *   <li>A running sequence that is no member keeps slot and KV until a member needs them: then the
 *       last one of the order is preempted first. Only when none of those is left, a later member
 *       yields to an earlier one, or to itself if an earlier one runs on. Where nobody yields to a
 *       member and none runs, they run on. Who comes by a transfer while a window is open is the
 *       last of them.
 *   <li>A window ends early when the members that could go on lack blocks, all others rest, and
 *       nobody behind can yield: resting members, too, are then ranked again, and hold their KV by
 *       that rank only. The paper has no such case, since its members start together.
 *   <li>A member that cannot start waits for blocks within the window; one that lacks an adapter
 *       leaves its place to the next of the order, if there is one. Whoever has not started when
 *       the window ends is chosen anew like everybody else.
 * </ol>
 *
 * <p>Between windows the set of members changes only by ends. The engine's token limit still holds:
 * a prompt above it can never be served, and what was preempted late is recomputed in pieces. With
 * several plans in flight the choice is made before the last results are in. Cost: O(members) per
 * iteration, O((running + members) log waiting) per window. Thread-safe; the state is
 * single-threaded.
 *
 * <p>Source: Choi et al., ELIS: Efficient LLM Iterative Scheduling System with Response Length
 * Predictor, arXiv 2505.09142.
 */
public final class WindowedComposer
    implements BatchComposer<WindowedComposer.State>, PreemptsForOrder {
  private final int windowTokens;

  /**
   * Makes the composer.
   *
   * @param windowTokens output tokens of a member in one window, at least 1
   * @throws IllegalArgumentException if it is below 1
   */
  public WindowedComposer(int windowTokens) {
    this.windowTokens = Arguments.atLeast("windowTokens", windowTokens, 1, "token");
  }

  /** The members of the window. Single-threaded. */
  public static final class State {
    // Members first, then the other sequences that ran when the window opened, both in order.
    private int[] sequences = new int[16];
    private int members;
    private int size;
    private int[] generatedBefore = new int[16];
    private long windows;
    private int iterationsLeft;

    // In one decision: whether the window may end early, and whether a member went short of blocks
    // while those before it rested.
    private boolean mayEnd;
    private boolean endsEarly;

    private State() {}

    /**
     * Returns how many windows have been opened.
     *
     * @return a count
     */
    public long windows() {
      return windows;
    }

    /**
     * Returns the members still alive, in the order in which they were chosen.
     *
     * @return a count
     */
    public int members() {
      return members;
    }

    /**
     * Returns a member.
     *
     * @param position 0 to {@code members - 1}
     * @return the sequence
     */
    public int member(int position) {
      return sequences[position];
    }

    private void append(int sequence) {
      if (size == sequences.length) {
        sequences = Arrays.copyOf(sequences, size * 2);
      }
      sequences[size++] = sequence;
    }

    private void remove(int from, int sequence) {
      for (int i = from; i < size; i++) {
        if (sequences[i] == sequence) {
          System.arraycopy(sequences, i + 1, sequences, i, --size - i);
          if (i < members) {
            members--;
          }
          return;
        }
      }
    }

    private boolean contains(int sequence) {
      for (int i = 0; i < size; i++) {
        if (sequences[i] == sequence) {
          return true;
        }
      }
      return false;
    }
  }

  @Override
  public String id() {
    return "isrtf";
  }

  @Override
  public State newState() {
    return new State();
  }

  @Override
  public boolean canServe(State state, BatchView view, Request request) {
    return request.promptTokens() <= view.maxTokens();
  }

  @Override
  public void compose(State state, BatchContext context) {
    BatchView view = context.view();
    BatchDraft draft = context.draft();
    state.mayEnd = !windowOver(state, view);
    if (!state.mayEnd) {
      openWindow(state, context, view);
    }
    boolean someWait = runMembers(state, context, view, draft);
    if (undecided(draft) && state.endsEarly) {
      state.mayEnd = false;
      openWindow(state, context, view);
      someWait = runMembers(state, context, view, draft);
    }
    if (someWait && draft.preemptions() == 0) {
      startMembers(state, context, view);
    }
    if (undecided(draft)) {
      // A place may have gone to one that runs already.
      runMembers(state, context, view, draft);
    }
    if (undecided(draft)) {
      runSpared(state, context, view, draft);
    }
  }

  private static boolean undecided(BatchDraft draft) {
    return draft.batchSequences() == 0 && draft.preemptions() == 0;
  }

  /**
   * Where nobody yields to a member and no member can start, the others run on, and the last of
   * them yield to the first.
   */
  private static void runSpared(
      State state, BatchContext context, BatchView view, BatchDraft draft) {
    for (int i = 0; i < state.members; i++) {
      if (view.state(state.sequences[i]) == SequenceState.RUNNING) {
        return;
      }
    }
    state.iterationsLeft = 0;
    for (int i = state.members; i < state.size; i++) {
      int sequence = state.sequences[i];
      int tokens = Math.min(view.needTokens(sequence), draft.tokensLeft());
      if (tokens > 0 && view.state(sequence) == SequenceState.RUNNING) {
        context.runByPreempting(sequence, tokens, state.sequences, i + 1, state.size);
      }
    }
  }

  /**
   * Returns whether the next decision opens a window.
   *
   * @param state the composer's state
   * @param view the instance
   * @return true if no running member has tokens of its window left
   */
  public boolean windowOver(State state, BatchView view) {
    for (int i = 0; i < state.members; i++) {
      int sequence = state.sequences[i];
      if (view.state(sequence) == SequenceState.RUNNING && left(state, view, sequence) > 0) {
        return false;
      }
    }
    return true;
  }

  private int left(State state, BatchView view, int sequence) {
    return windowTokens - (view.generatedTokens(sequence) - state.generatedBefore[sequence]);
  }

  private static void openWindow(State state, BatchContext context, BatchView view) {
    state.size = 0;
    for (int i = 0, count = view.runningCount(); i < count; i++) {
      int sequence = view.running(i);
      if (view.state(sequence) == SequenceState.RUNNING) {
        state.append(sequence);
      }
    }
    int running = state.size;
    Ranking.sort(state.sequences, 0, running, context);
    // Merges the sorted running sequences with the queue, the merged ones behind the running ones.
    int next = 0;
    int most = view.maxSequences();
    while (state.size - running < most) {
      int head = context.head();
      boolean takeRunning =
          next < running
              && (head == BatchView.NONE || context.compare(state.sequences[next], head) < 0);
      if (takeRunning) {
        state.append(state.sequences[next++]);
      } else if (head != BatchView.NONE) {
        context.setAside(head);
        state.append(head);
      } else {
        break;
      }
    }
    state.members = state.size - running;
    for (int i = next; i < running; i++) {
      state.append(state.sequences[i]);
    }
    state.size -= running;
    System.arraycopy(state.sequences, running, state.sequences, 0, state.size);
    for (int i = 0; i < state.members; i++) {
      note(state, view, state.sequences[i]);
    }
    if (state.members > 0) {
      state.windows++;
    }
  }

  /** Notes where a member stood when it became one. */
  private static void note(State state, BatchView view, int sequence) {
    if (sequence >= state.generatedBefore.length) {
      state.generatedBefore =
          Arrays.copyOf(
              state.generatedBefore, Math.max(sequence + 1, state.generatedBefore.length * 2));
    }
    state.generatedBefore[sequence] = view.generatedTokens(sequence);
  }

  /** Returns whether a member does not run yet. */
  private boolean runMembers(State state, BatchContext context, BatchView view, BatchDraft draft) {
    boolean someWait = false;
    state.endsEarly = false;
    state.iterationsLeft = Integer.MAX_VALUE;
    int within = 0;
    for (int i = 0; i < state.members; i++) {
      if (i >= within) {
        within = firstSpent(state, view, i);
      }
      i = draft.scheduleDecodes(state.sequences, i, within);
      if (i == state.members) {
        break;
      }
      if (view.state(state.sequences[i]) != SequenceState.RUNNING) {
        someWait = true;
      } else if (i < within) {
        runMember(state, context, view, draft, i);
      }
    }
    return someWait;
  }

  /**
   * Returns the first position, from {@code from} on, of a member that does not run or has no
   * tokens of its window left, and notes how many iterations those before it have left.
   */
  private int firstSpent(State state, BatchView view, int from) {
    int least = Integer.MAX_VALUE;
    int i = from;
    for (; i < state.members; i++) {
      int sequence = state.sequences[i];
      int left = left(state, view, sequence);
      if (left <= 0 || view.state(sequence) != SequenceState.RUNNING) {
        break;
      }
      least = Math.min(least, left);
    }
    state.iterationsLeft = Math.min(state.iterationsLeft, least - 1);
    return i;
  }

  private static void runMember(
      State state, BatchContext context, BatchView view, BatchDraft draft, int at) {
    int sequence = state.sequences[at];
    int tokens = Math.min(view.needTokens(sequence), draft.tokensLeft());
    if (tokens == 0) {
      return;
    }
    DraftOutcome outcome = draft.schedule(sequence, tokens);
    while (outcome == DraftOutcome.NO_BLOCKS) {
      // While those before it rest, nobody runs on what it would give up.
      boolean othersRest = state.mayEnd && draft.batchSequences() == 0;
      int first = othersRest ? at + 1 : at;
      int victim = context.makeRoom(sequence, state.sequences, first, state.size);
      state.endsEarly |= othersRest && victim == BatchView.NONE;
      if (victim == sequence || victim == BatchView.NONE) {
        break;
      }
      outcome = draft.schedule(sequence, tokens);
    }
  }

  private static void startMembers(State state, BatchContext context, BatchView view) {
    int i = 0;
    while (i < state.members) {
      int sequence = state.sequences[i];
      SequenceState now = view.state(sequence);
      if (now != SequenceState.WAITING && now != SequenceState.SWAPPED) {
        i++;
        continue;
      }
      int tokens = Math.min(view.needTokens(sequence), view.maxTokens());
      DraftOutcome outcome =
          context.runByPreempting(sequence, tokens, state.sequences, state.members, state.size);
      if (outcome == DraftOutcome.NO_ADAPTER && replace(state, context, view, i)) {
        continue;
      }
      boolean goOn =
          outcome.done()
              || outcome == DraftOutcome.NO_ADAPTER
              || outcome == DraftOutcome.NEVER_FITS;
      if (!goOn) {
        return;
      }
      i++;
    }
  }

  /**
   * Gives the place of a member to the next of the order behind the members, running or waiting.
   *
   * @return false if there is none
   */
  private static boolean replace(State state, BatchContext context, BatchView view, int place) {
    int head = context.head();
    while (head != BatchView.NONE && isMember(state, head)) {
      context.setAside(head);
      head = context.head();
    }
    int running = state.members;
    while (running < state.size && view.state(state.sequences[running]) != SequenceState.RUNNING) {
      running++;
    }
    boolean takeRunning =
        running < state.size
            && (head == BatchView.NONE || context.compare(state.sequences[running], head) < 0);
    int next = takeRunning ? state.sequences[running] : head;
    if (next == BatchView.NONE) {
      return false;
    }
    if (takeRunning) {
      System.arraycopy(
          state.sequences, running + 1, state.sequences, running, state.size - running - 1);
      state.size--;
    } else {
      context.setAside(head);
    }
    System.arraycopy(state.sequences, place + 1, state.sequences, place, state.members - place - 1);
    state.sequences[state.members - 1] = next;
    note(state, view, next);
    return true;
  }

  private static boolean isMember(State state, int sequence) {
    for (int i = 0; i < state.members; i++) {
      if (state.sequences[i] == sequence) {
        return true;
      }
    }
    return false;
  }

  @Override
  public int repeatableIterations(State state, BatchView view) {
    return state.iterationsLeft;
  }

  @Override
  public void onAdmitted(State state, BatchView view, int sequence, int cachedTokens) {
    // Nobody could choose who comes by a transfer: it is the last of those that are no members.
    if (!state.contains(sequence)) {
      state.append(sequence);
    }
  }

  @Override
  public void onQueued(State state, BatchView view, int sequence) {
    // A member that yields stays one; who is none is chosen from the queue like everybody there.
    state.remove(state.members, sequence);
  }

  @Override
  public void onEnded(State state, BatchView view, int sequence, End end) {
    state.remove(0, sequence);
  }

  @Override
  public int bulkIterations(State state, BatchView view) {
    return Integer.MAX_VALUE;
  }
}
