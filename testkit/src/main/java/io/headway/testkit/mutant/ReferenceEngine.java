package io.headway.testkit.mutant;

import static java.util.Objects.requireNonNull;

import io.headway.api.batching.End;
import io.headway.api.batching.WorkKind;
import io.headway.testkit.mutant.EngineRequest.State;
import io.headway.testkit.subject.BatchDecision;
import io.headway.testkit.subject.Ended;
import io.headway.testkit.subject.EngineConfig;
import io.headway.testkit.subject.EngineSnapshot;
import io.headway.testkit.subject.Feature;
import io.headway.testkit.subject.Move;
import io.headway.testkit.subject.RequestSpec;
import io.headway.testkit.subject.RowReport;
import io.headway.testkit.subject.SchedulerFactory;
import io.headway.testkit.subject.SchedulerSubject;
import io.headway.testkit.subject.ServiceOrder;
import io.headway.testkit.subject.StepReport;
import io.headway.testkit.subject.Transfer;
import io.headway.testkit.trace.TraceEvent.Blocks;
import io.headway.testkit.trace.TraceEvent.Ended.Kind;
import io.headway.testkit.trace.TraceSink;
import java.util.ArrayList;
import java.util.Comparator;
import java.util.HashSet;
import java.util.LinkedHashMap;
import java.util.LinkedHashSet;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.Optional;
import java.util.Set;
import org.jspecify.annotations.Nullable;

/**
 * A small correct scheduler of one engine, independent of this library's own: paged memory, prefix
 * cache, chunked prefill, preemption by recomputation or by swapping, drafts, adapters, media
 * items, steps in flight, transfers. Slow and plain on purpose, so that it can be seen to be right.
 * One {@link EngineFault} makes it wrong.
 */
final class ReferenceEngine implements SchedulerSubject {
  /** A step in flight. */
  private record Flight(long step, List<EngineRow> rows) {}

  private static final String FAILURE = "failure";

  /** Drafts of a verification. */
  private static final int DRAFTS = 2;

  final EngineConfig config;
  final EngineTraits traits;
  final EngineFault fault;
  final EngineLog log;
  final EngineMemory memory;
  final List<EngineRequest> running = new ArrayList<>();

  /** Requests whose KV has arrived since the last decision: they run, but are not served yet. */
  final List<EngineRequest> loaded = new ArrayList<>();

  /** Whether no place is free, as far as is known: cleared by whoever leaves. */
  boolean full;

  /** Decisions for which a planted bug admits nobody. */
  int recovering;

  private final Map<String, EngineRequest> requests = new LinkedHashMap<>();
  private final List<Flight> flights = new ArrayList<>();
  private final Set<Long> voided = new HashSet<>();
  private final List<Ended> ended = new ArrayList<>();
  private final List<Transfer> transfers = new ArrayList<>();
  private final List<Move> moves = new ArrayList<>();

  /** For whom others gave way who is not served yet. */
  private final Set<EngineRequest> owed = new HashSet<>();

  private long now;
  private long steps;

  /** The last step that may still use blocks that have been given back. */
  private long lastUse = -1;

  private long admissions;
  private int transferCount;
  private long accepted;
  private long ends;
  private int encoderUsed;

  // What is shown to the outside, as of the last measurement.
  private int shownWaiting;
  private int shownRunning;
  private int shownFree;

  private ReferenceEngine(
      EngineConfig config, EngineTraits traits, EngineFault fault, EngineLog log) {
    this.config = config;
    this.traits = traits;
    this.fault = fault;
    this.log = log;
    memory = new EngineMemory(config, fault, log);
  }

  /**
   * Makes a factory.
   *
   * @param traits which form
   * @param fault what is wrong; {@link EngineFault#NONE} for a correct engine
   */
  static SchedulerFactory factory(EngineTraits traits, EngineFault fault) {
    return SchedulerFactory.of(
        traits.features(), (config, trace) -> create(config, traits, fault, trace));
  }

  static ReferenceEngine create(
      EngineConfig config, EngineTraits traits, EngineFault fault, TraceSink trace) {
    EngineLog log = new EngineLog(trace);
    log.config(config, traits);
    ReferenceEngine engine = new ReferenceEngine(config, traits, fault, log);
    engine.measure();
    return engine;
  }

  @Override
  public boolean recordsItself() {
    return true;
  }

  @Override
  public SchedulerSubject rebuilt() {
    EngineLog silent = new EngineLog(event -> {});
    ReferenceEngine copy = new ReferenceEngine(config, traits, fault, silent, memory.copy(silent));
    Map<EngineRequest, EngineRequest> copies = new LinkedHashMap<>();
    requests.forEach(
        (id, r) -> {
          EngineRequest twin = r.copy();
          copies.put(r, twin);
          copy.requests.put(id, twin);
        });
    running.forEach(r -> copy.running.add(copies.getOrDefault(r, r)));
    loaded.forEach(r -> copy.loaded.add(copies.getOrDefault(r, r)));
    owed.forEach(r -> copy.owed.add(copies.getOrDefault(r, r)));
    copy.now = now;
    copy.steps = steps;
    copy.lastUse = lastUse;
    copy.admissions = admissions;
    copy.encoderUsed = encoderUsed;
    return copy;
  }

