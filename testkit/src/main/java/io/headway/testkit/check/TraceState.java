package io.headway.testkit.check;

import io.headway.testkit.trace.TraceEvent;
import io.headway.testkit.trace.TraceEvent.Blocks;
import io.headway.testkit.trace.TraceEvent.Row;
import java.util.ArrayList;
import java.util.Collection;
import java.util.Collections;
import java.util.EnumMap;
import java.util.HashMap;
import java.util.HashSet;
import java.util.LinkedHashMap;
import java.util.LinkedHashSet;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.function.Consumer;
import org.jspecify.annotations.Nullable;

/**
 * The primary state that the records of a trace describe: live requests with their block tables,
 * blocks with their holders and keys, iterations in flight, pending transfers. Every derived figure
 * of the trace is judged against it.
 *
 * <p>It follows the trace also where the trace breaks a rule; checkers judge a record by the state
 * before it. Memory is bounded by live requests and blocks; of ended requests only the last {@value
 * #REMEMBERED_ENDS} ids are remembered.
 */
final class TraceState {
  /** Ended requests that are remembered for messages and for late records. */
  static final int REMEMBERED_ENDS = 4_096;

  /** Device blocks. */
  static final String DEVICE = "";

  /** Who pins blocks that are kept from everybody for a while. */
  static final String ASIDE = "reserved";

  /** Names a block: pool, then number. */
  record BlockId(String pool, long block) {}

  /** Names a content key: cache group, tier, key. */
  record KeyId(long group, String tier, String key) {}

  /** An iteration whose result is out. */
  static final class Flight {
    final long step;
    final List<Row> rows;
    final List<Long> ends;
    final List<Boolean> emits;
    final List<Integer> epochs;
    final List<RequestState> requests;
    boolean voided;

    Flight(long step, List<Row> rows) {
      this.step = step;
      this.rows = rows;
      ends = new ArrayList<>(rows.size());
      emits = new ArrayList<>(rows.size());
      epochs = new ArrayList<>(rows.size());
      requests = new ArrayList<>(rows.size());
    }
  }

  /** A transfer that has begun. */
  record Transfer(
      long id, @Nullable String request, String direction, List<Long> blocks, long began) {}

  private static final TraceEvent.Config NO_CONFIG =
      new TraceEvent.Config(
          null, "", null, null, null, null, null, null, null, null, null, null, null, null, null,
          null, null, null, null, null, null, null, null, null, null, null);

  private TraceEvent.Config config = NO_CONFIG;
  private final Map<String, RequestState> requests = new LinkedHashMap<>();
  private final Map<String, Long> ended =
      new LinkedHashMap<>(16, 0.75f, false) {
        private static final long serialVersionUID = 1L;

        @Override
        protected boolean removeEldestEntry(Map.Entry<String, Long> eldest) {
          return size() > REMEMBERED_ENDS;
        }
      };
  private final Map<BlockId, BlockState> blocks = new HashMap<>();
  private final Map<KeyId, Set<Long>> index = new HashMap<>();
  private final Map<Long, Flight> flights = new LinkedHashMap<>();
  private final Map<Long, Transfer> transfers = new LinkedHashMap<>();
  private final Map<String, Long> unitsHeld = new HashMap<>();
  private final Map<String, Long> heldBlocks = new HashMap<>();
  private final EnumMap<RequestState.Phase, Long> phaseCounts =
      new EnumMap<>(RequestState.Phase.class);
  private final Set<String> admittedNow = new HashSet<>();
  private final Map<String, String> preemptedNow = new LinkedHashMap<>();
  private final Set<String> seenTypes = new HashSet<>();
  private long line;
  private long decisions;
  private long arrivals;
  private long now = Long.MIN_VALUE;
  private long heldHostBlocks;

  /** Creates the state before the first record. */
  TraceState() {}

  // ---- reading

  /** Returns the number of the record that is being judged, from 1. */
  long line() {
    return line;
  }

  void line(long number) {
    line = number;
  }

  /** Returns the configuration; one without fields if the trace has none. */
  TraceEvent.Config config() {
    return config;
  }

  /** Returns whether the configuration declares a rule, for example {@code bypass}. */
  boolean declares(String rule) {
    List<String> rules = config.rules();
    return rules != null && rules.contains(rule);
  }

