package io.headway.testkit.mutant;

import io.headway.testkit.subject.RouterConfig;
import io.headway.testkit.subject.RouterFactory;
import io.headway.testkit.subject.RouterFeature;
import io.headway.testkit.subject.RouterSubject;
import io.headway.testkit.trace.TraceEvent;
import io.headway.testkit.trace.TraceSink;
import java.util.ArrayList;
import java.util.Collections;
import java.util.Comparator;
import java.util.EnumSet;
import java.util.HashMap;
import java.util.HashSet;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.OptionalInt;
import java.util.Set;
import java.util.TreeMap;
import java.util.concurrent.atomic.AtomicInteger;
import org.jspecify.annotations.Nullable;

/**
 * A small router that is correct unless a fault is planted: a ledger per life of an instance, an
 * index of cached prefixes, a queue for requests that nobody has room for, and a log of what it
 * does.
 *
 * <p>{@link Kind#BALANCED} chooses the least loaded instance by the load that reports and its own
 * actions add up to. {@link Kind#AFFINE} chooses the instance with the longest cached prefix among
 * those at most {@value #LOAD_GAP} requests busier than the least busy one; then the least loaded.
 * Ties go to whoever was chosen longest ago, then to the smallest number.
 */
final class ReferenceRouter implements RouterSubject {
  /** How much busier an instance with a cached prefix may be. */
  static final int LOAD_GAP = 2;

  private static final long REAPED_NANOS = 300;
  private static final int LATE_DECISIONS = 5;
  private static final int HASHES = 5;
  private static final int MOST = 16;

  /** How it chooses, and so what it promises. */
  enum Kind {
    /** By load alone. */
    BALANCED("a router that balances load"),
    /** By cached prefixes as long as the load allows. */
    AFFINE("a router that follows cached prefixes");

    private final String title;

    Kind(String title) {
      this.title = title;
    }

    String title() {
      return title;
    }

    Set<RouterFeature> features() {
      Set<RouterFeature> features =
          EnumSet.of(
              RouterFeature.RETRIES,
              RouterFeature.RETRY_LIMIT,
              RouterFeature.REBASES_LIMITS,
              RouterFeature.LEDGER,
              RouterFeature.DRAINS,
              RouterFeature.WORK_CONSERVING,
              RouterFeature.FIRST_COME);
      if (this == BALANCED) {
        features.add(RouterFeature.PHASES);
        features.add(RouterFeature.TWO_STEPS);
        features.add(RouterFeature.CORRECTS_REPORTS);
        features.add(RouterFeature.BALANCED_OVER_PAUSES);
      } else {
        features.add(RouterFeature.CACHE_EVENTS);
        features.add(RouterFeature.LEARNS_PREFIXES);
      }
      return Collections.unmodifiableSet(features);
    }
  }

  /** One life of an instance. */
  private static final class Life {
    final int instance;
    final int incarnation;
    boolean draining;
    int outstanding;
    int prefilling;

    /** Number of the decision that chose it last. */
    long chosen = -1;

    /** The latest report, and what changed the load since it was taken. */
    int reported;

    long reportedAt = Long.MIN_VALUE;
    boolean hasReported;
    final List<Change> changes = new ArrayList<>();

    /** Names of cached blocks. */
    final Set<List<Integer>> cached = new HashSet<>();

    Life(int instance, int incarnation) {
      this.instance = instance;
      this.incarnation = incarnation;
    }

    int believed() {
      int load = reported;
      for (Change change : changes) {
        load += change.by();
      }
      return load;
    }
  }

  /** A change of the load that the router itself has made. */
  private record Change(long atNanos, int by) {}

  /** A request that is not over. */
  private static final class Ticket {
    final Asked asked;

    /** Where it is charged; null while it waits. */
    @Nullable Life at;

    /** Where it went first. */
    @Nullable Life first;

    boolean sawToken;
    boolean charged;
    int avoid = -1;
    int retries;
    int delivered;
    long chargedAt;

    Ticket(Asked asked) {
      this.asked = asked;
    }
  }