  private ReferenceEngine(
      EngineConfig config,
      EngineTraits traits,
      EngineFault fault,
      EngineLog log,
      EngineMemory memory) {
    this.config = config;
    this.traits = traits;
    this.fault = fault;
    this.log = log;
    this.memory = memory;
  }

  private boolean has(Feature feature) {
    return traits.features().has(feature);
  }

  private void at(long nowNanos) {
    now = nowNanos;
    log.now(nowNanos);
  }

  // ---- ranks

  int compare(EngineRequest a, EngineRequest b) {
    int by =
        traits.order() == ServiceOrder.PRIORITY_THEN_ARRIVAL
            ? Integer.compare(priority(a), priority(b))
            : 0;
    by = by != 0 ? by : Long.compare(a.spec.arrivalNanos(), b.spec.arrivalNanos());
    if (by == 0 && fault == EngineFault.H_18) {
      by = Integer.compare(31 * a.id().hashCode() % 7, 31 * b.id().hashCode() % 7);
    }
    return by != 0 ? by : a.id().compareTo(b.id());
  }

  private int priority(EngineRequest r) {
    boolean lost = fault == EngineFault.H_96 && r.state == State.PREEMPTED;
    return lost ? Integer.MAX_VALUE : r.spec.priority();
  }

  /** Whether one goes before another. */
  boolean ranks(EngineRequest a, EngineRequest b) {
    return compare(a, b) < 0;
  }

  /**
   * Blocks that a request leaves to those that run and go before it: two for each and every time
   * that it had to give way without having yielded a token.
   */
  int headroom(EngineRequest r) {
    int count = 0;
    for (EngineRequest other : running) {
      count += ranks(other, r) ? 1 : 0;
    }
    return count * 2 * r.setbacks;
  }

  /** Whether somebody who ranks behind a request runs. */
  boolean outranksSomeone(EngineRequest r) {
    for (EngineRequest other : running) {
      if (ranks(r, other)) {
        return true;
      }
    }
    return false;
  }

  /** In which order whoever runs is served. */
  Comparator<EngineRequest> serviceOrder() {
    return traits.preemptive()
        ? this::compare
        : Comparator.<EngineRequest>comparingLong(r -> r.lastStep)
            .thenComparingLong(r -> r.admitted);
  }

  /** Returns the queue in order. */
  List<EngineRequest> queue() {
    List<EngineRequest> queue = new ArrayList<>();
    for (EngineRequest r : requests.values()) {
      if (r.state.queued()) {
        queue.add(r);
      }
    }
    queue.sort(this::compare);
    if (fault == EngineFault.B_03) {
      reverseSkipped(queue);
    } else if (fault == EngineFault.H_09) {
      queue.sort(Comparator.comparing(r -> r.state != State.WAITING));
    } else if (fault == EngineFault.B_17) {
      queue.sort(Comparator.comparing(r -> r.state == State.SWAPPED));
    }
    return queue;
  }

  /** Whoever had to be skipped before stands in front, the last skipped first. */
  private static void reverseSkipped(List<EngineRequest> queue) {
    List<EngineRequest> skipped = new ArrayList<>();
    for (EngineRequest r : queue) {
      if (r.skipped) {
        skipped.add(0, r);
      }
    }
    queue.removeAll(skipped);
    queue.addAll(0, skipped);
  }

  // ---- requests come and go

  @Override
  public boolean submit(RequestSpec request, long nowNanos) {
    at(nowNanos);
    if (!fits(request)) {
      log.rejected(request, "never-fits");
      shown();
      return false;
    }
    EngineRequest r = accept(request, null);
    if (request.deferred()) {
      r.state = State.DEFERRED;
      log.deferred(r.id());
    }
    measure();
    return true;
  }

  private EngineRequest accept(RequestSpec request, @Nullable Integer delivered) {
    EngineRequest r = new EngineRequest(request);
    requests.put(request.id(), r);
    accepted++;
    log.arrived(request, memory.keys(r), delivered);
    return r;
  }

  /** Whether this engine would accept a request. */
  boolean takes(RequestSpec request) {
    return config.slots() > 0 && config.tokenBudget() > 0 && fits(request);
  }