  /** Returns a bound that the policy promises, or null if it does not. */
  @Nullable Double claim(String claim) {
    Map<String, Double> claims = config.claims();
    return claims == null ? null : claims.get(claim);
  }

  /** Returns a request that is live, or over but still holding something, or null. */
  @Nullable RequestState request(@Nullable String id) {
    return id == null ? null : requests.get(id);
  }

  /** Returns all requests that are live, or over but still holding something, as they arrived. */
  Collection<RequestState> requests() {
    return Collections.unmodifiableCollection(requests.values());
  }

  /** Returns the record that ended a request, or null if it is not known to have ended. */
  @Nullable Long endedAt(@Nullable String id) {
    return id == null ? null : ended.get(id);
  }

  /** Counts requests in a phase. */
  long count(RequestState.Phase phase) {
    return phaseCounts.getOrDefault(phase, 0L);
  }

  /** Counts requests in the queue. */
  long queued() {
    return count(RequestState.Phase.WAITING)
        + count(RequestState.Phase.PREEMPTED)
        + count(RequestState.Phase.SWAPPED);
  }

  /** Counts requests that are not over. */
  long live() {
    return requests.size() - count(RequestState.Phase.ENDED);
  }

  /** Counts decisions: records STEP and IDLE. */
  long decisions() {
    return decisions;
  }

  /** Returns the latest time of a record, or {@code Long.MIN_VALUE}. */
  long now() {
    return now;
  }

  Collection<Flight> flights() {
    return flights.values();
  }

  @Nullable Flight flight(@Nullable Long step) {
    return step == null ? null : flights.get(step);
  }

  Collection<Transfer> transfers() {
    return transfers.values();
  }

  @Nullable Transfer transfer(@Nullable Long id) {
    return id == null ? null : transfers.get(id);
  }

  @Nullable BlockState block(String pool, long block) {
    return blocks.get(new BlockId(pool, block));
  }

  Map<BlockId, BlockState> blocks() {
    return blocks;
  }

  /** Returns the blocks that hold a content key; empty if it does not resolve. */
  Set<Long> blocksOf(long group, String tier, String key) {
    Set<Long> found = index.get(new KeyId(group, tier, key));
    return found == null ? Set.of() : found;
  }

  /** Counts distinct blocks with a holder, a pin or a transfer. */
  long held(String pool) {
    return heldBlocks.getOrDefault(pool, 0L);
  }

  long unitsHeld(String pool) {
    return unitsHeld.getOrDefault(pool, 0L);
  }

  Map<String, Long> unitsHeld() {
    return unitsHeld;
  }

  long heldHostBlocks() {
    return heldHostBlocks;
  }

  /** Returns whether there was no record yet. */
  boolean untouched() {
    return seenTypes.isEmpty();
  }

  /** Returns whether a record of this type has occurred, for example {@code ALLOC}. */
  boolean seen(String type) {
    return seenTypes.contains(type);
  }

  /** Returns whether block tables can be followed. */
  boolean tablesKnown() {
    return "paged".equals(config.kvMode()) || seen("ALLOC") || seen("SHARE");
  }

  /** Returns how many tokens a block holds, or 0 if the trace does not say. */
  long blockTokens() {
    Long tokens = config.blockTokens();
    return tokens == null || tokens < 1 ? 0 : tokens;
  }

  /** Returns the blocks that a number of tokens needs; the trace must say {@code blockTokens}. */
  long blocksFor(long tokens) {
    long size = blockTokens();
    return (tokens + size - 1) / size;
  }

  /** Returns whether a cache group reads every past token. */
  boolean readsAll(long group) {
    List<Long> spans = config.spans();
    return spans == null || group >= spans.size() || spans.get((int) group) == 0;
  }

  /** Returns blocks that a request still needs to compute its next token; -1 if unknown. */
  long blocksToGoOn(RequestState r) {
    if (blockTokens() == 0 || r.known() < 0) {
      return -1;
    }
    long groups = config.groups() == null ? 1 : config.groups();
    return Math.max(0, blocksFor(r.known()) - r.table(0).size()) * groups;
  }

