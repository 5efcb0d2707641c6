package io.headway.runtime;

import io.headway.api.Instance;
import io.headway.api.InstanceState;
import io.headway.api.Role;
import java.util.Set;
import java.util.concurrent.atomic.AtomicReference;
import org.jspecify.annotations.Nullable;

/**
 * One incarnation of an instance: its profile, its last observation, and the load that this router
 * has put on it. Guarded by the cluster's lock, but for {@link #published}.
 *
 * <p>The counts that policies see are the observation, plus the charges dispatched since, minus the
 * charges that it still counts although they are over, whenever it arrives: charges are remembered
 * after their end until an observation is later than that. A number the observation lacks is the
 * sum of the open charges.
 */
final class Member implements Instance {
  /** How many closed charges are remembered for reports that were taken before. */
  private static final int MAX_OVER = 1_024;

  private static final InstanceStats NOTHING = InstanceStats.of(-1, -1, -1, -1, -1);

  /** What was observed and not taken in yet; the only field written without the lock. */
  final AtomicReference<@Nullable Observation> published = new AtomicReference<>();

  /** Next in the stack of members with something published. */
  @Nullable Member nextPublished;

  private final String id;
  private final int incarnation;
  private final ClusterClock clock;
  private final Holders adapters;
  private final Holders waitingAdapters;
  private final RequestRate rate;
  private final RecentOutcomes outcomes = new RecentOutcomes();

  final BacklogLedger backlog;

  int index = -1;
  InstanceProfile profile;
  private InstanceState state;

  /** Where decisions read the numbers of this member; null while it belongs to no cluster. */
  private @Nullable InstanceNumbers numbers;

  /** Whether policies see the bare observation, for experiments that show herding. */
  private final boolean observationsOnly;

  /** Whether the instance reports its cache, so that the router need not guess. */
  boolean reportsCache;

  private Role role;
  private int maxSequences;
  private double speedFactor;
  private int blockTokens;
  private int totalBlocks;
  private double effectiveConcurrency;

  /** Most tokens one request may hold: its pool, bounded by the model's window. */
  long capacityTokens;

  long contextLimit;
  int maxInFlight;

  /** Places kept for requests that are being moved here. */
  private int incoming;

  boolean servesAnyModel;

  private Set<String> adaptersNow = Set.of();
  private Set<String> waitingAdaptersNow = Set.of();

  /** All open charges. */
  private final Load own = new Load();

  /** Open charges that the observation cannot know. */
  private final Load unobserved = new Load();

  /** Closed charges that the observation still counts. */
  private final Load over = new Load();

  private final ChargeList unobservedCharges = new ChargeList();

  /** Closed charges that are not over in an observation yet. */
  private final ChargeList overCharges = new ChargeList();

  private int overCount;

  /** A charge whose request is being decided on again. */
  private @Nullable Charge leftOut;

  private @Nullable Charge oldestOpen;
  private @Nullable Charge newestOpen;

  private @Nullable InstanceStats observed;
  private long observedAt;
  private int inFlight;
  private long inFlightTokens;
  private long lastRouted;

  private int waiting;
  private int running;
  private long waitingPromptTokens;
  private long runningContextTokens;
  private int usedBlocks;

  /** Kept beside the blocks, since every decision asks it of every instance. */
  private double kvUsage;

  Member(
      String id,
      int incarnation,
      InstanceProfile profile,
      InstanceState state,
      ClusterClock clock,
      Holders adapters,
      Holders waitingAdapters,
      long rateWindowNanos,
      double remainingFloor,
      boolean observationsOnly) {
    this.id = id;
    this.incarnation = incarnation;
    this.clock = clock;
    this.adapters = adapters;
    this.waitingAdapters = waitingAdapters;
    this.profile = profile;
    this.state = state;
    this.observationsOnly = observationsOnly;
    rate = new RequestRate(rateWindowNanos);
    backlog = new BacklogLedger(remainingFloor);
    role = profile.role();
    profile(profile);
  }