  /** Whether an otherwise empty engine could complete a request. */
  private boolean fits(RequestSpec request) {
    int most =
        fault == EngineFault.B_07 || fault == EngineFault.B_35
            ? Math.min(request.promptTokens(), config.blocks() * config.blockTokens())
            : request.maxKvTokens();
    if (fault == EngineFault.B_07) {
      most = Math.min(most, config.blockTokens());
    }
    boolean divided =
        has(Feature.CHUNKED_PREFILL)
            || request.maxKvTokens() <= config.tokenBudget()
            || fault == EngineFault.B_08;
    return memory.blocksFor(most) <= config.blocks()
        && divided
        && (request.mediaItems() == 0 || request.mediaUnits() <= config.encoderUnits());
  }

  @Override
  public void ready(String id, long nowNanos) {
    at(nowNanos);
    EngineRequest r = requests.get(id);
    if (r != null && r.state == State.DEFERRED) {
      if (fault != EngineFault.H_19 || running.isEmpty()) {
        r.state = State.WAITING;
      }
      log.promoted(id);
    }
    measure();
  }

  @Override
  public void cancel(String id, long nowNanos) {
    at(nowNanos);
    EngineRequest r = requests.get(id);
    if (r != null && (r.state != State.ENDED || fault == EngineFault.B_52)) {
      if (fault == EngineFault.B_20 && r.state.queued()) {
        if (!r.struckOff) {
          tell(r, End.CANCELLED);
        }
        r.struckOff = true;
      } else if (fault == EngineFault.B_76 && r.state == State.RUNNING && r.inFlight > 0) {
        if (!r.struckOff) {
          tell(r, End.CANCELLED);
        }
        r.struckOff = true;
      } else {
        end(r, End.CANCELLED);
      }
    }
    if (fault == EngineFault.B_69) {
      shown();
    } else {
      measure();
    }
  }

  /** Ends a request for good and gives everything back that nobody uses any more. */
  private void end(EngineRequest r, End end) {
    boolean awaited = r.state == State.TRANSFERRING || r.transferBegan >= 0;
    if (fault == EngineFault.H_92 && end == End.CANCELLED && r.state == State.RUNNING) {
      memory.publish(r, r.computed);
    }
    State before = r.state;
    leave(r);
    r.state = State.ENDED;
    r.epoch++;
    owed.remove(r);
    if (!r.struckOff) {
      tell(r, end);
    }
    if (fault != EngineFault.H_03 || before != State.SWAPPED) {
      memory.leaveHost(r);
    }
    releaseItems(r);
    if (fault == EngineFault.B_51B && r.transfer >= 0 && end == End.CANCELLED) {
      return; // Waits for a completion that has come.
    }
    if (fault == EngineFault.H_04 && end == End.EXPIRED) {
      return;
    }
    boolean early =
        (fault == EngineFault.B_51A && before == State.TRANSFERRING)
            || (fault == EngineFault.B_52 && before == State.ENDED);
    if (awaited && !early) {
      return; // A transfer still uses its blocks.
    }
    releaseOrLater(r);
  }

  private void tell(EngineRequest r, End end) {
    String reason = end.name().toLowerCase(Locale.ROOT).replace('_', '-');
    Kind kind = end == End.CANCELLED ? Kind.CANCEL : end == End.EXPIRED ? Kind.EXPIRE : Kind.FINISH;
    log.ended(kind, r, reason);
    ended.add(new Ended(r.id(), end));
    ends++;
  }

  /** Takes a request out of whoever runs; whoever leaves makes room. */
  private void leave(EngineRequest r) {
    running.remove(r);
    loaded.remove(r);
    full = false;
  }

  private void releaseOrLater(EngineRequest r) {
    if (traits.inOrder() || r.inFlight == 0) {
      if (r.inFlight > 0) {
        lastUse = steps - 1;
      }
      if (!r.table.isEmpty()) {
        memory.release(r);
      }
    } else {
      r.releasing = true;
    }
  }

  private void expire() {
    for (EngineRequest r : List.copyOf(requests.values())) {
      if (r.state != State.ENDED && r.spec.hasDeadline() && now >= r.spec.deadlineNanos()) {
        end(r, End.EXPIRED);
      }
    }
  }

  // ---- decisions

  @Override
  public BatchDecision decide(long nowNanos) {
    at(nowNanos);
    expire();
    if (fault != EngineFault.H_85 || running.isEmpty()) {
      endLeases();
    }
    if (fault != EngineFault.B_09) {
      List.copyOf(loaded).forEach(this::promote);
    }
    EnginePass pass = new EnginePass(this);
    pass.run();
    moves.addAll(pass.moves);
    if (pass.rows.isEmpty()) {
      long wake = wake();
      measure();
      log.idle(shownWaiting, shownRunning, memory.available(), wake);
      return new BatchDecision(-1, List.of(), List.of(), pass.preempted, 0, wake);
    }
    return planned(pass);
  }