  /** Returns blocks that a request needs for all it may ever hold; -1 if unknown. */
  private long blocksToEnd(RequestState r) {
    Long most = r.arrive == null ? null : r.arrive.maxNew();
    if (blockTokens() == 0 || r.prompt() < 0 || most == null) {
      return -1;
    }
    return blocksFor(r.prompt() + most) * (config.groups() == null ? 1 : config.groups());
  }

  /** Returns whether memory and slots suffice for a queued request now; false if unknown. */
  boolean fits(RequestState r) {
    long need = blocksToGoOn(r);
    if (!transfers.isEmpty()) {
      // Who reserves more may wait for what the transfers hold.
      need = declares("pinned-cap") ? -1 : Math.max(need, blocksToEnd(r));
    }
    long available = available();
    Long slots = config.slots();
    return need >= 0
        && available >= 0
        && r.phase != RequestState.Phase.SWAPPED
        && need + orZero(config.watermark()) <= available
        && (slots == null
            || count(RequestState.Phase.RUNNING)
                    + count(RequestState.Phase.TRANSFERRING)
                    + endedWithSlot()
                < slots);
  }

  /** Returns blocks that an allocation could take, or -1 if the trace does not say. */
  long available() {
    Long total = config.blocks();
    return total == null || !tablesKnown() ? -1 : total - held(DEVICE);
  }

  /**
   * Returns whether a running request lacks memory that nobody owes it: it came by a transfer, so
   * that no admission has reserved what it needs, and policies that reserve preempt nobody.
   */
  boolean lacksMemory(RequestState r) {
    long need = blocksToGoOn(r);
    return r.transferred && need > 0 && available() >= 0 && available() < need;
  }

  /** Counts requests that the decision being made has admitted so far. */
  long startedNow() {
    return admittedNow.size();
  }

  /** Returns whom the decision being made has preempted so far, with the beneficiary or "". */
  Map<String, String> preemptedNow() {
    return preemptedNow;
  }

  /** Returns how many device blocks are kept from everybody. */
  long aside() {
    return blocks.values().stream().filter(BlockState::aside).count();
  }

  /** Counts requests that are over but still mentioned in flight or transferred. */
  long endedWithSlot() {
    return count(RequestState.Phase.ENDED);
  }

  /** Returns whether nothing is live, in flight or on its way. */
  boolean quiescent() {
    return live() == 0 && flights.isEmpty() && transfers.isEmpty();
  }

  static long orZero(@Nullable Long value) {
    return value == null ? 0 : value;
  }

  static String poolOf(Blocks event) {
    String pool = event.pool();
    return pool == null ? DEVICE : pool;
  }

  static String tierOf(@Nullable String tier) {
    return tier == null ? "device" : tier;
  }

  // ---- following

  void apply(TraceEvent event) {
    seenTypes.add(event.type());
    Long time = event.now();
    if (time != null && time > now) {
      now = time;
    }
    if (event instanceof TraceEvent.Config e) {
      config = e;
    } else if (event instanceof TraceEvent.Arrive e) {
      arrive(e);
      arrivals++;
    } else if (event instanceof TraceEvent.Reject e) {
      end(e.r());
    } else if (event instanceof TraceEvent.Ended e) {
      end(e.r());
    } else if (event instanceof TraceEvent.Defer e) {
      move(e.r(), RequestState.Phase.DEFERRED);
    } else if (event instanceof TraceEvent.Promote e) {
      move(e.r(), RequestState.Phase.WAITING);
    } else if (event instanceof TraceEvent.Attempt e) {
      attempt(e);
    } else if (event instanceof TraceEvent.Hit e) {
      hit(e);
    } else if (event instanceof Blocks e) {
      blocks(e);
    } else if (event instanceof TraceEvent.Keyed e) {
      keyed(e);
    } else if (event instanceof TraceEvent.Step e) {
      step(e);
    } else if (event instanceof TraceEvent.Idle) {
      decisions++;
      decided();
    } else if (event instanceof TraceEvent.Complete e) {
      complete(e.step());
    } else if (event instanceof TraceEvent.Fail e) {
      fail(e.step());
    } else if (event instanceof TraceEvent.Output e) {
      output(e);
    } else if (event instanceof TraceEvent.XferBegin e) {
      begin(e);
    } else if (event instanceof TraceEvent.XferEnd e) {
      end(e);
    } else if (event instanceof TraceEvent.Tier e) {
      tier(e);
    } else if (event instanceof TraceEvent.Preempt e) {
      preempt(e);
    } else if (event instanceof TraceEvent.Resume e) {
      resume(e);
    } else if (event instanceof TraceEvent.Index e) {
      if ("clear".equals(e.action()) && e.instance() == null) {
        clearIndex();
      }
    }
  }