  private final Kind kind;
  private final @Nullable RouterFault fault;
  private final RouterConfig config;
  private final AtomicInteger shared;
  private final TraceSink trace;
  private final Map<Integer, Life> lives = new TreeMap<>();
  private final Map<Integer, Ticket> tickets = new HashMap<>();
  private final Map<Integer, Ticket> over = new HashMap<>();
  private final Map<Integer, Ticket> queue = new LinkedHashMap<>();
  private final List<Routed> promoted = new ArrayList<>();

  /** Charges that are booked late. */
  private final Map<Ticket, Integer> unbooked = new LinkedHashMap<>();

  /** Cached prefixes of instances that are gone, for whoever does not forget them. */
  private final Map<Integer, Life> gone = new TreeMap<>();

  /** Who could have been chosen by the latest decision. */
  private List<Life> candidates = new ArrayList<>();

  private long decisions;

  private ReferenceRouter(
      Kind kind,
      @Nullable RouterFault fault,
      RouterConfig config,
      AtomicInteger shared,
      TraceSink trace) {
    this.kind = kind;
    this.fault = fault;
    this.config = config;
    this.shared = shared;
    this.trace = trace;
    Map<String, Double> claims =
        kind == Kind.AFFINE ? Map.of("loadGapRequests", (double) LOAD_GAP) : Map.of();
    trace.accept(
        new TraceEvent.Config(
            0L,
            "",
            1L,
            null,
            kind.name(),
            null,
            null,
            null,
            null,
            null,
            null,
            null,
            null,
            null,
            null,
            null,
            null,
            null,
            null,
            null,
            null,
            null,
            null,
            null,
            claims,
            null));
  }

  /**
   * Makes a factory.
   *
   * @param kind how its routers choose
   * @param fault the bug that they have; null for none
   */
  static RouterFactory factory(Kind kind, @Nullable RouterFault fault) {
    Set<RouterFeature> features = kind.features();
    AtomicInteger shared = new AtomicInteger();
    return new RouterFactory() {
      @Override
      public RouterSubject create(RouterConfig config, TraceSink trace) {
        return new ReferenceRouter(kind, fault, config, shared, trace);
      }

      @Override
      public Set<RouterFeature> features() {
        return features;
      }

      @Override
      public int balance() {
        return kind == Kind.BALANCED ? 1 : -1;
      }

      @Override
      public int loadGap() {
        return kind == Kind.AFFINE ? LOAD_GAP : -1;
      }
    };
  }

  private boolean has(RouterFault planted) {
    return fault == planted;
  }

  // ---- decisions

  @Override
  public OptionalInt route(Asked request, long nowNanos) {
    reap(nowNanos);
    Ticket ticket = new Ticket(request);
    Life target = choose(ticket);
    if (target == null) {
      if (!lives.isEmpty()) {
        tickets.put(request.number(), ticket);
        queue.put(request.number(), ticket);
      }
      return OptionalInt.empty();
    }
    tickets.put(request.number(), ticket);
    assign(ticket, target, has(RouterFault.B_63A), nowNanos);
    return OptionalInt.of(target.instance);
  }

  @Override
  public OptionalInt choose(Asked request, long nowNanos) {
    Ticket ticket = new Ticket(request);
    Life target = choose(ticket);
    if (target == null) {
      return OptionalInt.empty();
    }
    tickets.put(request.number(), ticket);
    assign(ticket, target, has(RouterFault.B_63A) || has(RouterFault.B_63B), nowNanos);
    return OptionalInt.of(target.instance);
  }

  @Override
  public void send(int request, long nowNanos) {
    Ticket ticket = tickets.get(request);
    if (has(RouterFault.B_63B) && ticket != null && ticket.at != null && !ticket.charged) {
      charge(ticket, ticket.at, "send", nowNanos);
    }
  }

  @Override
  public void abandon(int request, long nowNanos) {
    Ticket ticket = tickets.remove(request);
    if (ticket != null && !has(RouterFault.H_56)) {
      discharge(ticket, "abandoned", nowNanos);
      dispatch(nowNanos);
    }
  }