  private BatchDecision planned(EnginePass pass) {
    long step = steps++;
    int total = pass.total;
    pass.rows.forEach(row -> schedule(row, step));
    flights.add(new Flight(step, pass.rows));
    BatchDecision decision =
        new BatchDecision(
            step, EngineLog.rows(pass.rows), moves, pass.preempted, total, Long.MAX_VALUE);
    moves.clear();
    if (fault == EngineFault.B_41) {
      pass.rows.forEach(row -> memory.publish(row.request(), row.end()));
    }
    measureSilently();
    log.step(
        step,
        pass.rows,
        i -> draftIds(pass.rows.get((int) i)),
        total,
        shownWaiting,
        shownRunning,
        memory.available());
    shown();
    return decision;
  }

  /** What a planted bug takes for used: rows in flight of requests that have ended. */
  int tokensOfEnded() {
    int tokens = 0;
    for (Flight flight : flights) {
      for (EngineRow row : flight.rows()) {
        tokens += row.request().state == State.ENDED ? row.count() : 0;
      }
    }
    return tokens;
  }

  private void schedule(EngineRow row, long step) {
    EngineRequest r = row.request();
    r.staleDrafts = row.drafts() > 0 && r.lastStep != step - 1;
    r.computed = row.end();
    if (fault == EngineFault.B_77) {
      doneItems(r, r.computed);
    }
    r.verifying = row.kind() == WorkKind.VERIFY;
    r.pending += row.emits() ? 1 : 0;
    r.inFlight++;
    r.lastStep = step;
  }

  /**
   * Ids of the drafts that the device made in the step before; without that step there are none.
   */
  private static @Nullable List<Long> draftIds(EngineRow row) {
    if (row.drafts() == 0) {
      return null;
    }
    List<Long> ids = new ArrayList<>();
    for (int i = 0; i < row.drafts(); i++) {
      ids.add(row.request().staleDrafts ? -1L : 1L + i);
    }
    return ids;
  }

  private long wake() {
    long wake = Long.MAX_VALUE;
    for (EngineRequest r : requests.values()) {
      if (r.transferBegan >= 0) {
        wake = Math.min(wake, Math.max(now + 1, r.transferBegan + config.leaseNanos()));
      }
    }
    return wake;
  }

  /** Whether somebody still has to give its blocks back, once nothing of it is in flight. */
  boolean someRelease() {
    for (EngineRequest r : requests.values()) {
      if (r.releasing) {
        return true;
      }
    }
    return false;
  }

  boolean chunks() {
    return has(Feature.CHUNKED_PREFILL);
  }

  /** Requests that take a place. */
  int slots() {
    int count = running.size() + loaded.size();
    for (EngineRequest r : requests.values()) {
      boolean deferred = r.state == State.DEFERRED && fault == EngineFault.B_10;
      count += r.state == State.TRANSFERRING || deferred ? 1 : 0;
    }
    return count;
  }

  /** Whether a request's adapter is loaded, or could be. */
  boolean adapterFits(EngineRequest r) {
    if (!has(Feature.ADAPTERS)) {
      return true;
    }
    boolean base = traits.baseTakesAdapterSlot() && fault != EngineFault.B_19;
    Set<String> loaded = new HashSet<>();
    for (EngineRequest other : requests.values()) {
      boolean keeps = fault == EngineFault.H_94 && other.state == State.PREEMPTED;
      if (other.state == State.RUNNING || other.state == State.TRANSFERRING || keeps) {
        loaded.add(other.spec.adapter());
      }
    }
    loaded.addAll(stagedAdapters);
    if (!base) {
      loaded.remove("");
    }
    boolean takes = base || !r.spec.adapter().isEmpty();
    return !takes || loaded.contains(r.spec.adapter()) || loaded.size() < config.maxAdapters();
  }

  /** Adapters that failed attempts have left behind, by a planted bug. */
  private final Set<String> stagedAdapters = new HashSet<>();

  /** Returns how many tokens a request could compute now. */
  int work(EngineRequest r, int budget) {
    if (r.verifying || (!traits.inOrder() && r.inFlight > 0)) {
      return 0;
    }
    int left = r.known() - r.computed;
    int most = fault == EngineFault.H_15 ? r.limit() + 1 : r.limit();
    if (left <= 0 || r.generated() + r.pending >= most) {
      return 0;
    }
    if (left > budget && !chunks()) {
      return 0;
    }
    int n = Math.min(left, budget);
    return r.spec.mediaItems() == 0 && config.alignmentTokens() <= 1 ? n : aligned(r, n);
  }