  /** A decision has been made. */
  private void decided() {
    admittedNow.clear();
    preemptedNow.clear();
  }

  private void enter(RequestState r, RequestState.Phase phase) {
    if (phase.queued() && !r.phase.queued()) {
      r.queuedAtDecision = decisions;
    }
    phaseCounts.merge(r.phase, -1L, Long::sum);
    r.phase = phase;
    phaseCounts.merge(phase, 1L, Long::sum);
  }

  private void add(RequestState r) {
    requests.put(r.id, r);
    r.queuedAtDecision = decisions;
    phaseCounts.merge(r.phase, 1L, Long::sum);
  }

  /** Returns a request, made up if the trace has not announced it. */
  private RequestState open(String id) {
    RequestState known = requests.get(id);
    if (known == null) {
      known = new RequestState(id, null, arrivals);
      add(known);
    }
    return known;
  }

  private void arrive(TraceEvent.Arrive e) {
    RequestState known = requests.get(e.r());
    if (known != null && known.phase != RequestState.Phase.ENDED) {
      return;
    }
    RequestState fresh = new RequestState(e.r(), e, arrivals);
    if (known != null) {
      // An id may come again while its last life still holds something.
      fresh.previous = known;
      phaseCounts.merge(known.phase, -1L, Long::sum);
    }
    add(fresh);
    ended.remove(e.r());
  }

  private void move(String id, RequestState.Phase phase) {
    RequestState r = requests.get(id);
    if (r != null && r.phase != RequestState.Phase.ENDED) {
      enter(r, phase);
    }
  }

  private void end(String id) {
    RequestState r = requests.get(id);
    ended.put(id, line);
    if (r != null) {
      enter(r, RequestState.Phase.ENDED);
      r.awaitsOutput = false;
      heldHostBlocks -= r.hostBlocks;
      r.hostBlocks = 0;
      forget(r);
    }
  }

  /** Forgets a request that is over and holds nothing. */
  private void forget(RequestState r) {
    RequestState previous = r.previous;
    if (previous != null && !previous.holdsSomething()) {
      r.previous = null;
    }
    if (r.phase == RequestState.Phase.ENDED && !r.holdsSomething() && requests.remove(r.id, r)) {
      phaseCounts.merge(r.phase, -1L, Long::sum);
    }
  }

  private void attempt(TraceEvent.Attempt e) {
    RequestState r = requests.get(e.r());
    if (r != null && "done".equals(e.outcome())) {
      admittedNow.add(e.r());
      r.reservedTokens = orZero(e.reserve());
    }
  }

  private void hit(TraceEvent.Hit e) {
    RequestState r = requests.get(e.r());
    if (r != null) {
      r.hitTokens = orZero(e.tokens());
      if (r.phase != RequestState.Phase.RUNNING) {
        r.computed = r.hitTokens;
        r.completed = r.hitTokens;
      }
    }
  }

  private void blocks(Blocks e) {
    switch (e.kind()) {
      case ALLOC, SHARE -> take(e);
      case RELEASE -> release(e);
      case PIN -> pin(e, 1);
      case UNPIN -> pin(e, -1);
    }
  }

  private void take(Blocks e) {
    RequestState r = open(e.r());
    String pool = poolOf(e);
    Long units = e.units();
    if (units != null) {
      r.units.merge(pool, units, Long::sum);
      unitsHeld.merge(pool, units, Long::sum);
    }
    List<Long> list = e.blocks();
    if (list == null) {
      return;
    }
    List<Long> table = pool.equals(DEVICE) ? r.openTable(orZero(e.group())) : List.of();
    Long place = e.at();
    int at = place == null ? table.size() : (int) Math.min(place, 1 << 24);
    for (long block : list) {
      if (pool.equals(DEVICE)) {
        while (table.size() < at) {
          table.add(RequestState.HOLE);
        }
        if (at == table.size()) {
          table.add(block);
        } else {
          table.set(at, block);
        }
        at++;
      } else {
        r.units.merge(pool, 1L, Long::sum);
      }
      hold(pool, block, state -> BlockState.add(state.holders, e.r()));
    }
  }