  /** Writes its numbers where decisions read them, under its index, now and when they change. */
  void enter(InstanceNumbers all) {
    numbers = all;
    all.enter(this);
    if (observed == null) {
      all.unobserved(index);
    } else {
      all.observation(index, observedAt);
    }
    show();
  }

  /** Ends what {@link #enter} began, before the index may become another's. */
  void leave() {
    if (numbers != null) {
      numbers.leave(index);
      numbers = null;
    }
  }

  private void show() {
    if (numbers != null) {
      numbers.load(this);
      numbers.room(this);
    }
  }

  void state(InstanceState value) {
    state = value;
    show();
  }

  /** Keeps a place for a request that is being moved here, or gives it back with -1. */
  void addIncoming(int change) {
    incoming += change;
    show();
  }

  void profile(InstanceProfile value) {
    profile = value;
    role = value.role();
    maxSequences = value.maxSequences();
    speedFactor = value.speedFactor();
    blockTokens = value.blockTokens();
    totalBlocks = value.totalBlocks();
    effectiveConcurrency = value.effectiveConcurrency();
    capacityTokens = totalBlocks == 0 ? Long.MAX_VALUE : (long) totalBlocks * blockTokens;
    contextLimit = value.maxContextTokens();
    maxInFlight = value.maxInFlight();
    servesAnyModel = value.models().isEmpty();
    refresh();
  }

  // ---- charges

  void open(Charge charge, long routed, long nowNanos) {
    charge.member = this;
    charge.dispatchedAt = nowNanos;
    charge.observed = false;
    charge.started = false;
    charge.blocks = (charge.contextTokens + blockTokens - 1) / blockTokens;
    own.add(charge, false, 1);
    unobserved.add(charge, false, 1);
    unobservedCharges.append(charge);
    charge.olderOpen = newestOpen;
    charge.newerOpen = null;
    if (newestOpen == null) {
      oldestOpen = charge;
    } else {
      newestOpen.newerOpen = charge;
    }
    newestOpen = charge;
    inFlight++;
    inFlightTokens += charge.waitingTokens;
    lastRouted = routed;
    rate.add(nowNanos);
    refresh();
  }

  void start(Charge charge, long nowNanos) {
    if (charge.started) {
      return;
    }
    own.add(charge, false, -1);
    own.add(charge, true, 1);
    if (!charge.observed) {
      unobserved.add(charge, false, -1);
      unobserved.add(charge, true, 1);
    }
    charge.started = true;
    charge.startedAt = nowNanos;
    if (charge.backlogEntry >= 0) {
      backlog.start(charge.backlogEntry, nowNanos);
    }
    refresh();
  }

  void close(Charge charge, long nowNanos) {
    own.add(charge, charge.started, -1);
    charge.overAt = nowNanos;
    if (charge.observed) {
      charge.countedAsRunning = runsInObservation(charge);
      over.add(charge, charge.countedAsRunning, 1);
    } else {
      unobserved.add(charge, charge.started, -1);
      unobservedCharges.remove(charge);
    }
    // A report that was taken before this moment may still be on its way.
    overCharges.append(charge);
    if (++overCount > MAX_OVER) {
      forget(overCharges.oldest());
    }
    unlinkOpen(charge);
    inFlight--;
    inFlightTokens -= charge.waitingTokens;
    if (charge.backlogEntry >= 0) {
      backlog.remove(charge.backlogEntry);
      charge.backlogEntry = -1;
    }
    charge.member = null;
    charge.ticket = null;
    refresh();
  }

  private boolean runsInObservation(Charge charge) {
    return charge.started && charge.startedAt < observedAt;
  }

  private void forget(@Nullable Charge charge) {
    if (charge != null) {
      overCharges.remove(charge);
      overCount--;
      if (charge.observed) {
        over.add(charge, charge.countedAsRunning, -1);
      }
    }
  }