  /** Shortens a chunk to what the encoder cache has room for, and to whole units of alignment. */
  private int aligned(EngineRequest r, int wanted) {
    int n = wanted;
    int room = config.encoderUnits() - encoderUsed;
    boolean barrier = false;
    for (int item = firstItem(r); item < r.spec.mediaItems(); item++) {
      int start = itemStart(r, item);
      if (start >= r.computed + n) {
        break;
      }
      if (room < r.spec.mediaUnits()) {
        n = Math.max(0, start - r.computed);
        barrier = true;
        break;
      }
      room -= r.spec.mediaUnits();
    }
    int end = r.computed + n;
    int align = Math.min(config.alignmentTokens(), config.tokenBudget());
    if (end < r.known() && (!barrier || fault == EngineFault.B_15)) {
      n -= Math.min(n, end % align);
    }
    return n;
  }

  /** The first item that is not held and not behind. */
  private int firstItem(EngineRequest r) {
    int item = Math.max(r.itemsHeld, r.itemsDone);
    while (item < r.spec.mediaItems() && itemEnd(r, item) <= r.computed) {
      item++;
    }
    return item;
  }

  private static int itemStart(EngineRequest r, int item) {
    return r.spec.mediaStart(item);
  }

  private static int itemEnd(EngineRequest r, int item) {
    return item + 1 < r.spec.mediaItems() ? r.spec.mediaStart(item + 1) : r.prompt();
  }

  /** Takes the units of the items that a chunk touches. */
  void takeItems(EngineRequest r, int end) {
    if (r.spec.mediaItems() == 0) {
      return;
    }
    int item = firstItem(r);
    if (item > r.itemsHeld) {
      r.itemsDone = r.itemsHeld == r.itemsDone ? item : r.itemsDone;
      r.itemsHeld = item;
    }
    while (item < r.spec.mediaItems() && itemStart(r, item) < end) {
      encoderUsed += r.spec.mediaUnits();
      item++;
      r.itemsHeld = item;
      log.units(Blocks.Kind.ALLOC, r.id(), "encoder", r.spec.mediaUnits());
    }
  }

  private void doneItems(EngineRequest r, int computed) {
    while (r.itemsDone < r.itemsHeld && itemEnd(r, r.itemsDone) <= computed) {
      r.itemsDone++;
      giveUnits(r);
    }
    if (fault == EngineFault.B_78 && r.itemsDone > 0) {
      giveUnits(r);
    }
  }

  private void giveUnits(EngineRequest r) {
    encoderUsed -= r.spec.mediaUnits();
    log.units(Blocks.Kind.RELEASE, r.id(), "encoder", r.spec.mediaUnits());
  }

  private void releaseItems(EngineRequest r) {
    while (r.itemsDone < r.itemsHeld) {
      r.itemsDone++;
      giveUnits(r);
    }
    r.itemsDone = 0;
    r.itemsHeld = 0;
  }

  /** Returns how many drafts can be verified: those that the device made in the step before. */
  int drafts(EngineRequest r, int budget) {
    boolean fresh = r.lastStep == steps - 1 || fault == EngineFault.B_47;
    if (!has(Feature.SPECULATION) || !r.decodes() || r.inFlight > 0 || !fresh || r.lastStep < 0) {
      return 0;
    }
    int left = fault == EngineFault.H_98B ? DRAFTS : r.limit() - r.generated() - 1;
    return Math.max(0, Math.min(DRAFTS, Math.min(budget, left)));
  }

  /** Gives a running request the blocks that it needs for some tokens; they were counted before. */
  void grow(EngineRequest r, int end, int drafts) {
    int more = memory.blocksFor(end) - r.table.size();
    if (fault == EngineFault.H_81 && drafts > 0) {
      more = Math.min(Math.max(0, more) + memory.blocksFor(drafts), memory.available());
    } else if (fault == EngineFault.H_82 && r.decodes()) {
      more = memory.blocksFor(end - 1) - r.table.size();
    }
    if (more > 0 && !memory.allocate(r, more)) {
      log.overpromised(r, end - r.computed, end);
      throw new IllegalStateException("no blocks for " + r + ", although the check said so");
    }
    takeItems(r, end);
  }

  // ---- admission

  /** Finds what of a request is cached; at least one token must be computed. */
  List<Integer> hit(EngineRequest r) {
    List<Integer> memo = r.memo;
    if (fault == EngineFault.B_40B && memo != null) {
      return memo;
    }
    return cached(r);
  }

  List<Integer> cached(EngineRequest r) {
    if (!has(Feature.PREFIX_CACHE)) {
      return List.of();
    }
    int least = fault == EngineFault.B_25 ? 0 : 1;
    int most = (r.known() - least) / config.blockTokens();
    List<Integer> hit = memory.match(r, fault == EngineFault.H_86 ? most - 1 : most);
    if (hit.isEmpty() && fault == EngineFault.B_43) {
      // Nothing to restore is taken for restored: what the place held last stays.
      return memory.lastOccupant((r.known() - 1) / config.blockTokens());
    }
    return hit;
  }

