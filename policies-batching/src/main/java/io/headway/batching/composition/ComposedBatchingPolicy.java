package io.headway.batching.composition;

import static java.util.Objects.requireNonNull;

import io.headway.api.Claims;
import io.headway.api.Request;
import io.headway.api.SchedulingPolicy;
import io.headway.api.Stateless;
import io.headway.api.batching.AdmissionTest;
import io.headway.api.batching.AdmissionVerdict;
import io.headway.api.batching.BatchComposer;
import io.headway.api.batching.BatchContext;
import io.headway.api.batching.BatchDraft;
import io.headway.api.batching.BatchPlanner;
import io.headway.api.batching.BatchView;
import io.headway.api.batching.BatchingPolicy;
import io.headway.api.batching.DraftOutcome;
import io.headway.api.batching.End;
import io.headway.api.batching.PreemptionMode;
import io.headway.api.batching.QueueEnd;
import io.headway.api.batching.QueueOrder;
import io.headway.api.batching.RankChanges;
import io.headway.api.batching.SequenceState;
import io.headway.api.batching.ServedSequences;
import io.headway.api.batching.VictimSelector;
import java.util.List;
import java.util.Optional;
import java.util.OptionalDouble;
import org.jspecify.annotations.Nullable;

/**
 * Decides the batch of each iteration by four parts: a {@link QueueOrder} says who is next, an
 * {@link AdmissionTest} whether it may start and how much memory it takes, a {@link BatchComposer}
 * which tokens run, and a {@link VictimSelector} who yields on shortage; a {@link BatchPlanner}, if
 * there is one, says once per window who goes before the order. Every published batching system of
 * {@code io.headway.batching.systems} is one product of such parts; {@link Batching} makes new ones
 * and refuses those that make no sense.
 *
 * <p>The policy keeps the waiting sequences in the structure that the order's {@link
 * QueueOrder.KeyChange} allows: the scheduler's own list, a heap, a heap of tenants over one queue
 * each, or a heap built at each decision. Events go to every part that keeps state; a part whose
 * state is {@link Stateless} has nothing to update and is told nothing. One object may play several
 * roles: it then has one state and is told of each event once.
 *
 * <p>Cost per decision without changes: what the composer does. Per arrival, admission, preemption
 * or end: O(log waiting), O(log tenants) for {@link QueueOrder.KeyChange#PER_TENANT}. Allocates
 * only to grow. Immutable and shareable; the state is single-threaded like every decision loop.
 */
public final class ComposedBatchingPolicy implements BatchingPolicy<ComposedBatchingPolicy.State> {
  private final String id;
  private final Claims claims;
  private final Parts<?, ?, ?, ?, ?> parts;

  private ComposedBatchingPolicy(String id, Claims claims, Parts<?, ?, ?, ?, ?> parts) {
    this.id = id;
    this.claims = claims;
    this.parts = parts;
  }

  static <O, A, C, V, P> ComposedBatchingPolicy of(
      String id,
      QueueOrder<O> order,
      AdmissionTest<A> admission,
      BatchComposer<C> composition,
      @Nullable VictimSelector<V> victims,
      @Nullable BatchPlanner<P> planner) {
    return new ComposedBatchingPolicy(
        id,
        claimsOf(order, admission, composition, victims, planner),
        new Parts<>(id, order, admission, composition, victims, planner));
  }

  private static Claims claimsOf(
      QueueOrder<?> order,
      AdmissionTest<?> admission,
      BatchComposer<?> composition,
      @Nullable VictimSelector<?> victims,
      @Nullable BatchPlanner<?> planner) {
    Claims three = order.claims().and(admission.claims()).and(composition.claims());
    Claims four = victims == null ? three : three.and(victims.claims());
    Claims joined = planner == null ? four : four.and(planner.claims());
    Claims.Builder kept = Claims.builder();
    joined.needs().forEach(kept::needs);
    for (Claims.Bound bound : Claims.Bound.values()) {
      OptionalDouble value = joined.bound(bound);
      // An admission test that never runs out of memory says nothing about a composer that
      // preempts in favour of newcomers.
      boolean void_ =
          bound == Claims.Bound.PREEMPTIONS_PER_REQUEST && composition instanceof PreemptsForOrder;
      if (value.isPresent() && !void_) {
        kept.bound(bound, value.getAsDouble());
      }
    }
    List<Claims.RankField> fields = order.claims().order();
    if (planner == null && composition.keepsOrder()) {
      boolean preemptedToo =
          order.claims().ranksPreempted()
              && (victims == null || victims.claims().order().equals(fields));
      kept.order(preemptedToo, fields);
    }
    return kept.build();
  }