  /** Says how the observation counts a charge that is over. */
  private void recount(Charge charge) {
    boolean running = runsInObservation(charge);
    if (!charge.observed) {
      if (charge.dispatchedAt >= observedAt) {
        return;
      }
      charge.observed = true;
    } else if (running == charge.countedAsRunning) {
      return;
    } else {
      over.add(charge, charge.countedAsRunning, -1);
    }
    charge.countedAsRunning = running;
    over.add(charge, running, 1);
  }

  /**
   * Leaves a charge out of what policies see, as if it were closed; {@link #countAgain} follows.
   */
  void leaveOut(Charge charge) {
    leftOut = charge.backlogEntry >= 0 ? charge : leftOut;
    count(charge, -1);
  }

  /** Undoes {@link #leaveOut}. */
  void countAgain(Charge charge) {
    leftOut = leftOut == charge ? null : leftOut;
    count(charge, 1);
  }

  private void count(Charge charge, int sign) {
    own.add(charge, charge.started, sign);
    if (charge.observed) {
      over.add(charge, runsInObservation(charge), -sign);
    } else {
      unobserved.add(charge, charge.started, sign);
    }
    inFlight += sign;
    inFlightTokens += (long) sign * charge.waitingTokens;
    refresh();
  }

  private void unlinkOpen(Charge charge) {
    Charge before = charge.olderOpen;
    Charge after = charge.newerOpen;
    if (before == null) {
      oldestOpen = after;
    } else {
      before.newerOpen = after;
    }
    if (after == null) {
      newestOpen = before;
    } else {
      after.olderOpen = before;
    }
    charge.olderOpen = null;
    charge.newerOpen = null;
  }

  /** Returns the oldest open charge; the rest hang on it. */
  @Nullable Charge oldestOpen() {
    return oldestOpen;
  }

  /** Takes in an observation; one older than the last is dropped. */
  void observe(Observation observation) {
    if (observed != null && observation.atNanos() < observedAt) {
      return;
    }
    observed = observation.stats();
    observedAt = observation.atNanos();
    if (numbers != null) {
      numbers.observation(index, observedAt);
    }
    for (Charge c = unobservedCharges.oldest();
        c != null && c.dispatchedAt < observedAt;
        c = unobservedCharges.oldest()) {
      unobservedCharges.remove(c);
      unobserved.add(c, c.started, -1);
      c.observed = true;
    }
    for (Charge c = overCharges.oldest();
        c != null && c.overAt < observedAt;
        c = overCharges.oldest()) {
      forget(c);
    }
    for (Charge c = overCharges.oldest(); c != null; c = c.newer) {
      recount(c);
    }
    setAdapters(observed.adapters(), observed.waitingAdapters());
    refresh();
  }

  void forgetAdapters() {
    setAdapters(Set.of(), Set.of());
  }

  private void setAdapters(Set<String> resident, Set<String> awaited) {
    adapters.replace(index, adaptersNow, resident);
    adaptersNow = resident;
    waitingAdapters.replace(index, waitingAdaptersNow, awaited);
    waitingAdaptersNow = awaited;
  }

  void finished(boolean deadlineMissed) {
    outcomes.add(deadlineMissed);
  }

  private void refresh() {
    count();
    kvUsage = Instance.super.kvUsage();
    show();
  }