  void admissionFailed(EngineRequest r, List<Integer> hit) {
    r.memo = hit;
    r.skipped = true;
    if (fault == EngineFault.H_02) {
      memory.share(r, hit);
    } else if (fault == EngineFault.H_05) {
      stagedAdapters.add(r.spec.adapter());
    } else if (fault == EngineFault.B_14) {
      takeItems(r, r.known());
    }
  }

  /** Notes that a request uses what was freed for it. */
  void served(EngineRequest r) {
    owed.remove(r);
  }

  /** Whether blocks were freed for somebody who goes before a request and still waits. */
  boolean owedToAnother(EngineRequest r) {
    if (fault == EngineFault.B_73) {
      return false;
    }
    for (EngineRequest other : owed) {
      if (other != r && ranks(other, r)) {
        return true;
      }
    }
    return false;
  }

  /** Starts a request on what was counted; returns what came of it. */
  String admit(
      EngineRequest r,
      List<Integer> hit,
      int n,
      int demand,
      int supply,
      int reserve,
      int headroom) {
    int cached = hit.size() * config.blockTokens();
    int computed = fault == EngineFault.B_25 ? Math.min(cached, r.known()) : cached;
    int more = Math.max(0, memory.blocksFor(reserve) - hit.size());
    if (more > memory.available() - memory.unheld(hit)) {
      log.overpromised(r, n, reserve);
      throw new IllegalStateException("no blocks for " + r + ", although the check said so");
    }
    log.attempt(r, "done", n, demand, supply, reserve, headroom);
    if (r.state == State.PREEMPTED) {
      log.resumed(r.id(), computed);
      if (fault == EngineFault.B_36) {
        requireNonNull(r.lock, "lock of " + r).clear();
      }
    }
    if (!hit.isEmpty()) {
      log.hit(r.id(), computed);
      memory.share(r, hit);
    }
    r.lock = new ArrayList<>(hit);
    r.computed = computed;
    r.completed = computed;
    memory.allocate(r, more);
    takeItems(r, r.computed + n);
    starts(r);
    return "done";
  }

  private void starts(EngineRequest r) {
    r.state = State.RUNNING;
    r.memo = null;
    r.skipped = false;
    promote(r);
  }

  /** Lets a request be served from now on. */
  void promote(EngineRequest r) {
    loaded.remove(r);
    r.admitted = admissions++;
    running.add(r);
  }

  /** Brings a request back from the host. */
  void swapIn(EngineRequest r, int blocks, List<Move> planned) {
    int copied = r.host.size();
    if (!memory.allocate(r, Math.max(blocks, copied))) {
      throw new IllegalStateException("no blocks for " + r + ", although the check said so");
    }
    log.resumed(r.id(), r.computed);
    for (int i = 0; i < copied; i++) {
      planned.add(new Move(Move.Kind.SWAP_IN, r.host.get(i), r.table.get(i)));
    }
    log.tier(r.id(), "host", "device", copied);
    memory.leaveHost(r);
    starts(r);
  }

  // ---- preemption

  /** Takes its blocks from a request; if the host has room its KV is kept there. */
  void preempt(EngineRequest victim, EngineRequest beneficiary, List<Move> planned) {
    leave(victim);
    victim.setbacks++;
    int blocks =
        fault == EngineFault.H_10
            ? victim.completed / config.blockTokens()
            : memory.blocksFor(victim.completed);
    boolean swap =
        has(Feature.SWAP)
            && victim.inFlight == 0
            && victim.completed > 0
            && memory.hostRoom() >= blocks;
    log.preempted(victim.id(), swap, beneficiary.id(), null);
    if (victim != beneficiary) {
      owed.add(beneficiary);
    }
    owed.remove(victim);
    if (swap) {
      List<Integer> host = memory.toHost(victim, blocks);
      for (int i = 0; i < blocks; i++) {
        planned.add(new Move(Move.Kind.SWAP_OUT, victim.table.get(i), host.get(i)));
      }
      lastUse = steps;
      victim.state = State.SWAPPED;
      victim.computed = victim.completed;
      releaseItems(victim);
      memory.release(victim);
    } else {
      restart(victim);
    }
  }

  /** Sends a request back to the queue with what it knows and nothing computed. */
  private void restart(EngineRequest r) {
    r.state = State.PREEMPTED;
    r.lock = null;
    if (fault == EngineFault.B_05) {
      r.size = r.prompt();
      r.delivered = 0;
    }
    int epoch = r.epoch;
    int pending = r.pending;
    r.restart();
    if (fault == EngineFault.B_46A) {
      r.epoch = epoch;
    } else if (fault == EngineFault.B_46B) {
      r.epoch = epoch;
      r.discard = r.inFlight > 0 ? 1 : 0;
    } else if (fault == EngineFault.H_06) {
      r.pending = pending;
    }
    releaseItems(r);
    releaseOrLater(r);
  }