  @Override
  public String id() {
    return id;
  }

  @Override
  public State newState() {
    return parts.newState();
  }

  @Override
  public Claims claims() {
    return claims;
  }

  /**
   * Returns who is next.
   *
   * @return the order of the queue
   */
  public QueueOrder<?> order() {
    return parts.order;
  }

  /**
   * Returns who may start.
   *
   * @return the admission test
   */
  public AdmissionTest<?> admission() {
    return parts.admission;
  }

  /**
   * Returns what runs.
   *
   * @return the composer
   */
  public BatchComposer<?> composition() {
    return parts.composition;
  }

  /**
   * Returns who goes before the order.
   *
   * @return the planner, or empty if the policy has none
   */
  public Optional<BatchPlanner<?>> planning() {
    return Optional.ofNullable(parts.planner);
  }

  /**
   * Returns whether sequences are preempted at all.
   *
   * @return false if the policy has no victim selector
   */
  public boolean preempts() {
    return parts.victims != null;
  }

  @Override
  public boolean canServe(State state, BatchView view, Request request) {
    return state.canServe(view, request);
  }

  /** The prompt alone if somebody can yield when it grows, else all that it may ever hold. */
  @Override
  public int incomingTokens(State state, BatchView view, Request request) {
    return preempts() ? request.promptTokens() : request.maxKvTokens();
  }

  @Override
  public void plan(State state, BatchView view, BatchDraft draft) {
    state.plan(view, draft);
  }

  @Override
  public long wakeAtNanos(State state, BatchView view) {
    return state.wakeAtNanos(view);
  }

  @Override
  public int repeatableIterations(State state, BatchView view) {
    return state.repeatableIterations(view);
  }

  @Override
  public String explain(State state, BatchView view, int sequence) {
    return state.explain(view, sequence);
  }

  @Override
  public void onQueued(State state, BatchView view, int sequence) {
    state.onQueued(view, sequence);
  }

  @Override
  public void onAdmitted(State state, BatchView view, int sequence, int cachedTokens) {
    state.onAdmitted(view, sequence, cachedTokens);
  }

  @Override
  public void onPreempted(State state, BatchView view, int sequence) {
    state.onPreempted(view, sequence);
  }

  @Override
  public void onServed(State state, BatchView view, ServedSequences served) {
    state.onServed(view, served);
  }

  @Override
  public void onEnded(State state, BatchView view, int sequence, End end) {
    state.onEnded(view, sequence, end);
  }

  @Override
  public void onTenantForgotten(State state, int tenant) {
    state.onTenantForgotten(tenant);
  }

  @Override
  public String toString() {
    return id
        + "["
        + parts.order.id()
        + ", "
        + parts.admission.id()
        + ", "
        + parts.composition.id()
        + ", "
        + (parts.victims == null ? "no preemption" : parts.victims.id())
        + (parts.planner == null ? "" : ", " + parts.planner.id())
        + "]";
  }

  /** What a composed policy remembers: its waiting queue and the states of its parts. */
  public abstract static sealed class State {
    private State() {}

    /**
     * Returns the state of one part.
     *
     * @param part the order, admission test, composer, victim selector or planner of this policy
     * @param <S> the type of its state
     * @return its state
     * @throws IllegalArgumentException if the policy is not made of this very object
     */
    public abstract <S> S of(SchedulingPolicy<S> part);

    abstract boolean canServe(BatchView view, Request request);

    abstract void plan(BatchView view, BatchDraft draft);

    abstract long wakeAtNanos(BatchView view);

    abstract int repeatableIterations(BatchView view);