  private boolean takesRequests(Life life) {
    return lives.get(life.instance) == life && !life.draining;
  }

  private boolean hasRoom(Life life) {
    int load = has(RouterFault.H_52) && life.hasReported ? life.reported : life.outstanding;
    return config.maxInFlight() == 0 || load < config.maxInFlight();
  }

  private int load(Life life) {
    return kind == Kind.BALANCED ? life.believed() : life.outstanding;
  }

  /** Decides where a request goes, and changes nothing but the order of ties. */
  private @Nullable Life choose(Ticket ticket) {
    book();
    List<Integer> words = ticket.asked.words();
    int least = Integer.MAX_VALUE;
    candidates = new ArrayList<>();
    for (Life life : lives.values()) {
      if (takesRequests(life) && hasRoom(life) && life.instance != ticket.avoid) {
        candidates.add(life);
        least = Math.min(least, load(life));
      }
    }
    if (kind == Kind.AFFINE) {
      for (Life other : temptations()) {
        if (credit(other, words) > 0 && hasRoom(other) && other.instance != ticket.avoid) {
          candidates.add(other);
        }
      }
    }
    if (candidates.isEmpty() && has(RouterFault.H_99B)) {
      candidates.addAll(gone.values());
    }
    Life best = null;
    for (Life life : candidates) {
      if (best == null || better(life, best, words, least)) {
        best = life;
      }
    }
    if (has(RouterFault.B_68) && best != null && credit(best, words) == 0) {
      best = Collections.min(candidates, Comparator.comparing(life -> life.cached.size()));
    }
    if (best != null) {
      best.chosen = decisions++;
      if (has(RouterFault.H_51)) {
        shared.incrementAndGet();
      }
    }
    return best;
  }

  /** Returns instances that must not be chosen, and are by whoever looks at prefixes alone. */
  private List<Life> temptations() {
    if (has(RouterFault.B_67)) {
      return gone.values().stream().filter(life -> !lives.containsKey(life.instance)).toList();
    }
    if (has(RouterFault.H_45)) {
      return lives.values().stream().filter(life -> life.draining).toList();
    }
    return List.of();
  }

  private boolean better(Life a, Life b, List<Integer> words, int least) {
    if (kind == Kind.AFFINE) {
      int creditA = load(a) - least <= LOAD_GAP ? credit(a, words) : -1;
      int creditB = load(b) - least <= LOAD_GAP ? credit(b, words) : -1;
      if (creditA != creditB) {
        return creditA > creditB;
      }
    }
    if (load(a) != load(b)) {
      return load(a) < load(b);
    }
    if (has(RouterFault.B_64A)) {
      return a.instance < b.instance;
    }
    if (has(RouterFault.H_51)) {
      int turn = shared.get();
      return Math.floorMod(a.instance - turn, MOST) < Math.floorMod(b.instance - turn, MOST);
    }
    return a.chosen != b.chosen ? a.chosen < b.chosen : a.instance < b.instance;
  }

  // ---- load

  /** Sends a request somewhere, and charges it there unless that is to come later. */
  private void assign(Ticket ticket, Life target, boolean later, long now) {
    ticket.at = target;
    ticket.first = ticket.first == null ? target : ticket.first;
    trace.accept(route(ticket, target, now));
    if (!later) {
      charge(ticket, target, "route", now);
    }
    if (has(RouterFault.B_59)) {
      learn(ticket, now);
    }
  }

  private void charge(Ticket ticket, Life life, String cause, long now) {
    if (has(RouterFault.B_60B) && !unbooked.containsKey(ticket)) {
      unbooked.put(ticket, LATE_DECISIONS);
      return;
    }
    if (has(RouterFault.B_66) && !life.hasReported) {
      return;
    }
    ticket.charged = true;
    ticket.chargedAt = now;
    life.prefilling += ticket.sawToken ? 0 : 1;
    change(life, 1, ticket, cause, now);
  }

