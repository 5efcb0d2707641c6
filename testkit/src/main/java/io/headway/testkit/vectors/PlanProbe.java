package io.headway.testkit.vectors;

import io.headway.api.Claims;
import io.headway.api.Request;
import io.headway.api.batching.BatchDraft;
import io.headway.api.batching.BatchView;
import io.headway.api.batching.BatchingPolicy;
import io.headway.api.batching.DraftOutcome;
import io.headway.api.batching.End;
import io.headway.api.batching.PreemptionMode;
import io.headway.api.batching.QueueEnd;
import io.headway.api.batching.ServedSequences;
import java.util.ArrayList;
import java.util.Comparator;
import java.util.List;
import org.jspecify.annotations.Nullable;

/**
 * Runs a policy unchanged and writes down what it drafts, in the order in which it drafts it; the
 * plan itself has its rows in the executor's order.
 *
 * @param <S> the policy's state
 */
class PlanProbe<S> implements BatchingPolicy<S> {
  /** One entry of the batch. */
  record Entry(String id, boolean decode, int tokens) {}

  private final BatchingPolicy<S> policy;
  private @Nullable S state;
  private final List<Entry> batch = new ArrayList<>();
  private final List<String> preempted = new ArrayList<>();
  private final List<String> admitted = new ArrayList<>();
  private final List<String> waiting = new ArrayList<>();
  private final List<String> expired = new ArrayList<>();
  private boolean decided;

  PlanProbe(BatchingPolicy<S> policy) {
    this.policy = policy;
  }

  /** The state the scheduler works with. */
  S state() {
    S made = state;
    if (made == null) {
      throw new IllegalStateException("no scheduler has been built with this policy");
    }
    return made;
  }

  List<Entry> batch() {
    return batch;
  }

  List<String> preempted() {
    return preempted;
  }

  List<String> admitted() {
    return admitted;
  }

  List<String> expired() {
    return expired;
  }

  /** The queue after the last decision. */
  List<String> waiting() {
    return waiting;
  }

  /** Forgets what was written down for the iteration before. */
  void clear() {
    batch.clear();
    preempted.clear();
    admitted.clear();
    expired.clear();
    decided = false;
  }

  /** The queue in the policy's order; the queue's own order unless overridden. */
  int[] queue(BatchView view) {
    int[] queue = new int[view.waitingCount()];
    int size = 0;
    for (int s = view.firstWaiting(); s != BatchView.NONE; s = view.nextWaiting(s)) {
      queue[size++] = s;
    }
    return queue;
  }

  @Override
  public String id() {
    return policy.id();
  }

  @Override
  public S newState() {
    S made = policy.newState();
    state = made;
    return made;
  }

  @Override
  public Claims claims() {
    return policy.claims();
  }

  @Override
  public boolean canServe(S state, BatchView view, Request request) {
    return policy.canServe(state, view, request);
  }

  @Override
  public void plan(S state, BatchView view, BatchDraft draft) {
    // A scheduler asks again when a decision only preempted; an iteration of a vector is one
    // decision, empty or not.
    if (decided) {
      return;
    }
    decided = true;
    List<String> queued = ids(view);
    policy.plan(state, view, new Recorder(view, draft));
    // What expires in one decision does so at once: it is reported as it stood in the queue.
    expired.sort(Comparator.comparingInt(queued::indexOf));
    waiting.clear();
    waiting.addAll(ids(view));
  }

  private List<String> ids(BatchView view) {
    List<String> ids = new ArrayList<>();
    for (int s : queue(view)) {
      ids.add(view.request(s).id());
    }
    return ids;
  }

  @Override
  public long wakeAtNanos(S state, BatchView view) {
    boolean onlyPreempted = batch.isEmpty() && !preempted.isEmpty();
    return onlyPreempted ? view.nowNanos() + 1 : policy.wakeAtNanos(state, view);
  }

  @Override
  public int repeatableIterations(S state, BatchView view) {
    return policy.repeatableIterations(state, view);
  }

  @Override
  public void onQueued(S state, BatchView view, int sequence) {
    policy.onQueued(state, view, sequence);
  }