    abstract String explain(BatchView view, int sequence);

    abstract void onQueued(BatchView view, int sequence);

    abstract void onAdmitted(BatchView view, int sequence, int cachedTokens);

    abstract void onPreempted(BatchView view, int sequence);

    abstract void onServed(BatchView view, ServedSequences served);

    abstract void onEnded(BatchView view, int sequence, End end);

    abstract void onTenantForgotten(int tenant);
  }

  private record Parts<O, A, C, V, P>(
      String id,
      QueueOrder<O> order,
      AdmissionTest<A> admission,
      BatchComposer<C> composition,
      @Nullable VictimSelector<V> victims,
      @Nullable BatchPlanner<P> planner) {
    State newState() {
      return new BoundState<>(this);
    }
  }

  /** The parts with their states: the one place where both types are known. */
  private static final class BoundState<O, A, C, V, P> extends State
      implements BatchContext, RankChanges {
    private final QueueOrder<O> order;
    private final AdmissionTest<A> admission;
    private final BatchComposer<C> composition;
    private final @Nullable VictimSelector<V> victims;

    private final O orderState;
    private final A admissionState;
    private final C compositionState;
    private final @Nullable V victimsState;

    private final boolean orderListens;
    private final boolean admissionListens;
    private final boolean compositionListens;
    private final boolean victimsListen;
    private final QueueOrder.KeyChange keyChange;
    private final boolean keysPerTenant;

    private final WaitingQueue queue;
    private final @Nullable Planning<P> planning;
    private int[] candidates = new int[16];
    private int[] chosen = new int[16];
    private PreemptionMode[] modes = new PreemptionMode[16];

    private @Nullable BatchView view;
    private @Nullable BatchDraft draft;

    // Whether keys may be out of date: something happened since the order was asked to refresh.
    private boolean stale;

    // How the last decision ended, for repeatableIterations.
    private boolean shortage;
    private boolean refused;
    private boolean refusedByTest;

    BoundState(Parts<O, A, C, V, P> parts) {
      order = parts.order;
      admission = parts.admission;
      composition = parts.composition;
      victims = parts.victims;
      orderState = order.newState();
      admissionState = sharedOr(admission, order, orderState);
      compositionState = sharedOr(composition, order, orderState, admission, admissionState);
      victimsState =
          victims == null
              ? null
              : sharedOr(
                  victims,
                  order,
                  orderState,
                  admission,
                  admissionState,
                  composition,
                  compositionState);
      orderListens = keepsState(orderState);
      admissionListens = keepsState(admissionState) && !same(admission, order);
      compositionListens =
          keepsState(compositionState)
              && !same(composition, order)
              && !same(composition, admission);
      victimsListen =
          victims != null
              && victimsState != null
              && keepsState(victimsState)
              && !same(victims, order)
              && !same(victims, admission)
              && !same(victims, composition);
      keyChange = order.keyChange();
      keysPerTenant = orderListens && keyChange == QueueOrder.KeyChange.PER_TENANT;
      queue = WaitingQueue.of(order, orderState);
      planning = parts.planner == null ? null : planning(parts.id, parts.planner);
    }

    private Planning<P> planning(String policyId, BatchPlanner<P> planner) {
      P state =
          victims == null || victimsState == null
              ? sharedOr(
                  planner,
                  order,
                  orderState,
                  admission,
                  admissionState,
                  composition,
                  compositionState)
              : sharedOr(
                  planner,
                  order,
                  orderState,
                  admission,
                  admissionState,
                  composition,
                  compositionState,
                  victims,
                  victimsState);
      boolean listens =
          keepsState(state)
              && !same(planner, order)
              && !same(planner, admission)
              && !same(planner, composition)
              && (victims == null || !same(planner, victims));
      return new Planning<>(policyId, planner, state, listens);
    }

    private static boolean same(Object a, Object b) {
      return a == b;
    }

    private static boolean keepsState(Object state) {
      return state != Stateless.STATE;
    }

    /** The state of the earlier part that is the same object, or a new one. */
    @SuppressWarnings("unchecked") // One object has one state type.
    private static <S> S sharedOr(SchedulingPolicy<S> part, Object... earlier) {
      for (int i = 0; i < earlier.length; i += 2) {
        if (earlier[i] == part) {
          return (S) earlier[i + 1];
        }
      }
      return part.newState();
    }

    @Override
    @SuppressWarnings("unchecked") // The state was made by this very part.
    public <S> S of(SchedulingPolicy<S> part) {
      if (part == order) {
        return (S) requireNonNull(orderState);
      }
      if (part == admission) {
        return (S) requireNonNull(admissionState);
      }
      if (part == composition) {
        return (S) requireNonNull(compositionState);
      }
      if (victims != null && part == victims) {
        return (S) requireNonNull(victimsState);
      }
      if (planning != null && part == planning.planner()) {
        return (S) requireNonNull(planning.state());
      }
      throw new IllegalArgumentException(
          "part must be one this policy is made of, but '" + part.id() + "' is not");
    }

    @Override
    boolean canServe(BatchView view, Request request) {
      return admission.canServe(admissionState, view, request)
          && composition.canServe(compositionState, view, request);
    }

    @Override
    void plan(BatchView view, BatchDraft draft) {
      this.view = view;
      this.draft = draft;
      stale = true;
      shortage = false;
      refused = false;
      refusedByTest = false;
      if (planning != null) {
        planning.beginDecision();
      }
      try {
        composition.compose(compositionState, this);
      } finally {
        queue.endDecision(view);
        if (planning != null) {
          planning.endDecision();
        }
        this.view = null;
        this.draft = null;
      }
    }

    @Override
    long wakeAtNanos(BatchView view) {
      long wake = composition.wakeAtNanos(compositionState, view);
      return planning == null ? wake : Math.min(wake, planning.wakeAtNanos(view));
    }

    @Override
    String explain(BatchView view, int sequence) {
      if (view.state(sequence) == SequenceState.RUNNING) {
        return "runs by composition '" + composition.id() + "'";
      }
      int ahead = 0;
      for (int s = view.firstWaiting(); s != BatchView.NONE; s = view.nextWaiting(s)) {
        if (s != sequence && before(view, s, sequence)) {
          ahead++;
        }
      }
      String place = ahead + " ahead by order '" + order.id() + "'";
      String admitted = admission.explain(admissionState, view, sequence);
      return admitted.isEmpty()
          ? place
          : place + "; admission '" + admission.id() + "': " + admitted;
    }

    /** Whether one queued sequence is asked before another. */
    private boolean before(BatchView now, int a, int b) {
      if (keyChange != QueueOrder.KeyChange.QUEUE_ORDER) {
        return compare(now, a, b) < 0;
      }
      int s = a;
      while (s != BatchView.NONE && s != b) {
        s = now.nextWaiting(s);
      }
      return s == b;
    }

    @Override
    int repeatableIterations(BatchView view) {
      if (shortage || (refused && !queue.headStands(view))) {
        return 0;
      }
      int iterations = composition.repeatableIterations(compositionState, view);
      if (planning != null) {
        iterations = Math.min(iterations, planning.repeatableIterations(view));
      }
      if (refusedByTest) {
        iterations = Math.min(iterations, admission.repeatableIterations(admissionState, view));
      }
      if (orderListens) {
        iterations = Math.min(iterations, order.bulkIterations(orderState, view));
      }
      if (admissionListens) {
        iterations = Math.min(iterations, admission.bulkIterations(admissionState, view));
      }
      if (compositionListens) {
        iterations = Math.min(iterations, composition.bulkIterations(compositionState, view));
      }
      if (victims != null && victimsState != null && victimsListen) {
        iterations = Math.min(iterations, victims.bulkIterations(victimsState, view));
      }
      return iterations;
    }

    @Override
    void onQueued(BatchView view, int sequence) {
      if (orderListens) {
        order.onQueued(orderState, view, sequence);
      }
      if (admissionListens) {
        admission.onQueued(admissionState, view, sequence);
      }
      if (compositionListens) {
        composition.onQueued(compositionState, view, sequence);
      }
      if (victims != null && victimsState != null && victimsListen) {
        victims.onQueued(victimsState, view, sequence);
      }
      if (planning != null) {
        planning.onQueued(view, sequence);
      }
      queue.entered(view, sequence);
    }

    @Override
    void onAdmitted(BatchView view, int sequence, int cachedTokens) {
      queue.left(view, sequence);
      stale = true;
      if (orderListens) {
        order.onAdmitted(orderState, view, sequence, cachedTokens);
      }
      if (admissionListens) {
        admission.onAdmitted(admissionState, view, sequence, cachedTokens);
      }
      if (compositionListens) {
        composition.onAdmitted(compositionState, view, sequence, cachedTokens);
      }
      if (victims != null && victimsState != null && victimsListen) {
        victims.onAdmitted(victimsState, view, sequence, cachedTokens);
      }
      if (planning != null) {
        planning.onAdmitted(view, sequence, cachedTokens);
      }
      keyChanged(view, sequence);
    }

    @Override
    void onPreempted(BatchView view, int sequence) {
      stale = true;
      if (orderListens) {
        order.onPreempted(orderState, view, sequence);
      }
      if (admissionListens) {
        admission.onPreempted(admissionState, view, sequence);
      }
      if (compositionListens) {
        composition.onPreempted(compositionState, view, sequence);
      }
      if (victims != null && victimsState != null && victimsListen) {
        victims.onPreempted(victimsState, view, sequence);
      }
      if (planning != null) {
        planning.onPreempted(view, sequence);
      }
      keyChanged(view, sequence);
    }

    @Override
    void onServed(BatchView view, ServedSequences served) {
      if (orderListens) {
        order.onServed(orderState, view, served);
        if (keysPerTenant) {
          for (int i = 0, count = served.count(); i < count; i++) {
            queue.keyChanged(view.tenant(served.sequence(i)));
          }
        }
      }
      if (admissionListens) {
        admission.onServed(admissionState, view, served);
      }
      if (compositionListens) {
        composition.onServed(compositionState, view, served);
      }
      if (victims != null && victimsState != null && victimsListen) {
        victims.onServed(victimsState, view, served);
      }
      if (planning != null) {
        planning.onServed(view, served);
      }
    }

    @Override
    void onEnded(BatchView view, int sequence, End end) {
      queue.ended(view, sequence);
      if (orderListens) {
        order.onEnded(orderState, view, sequence, end);
      }
      if (admissionListens) {
        admission.onEnded(admissionState, view, sequence, end);
      }
      if (compositionListens) {
        composition.onEnded(compositionState, view, sequence, end);
      }
      if (victims != null && victimsState != null && victimsListen) {
        victims.onEnded(victimsState, view, sequence, end);
      }
      if (planning != null) {
        planning.onEnded(view, sequence, end);
      }
      keyChanged(view, sequence);
    }

    @Override
    void onTenantForgotten(int tenant) {
      if (orderListens) {
        order.onTenantForgotten(orderState, tenant);
      }
      if (admissionListens) {
        admission.onTenantForgotten(admissionState, tenant);
      }
      if (compositionListens) {
        composition.onTenantForgotten(compositionState, tenant);
      }
      if (victims != null && victimsState != null && victimsListen) {
        victims.onTenantForgotten(victimsState, tenant);
      }
      if (planning != null) {
        planning.onTenantForgotten(tenant);
      }
    }

    private void keyChanged(BatchView view, int sequence) {
      if (keysPerTenant) {
        queue.keyChanged(view.tenant(sequence));
      }
    }

    @Override
    public BatchView view() {
      return during(view);
    }

    @Override
    public BatchDraft draft() {
      return during(draft);
    }

    @Override
    public int head() {
      BatchView now = view();
      refresh(now);
      return planning == null ? queue.head(now) : planning.head(now, draft(), queue);
    }

    /** Has the order bring its keys up to date, and the queue with them. */
    private void refresh(BatchView now) {
      if (stale) {
        stale = false;
        order.refresh(orderState, now, this);
        queue.restore(now);
      }
    }

    @Override
    public void changed(int sequence) {
      queue.rankChanged(sequence);
    }

    @Override
    public void setAside(int sequence) {
      if (planning == null || !planning.setAside(sequence)) {
        queue.setAside(view(), sequence);
      }
    }

    @Override
    public int compare(int a, int b) {
      return compare(view(), a, b);
    }

    private int compare(BatchView now, int a, int b) {
      int planned = planning == null ? 0 : planning.compare(a, b);
      if (planned != 0 || a == b) {
        return planned;
      }
      refresh(now);
      if (keyChange == QueueOrder.KeyChange.QUEUE_ORDER) {
        return now.compareArrival(a, b);
      }
      if (keyChange == QueueOrder.KeyChange.PER_TENANT) {
        int tenantA = now.tenant(a);
        int tenantB = now.tenant(b);
        if (tenantA != tenantB) {
          return order.compareTenants(orderState, now, tenantA, tenantB);
        }
      }
      return order.compare(orderState, now, a, b);
    }

    @Override
    public DraftOutcome admit(int sequence, int tokens) {
      BatchView now = view();
      DraftOutcome outcome = untested(now, sequence);
      return outcome.done() ? admitTested(now, sequence, tokens) : outcome;
    }

    /** Returns DONE if the admission test lets a sequence start, else the answer it gets. */
    private DraftOutcome untested(BatchView now, int sequence) {
      AdmissionVerdict verdict = admission.test(admissionState, now, draft(), sequence);
      return switch (verdict) {
        case YES -> DraftOutcome.DONE;
        case LATER -> later(sequence);
        case NEVER -> never(now, sequence);
      };
    }

    private DraftOutcome later(int sequence) {
      refusedByTest = true;
      defer(sequence);
      return DraftOutcome.NO_BLOCKS;
    }

    @Override
    public void defer(int sequence) {
      refused = true;
      draft().defer(sequence);
    }

    private DraftOutcome admitTested(BatchView now, int sequence, int tokens) {
      DraftOutcome outcome =
          draft()
              .admit(
                  sequence,
                  tokens,
                  admission.reserveTokens(admissionState, now, sequence),
                  admission.headroomBlocks(admissionState, now, sequence));
      if (outcome == DraftOutcome.NEVER_FITS) {
        return never(now, sequence);
      }
      refused |= !outcome.done();
      return outcome;
    }

    private DraftOutcome never(BatchView now, int sequence) {
      draft().refuse(sequence);
      // The end is told when the draft is committed; until then nobody may find it in the queue.
      queue.ended(now, sequence);
      return DraftOutcome.NEVER_FITS;
    }

    @Override
    public DraftOutcome runByPreempting(int sequence, int tokens, int[] among, int from, int to) {
      BatchView now = view();
      ensureCandidates(to - from);
      int kept = 0;
      for (int i = from; i < to; i++) {
        kept = keep(now, among[i], kept);
      }
      return run(now, sequence, tokens, Integer.MAX_VALUE, kept);
    }

    @Override
    public DraftOutcome admitByPreempting(int sequence, int budgetTokens) {
      BatchView now = view();
      return run(now, sequence, budgetTokens, budgetTokens, keepRunning(now));
    }

    /** Runs a sequence in place of some of the first {@link #candidates}, if need be. */
    private DraftOutcome run(BatchView now, int sequence, int tokens, int budget, int kept) {
      boolean queued = now.state(sequence) != SequenceState.RUNNING;
      AdmissionVerdict verdict =
          queued ? admission.test(admissionState, now, draft(), sequence) : AdmissionVerdict.YES;
      if (verdict == AdmissionVerdict.NEVER) {
        return never(now, sequence);
      }
      DraftOutcome outcome = DraftOutcome.NO_BLOCKS;
      if (verdict == AdmissionVerdict.YES) {
        outcome = runTested(now, queued, sequence, tokens, budget);
        boolean yieldingHelps =
            outcome == DraftOutcome.NO_SLOT
                || outcome == DraftOutcome.NO_BLOCKS
                || (outcome == DraftOutcome.OVER_TOKENS && left(budget) <= 0);
        if (!yieldingHelps) {
          return outcome;
        }
      } else if (admission.testAfter(admissionState, now, draft(), sequence, candidates, kept)
          != AdmissionVerdict.YES) {
        return later(sequence);
      }
      shortage = true;
      boolean mayStart = verdict == AdmissionVerdict.YES;
      int count =
          victims == null ? 0 : yielding(now, queued, sequence, tokens, budget, kept, mayStart);
      for (int i = 0; i < count; i++) {
        giveWay(now, sequence, chosen[i], modes[i]);
      }
      if (count > 0) {
        return runTested(now, queued, sequence, tokens, budget);
      }
      return mayStart ? outcome : later(sequence);
    }

    private int left(int budget) {
      return budget - draft().batchTokens();
    }

    private DraftOutcome runTested(
        BatchView now, boolean queued, int sequence, int tokens, int budget) {
      if (!queued) {
        return draft().schedule(sequence, tokens);
      }
      int most = Math.min(tokens, left(budget));
      return draft().slotsLeft() == 0
          ? DraftOutcome.NO_SLOT
          : most <= 0 ? DraftOutcome.OVER_TOKENS : admitTested(now, sequence, most);
    }

    /**
     * Chooses who of the first {@link #candidates} yields, in {@link #chosen}: as few as the
     * selector's order allows.
     *
     * @return how many; 0 if nobody can help
     */
    private int yielding(
        BatchView now,
        boolean queued,
        int sequence,
        int tokens,
        int budget,
        int candidatesCount,
        boolean passesTest) {
      VictimSelector<V> selector = requireNonNull(victims);
      V selectorState = requireNonNull(victimsState);
      int kept = candidatesCount;
      int left = left(budget);
      int reserve = queued ? admission.reserveTokens(admissionState, now, sequence) : 0;
      int headroom = queued ? admission.headroomBlocks(admissionState, now, sequence) : 0;
      int room = now.freeBlocks();
      int count = 0;
      while (kept > 0) {
        int victim = selector.select(selectorState, now, sequence, candidates, 0, kept);
        if (victim == BatchView.NONE || victim == sequence) {
          return 0;
        }
        kept = without(victim, kept);
        chosen[count] = victim;
        modes[count++] = selector.mode(selectorState, now, victim);
        room += now.heldBlocks(victim);
        left += draft().scheduledTokens(victim);
        int most = Math.min(tokens, left);
        if (most > 0
            // Shared blocks count for each holder: who has too few even so can be no help.
            && (!queued || room - headroom >= leastBlocks(now, sequence, most, reserve))
            && (passesTest || passesAfter(now, sequence, count))
            && draft()
                .outcomeAfter(chosen, modes, count, sequence, most, reserve, headroom)
                .done()) {
          return count;
        }
      }
      return 0;
    }

    /** Whether a queued sequence passes the admission test once the chosen have yielded. */
    private boolean passesAfter(BatchView now, int sequence, int count) {
      return admission.testAfter(admissionState, now, draft(), sequence, chosen, count)
          == AdmissionVerdict.YES;
    }

    /** Returns blocks that a queued sequence needs whatever it shares. */
    private static int leastBlocks(BatchView now, int sequence, int tokens, int reserve) {
      if (now.state(sequence) == SequenceState.SWAPPED) {
        return now.heldBlocks(sequence);
      }
      int cached = now.cachedTokens(sequence);
      int known = now.promptTokens(sequence) + now.generatedTokens(sequence);
      int length = Math.max(reserve, cached + Math.min(tokens, known - cached));
      return Math.max(0, now.blocksFor(length) - now.blocksFor(cached));
    }

    /** Takes a candidate out, keeping the order of the others. */
    private int without(int victim, int kept) {
      for (int i = 0; i < kept; i++) {
        if (candidates[i] == victim) {
          System.arraycopy(candidates, i + 1, candidates, i, kept - i - 1);
          return kept - 1;
        }
      }
      throw new IllegalStateException(
          "a victim selector must name one of its candidates, but '"
              + requireNonNull(victims).id()
              + "' named "
              + victim);
    }

    @Override
    public void expire(int sequence) {
      draft().expire(sequence);
      queue.ended(view(), sequence);
    }

    @Override
    public int makeRoom(int beneficiary) {
      BatchView now = view();
      return preempt(now, beneficiary, keepRunning(now));
    }

    /** Makes all running sequences candidates; returns how many. */
    private int keepRunning(BatchView now) {
      int count = now.runningCount();
      ensureCandidates(count);
      int kept = 0;
      for (int i = 0; i < count; i++) {
        kept = keep(now, now.running(i), kept);
      }
      return kept;
    }

    @Override
    public int makeRoom(int beneficiary, int[] among, int from, int to) {
      BatchView now = view();
      ensureCandidates(to - from);
      int kept = 0;
      for (int i = from; i < to; i++) {
        kept = keep(now, among[i], kept);
      }
      return preempt(now, beneficiary, kept);
    }

    @Override
    public int swapOut(int[] among, int from, int to) {
      BatchView now = view();
      if (victims == null || victimsState == null) {
        return BatchView.NONE;
      }
      ensureCandidates(to - from);
      int kept = 0;
      for (int i = from; i < to; i++) {
        kept = keep(now, among[i], kept);
      }
      if (kept == 0) {
        return BatchView.NONE;
      }
      int victim = victims.select(victimsState, now, candidates[0], candidates, 0, kept);
      if (victim == BatchView.NONE
          || victims.mode(victimsState, now, victim) != PreemptionMode.SWAP) {
        return BatchView.NONE;
      }
      QueueEnd place = victims.place(victimsState, now, victim);
      boolean done = draft().preempt(victim, victim, PreemptionMode.SWAP, place).done();
      return done ? victim : BatchView.NONE;
    }

    @Override
    public int resume(int[] among, int from, int to, int headroomBlocks) {
      BatchView now = view();
      if (victims == null || victimsState == null) {
        return BatchView.NONE;
      }
      ensureCandidates(to - from);
      int kept = 0;
      for (int i = from; i < to; i++) {
        if (now.state(among[i]) == SequenceState.SWAPPED) {
          candidates[kept++] = among[i];
        }
      }
      int back = victims.selectReturning(victimsState, now, candidates, 0, kept);
      boolean done = back != BatchView.NONE && draft().resume(back, headroomBlocks).done();
      return done ? back : BatchView.NONE;
    }

    private void ensureCandidates(int count) {
      if (count > candidates.length) {
        candidates = new int[Math.max(count, candidates.length * 2)];
        chosen = new int[candidates.length];
        modes = new PreemptionMode[candidates.length];
      }
    }

    private int keep(BatchView now, int sequence, int kept) {
      if (now.state(sequence) == SequenceState.RUNNING && !now.inFlight(sequence)) {
        candidates[kept] = sequence;
        return kept + 1;
      }
      return kept;
    }

    private int preempt(BatchView now, int beneficiary, int count) {
      shortage = true;
      if (victims == null || victimsState == null || count == 0) {
        return BatchView.NONE;
      }
      int victim = victims.select(victimsState, now, beneficiary, candidates, 0, count);
      if (victim == BatchView.NONE) {
        return BatchView.NONE;
      }
      return giveWay(now, beneficiary, victim, victims.mode(victimsState, now, victim))
          ? victim
          : BatchView.NONE;
    }

    private boolean giveWay(BatchView now, int beneficiary, int victim, PreemptionMode mode) {
      BatchDraft batch = draft();
      QueueEnd place = requireNonNull(victims).place(requireNonNull(victimsState), now, victim);
      DraftOutcome outcome = batch.preempt(victim, beneficiary, mode, place);
      if (outcome == DraftOutcome.NO_HOST_BLOCKS && mode == PreemptionMode.SWAP) {
        outcome = batch.preempt(victim, beneficiary, PreemptionMode.RECOMPUTE, place);
      }
      if (planning != null && outcome.done() && place == QueueEnd.TAIL) {
        planning.sentBehind(victim);
      }
      return outcome.done();
    }

    private static <T> T during(@Nullable T object) {
      if (object == null) {
        throw new IllegalStateException("a batch context is valid during compose only");
      }
      return object;
    }
  }
}
