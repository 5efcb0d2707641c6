package io.headway.testkit.subject;

import io.headway.api.batching.BatchingPolicy;
import io.headway.api.batching.End;
import io.headway.api.batching.WorkKind;
import io.headway.api.memory.EvictionPolicy;
import io.headway.api.memory.KvBlockPool;
import io.headway.api.memory.KvMoveKind;
import io.headway.memory.eviction.LruEviction;
import io.headway.runtime.BatchPlan;
import io.headway.runtime.EngineEvents;
import io.headway.runtime.EngineScheduler;
import io.headway.runtime.EngineStats;
import io.headway.runtime.Limits;
import io.headway.runtime.Reservation;
import io.headway.runtime.RuntimeListener;
import io.headway.runtime.StepResult;
import io.headway.runtime.SubmitResult;
import io.headway.testkit.trace.TraceRecorder;
import io.headway.testkit.trace.TraceSink;
import java.util.ArrayDeque;
import java.util.ArrayList;
import java.util.Deque;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;

/**
 * A batching policy hosted by this library's own {@link EngineScheduler}, in strict mode: what the
 * policy breaks is thrown, and what the runtime breaks shows up outside.
 */
public final class RuntimeSubject implements SchedulerSubject, EngineEvents, RuntimeListener {
  private record Flight(BatchPlan plan, StepResult result) {}

  private final EngineConfig config;
  private final KvBlockPool pool;
  private final EngineScheduler scheduler;
  private final Map<Long, String> names = new HashMap<>();
  private final Map<String, Long> handles = new HashMap<>();
  private final Map<String, Reservation> reservations = new HashMap<>();
  private final Map<String, Integer> firstTokens = new HashMap<>();
  private final Deque<Flight> flying = new ArrayDeque<>();
  private final List<String> preempted = new ArrayList<>();
  private final List<Ended> ended = new ArrayList<>();
  private final List<Transfer> transfers = new ArrayList<>();

  private RuntimeSubject(
      BatchingPolicy<?> policy, EvictionPolicy<?> eviction, EngineConfig config, TraceSink trace) {
    this.config = config;
    pool = config.newBlockPool(eviction);
    EngineScheduler.Builder builder =
        EngineScheduler.builder()
            .policy(policy)
            .pool(pool)
            .limits(
                Limits.of(config.slots(), config.tokenBudget()).maxAdapters(config.maxAdapters()))
            .depth(config.asyncDepth())
            .leaseNanos(config.leaseNanos())
            .maxPinnedBlocks(Math.max(1, config.blocks() / 2))
            .recomputeIncoming()
            .listener(this)
            .strict()
            .log(new TraceRecorder(trace));
    scheduler = builder.build();
  }

  /**
   * Makes a factory that hosts a policy, and claims what the runtime gives every policy.
   *
   * @param policy the policy; one object serves any number of schedulers
   * @return the factory
   */
  public static SchedulerFactory hosting(BatchingPolicy<?> policy) {
    return hosting(policy, new LruEviction());
  }

  /**
   * Makes a factory that hosts a policy on a pool with a given eviction policy.
   *
   * @param policy the policy; one object serves any number of schedulers
   * @param eviction which cached block dies first
   * @return the factory
   */
  public static SchedulerFactory hosting(BatchingPolicy<?> policy, EvictionPolicy<?> eviction) {
    return SchedulerFactory.of(
        features(), (config, trace) -> new RuntimeSubject(policy, eviction, config, trace));
  }

  /**
   * Returns what the runtime gives every policy. A policy adds its order and bounds.
   *
   * @return the claims
   */
  public static Features features() {
    return Features.of(
            Feature.CANCEL,
            Feature.DEADLINES,
            Feature.CHUNKED_PREFILL,
            Feature.BLOCK_TABLES,
            Feature.PREFIX_CACHE,
            Feature.PRIORITY,
            Feature.TENANTS,
            Feature.ADAPTERS,
            Feature.SWAP,
            Feature.SPECULATION,
            Feature.RETRIES,
            Feature.TRANSFERS,
            Feature.CLEAR_CACHE,
            Feature.REPORTS_ENDS,
            Feature.RENAMING)
        .asyncDepth(3);
  }

  @Override
  public boolean submit(RequestSpec request, long nowNanos) {
    SubmitResult answer =
        request.handsOver()
            ? scheduler.submitPrefill(request.toRequest(config), nowNanos)
            : scheduler.submit(request.toRequest(config), nowNanos);
    if (answer.accepted()) {
      remember(request.id(), answer.handle());
    }
    return answer.accepted();
  }

  private void remember(String id, long handle) {
    names.put(handle, id);
    handles.put(id, handle);
  }

  @Override
  public void cancel(String id, long nowNanos) {
    scheduler.cancel(handles.getOrDefault(id, -1L), nowNanos);
    scheduler.events(this);
  }

  @Override
  public BatchDecision decide(long nowNanos) {
    preempted.clear();
    BatchPlan plan = scheduler.next(nowNanos);
    scheduler.events(this);
    if (plan.isEmpty()) {
      return new BatchDecision(-1, List.of(), List.of(), preempted, 0, plan.wakeAtNanos());
    }
    flying.add(new Flight(plan, new StepResult().begin(plan)));
    List<Row> rows = new ArrayList<>(plan.rows());
    for (int row = 0; row < plan.rows(); row++) {
      int[] blocks = new int[plan.blocks(row)];
      for (int i = 0; i < blocks.length; i++) {
        blocks[i] = plan.block(row, i);
      }
      rows.add(
          new Row(
              name(plan.handle(row)),
              plan.kind(row),
              plan.start(row),
              plan.count(row),
              blocks,
              plan.emits(row) ? Emission.YES : Emission.NO));
    }
    return new BatchDecision(
        plan.stepId(), rows, moves(plan), preempted, plan.tokens(), Long.MAX_VALUE);
  }