  @Override
  public void onAdmitted(S state, BatchView view, int sequence, int cachedTokens) {
    policy.onAdmitted(state, view, sequence, cachedTokens);
  }

  @Override
  public void onPreempted(S state, BatchView view, int sequence) {
    policy.onPreempted(state, view, sequence);
  }

  @Override
  public void onServed(S state, BatchView view, ServedSequences served) {
    policy.onServed(state, view, served);
  }

  @Override
  public void onEnded(S state, BatchView view, int sequence, End end) {
    policy.onEnded(state, view, sequence, end);
  }

  @Override
  public void onTenantForgotten(S state, int tenant) {
    policy.onTenantForgotten(state, tenant);
  }

  /** Passes everything on and writes down what took effect. */
  private final class Recorder implements BatchDraft {
    private final BatchView view;
    private final BatchDraft draft;

    Recorder(BatchView view, BatchDraft draft) {
      this.view = view;
      this.draft = draft;
    }

    @Override
    public int tokensLeft() {
      return draft.tokensLeft();
    }

    @Override
    public int slotsLeft() {
      return draft.slotsLeft();
    }

    @Override
    public int scheduledTokens(int sequence) {
      return draft.scheduledTokens(sequence);
    }

    @Override
    public int batchTokens() {
      return draft.batchTokens();
    }

    @Override
    public int batchSequences() {
      return draft.batchSequences();
    }

    @Override
    public int preemptions() {
      return draft.preemptions();
    }

    @Override
    public DraftOutcome schedule(int sequence, int tokens) {
      boolean decode = view.decoding(sequence);
      DraftOutcome outcome = draft.schedule(sequence, tokens);
      if (outcome.done()) {
        batch.add(new Entry(view.request(sequence).id(), decode, tokens));
      }
      return outcome;
    }

    @Override
    public int scheduleDecodes(int[] sequences, int from, int to) {
      int reached = draft.scheduleDecodes(sequences, from, to);
      for (int i = from; i < reached; i++) {
        batch.add(new Entry(view.request(sequences[i]).id(), true, 1));
      }
      return reached;
    }

    @Override
    public int scheduleDecodes(int from, int to) {
      int reached = draft.scheduleDecodes(from, to);
      for (int i = from; i < reached; i++) {
        batch.add(new Entry(view.request(view.running(i)).id(), true, 1));
      }
      return reached;
    }

    @Override
    public DraftOutcome verify(int sequence, int draftTokens) {
      return draft.verify(sequence, draftTokens);
    }

    @Override
    public DraftOutcome admit(int sequence, int tokens, int reserveTokens, int headroomBlocks) {
      DraftOutcome outcome = draft.admit(sequence, tokens, reserveTokens, headroomBlocks);
      if (outcome.done()) {
        String id = view.request(sequence).id();
        batch.add(new Entry(id, false, draft.scheduledTokens(sequence)));
        admitted.add(id);
      }
      return outcome;
    }

    @Override
    public DraftOutcome resume(int sequence, int headroomBlocks) {
      return draft.resume(sequence, headroomBlocks);
    }

    @Override
    public DraftOutcome preempt(int victim, int beneficiary, PreemptionMode mode, QueueEnd place) {
      String id = view.request(victim).id();
      DraftOutcome outcome = draft.preempt(victim, beneficiary, mode, place);
      if (outcome.done()) {
        batch.removeIf(entry -> entry.id().equals(id));
        preempted.add(id);
      }
      return outcome;
    }

    @Override
    public DraftOutcome outcomeAfter(
        int[] victims,
        PreemptionMode[] modes,
        int count,
        int sequence,
        int tokens,
        int reserveTokens,
        int headroomBlocks) {
      return draft.outcomeAfter(
          victims, modes, count, sequence, tokens, reserveTokens, headroomBlocks);
    }

    @Override
    public void defer(int sequence) {
      draft.defer(sequence);
    }

    @Override
    public void refuse(int sequence) {
      draft.refuse(sequence);
    }

    @Override
    public void expire(int sequence) {
      String id = view.request(sequence).id();
      draft.expire(sequence);
      expired.add(id);
    }

    @Override
    public void pad(int tokens) {
      draft.pad(tokens);
    }
  }
}