  // ---- results

  @Override
  public boolean[] deliver(StepReport report, long nowNanos) {
    at(nowNanos);
    Flight flight = null;
    for (Flight each : flights) {
      flight = each.step() == report.step() ? each : flight;
    }
    if (flight == null) {
      throw new IllegalArgumentException("step " + report.step() + " is not in flight");
    }
    flights.remove(flight);
    boolean isVoid = voided.remove(flight.step());
    log.completed(report.step());
    boolean[] deliver = new boolean[flight.rows().size()];
    for (int i = 0; i < deliver.length; i++) {
      EngineRow row = flight.rows().get(i);
      lands(row.request());
      deliver[i] = !isVoid && result(flight.step(), row, report.rows().get(i));
    }
    measure();
    return deliver;
  }

  private void lands(EngineRequest r) {
    r.inFlight--;
    if (r.releasing && r.inFlight == 0) {
      r.releasing = false;
      if (!r.table.isEmpty()) {
        memory.release(r);
      }
    }
  }

  private boolean result(long step, EngineRow row, RowReport report) {
    EngineRequest r = row.request();
    if (r.discard > 0) {
      r.discard--;
      return false;
    }
    boolean heeded = fault == EngineFault.H_93 && r.state == State.ENDED && !r.spec.handsOver();
    if ((r.state == State.ENDED || r.epoch != row.epoch()) && !heeded) {
      return false;
    }
    if (report.failed() && fault == EngineFault.H_99A && row.kind() == WorkKind.PREFILL) {
      r.completed = Math.max(r.completed, row.end());
      r.pending -= row.emits() ? 1 : 0;
      publish(r);
      return false;
    }
    if (report.failed()) {
      lost(r);
      return false;
    }
    if (row.kind() == WorkKind.VERIFY) {
      return verified(step, row, report);
    }
    r.completed = Math.max(r.completed, row.end());
    if (!row.emits()) {
      publish(r);
      return false;
    }
    r.pending -= fault == EngineFault.H_97 && r.inFlight > 0 ? 0 : 1;
    return output(step, r, report);
  }

  private boolean verified(long step, EngineRow row, RowReport report) {
    EngineRequest r = row.request();
    r.verifying = false;
    r.pending--;
    if (fault == EngineFault.B_48 && report.tokens().isEmpty()) {
      return true;
    }
    r.computed = row.start() + report.tokens().size();
    r.completed = fault == EngineFault.H_91 ? row.end() : r.computed;
    return output(step, r, report);
  }

  /** Takes the tokens of a row; returns whether they are to be shown. */
  private boolean output(long step, EngineRequest r, RowReport report) {
    for (int token : report.tokens()) {
      r.append(token);
      r.setbacks = 0;
    }
    boolean shows = r.generated() > r.delivered || report.tokens().isEmpty();
    if (shows) {
      log.output(step, r.id(), report.tokens().size(), r.delivered);
      r.delivered = r.generated();
    }
    publish(r);
    if (report.stopped()) {
      end(r, End.STOPPED);
    } else if (r.generated() >= r.spec.maxNewTokens()) {
      finishes(r);
    } else if (r.spec.handsOver()) {
      handOver(r);
    }
    return shows;
  }

  private void finishes(EngineRequest r) {
    boolean wasFull = full;
    boolean prefilled = r.generated() == 1;
    end(r, End.LENGTH);
    if (fault == EngineFault.B_11 && prefilled) {
      full = wasFull;
    }
  }

  private void publish(EngineRequest r) {
    doneItems(r, r.completed);
    if (has(Feature.PREFIX_CACHE)) {
      int ahead = fault == EngineFault.H_16 ? 1 : 0;
      memory.publish(r, r.completed + ahead);
    }
  }

  /** Sends a request back whose KV cannot be trusted. */
  private void lost(EngineRequest r) {
    leave(r);
    log.preempted(r.id(), false, null, FAILURE);
    restart(r);
  }

  @Override
  public void fail(long step, long nowNanos) {
    at(nowNanos);
    Flight first = flights.remove(0);
    log.failed(step);
    Set<EngineRequest> lost = new LinkedHashSet<>();
    boolean wasVoid = voided.remove(first.step());
    first.rows().forEach(row -> lands(row.request()));
    if (!wasVoid) {
      collect(first, lost);
      for (Flight later : flights) {
        collect(later, lost);
        voided.add(later.step());
      }
    }
    lost.forEach(this::lost);
    measure();
  }

  private static void collect(Flight flight, Set<EngineRequest> lost) {
    for (EngineRow row : flight.rows()) {
      EngineRequest r = row.request();
      if (r.state == State.RUNNING && r.epoch == row.epoch()) {
        lost.add(r);
      }
    }
  }