  private void release(Blocks e) {
    RequestState r = requests.get(e.r());
    String pool = poolOf(e);
    Long units = e.units();
    if (units != null) {
      if (r != null) {
        r.units.merge(pool, -units, Long::sum);
      }
      unitsHeld.merge(pool, -units, Long::sum);
    }
    List<Long> list = e.blocks();
    if (list != null) {
      RequestState holder = r == null ? null : r.holderOf(orZero(e.group()), list);
      List<Long> table = holder == null ? List.of() : holder.table(orZero(e.group()));
      for (long block : list) {
        if (pool.equals(DEVICE)) {
          int at = table.lastIndexOf(block);
          if (at >= 0) {
            table.set(at, RequestState.HOLE);
          }
        } else if (r != null) {
          r.units.merge(pool, -1L, Long::sum);
        }
        hold(pool, block, state -> BlockState.remove(state.holders, e.r()));
      }
      // Behind what is left, or behind a window, no hole counts.
      boolean cut = e.at() == null || e.at() + list.size() == table.size();
      while (cut && !table.isEmpty() && table.get(table.size() - 1) == RequestState.HOLE) {
        table.remove(table.size() - 1);
      }
    }
    if (r != null) {
      forget(r);
    }
  }

  private void pin(Blocks e, int by) {
    List<Long> list = e.blocks();
    RequestState r = requests.get(e.r());
    if (list == null) {
      return;
    }
    for (long block : list) {
      if (by > 0) {
        hold(poolOf(e), block, state -> BlockState.add(state.pins, e.r()));
      } else {
        hold(poolOf(e), block, state -> BlockState.remove(state.pins, e.r()));
      }
    }
    if (r != null) {
      r.pins = Math.max(0, r.pins + by * list.size());
      forget(r);
    }
  }

  /** Changes a block and keeps count of those that are held. */
  private void hold(String pool, long block, Consumer<BlockState> change) {
    BlockId id = new BlockId(pool, block);
    BlockState state = blocks.computeIfAbsent(id, b -> new BlockState());
    boolean before = state.held();
    change.accept(state);
    if (before != state.held()) {
      heldBlocks.merge(pool, before ? -1L : 1L, Long::sum);
    }
    if (state.unused()) {
      blocks.remove(id);
    }
  }

  private void keyed(TraceEvent.Keyed e) {
    Long block = e.block();
    String key = e.key();
    if (block == null || key == null) {
      return;
    }
    String tier = tierOf(e.tier());
    String pool = tier.equals("device") ? DEVICE : tier;
    KeyId id = new KeyId(orZero(e.group()), tier, key);
    if (e.kind() == TraceEvent.Keyed.Kind.PUBLISH) {
      index.computeIfAbsent(id, k -> new LinkedHashSet<>()).add(block);
      BlockState state = blocks.computeIfAbsent(new BlockId(pool, block), b -> new BlockState());
      state.key = key;
      state.parent = e.parent();
      for (String holder : state.holders.keySet()) {
        RequestState r = request(holder);
        if (r != null && r.arrive != null) {
          state.publisher = r.arrive;
        }
      }
    } else {
      unpublish(id, pool, block);
    }
  }

  private void unpublish(KeyId id, String pool, long block) {
    Set<Long> holders = index.get(id);
    if (holders != null && holders.remove(block) && holders.isEmpty()) {
      index.remove(id);
    }
    BlockState state = block(pool, block);
    if (state != null && id.key().equals(state.key)) {
      state.key = null;
      state.parent = null;
      if (state.unused()) {
        blocks.remove(new BlockId(pool, block));
      }
    }
  }

  private void clearIndex() {
    index.clear();
    blocks
        .values()
        .removeIf(
            state -> {
              state.key = null;
              state.parent = null;
              return state.unused();
            });
  }