  private void change(Life life, int by, Ticket ticket, String cause, long now) {
    life.outstanding += by;
    life.changes.add(new Change(now, by));
    if (lives.get(life.instance) == life) {
      trace.accept(
          new TraceEvent.Ledger(
              now,
              "",
              name(life.instance),
              (long) life.incarnation,
              (long) by,
              "r" + ticket.asked.number(),
              cause,
              null));
    }
  }

  private void discharge(Ticket ticket, String cause, long now) {
    Life life = ticket.at;
    unbooked.remove(ticket);
    if (life == null || !ticket.charged) {
      return;
    }
    ticket.charged = false;
    if (has(RouterFault.B_61)) {
      life = lives.getOrDefault(life.instance, life);
    }
    life.prefilling -= ticket.sawToken || has(RouterFault.B_62B) ? 0 : 1;
    change(life, -1, ticket, cause, now);
  }

  /** Books what was to be charged some decisions later. */
  private void book() {
    for (Map.Entry<Ticket, Integer> entry : List.copyOf(unbooked.entrySet())) {
      Ticket ticket = entry.getKey();
      if (entry.getValue() > 1) {
        unbooked.put(ticket, entry.getValue() - 1);
      } else if (ticket.at != null) {
        charge(ticket, ticket.at, "route", ticket.chargedAt);
        unbooked.remove(ticket);
      }
    }
  }

  private void reap(long now) {
    if (has(RouterFault.B_60A)) {
      for (Ticket ticket : tickets.values()) {
        if (ticket.charged && now - ticket.chargedAt > REAPED_NANOS) {
          discharge(ticket, "expired", now);
        }
      }
    }
  }

  // ---- requests

  /** Lets those go who wait and may go now, the first first. */
  private void dispatch(long now) {
    List<Ticket> waiting = new ArrayList<>(queue.values());
    if (has(RouterFault.H_53)) {
      Collections.reverse(waiting);
    }
    for (Ticket ticket : waiting) {
      Life target = choose(ticket);
      if (target != null) {
        queue.remove(ticket.asked.number());
        assign(ticket, target, has(RouterFault.H_50) || has(RouterFault.B_63A), now);
        promoted.add(new Routed(ticket.asked.number(), target.instance));
      }
    }
  }

  @Override
  public List<Routed> promoted() {
    List<Routed> all = List.copyOf(promoted);
    promoted.clear();
    return all;
  }

  @Override
  public boolean waits(int request) {
    return queue.containsKey(request);
  }

  @Override
  public void firstToken(int request, long nowNanos) {
    Ticket ticket = tickets.get(request);
    if (ticket == null || ticket.at == null || ticket.sawToken) {
      return;
    }
    if (has(RouterFault.B_63A)) {
      charge(ticket, ticket.at, "first-token", nowNanos);
    }
    ticket.sawToken = true;
    if (ticket.charged) {
      ticket.at.prefilling--;
    }
    learn(ticket, nowNanos);
  }

  @Override
  public void ended(int request, Cause cause, long nowNanos) {
    reap(nowNanos);
    Ticket ticket = tickets.remove(request);
    if (ticket == null) {
      Ticket ended = over.get(request);
      if (has(RouterFault.H_42) && ended != null && ended.at != null) {
        change(ended.at, -1, ended, "ended", nowNanos);
      }
      return;
    }
    if (!has(RouterFault.H_48)) {
      queue.remove(request);
    }
    over.put(request, ticket);
    if (cause == Cause.COMPLETED) {
      learn(ticket, nowNanos);
    }
    boolean forgotten =
        switch (cause) {
          case COMPLETED -> has(RouterFault.B_65);
          case TIMEOUT -> has(RouterFault.B_62A) || has(RouterFault.H_40);
          case CANCELLED, ERROR -> has(RouterFault.B_62A);
        };
    if (!forgotten) {
      discharge(ticket, cause.name(), nowNanos);
    }
    dispatch(nowNanos);
  }