  // ---- transfers

  @Override
  public boolean reserveIncoming(RequestSpec request, long nowNanos) {
    at(nowNanos);
    EngineRequest r = new EngineRequest(request);
    int blocks = memory.blocksFor(request.promptTokens());
    if (!fits(request)
        || slots() >= config.slots()
        || !adapterFits(r)
        || (deviceLags() && fault != EngineFault.H_13)
        || blocks > memory.available()) {
      log.rejected(request, "no-room");
      shown();
      return false;
    }
    r = accept(request, 1);
    r.delivered = 1;
    r.incoming = true;
    memory.allocate(r, blocks);
    begin(r, true);
    r.state = State.TRANSFERRING;
    measure();
    return true;
  }

  /**
   * Whether the device may still use blocks that have been given back. It does so before any later
   * step, but a transfer does not wait for it.
   */
  private boolean deviceLags() {
    return !moves.isEmpty() || (!flights.isEmpty() && flights.get(0).step() <= lastUse);
  }

  private void begin(EngineRequest r, boolean in) {
    r.transfer = transferCount++;
    r.transferBegan = now;
    log.transferBegins(r.transfer, r, in);
    int[] blocks = r.table.stream().mapToInt(Integer::intValue).toArray();
    transfers.add(new Transfer(r.id(), in, blocks));
  }

  @Override
  public void firstToken(String id, int token) {
    EngineRequest r = requests.get(id);
    if (r != null) {
      r.firstToken = token;
    }
  }

  private void handOver(EngineRequest r) {
    begin(r, false);
    end(r, End.HANDED_OVER);
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
    at(nowNanos);
    EngineRequest r = requests.get(transfer.id());
    if (r != null && r.transferBegan >= 0) {
      boolean expired = now >= r.transferBegan + config.leaseNanos();
      if (expired) {
        ended(r, transfer.incoming(), "timed-out", 0);
      } else {
        String result = succeeded ? "done" : "failed";
        ended(r, transfer.incoming(), result, arrivedTokens);
      }
    }
    measure();
  }

  private void endLeases() {
    for (EngineRequest r : List.copyOf(requests.values())) {
      if (r.transferBegan >= 0 && now >= r.transferBegan + config.leaseNanos()) {
        if (fault != EngineFault.B_50) {
          ended(r, r.incoming, "timed-out", 0);
        }
      }
    }
  }

  /** Ends a transfer: a request that came goes on with what arrived of its prompt. */
  private void ended(EngineRequest r, boolean in, String result, int arrived) {
    r.transferBegan = -1;
    boolean comes = r.state == State.TRANSFERRING;
    boolean whole = result.equals("done") || (fault == EngineFault.B_54 && result.equals("failed"));
    if (comes && whole) {
      r.append(r.firstToken);
    }
    int tokens = result.equals("done") ? r.prompt() : Math.min(arrived, r.prompt() - 1);
    log.transferEnds(r.transfer, r, in, result, comes ? tokens : null);
    if (!comes) {
      List<Integer> table = List.copyOf(r.table);
      releaseOrLater(r);
      if (fault == EngineFault.H_90 && !table.isEmpty() && r.table.isEmpty()) {
        r.table.addAll(table);
        memory.release(r);
      }
      return;
    }
    r.computed = whole ? r.prompt() : tokens;
    r.completed = r.computed;
    r.state = State.RUNNING;
    loaded.add(r);
    publish(r);
  }

  // ---- from outside

  @Override
  public void setReserved(int blocks, long nowNanos) {
    at(nowNanos);
    memory.keepAside(blocks);
    measure();
  }

  @Override
  public void clearCache(long nowNanos) {
    at(nowNanos);
    memory.clear();
    measure();
  }

  @Override
  public List<Ended> ended() {
    List<Ended> all = List.copyOf(ended);
    ended.clear();
    return all;
  }

  // ---- figures

  private void measure() {
    measureSilently();
    shown();
  }

  private void measureSilently() {
    shownWaiting = 0;
    for (EngineRequest r : requests.values()) {
      shownWaiting += r.state.queued() ? 1 : 0;
    }
    shownRunning = running.size() + loaded.size();
    shownFree = memory.available();
  }

  private void shown() {
    log.gauge("waiting", shownWaiting);
    log.gauge("running", shownRunning);
    log.gauge("free", shownFree);
    log.gauge("hostHeld", memory.hostHeld());
  }

  @Override
  public Optional<EngineSnapshot> inspect() {
    int live = 0;
    for (EngineRequest r : requests.values()) {
      live += r.state != State.ENDED || !r.table.isEmpty() ? 1 : 0;
    }
    return Optional.of(
        new EngineSnapshot(
            shownWaiting, shownRunning, live, shownFree, memory.usable(), accepted, ends));
  }
}