  private void step(TraceEvent.Step e) {
    decisions++;
    decided();
    Flight flight = new Flight(orZero(e.step()), e.batch());
    for (Row row : e.batch()) {
      RequestState r = open(row.r());
      schedule(r, row, flight);
    }
    if (e.step() != null && !e.batch().isEmpty()) {
      flights.put(e.step(), flight);
    }
  }

  private void schedule(RequestState r, Row row, Flight flight) {
    if (r.phase != RequestState.Phase.RUNNING && r.phase != RequestState.Phase.ENDED) {
      r.plannedEnd = r.phase == RequestState.Phase.SWAPPED ? r.plannedEnd : 0;
      enter(r, RequestState.Phase.RUNNING);
    }
    unseen(r);
    long start = row.start() == null ? r.computed : row.start();
    long end = start + (row.n() == null ? 1 : row.n());
    boolean verify = "verify".equals(row.kind());
    boolean emits = !verify && r.known() >= 0 && end >= r.known();
    if (verify) {
      r.computed = start;
    } else {
      r.computed = end;
      r.outstanding += emits ? 1 : 0;
    }
    r.inFlight++;
    r.plannedEnd = Math.max(r.plannedEnd, end);
    flight.ends.add(end);
    flight.emits.add(emits);
    flight.epochs.add(r.preemptions);
    flight.requests.add(r);
  }

  /** Takes a token for known that a row yielded and that was not shown here. */
  private static void unseen(RequestState r) {
    if (r.awaitsOutput) {
      r.awaitsOutput = false;
      r.outstanding = Math.max(0, r.outstanding - 1);
      r.generated++;
      r.hidden = Math.max(0, r.hidden - 1);
    }
  }

  private void complete(@Nullable Long step) {
    decided();
    Flight flight = step == null ? null : flights.remove(step);
    if (flight == null) {
      return;
    }
    for (int i = 0; i < flight.rows.size(); i++) {
      RequestState r = flight.requests.get(i);
      r.inFlight = Math.max(0, r.inFlight - 1);
      boolean current = !flight.voided && !r.reset && flight.epochs.get(i) == r.preemptions;
      if (current && r.phase != RequestState.Phase.ENDED) {
        if (!"verify".equals(flight.rows.get(i).kind())) {
          r.completed = Math.max(r.completed, flight.ends.get(i));
        }
        if (r.hidden > 0) {
          unseen(r);
        }
        r.awaitsOutput = flight.emits.get(i);
      }
      settled(r);
    }
  }

  /** Forgets what is over, by its id: an earlier life of an id hangs on the later one. */
  private void settled(RequestState r) {
    RequestState known = requests.get(r.id);
    forget(known == null ? r : known);
  }

  private void fail(@Nullable Long step) {
    decided();
    Flight failed = step == null ? null : flights.remove(step);
    if (failed == null) {
      return;
    }
    for (RequestState r : requests.values()) {
      if (r.hidden > 0) {
        unseen(r);
      }
    }
    Set<RequestState> lost = new HashSet<>(failed.requests);
    for (RequestState r : failed.requests) {
      r.inFlight = Math.max(0, r.inFlight - 1);
      if (!failed.voided && r.phase == RequestState.Phase.RUNNING) {
        // It is computed again, which a PREEMPT says, or is over.
        r.reset = true;
      }
      settled(r);
    }
    if (failed.voided) {
      return;
    }
    // What was planned on top of it is void, the latest first.
    List<Flight> later = new ArrayList<>(flights.values());
    Collections.reverse(later);
    for (Flight flight : later) {
      flight.voided = true;
      for (int i = 0; i < flight.rows.size(); i++) {
        Row row = flight.rows.get(i);
        RequestState r = flight.requests.get(i);
        if (r.phase == RequestState.Phase.RUNNING && !lost.contains(r)) {
          r.computed = row.start() == null ? r.computed : row.start();
          r.outstanding = Math.max(0, r.outstanding - (flight.emits.get(i) ? 1 : 0));
        }
      }
    }
  }