  @Override
  public Replay retry(int request, int deliveredTokens, long nowNanos) {
    Ticket ticket = tickets.get(request);
    Life from = ticket == null ? null : ticket.at;
    if (ticket == null || from == null) {
      return new Replay(OptionalInt.empty(), 0, 0);
    }
    int attempts = 1 + config.retryLimit();
    boolean allowed =
        has(RouterFault.B_72B)
            ? ticket.retries + 1 < attempts
            : ticket.retries < config.retryLimit();
    ticket.retries++;
    ticket.delivered += deliveredTokens;
    ticket.avoid = from.instance;
    if (has(RouterFault.H_44) || has(RouterFault.H_41)) {
      ticket.charged = false;
    } else {
      discharge(ticket, "retry", nowNanos);
    }
    ticket.sawToken = false;
    ticket.at = null;
    Life target = allowed ? choose(ticket) : null;
    if (target != null) {
      assign(ticket, target, has(RouterFault.B_63A), nowNanos);
      if (has(RouterFault.H_41)) {
        discharge(ticket, "retry", nowNanos);
      }
    } else if (allowed && lives.size() > 1) {
      queue.put(request, ticket);
    } else {
      tickets.remove(request);
    }
    dispatch(nowNanos);
    Asked asked = ticket.asked;
    return new Replay(
        target == null ? OptionalInt.empty() : OptionalInt.of(target.instance),
        has(RouterFault.B_72A)
            ? asked.minNewTokens()
            : Math.max(0, asked.minNewTokens() - ticket.delivered),
        asked.maxNewTokens() - ticket.delivered);
  }

  // ---- instances

  @Override
  public void up(int instance, int incarnation, long nowNanos) {
    Life life = new Life(instance, incarnation);
    Life earlier = gone.get(instance);
    if (has(RouterFault.H_46) && earlier != null) {
      life.cached.addAll(earlier.cached);
    }
    lives.put(instance, life);
    state(life, "ready", nowNanos);
    if (!has(RouterFault.H_49)) {
      dispatch(nowNanos);
    }
  }

  /** Returns the present life of an instance if the message is about it. */
  private @Nullable Life life(int instance, int incarnation, RouterFault careless) {
    Life life = lives.get(instance);
    return life != null && (life.incarnation == incarnation || has(careless)) ? life : null;
  }

  @Override
  public void drain(int instance, int incarnation, long nowNanos) {
    Life life = life(instance, incarnation, RouterFault.H_54);
    if (life != null) {
      life.draining = true;
      state(life, "draining", nowNanos);
    }
  }

  @Override
  public void down(int instance, int incarnation, long nowNanos) {
    Life life = life(instance, incarnation, RouterFault.H_54);
    if (life != null) {
      lives.remove(instance);
      gone.put(instance, life);
      state(life, "down", nowNanos);
    }
  }

  @Override
  public void observe(int instance, int incarnation, int waiting, int running, long observed) {
    Life earlier = gone.get(instance);
    if (has(RouterFault.H_99D) && earlier != null && earlier.incarnation == incarnation) {
      lives.putIfAbsent(instance, earlier);
    }
    Life life = lives.get(instance);
    if (life == null || life.incarnation != incarnation) {
      return;
    }
    life.draining &= !has(RouterFault.H_99C);
    boolean older = life.hasReported && observed < life.reportedAt;
    if (older && !has(RouterFault.H_43)) {
      return;
    }
    life.hasReported = true;
    life.reported = waiting + running;
    life.reportedAt = observed;
    life.changes.removeIf(change -> change.atNanos() <= observed || has(RouterFault.B_64B));
  }

  @Override
  public Optional<Integer> tracked(int instance) {
    Life life = lives.get(instance);
    return life == null ? Optional.empty() : Optional.of(life.outstanding);
  }

  @Override
  public int prefilling(int instance) {
    Life life = lives.get(instance);
    return life == null ? -1 : life.prefilling;
  }

  @Override
  public int believed(int instance) {
    Life life = lives.get(instance);
    return life == null ? -1 : life.believed();
  }