  private void count() {
    InstanceStats seen = observed == null ? NOTHING : observed;
    if (observationsOnly) {
      waiting = Math.max(0, seen.waiting());
      running = Math.max(0, seen.running());
      waitingPromptTokens = Math.max(0, seen.waitingPromptTokens());
      runningContextTokens = Math.max(0, seen.runningContextTokens());
      usedBlocks = Math.max(0, seen.usedBlocks());
      return;
    }
    boolean knowsWaiting = seen.waiting() >= 0;
    boolean knowsRunning = seen.running() >= 0;
    // What is over but still counted comes off; a request may have changed sides meanwhile.
    int stillWaiting = knowsWaiting ? seen.waiting() - over.waiting : 0;
    int stillRunning = knowsRunning ? seen.running() - over.running : 0;
    if (knowsWaiting && knowsRunning) {
      int moved = Math.min(0, stillWaiting);
      stillRunning += moved;
      stillWaiting -= moved;
      moved = Math.min(0, stillRunning);
      stillWaiting += moved;
      stillRunning -= moved;
    }
    waiting = knowsWaiting ? Math.max(0, stillWaiting) + unobserved.waiting : own.waiting;
    running = knowsRunning ? Math.max(0, stillRunning) + unobserved.running : own.running;
    waitingPromptTokens =
        seen.waitingPromptTokens() >= 0
            ? Math.max(0, seen.waitingPromptTokens() - over.waitingTokens)
                + unobserved.waitingTokens
            : own.waitingTokens;
    runningContextTokens =
        seen.runningContextTokens() >= 0
            ? Math.max(0, seen.runningContextTokens() - over.contextTokens)
                + unobserved.contextTokens
            : own.contextTokens;
    long blocks =
        seen.usedBlocks() >= 0
            ? Math.max(0, seen.usedBlocks() - over.blocks) + unobserved.blocks
            : own.blocks;
    usedBlocks = (int) Math.min(totalBlocks == 0 ? Integer.MAX_VALUE : totalBlocks, blocks);
  }

  // ---- what policies see

  @Override
  public String id() {
    return id;
  }

  @Override
  public int index() {
    return index;
  }

  @Override
  public int incarnation() {
    return incarnation;
  }

  @Override
  public Role role() {
    return role;
  }

  @Override
  public InstanceState state() {
    return state;
  }

  @Override
  public long ageNanos() {
    return observed == null ? Long.MAX_VALUE : Math.max(0, clock.now() - observedAt);
  }

  @Override
  public int waiting() {
    return waiting;
  }

  @Override
  public int running() {
    return running;
  }

  /** Returns whether one more request may be sent here. */
  boolean hasRoom() {
    return inFlight + incoming < maxInFlight;
  }

  @Override
  public int inFlight() {
    return inFlight;
  }

  @Override
  public long inFlightTokens() {
    return inFlightTokens;
  }

  @Override
  public long lastRouted() {
    return lastRouted;
  }

  @Override
  public boolean hasRequestRate() {
    return rate.any();
  }

  @Override
  public double requestsPerSecond() {
    return rate.any() ? rate.perSecond(clock.now()) : 0;
  }

  @Override
  public long waitingPromptTokens() {
    return waitingPromptTokens;
  }

  @Override
  public long runningContextTokens() {
    return runningContextTokens;
  }

  @Override
  public int usedBlocks() {
    return usedBlocks;
  }

  @Override
  public int totalBlocks() {
    return totalBlocks;
  }

  @Override
  public double kvUsage() {
    return kvUsage;
  }

  @Override
  public int blockTokens() {
    return blockTokens;
  }

  @Override
  public int maxSequences() {
    return maxSequences;
  }

  @Override
  public double speedFactor() {
    return speedFactor;
  }

  @Override
  public long backlogNanos() {
    long now = clock.now();
    long all = backlog.remainingNanos(now);
    return leftOut == null ? all : all - backlog.remainingNanos(leftOut.backlogEntry, now);
  }

  @Override
  public double effectiveConcurrency() {
    return effectiveConcurrency == 0 ? Math.max(1, running) : effectiveConcurrency;
  }

  @Override
  public double violationRate() {
    return outcomes.missRate();
  }

  @Override
  public boolean hasAdapter(String adapter) {
    return adapters.has(adapter, index);
  }

  @Override
  public boolean awaitsAdapter(String adapter) {
    return waitingAdapters.has(adapter, index);
  }

  @Override
  public boolean hasAdapterRoom() {
    return adaptersNow.size() < profile.maxAdapters();
  }
}