  private void output(TraceEvent.Output e) {
    RequestState r = requests.get(e.r());
    if (r == null) {
      return;
    }
    long accepted = orZero(e.accepted());
    long position = e.position() == null ? r.delivered : e.position();
    r.delivered = Math.max(r.delivered, position + accepted);
    if (r.awaitsOutput) {
      r.awaitsOutput = false;
      r.outstanding = Math.max(0, r.outstanding - 1);
      r.generated += Math.max(1, accepted);
    } else {
      // A verification: the accepted tokens move it on.
      r.generated += accepted;
      r.computed += accepted;
      r.completed = Math.max(r.completed, r.computed);
    }
  }

  private void begin(TraceEvent.XferBegin e) {
    if (e.transfer() == null || transfers.containsKey(e.transfer())) {
      return;
    }
    List<Long> touched = e.blocks() == null ? List.of() : e.blocks();
    String direction = e.direction() == null ? "" : e.direction();
    transfers.put(e.transfer(), new Transfer(e.transfer(), e.r(), direction, touched, now));
    for (long block : touched) {
      hold(DEVICE, block, state -> state.transfers++);
    }
    RequestState r = request(e.r());
    if (r != null) {
      r.transfers.add(e.transfer());
      r.reservedTokens = Math.max(r.reservedTokens, orZero(e.reserve()));
      if (r.phase != RequestState.Phase.ENDED) {
        enter(r, RequestState.Phase.TRANSFERRING);
      }
    }
  }

  private void end(TraceEvent.XferEnd e) {
    Transfer transfer = e.transfer() == null ? null : transfers.remove(e.transfer());
    if (transfer == null) {
      return;
    }
    for (long block : transfer.blocks()) {
      hold(DEVICE, block, state -> state.transfers--);
    }
    RequestState r = request(transfer.request());
    if (r == null) {
      return;
    }
    r.transfers.remove(transfer.id());
    if (r.phase == RequestState.Phase.TRANSFERRING && !transfer.direction().equals("out")) {
      boolean done = "done".equals(e.result());
      if (e.tokens() != null) {
        enter(r, RequestState.Phase.RUNNING);
        r.transferred = true;
        r.computed = e.tokens();
        r.completed = e.tokens();
        r.plannedEnd = Math.max(0, r.prompt());
        r.delivered = Math.max(r.delivered, orZero(e.delivered()));
        r.generated = e.known() == null ? 0 : Math.max(0, e.known() - Math.max(0, r.prompt()));
        r.hidden = r.delivered - r.generated;
      } else {
        enter(r, RequestState.Phase.WAITING);
        r.computed = done ? r.computed : 0;
      }
    }
    forget(r);
  }

  private void tier(TraceEvent.Tier e) {
    if (!"done".equals(e.result())) {
      return;
    }
    long change =
        ("host".equals(e.to()) ? orZero(e.blocks()) : 0)
            - ("host".equals(e.from()) ? orZero(e.blocks()) : 0);
    heldHostBlocks += change;
    RequestState r = request(e.r());
    if (r != null) {
      r.hostBlocks += change;
    }
  }

  private void preempt(TraceEvent.Preempt e) {
    RequestState r = requests.get(e.r());
    if (r == null || r.phase == RequestState.Phase.ENDED) {
      return;
    }
    if (e.beneficiary() != null) {
      preemptedNow.put(e.r(), e.beneficiary());
    }
    if (r.hidden > 0 && !"failure".equals(e.cause())) {
      unseen(r);
    }
    String mode = e.mode() == null ? "recompute" : e.mode();
    r.preemptions++;
    r.computedAtPreemption = r.computed;
    r.awaitsOutput = false;
    r.outstanding = 0;
    r.reset = false;
    r.transferred = false;
    r.reservedTokens = 0;
    if (mode.equals("swap")) {
      enter(r, RequestState.Phase.SWAPPED);
    } else {
      enter(r, RequestState.Phase.PREEMPTED);
      r.computed = 0;
      r.completed = 0;
      r.hitTokens = 0;
    }
  }

  private void resume(TraceEvent.Resume e) {
    RequestState r = requests.get(e.r());
    if (r != null && r.phase == RequestState.Phase.PREEMPTED) {
      r.computed = orZero(e.computed());
      r.completed = r.computed;
    } else if (r != null && r.phase == RequestState.Phase.SWAPPED) {
      enter(r, RequestState.Phase.RUNNING);
    }
  }
}