  // ---- the index

  /** Names a block by what it must be told apart by. */
  private List<Integer> key(List<Integer> words) {
    if (has(RouterFault.B_45A)) {
      return List.of(words.get(words.size() - 1));
    }
    if (has(RouterFault.H_55)) {
      return List.of(Math.floorMod(words.hashCode(), HASHES));
    }
    return List.copyOf(words);
  }

  private int credit(Life life, List<Integer> words) {
    int credit = 0;
    for (int i = 1; i <= words.size(); i++) {
      if (life.cached.contains(key(words.subList(0, i)))) {
        credit++;
      } else if (!has(RouterFault.B_45B)) {
        break;
      }
    }
    return credit;
  }

  /** A request was served: its prompt is cached where that was. */
  private void learn(Ticket ticket, long now) {
    Life life = has(RouterFault.H_47) ? ticket.first : ticket.at;
    List<Integer> words = ticket.asked.words();
    if (config.reportsCache()
        || life == null
        || lives.get(life.instance) != life
        || words.isEmpty()) {
      return;
    }
    List<String> names = new ArrayList<>();
    for (int i = 1; i <= words.size(); i++) {
      List<Integer> key = key(words.subList(0, i));
      life.cached.add(key);
      names.add(key.toString());
    }
    index(life, "add", names, "r" + ticket.asked.number(), null, now);
  }

  @Override
  public void stored(int instance, int incarnation, List<Integer> words, int copies, long now) {
    Life life = life(instance, incarnation, RouterFault.H_57);
    if (life != null) {
      List<Integer> key = key(words);
      life.cached.add(key);
      index(life, "add", List.of(key.toString()), null, (long) copies, now);
    }
  }

  @Override
  public void removed(int instance, int incarnation, List<Integer> words, int copies, long now) {
    Life life = life(instance, incarnation, RouterFault.H_57);
    if (life != null && (copies == 0 || has(RouterFault.B_57))) {
      List<Integer> key = key(words);
      life.cached.remove(key);
      index(life, "remove", List.of(key.toString()), null, (long) copies, now);
    }
  }

  @Override
  public void cleared(int instance, int incarnation, long nowNanos) {
    Life life = life(instance, incarnation, RouterFault.H_57);
    if (life != null && !has(RouterFault.B_58)) {
      life.cached.clear();
      index(life, "clear", List.of(), null, null, nowNanos);
    }
  }

  @Override
  public int credited(int instance, List<Integer> words) {
    Life life = lives.get(instance);
    return life == null ? 0 : credit(life, words);
  }

  // ---- the log

  private static String name(int instance) {
    return "i" + instance;
  }

  private TraceEvent.Route route(Ticket ticket, Life target, long now) {
    List<Integer> words = ticket.asked.words();
    List<String> keys = new ArrayList<>();
    for (int i = 1; i <= words.size(); i++) {
      keys.add(key(words.subList(0, i)).toString());
    }
    List<TraceEvent.Candidate> seen = new ArrayList<>();
    for (Life life : candidates) {
      seen.add(
          new TraceEvent.Candidate(
              name(life.instance),
              (long) life.incarnation,
              null,
              null,
              (long) life.outstanding,
              (long) credit(life, words),
              life.hasReported ? life.reportedAt : null,
              null));
    }
    return new TraceEvent.Route(
        now,
        "",
        "r" + ticket.asked.number(),
        kind.name(),
        name(target.instance),
        (long) target.incarnation,
        null,
        null,
        null,
        null,
        keys,
        seen);
  }

  private void state(Life life, String state, long now) {
    trace.accept(
        new TraceEvent.InstanceState(
            now, "", name(life.instance), (long) life.incarnation, state, "mixed", null));
  }

  private void index(
      Life life,
      String action,
      List<String> keys,
      @Nullable String request,
      @Nullable Long copies,
      long now) {
    trace.accept(
        new TraceEvent.Index(
            now, "", name(life.instance), (long) life.incarnation, action, keys, request, copies));
  }
}