  private static List<Move> moves(BatchPlan plan) {
    List<Move> moves = new ArrayList<>(plan.moves());
    for (int i = 0; i < plan.moves(); i++) {
      Move.Kind kind = kind(plan.moveKind(i));
      moves.add(new Move(kind, plan.moveSource(i), plan.moveTarget(i)));
    }
    return moves;
  }

  private static Move.Kind kind(KvMoveKind kind) {
    return switch (kind) {
      case COPY -> Move.Kind.COPY;
      case SWAP_OUT -> Move.Kind.SWAP_OUT;
      case SWAP_IN -> Move.Kind.SWAP_IN;
      case STORE, LOAD, DROP, RECODE ->
          throw new IllegalStateException("a plan must not ask for " + kind);
    };
  }

  @Override
  public boolean[] deliver(StepReport report, long nowNanos) {
    Flight flight = flying.remove();
    BatchPlan plan = flight.plan();
    StepResult result = flight.result();
    for (int row = 0; row < report.rows().size(); row++) {
      RowReport said = report.rows().get(row);
      if (said.failed()) {
        result.rowFailed(row, new IllegalStateException("kernel"));
      } else if (!said.tokens().isEmpty()) {
        if (plan.kind(row) == WorkKind.VERIFY) {
          int[] ids = new int[said.tokens().size()];
          for (int i = 0; i < ids.length; i++) {
            ids[i] = said.tokens().get(i);
          }
          result.tokens(row, ids.length - 1, ids);
        } else {
          result.token(row, said.tokens().get(0));
        }
        if (said.stopped()) {
          result.stop(row);
        }
      }
    }
    boolean[] deliver = new boolean[report.rows().size()];
    scheduler.complete(result.elapsed(1_000), nowNanos);
    for (int row = 0; row < deliver.length; row++) {
      deliver[row] = result.deliver(row);
    }
    scheduler.events(this);
    return deliver;
  }

  @Override
  public void fail(long step, long nowNanos) {
    flying.remove();
    scheduler.fail(step, new IllegalStateException("device"), nowNanos);
    scheduler.events(this);
  }

  @Override
  public boolean reserveIncoming(RequestSpec request, long nowNanos) {
    Reservation reservation = scheduler.reserveIncoming(request.toRequest(config), nowNanos);
    if (!reservation.granted()) {
      return false;
    }
    remember(request.id(), reservation.handle());
    reservations.put(request.id(), reservation);
    transfers.add(new Transfer(request.id(), true, scheduler.blocks(reservation.handle(), 0)));
    scheduler.events(this);
    return true;
  }

  @Override
  public List<Transfer> transfers() {
    List<Transfer> begun = List.copyOf(transfers);
    transfers.clear();
    return begun;
  }

  @Override
  public void transferEnded(
      Transfer transfer, int arrivedTokens, boolean succeeded, long nowNanos) {
    Reservation reservation = reservations.get(transfer.id());
    if (transfer.incoming() && reservation != null) {
      if (succeeded) {
        scheduler.incomingDone(reservation, firstTokens.getOrDefault(transfer.id(), 1), nowNanos);
      } else {
        scheduler.incomingFailed(reservation, arrivedTokens, nowNanos);
      }
    } else {
      long handle = handles.getOrDefault(transfer.id(), -1L);
      if (succeeded) {
        scheduler.handOverDone(handle, nowNanos);
      } else {
        scheduler.handOverFailed(handle, nowNanos);
      }
    }
    scheduler.events(this);
  }

  @Override
  public void firstToken(String id, int token) {
    firstTokens.put(id, token);
  }

  @Override
  public void clearCache(long nowNanos) {
    pool.reset();
  }

  @Override
  public List<Ended> ended() {
    List<Ended> all = List.copyOf(ended);
    ended.clear();
    return all;
  }

  @Override
  public Optional<EngineSnapshot> inspect() {
    EngineStats stats = scheduler.stats();
    return Optional.of(
        new EngineSnapshot(
            stats.waiting(),
            stats.running(),
            scheduler.isIdle() ? 0 : Math.max(1, (int) (stats.accepted() - stats.ended())),
            pool.availableBlocks(),
            pool.usableBlocks(),
            stats.accepted(),
            stats.ended()));
  }

  @Override
  public boolean recordsItself() {
    return true;
  }

  @Override
  public void close() {
    scheduler.close();
  }

  // ---- what the scheduler tells

  @Override
  public void ended(long handle, End end, String detail) {
    ended.add(new Ended(name(handle), end));
  }

  @Override
  public void handOver(long handle, int slot) {
    transfers.add(new Transfer(name(handle), false, scheduler.blocks(handle, 0)));
  }

  @Override
  public void preempted(long handle, int times) {
    preempted.add(name(handle));
  }

  private String name(long handle) {
    String name = names.get(handle);
    if (name == null) {
      throw new IllegalStateException("handle " + handle + " was never given out");
    }
    return name;
  }
}
