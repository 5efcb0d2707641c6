package io.headway.runtime;

import io.headway.api.Invariant;
import io.headway.api.PolicyViolationException;
import io.headway.api.batching.BatchDraft;
import io.headway.api.batching.DraftOutcome;
import io.headway.api.batching.End;
import io.headway.api.batching.PreemptionMode;
import io.headway.api.batching.QueueEnd;
import io.headway.api.batching.SequenceState;
import io.headway.api.batching.WorkKind;
import io.headway.api.memory.BlockKeyChain;
import io.headway.api.memory.KvBlockPool;
import io.headway.api.memory.KvDemand;
import io.headway.api.memory.KvOutcome;
import io.headway.api.memory.KvPoolView;
import io.headway.api.memory.KvProbe;
import io.headway.api.memory.OwnerKind;
import io.headway.api.memory.ReleaseOrder;
import java.util.Arrays;
import org.jspecify.annotations.Nullable;

/**
 * The one place where a policy's wishes become state. Each step is checked, carried out whole and
 * recorded, so that the whole draft can be rolled back; {@link #commit} turns it into a plan.
 *
 * <p>A draft may be written to between {@link #begin} and {@link #close}, and not from within the
 * events that it raises. Once such an event has thrown, the draft refuses everything and {@link
 * #rollback} is all that is left.
 */
final class Draft implements BatchDraft {
  private static final int NONE = Sequences.NONE;
  private static final int DEMANDS = 64;

  /** What was done, for undoing it. */
  private enum Step {
    ADMITTED,
    GREW,
    PREEMPTED,
    REFUSED,
    EXPIRED
  }

  /** What a step raises while it is carried out. */
  private enum Event {
    ADMITTED,
    PREEMPTING,
    QUEUED
  }

  /** Told about what the draft did, as far as it concerns others. */
  interface Observer {
    void admitted(int sequence, int cachedTokens);

    void preempting(int sequence);

    void queued(int sequence);
  }

  private final Sequences sequences;
  private final KvBlockPool pool;
  private final Limits limits;
  private final EventQueue events;
  private final Adapters adapters;
  private final Observer observer;
  private final int maxPinnedBlocks;
  private final KvProbe probe = new KvProbe();
  private final long[] oneOwner = new long[1];
  private final @Nullable KvDemand[] demands = new KvDemand[DEMANDS];

  private String policyId = "";
  private boolean writable;
  private @Nullable Throwable fault;
  private int round;
  private int tokens;
  private int rows;
  private int preemptions;
  private int endings;
  private int padding;
  private int[] batch = new int[16];
  private int batchSize;
  private int[] admitted = new int[16];
  private int[] cached = new int[16];
  private boolean[] swappedIn = new boolean[16];
  private int admittedSize;
  private int[] attempted = new int[16];
  private DraftOutcome[] answers = new DraftOutcome[16];
  private int[] wantedTokens = new int[16];
  private int[] wantedReserves = new int[16];
  private int[] wantedHeadrooms = new int[16];
  private int attempts;
  private int[] later = new int[16];
  private int eventsBefore;
  private int savepoint;

  // What the last room() took: the work, the length and the KV entries that need no computing.
  private long roomOwner;
  private int roomWork;
  private int roomLength;
  private int roomComputed;

  /** In which round a sequence was preempted last; rounds are counted from 1. */
  private int[] preemptedIn = new int[64];

  /** Ahead of which plan a sequence was resumed last; plans are counted from 1. */
  private long[] resumedFor = new long[64];

  private long plans = 1;

  // Whether this draft, and whether committed ones whose moves no plan has taken yet, moved KV.
  private boolean moving;
  private boolean movesWait;

  // The undo record: one entry per step.
  private int steps;
  private Step[] stepKinds = new Step[16];
  private int[] stepSequences = new int[16];
  private int[] stepNeighbours = new int[16];
  private SequenceState[] stepStates = new SequenceState[16];
  private int[] stepComputed = new int[16];
  private int[] stepPublished = new int[16];
  private int[] stepWritable = new int[16];
  private int[] stepReserved = new int[16];
  private int[] stepSlots = new int[16];
  private long[] stepOwners = new long[16];

  Draft(
      Sequences sequences,
      EventQueue events,
      Adapters adapters,
      Observer observer,
      int maxPinnedBlocks) {
    this.sequences = sequences;
    this.pool = sequences.pool;
    this.limits = sequences.limits;
    this.events = events;
    this.adapters = adapters;
    this.observer = observer;
    this.maxPinnedBlocks = maxPinnedBlocks;
  }

  /**
   * Begins a round, in which nobody comes back who yields in it: all decisions of one call of
   * {@code next}.
   */
  void beginRound() {
    round++;
  }

  void begin(String policy) {
    policyId = policy;
    tokens = 0;
    rows = 0;
    preemptions = 0;
    endings = 0;
    padding = 0;
    batchSize = 0;
    admittedSize = 0;
    attempts = 0;
    steps = 0;
    moving = false;
    fault = null;
    eventsBefore = events.size();
    savepoint = pool.savepoint();
    writable = true;
  }

  /**
   * Ends the policy's turn.
   *
   * @return what an event threw during the draft, even if the policy caught it; otherwise null
   */
  @Nullable Throwable close() {
    writable = false;
    return fault;
  }

  /** Returns whether anything at all was changed. */
  boolean changedAnything() {
    return steps > 0 || rows > 0;
  }

  // ---- BatchDraft

  @Override
  public int tokensLeft() {
    return limits.maxTokens() - tokens;
  }

  @Override
  public int slotsLeft() {
    return sequences.freeSlots();
  }

  @Override
  public int scheduledTokens(int sequence) {
    return sequences.scheduled(live(sequence));
  }

  @Override
  public int batchTokens() {
    return tokens;
  }

  @Override
  public int batchSequences() {
    return rows;
  }

  @Override
  public int preemptions() {
    return preemptions;
  }

  @Override
  public DraftOutcome schedule(int sequence, int count) {
    requireSchedulable(sequence, count);
    return add(sequence, count, 0);
  }

  @Override
  public int scheduleDecodes(int[] ids, int from, int to) {
    Check.notNull("sequences", ids);
    return addDecodes(ids, ids.length, from, to);
  }

  @Override
  public int scheduleDecodes(int from, int to) {
    return addDecodes(sequences.runningArray(), sequences.runningCount(), from, to);
  }

  private int addDecodes(int[] ids, int length, int from, int to) {
    requireWritable();
    if (from < 0 || to > length || from > to) {
      throw violation(
          Invariant.INV_03,
          "positions must be within the "
              + length
              + " sequences given, but were from "
              + from
              + " to "
              + to);
    }
    int at = from;
    while (true) {
      at = addWritableDecodes(ids, at, to);
      // Whoever needs a block, and whoever cannot be added, goes the long way.
      if (at == to
          || !sequences.mayBeRunning(ids[at])
          || sequences.scheduled(ids[at]) > 0
          || !sequences.decoding(ids[at])
          || !add(ids[at], 1, 0).done()) {
        return at;
      }
      at++;
    }
  }

  /** Adds decodes as long as nobody needs a block. */
  private int addWritableDecodes(int[] ids, int from, int to) {
    int end = (int) Math.min(to, from + (long) limits.maxTokens() - tokens);
    while (batchSize + end - from > batch.length) {
      growBatch();
    }
    int added = sequences.scheduleDecodes(ids, from, end, batch, batchSize);
    batchSize += added;
    rows += added;
    tokens += added;
    return from + added;
  }

  @Override
  public DraftOutcome verify(int sequence, int draftTokens) {
    requireSchedulable(sequence, 1);
    if (!sequences.decoding(sequence)) {
      throw violation(
          Invariant.INV_29,
          sequence,
          "only a decoding sequence can verify drafts, but it needs "
              + sequences.needTokens(sequence)
              + " tokens");
    }
    int room = sequences.limit(sequence) - sequences.known(sequence) - 1;
    if (draftTokens < 1 || draftTokens > room) {
      throw violation(
          Invariant.INV_29,
          sequence,
          "draftTokens must be from 1 to the "
              + room
              + " output tokens left behind the next one, but was "
              + draftTokens);
    }
    if (sequences.plansInFlight(sequence) > 0) {
      return DraftOutcome.IN_FLIGHT;
    }
    return add(sequence, 1 + draftTokens, draftTokens);
  }

  @Override
  public DraftOutcome admit(int sequence, int count, int reserveTokens, int headroomBlocks) {
    requireWritable();
    requireAdmissible(sequence, count, reserveTokens, headroomBlocks);
    int reserve = reserve(sequence, reserveTokens);
    DraftOutcome outcome = tryAdmit(sequence, count, reserve, headroomBlocks);
    return attempted(sequence, count, reserve, headroomBlocks, outcome);
  }

  @Override
  public DraftOutcome resume(int sequence, int headroomBlocks) {
    requireWritable();
    if (!sequences.isSwapped(live(sequence))) {
      throw violation(
          Invariant.INV_32,
          sequence,
          "only a swapped sequence can be resumed, but it is " + sequences.state(sequence));
    }
    if (headroomBlocks < 0) {
      throw violation(
          Invariant.INV_11,
          sequence,
          "headroomBlocks must be at least 0, but was " + headroomBlocks + " blocks");
    }
    if (sequence >= resumedFor.length) {
      resumedFor = Arrays.copyOf(resumedFor, Math.max(sequence + 1, resumedFor.length * 2));
    }
    if (resumedFor[sequence] == plans) {
      // Moved in and out again without a plan in between: a policy could go on like that for ever.
      return attempted(sequence, 0, 0, headroomBlocks, DraftOutcome.NO_BLOCKS);
    }
    DraftOutcome outcome = tryAdmit(sequence, 0, 0, headroomBlocks);
    if (outcome.done()) {
      resumedFor[sequence] = plans;
    }
    return attempted(sequence, 0, 0, headroomBlocks, outcome);
  }

  /** Keeps what an attempt wanted and what it was answered. */
  private DraftOutcome attempted(
      int sequence, int count, int reserveTokens, int headroomBlocks, DraftOutcome outcome) {
    if (attempts == attempted.length) {
      attempted = Arrays.copyOf(attempted, attempts * 2);
      answers = Arrays.copyOf(answers, attempts * 2);
      wantedTokens = Arrays.copyOf(wantedTokens, attempts * 2);
      wantedReserves = Arrays.copyOf(wantedReserves, attempts * 2);
      wantedHeadrooms = Arrays.copyOf(wantedHeadrooms, attempts * 2);
    }
    attempted[attempts] = sequence;
    wantedTokens[attempts] = count;
    wantedReserves[attempts] = reserveTokens;
    wantedHeadrooms[attempts] = headroomBlocks;
    answers[attempts++] = outcome;
    return outcome;
  }

  @Override
  public DraftOutcome preempt(int victim, int beneficiary, PreemptionMode mode, QueueEnd place) {
    requireWritable();
    Check.notNull("mode", mode);
    Check.notNull("place", place);
    requirePreemptable(victim);
    if (!sequences.isRunning(live(beneficiary)) && !sequences.isQueued(beneficiary)) {
      throw violation(
          Invariant.INV_20,
          beneficiary,
          "the beneficiary must be running or queued, but it is " + sequences.state(beneficiary));
    }
    if (sequences.plansInFlight(victim) > 0) {
      return DraftOutcome.IN_FLIGHT;
    }
    long owner = sequences.owners[victim];
    oneOwner[0] = owner;
    if (mode == PreemptionMode.SWAP) {
      if (!pool.swapOut(oneOwner, 1).ok()) {
        return DraftOutcome.NO_HOST_BLOCKS;
      }
      moving = true;
    }
    raise(Event.PREEMPTING, victim, 0);
    takeOut(victim);
    record(Step.PREEMPTED, victim, beneficiary);
    int slot = sequences.slots[victim];
    sequences.freeSlot(victim);
    adapters.remove(sequences.requestOf(victim).adapter());
    events.released(slot, sequences.handle(victim));
    if (mode == PreemptionMode.SWAP) {
      sequences.setState(victim, SequenceState.SWAPPED);
    } else {
      pool.release(owner, ReleaseOrder.DEEPEST_FIRST);
      sequences.owners[victim] = KvPoolView.NO_OWNER;
      sequences.forgetComputed(victim);
      sequences.setState(victim, SequenceState.WAITING);
    }
    sequences.preempted[victim]++;
    mark(victim);
    preemptions++;
    if (place == QueueEnd.HEAD) {
      sequences.enqueueHead(victim);
    } else {
      sequences.enqueueTail(victim);
    }
    raise(Event.QUEUED, victim, 0);
    return DraftOutcome.DONE;
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
    requireWritable();
    for (int i = 0; i < count; i++) {
      requirePreemptable(victims[i]);
      if (sequences.plansInFlight(victims[i]) > 0) {
        return DraftOutcome.IN_FLIGHT;
      }
    }
    boolean queued = sequences.isQueued(live(sequence));
    if (queued) {
      requireAdmissible(sequence, tokens, reserveTokens, headroomBlocks);
    } else {
      requireSchedulable(sequence, tokens);
    }
    int before = pool.savepoint();
    int tokensBefore = this.tokens;
    for (int i = 0; i < count; i++) {
      suppose(victims[i], modes[i]);
    }
    DraftOutcome outcome;
    if (queued) {
      outcome = obstacle(sequence, sequences.freeSlots() + count);
      if (outcome.done()) {
        outcome = room(sequence, tokens, reserve(sequence, reserveTokens), headroomBlocks);
      }
    } else if (tokens > limits.maxTokens() - this.tokens) {
      outcome = DraftOutcome.OVER_TOKENS;
    } else {
      KvOutcome grown =
          pool.growTo(sequences.owners[sequence], sequences.computed(sequence) + tokens);
      outcome = grown.ok() ? DraftOutcome.DONE : refusal(grown);
    }
    pool.rollbackTo(before);
    this.tokens = tokensBefore;
    for (int i = 0; i < count; i++) {
      adapters.add(sequences.requestOf(victims[i]).adapter());
    }
    return outcome;
  }

  /** Takes from pool, adapters and tokens what a preemption would give back, and nothing else. */
  private void suppose(int victim, PreemptionMode mode) {
    long owner = sequences.owners[victim];
    oneOwner[0] = owner;
    if (mode == PreemptionMode.RECOMPUTE || !pool.swapOut(oneOwner, 1).ok()) {
      pool.release(owner, ReleaseOrder.DEEPEST_FIRST);
    }
    tokens -= sequences.scheduled(victim);
    adapters.remove(sequences.requestOf(victim).adapter());
  }

  @Override
  public void defer(int sequence) {
    requireWritable();
    requireQueued(sequence, "deferred");
    attempted(sequence, 0, 0, 0, DraftOutcome.LATER);
  }

  @Override
  public void refuse(int sequence) {
    requireWritable();
    requireQueued(sequence, "refused");
    endQueued(sequence, Step.REFUSED);
  }

  @Override
  public void expire(int sequence) {
    requireWritable();
    requireQueued(sequence, "expired");
    endQueued(sequence, Step.EXPIRED);
  }

  private void endQueued(int sequence, Step how) {
    record(how, sequence, sequences.dequeue(sequence));
    sequences.setState(sequence, SequenceState.FINISHED);
    endings++;
  }

  @Override
  public void pad(int count) {
    requireWritable();
    if (count < 0) {
      throw violation(Invariant.INV_05, "padding must be at least 0 tokens, but was " + count);
    }
    padding = count;
  }

  // ---- the steps

  private void requireWritable() {
    if (!writable) {
      throw violation(
          Invariant.INV_03,
          fault == null
              ? "a draft may be written to only while plan runs, and not from within an event"
              : "a draft is void once an event has thrown");
    }
  }

  private void requireSchedulable(int sequence, int count) {
    boolean fine =
        writable
            && sequences.mayBeRunning(sequence)
            && sequences.scheduled(sequence) == 0
            && count >= 1
            && count <= sequences.needTokens(sequence);
    if (!fine) {
      throw unschedulable(sequence, count);
    }
  }

  /**
   * Says why a sequence cannot be scheduled; apart, so that the check stays small enough to inline.
   */
  private PolicyViolationException unschedulable(int sequence, int count) {
    requireWritable();
    if (!sequences.isRunning(live(sequence))) {
      return violation(
          Invariant.INV_03,
          sequence,
          "only a running sequence can be scheduled, but it is " + sequences.state(sequence));
    }
    if (sequences.scheduled(sequence) > 0) {
      return violation(
          Invariant.INV_03,
          sequence,
          "it stands in this batch already, with " + sequences.scheduled(sequence) + " tokens");
    }
    int need = sequences.needTokens(sequence);
    return violation(
        Invariant.INV_07,
        sequence,
        need == 0
            ? "nothing can be scheduled until a plan in flight completes, but tokens was " + count
            : "tokens must be from 1 to the " + need + " needed, but was " + count);
  }

  private void requirePreemptable(int victim) {
    if (!sequences.isRunning(live(victim))) {
      throw violation(
          Invariant.INV_20,
          victim,
          "only a running sequence can be preempted, but it is " + sequences.state(victim));
    }
    for (int i = 0; i < admittedSize; i++) {
      if (admitted[i] == victim) {
        throw violation(
            Invariant.INV_22,
            victim,
            "it was admitted in this very draft and cannot be preempted before it ran");
      }
    }
  }

  private void requireAdmissible(int sequence, int count, int reserveTokens, int headroomBlocks) {
    requireQueued(sequence, "admitted");
    if (count < 1) {
      throw violation(Invariant.INV_07, sequence, "tokens must be at least 1, but was " + count);
    }
    if (reserveTokens < 0 || headroomBlocks < 0) {
      throw violation(
          Invariant.INV_11,
          sequence,
          "reserveTokens and headroomBlocks must be at least 0, but were "
              + reserveTokens
              + " tokens and "
              + headroomBlocks
              + " blocks");
    }
  }

  private void requireQueued(int sequence, String verb) {
    if (!sequences.isQueued(live(sequence))) {
      throw violation(
          Invariant.INV_02,
          sequence,
          "only a queued sequence can be " + verb + ", but it is " + sequences.state(sequence));
    }
  }

  private DraftOutcome add(int sequence, int count, int draftTokens) {
    if (count > limits.maxTokens() - tokens) {
      return DraftOutcome.OVER_TOKENS;
    }
    int end = sequences.computed(sequence) + count;
    if (end > sequences.writable(sequence)) {
      DraftOutcome grown = grow(sequence, end);
      if (!grown.done()) {
        return grown;
      }
    }
    putIn(sequence, count, draftTokens);
    return DraftOutcome.DONE;
  }

  private DraftOutcome grow(int sequence, int lengthTokens) {
    long owner = sequences.owners[sequence];
    KvOutcome outcome = pool.growTo(owner, lengthTokens);
    if (!outcome.ok()) {
      return refusal(outcome);
    }
    record(Step.GREW, sequence);
    sequences.setWritable(sequence, pool.writableTokens(owner));
    return DraftOutcome.DONE;
  }

  private DraftOutcome tryAdmit(int sequence, int count, int reserveTokens, int headroomBlocks) {
    DraftOutcome obstacle = obstacle(sequence, sequences.freeSlots());
    if (!obstacle.done()) {
      return obstacle;
    }
    int before = pool.savepoint();
    DraftOutcome outcome = room(sequence, count, reserveTokens, headroomBlocks);
    if (!outcome.done()) {
      pool.rollbackTo(before);
      return outcome;
    }
    record(Step.ADMITTED, sequence, sequences.dequeue(sequence));
    moving |= sequences.isSwapped(sequence);
    if (sequences.isWaiting(sequence)) {
      sequences.owners[sequence] = roomOwner;
      sequences.setComputed(sequence, roomComputed);
      sequences.setPublished(sequence, roomComputed);
    }
    run(sequence, roomWork, roomLength, roomComputed);
    return DraftOutcome.DONE;
  }

  /**
   * Returns for how many tokens a queued sequence takes blocks at least. While a transfer holds
   * memory that nobody can take back, one that has yielded waits until there is room for all it
   * knows; to compute a part of it once more would only lead to the same shortage.
   */
  private int reserve(int sequence, int reserveTokens) {
    boolean whole = sequences.pendingTransfers > 0 && sequences.preempted[sequence] > 0;
    return whole ? Math.max(reserveTokens, sequences.known(sequence)) : reserveTokens;
  }

  /** Returns what keeps a queued sequence from starting beside tokens and blocks, or DONE. */
  private DraftOutcome obstacle(int sequence, int freeSlots) {
    if (yielded(sequence)) {
      return DraftOutcome.NO_BLOCKS;
    }
    if (freeSlots == 0) {
      return DraftOutcome.NO_SLOT;
    }
    if (!adapters.hasRoomFor(sequences.requestOf(sequence).adapter())) {
      return DraftOutcome.NO_ADAPTER;
    }
    return sequences.handsOver[sequence] && sequences.pinnedBlocks >= maxPinnedBlocks
        ? DraftOutcome.NO_BLOCKS
        : DraftOutcome.DONE;
  }

  /**
   * Takes tokens and blocks for a queued sequence from the pool, and nothing else; the caller takes
   * the pool back to where it was if the answer is not DONE.
   */
  private DraftOutcome room(int sequence, int count, int reserveTokens, int headroomBlocks) {
    return sequences.isWaiting(sequence)
        ? start(sequence, count, reserveTokens, headroomBlocks)
        : swapIn(sequence, count, reserveTokens, headroomBlocks);
  }

  private DraftOutcome start(int sequence, int count, int reserveTokens, int headroomBlocks) {
    int known = sequences.known(sequence);
    BlockKeyChain chain = sequences.keys[sequence];
    int hit = 0;
    if (chain != null) {
      pool.probe(chain, known - 1, probe);
      hit = probe.deviceTokens();
    }
    int work = Math.min(count, known - hit);
    if (work > limits.maxTokens() - tokens) {
      return DraftOutcome.OVER_TOKENS;
    }
    int length = Math.max(reserveTokens, hit + work);
    if (chain == null && lacks(sequences.blocksFor(length), headroomBlocks)) {
      return shortage(sequences.blocksFor(length));
    }
    long owner =
        chain == null ? pool.open(OwnerKind.SEQUENCE) : pool.open(OwnerKind.SEQUENCE, chain);
    KvOutcome outcome =
        pool.tryAllocate(owner, demand(length, chain == null ? 0 : known - 1, headroomBlocks));
    if (!outcome.ok()) {
      return refusal(outcome);
    }
    roomOwner = owner;
    roomWork = work;
    roomLength = length;
    roomComputed = hit;
    return DraftOutcome.DONE;
  }

  private DraftOutcome swapIn(int sequence, int count, int reserveTokens, int headroomBlocks) {
    int work = Math.min(count, sequences.needTokens(sequence));
    if (work > limits.maxTokens() - tokens) {
      return DraftOutcome.OVER_TOKENS;
    }
    long owner = sequences.owners[sequence];
    int computed = sequences.computed(sequence);
    // A reservation made at the first admission still stands.
    int length = Math.max(Math.max(reserveTokens, sequences.reserved(sequence)), computed + work);
    int blocks = Math.max(sequences.heldBlocks(sequence), sequences.blocksFor(length));
    if (lacks(blocks, headroomBlocks)) {
      return shortage(blocks);
    }
    oneOwner[0] = owner;
    KvOutcome outcome = pool.swapIn(oneOwner, 1);
    if (outcome.ok()) {
      outcome = pool.growTo(owner, length);
    }
    if (!outcome.ok()) {
      return refusal(outcome);
    }
    roomOwner = owner;
    roomWork = work;
    roomLength = length;
    roomComputed = computed;
    return DraftOutcome.DONE;
  }

  /**
   * Returns whether blocks are short for sure: the common answer to a blocked head, without asking
   * the pool.
   */
  private boolean lacks(int blocks, int headroomBlocks) {
    return (long) blocks + headroomBlocks + pool.watermarkBlocks() > pool.availableBlocks();
  }

  private DraftOutcome shortage(int blocks) {
    return blocks > pool.usableBlocks() - pool.watermarkBlocks()
        ? DraftOutcome.NEVER_FITS
        : DraftOutcome.NO_BLOCKS;
  }

  private void run(int sequence, int count, int length, int cachedTokens) {
    sequences.setReserved(sequence, length);
    sequences.setWritable(sequence, pool.writableTokens(sequences.owners[sequence]));
    if (admittedSize == admitted.length) {
      admitted = Arrays.copyOf(admitted, admittedSize * 2);
      cached = Arrays.copyOf(cached, admittedSize * 2);
      swappedIn = Arrays.copyOf(swappedIn, admittedSize * 2);
    }
    cached[admittedSize] = cachedTokens;
    swappedIn[admittedSize] = sequences.isSwapped(sequence);
    admitted[admittedSize++] = sequence;
    sequences.setState(sequence, SequenceState.RUNNING);
    sequences.takeLowestSlot(sequence);
    adapters.add(sequences.requestOf(sequence).adapter());
    events.granted(sequences.slots[sequence], sequences.handle(sequence));
    if (count > 0) {
      putIn(sequence, count, 0);
    }
    raise(Event.ADMITTED, sequence, cachedTokens);
  }

  /**
   * Tells the policy what its own step did. It cannot write to the draft meanwhile; and if it
   * throws, the draft is void, whether or not the policy catches that.
   */
  private void raise(Event event, int sequence, int cachedTokens) {
    writable = false;
    try {
      switch (event) {
        case ADMITTED -> observer.admitted(sequence, cachedTokens);
        case PREEMPTING -> observer.preempting(sequence);
        case QUEUED -> observer.queued(sequence);
      }
    } catch (Throwable e) {
      fault = e;
      throw e;
    }
    writable = true;
  }

  private void putIn(int sequence, int count, int draftTokens) {
    sequences.setScheduled(sequence, count);
    if (draftTokens > 0) {
      sequences.setDrafts(sequence, draftTokens);
    }
    tokens += count;
    rows++;
    int at = batchSize;
    if (at == batch.length) {
      growBatch();
    }
    batch[at] = sequence;
    batchSize = at + 1;
  }

  private void growBatch() {
    batch = Arrays.copyOf(batch, batch.length * 2);
  }

  private void takeOut(int sequence) {
    int count = sequences.scheduled(sequence);
    if (count > 0) {
      sequences.setScheduled(sequence, 0);
      sequences.setDrafts(sequence, 0);
      tokens -= count;
      rows--;
    }
  }

  /** Returns whether a sequence has yielded in this round. */
  private boolean yielded(int sequence) {
    return sequence < preemptedIn.length && preemptedIn[sequence] == round;
  }

  private void mark(int sequence) {
    if (sequence >= preemptedIn.length) {
      preemptedIn = Arrays.copyOf(preemptedIn, Math.max(sequence + 1, preemptedIn.length * 2));
    }
    preemptedIn[sequence] = round;
  }

  /**
   * Blocked sequences ask for the same demand again and again; recent ones are kept so that asking
   * allocates nothing.
   */
  private KvDemand demand(int length, int hitLimit, int headroom) {
    int at = (31 * length + hitLimit) & (DEMANDS - 1);
    KvDemand kept = demands[at];
    if (kept != null
        && kept.lengthTokens() == length
        && kept.hitLimitTokens() == hitLimit
        && kept.watermarkBlocks() == headroom) {
      return kept;
    }
    KvDemand fresh = new KvDemand(length, 0, hitLimit, headroom, 0);
    demands[at] = fresh;
    return fresh;
  }

  private static DraftOutcome refusal(KvOutcome outcome) {
    return outcome.verdict() == KvOutcome.Verdict.NEVER
        ? DraftOutcome.NEVER_FITS
        : DraftOutcome.NO_BLOCKS;
  }

  // ---- commit and rollback

  /** Turns the draft into a plan and makes its changes final. */
  void commit(BatchPlan plan, long step) {
    pool.commit();
    for (int i = 0; i < attempts; i++) {
      sequences.refusal[attempted[i]] = answers[i];
    }
    if (preemptions > 0) {
      sequences.compactRunning();
    }
    for (int i = 0; i < admittedSize; i++) {
      sequences.addRunning(admitted[i]);
    }
    plan.begin();
    movesWait |= moving;
    if (rows == 0) {
      return;
    }
    movesWait = false;
    plans++;
    plan.reserve(rows);
    int bound = sequences.slotBound();
    if (later.length < bound) {
      later = new int[Math.max(bound, later.length * 2)];
    }
    int others = sequences.commitDecodes(plan, later);
    for (int i = 0; i < others; i++) {
      if (sequences.drafts(later[i]) > 0) {
        addVerify(plan, later[i]);
        later[i] = NONE;
      }
    }
    for (int i = 0; i < others; i++) {
      if (later[i] != NONE) {
        addPrefill(plan, later[i]);
      }
    }
    // Moves of decisions without rows wait for the next plan that has some.
    pool.drainMoves(plan.moveSink);
    plan.finish(step, limits.padded(rows), padding);
  }

  private void addVerify(BatchPlan plan, int s) {
    sequences.setHold(s, Sequences.VERIFYING);
    sequences.setDrafts(s, 0);
    addRow(plan, s, WorkKind.VERIFY, true);
  }

  private void addPrefill(BatchPlan plan, int s) {
    int end = sequences.computed(s) + sequences.scheduled(s);
    boolean emits = end == sequences.known(s);
    addRow(plan, s, WorkKind.PREFILL, emits);
    sequences.setComputed(s, end);
    if (emits) {
      sequences.addOutstanding(s, 1);
      sequences.addKnown(s, 1);
    }
  }

  private void addRow(BatchPlan plan, int s, WorkKind kind, boolean emits) {
    plan.add(
        s,
        sequences.handle(s),
        sequences.slots[s],
        kind,
        sequences.computed(s),
        sequences.scheduled(s),
        emits,
        sequences.outstanding(s) > 0,
        sequences.owners[s]);
    sequences.setScheduled(s, 0);
    sequences.addPlansInFlight(s, 1);
  }

  /**
   * Returns whether KV was moved by decisions without rows, so that no plan has taken the moves
   * yet: blocks that count as free may still have to be read.
   */
  boolean movesWait() {
    return movesWait;
  }

  /** Undoes everything since {@link #begin}, in reverse. */
  void rollback() {
    writable = false;
    pool.rollbackTo(savepoint);
    pool.commit();
    events.truncate(eventsBefore);
    for (int i = steps - 1; i >= 0; i--) {
      undo(i);
    }
    for (int i = 0; i < batchSize; i++) {
      sequences.setScheduled(batch[i], 0);
      sequences.setDrafts(batch[i], 0);
    }
    batchSize = 0;
    rows = 0;
    steps = 0;
    preemptions = 0;
    endings = 0;
    admittedSize = 0;
  }

  /** Returns how many places of {@link #drafted} count. */
  int draftedCount() {
    return batchSize;
  }

  /**
   * Returns the {@code i}-th sequence that was put into the batch of the last draft; one that was
   * preempted afterwards is not in the plan.
   */
  int drafted(int i) {
    return batch[i];
  }

  /** Returns how many admissions were tried, with or without success. */
  int attempts() {
    return attempts;
  }

  /** Returns the sequence that the {@code i}-th attempt wanted to admit. */
  int attempted(int i) {
    return attempted[i];
  }

  /** Returns what the {@code i}-th attempt was answered. */
  DraftOutcome answer(int i) {
    return answers[i];
  }

  /** Returns the tokens that the {@code i}-th attempt asked for at most. */
  int wantedTokens(int i) {
    return wantedTokens[i];
  }

  /** Returns the length that the {@code i}-th attempt wanted to set aside. */
  int wantedReserve(int i) {
    return wantedReserves[i];
  }

  /** Returns the blocks that the {@code i}-th attempt wanted to leave free. */
  int wantedHeadroom(int i) {
    return wantedHeadrooms[i];
  }

  /** Returns how many queued sequences were ended. */
  int endings() {
    return endings;
  }

  int steps() {
    return steps;
  }

  /** Returns the queued sequence that step {@code i} ended, or NONE if it did something else. */
  int endedBy(int i) {
    return stepKinds[i] == Step.REFUSED || stepKinds[i] == Step.EXPIRED ? stepSequences[i] : NONE;
  }

  /** Returns why step {@code i} ended a sequence. */
  End endOf(int i) {
    return stepKinds[i] == Step.EXPIRED ? End.EXPIRED : End.NEVER_FITS;
  }

  /** Returns the sequence that step {@code i} preempted, or NONE if it did something else. */
  int preemptedBy(int i) {
    return stepKinds[i] == Step.PREEMPTED ? stepSequences[i] : NONE;
  }

  /** Returns for whom step {@code i} preempted. */
  int beneficiaryBy(int i) {
    return stepNeighbours[i];
  }

  int admittedCount() {
    return admittedSize;
  }

  int admitted(int i) {
    return admitted[i];
  }

  /** Returns whether the {@code i}-th admitted sequence came back from host memory. */
  boolean swappedIn(int i) {
    return swappedIn[i];
  }

  /** Returns the tokens that the {@code i}-th admitted sequence need not compute. */
  int cached(int i) {
    return cached[i];
  }

  private void undo(int i) {
    int s = stepSequences[i];
    switch (stepKinds[i]) {
      case GREW -> sequences.setWritable(s, stepWritable[i]);
      case REFUSED, EXPIRED -> {
        sequences.setState(s, stepStates[i]);
        sequences.enqueueAfter(stepNeighbours[i], s);
      }
      case ADMITTED -> {
        if (s < resumedFor.length) {
          resumedFor[s] = 0;
        }
        adapters.remove(sequences.requestOf(s).adapter());
        sequences.freeSlot(s);
        restore(i, s);
        sequences.enqueueAfter(stepNeighbours[i], s);
      }
      case PREEMPTED -> {
        sequences.dequeue(s);
        sequences.preempted[s]--;
        preemptedIn[s] = 0;
        restore(i, s);
        sequences.takeSlot(s, stepSlots[i]);
        adapters.add(sequences.requestOf(s).adapter());
      }
    }
  }

  private void restore(int i, int s) {
    sequences.setState(s, stepStates[i]);
    sequences.setComputed(s, stepComputed[i]);
    sequences.setPublished(s, stepPublished[i]);
    sequences.setWritable(s, stepWritable[i]);
    sequences.setReserved(s, stepReserved[i]);
    sequences.owners[s] = stepOwners[i];
  }

  private void record(Step kind, int s, int neighbour) {
    int i = record(kind, s);
    stepNeighbours[i] = neighbour;
    stepStates[i] = sequences.states[s];
    stepComputed[i] = sequences.computed(s);
    stepPublished[i] = sequences.published(s);
    stepReserved[i] = sequences.reserved(s);
    stepSlots[i] = sequences.slots[s];
    stepOwners[i] = sequences.owners[s];
  }

  /** Records a step that changes nothing but how far a sequence may write; returns its place. */
  private int record(Step kind, int s) {
    int i = steps;
    if (i == stepKinds.length) {
      int length = i * 2;
      stepKinds = Arrays.copyOf(stepKinds, length);
      stepSequences = Arrays.copyOf(stepSequences, length);
      stepNeighbours = Arrays.copyOf(stepNeighbours, length);
      stepStates = Arrays.copyOf(stepStates, length);
      stepComputed = Arrays.copyOf(stepComputed, length);
      stepPublished = Arrays.copyOf(stepPublished, length);
      stepWritable = Arrays.copyOf(stepWritable, length);
      stepReserved = Arrays.copyOf(stepReserved, length);
      stepSlots = Arrays.copyOf(stepSlots, length);
      stepOwners = Arrays.copyOf(stepOwners, length);
    }
    steps = i + 1;
    stepKinds[i] = kind;
    stepSequences[i] = s;
    stepWritable[i] = sequences.writable(s);
    return i;
  }

  private int live(int sequence) {
    if (!sequences.isLive(sequence)) {
      throw violation(Invariant.INV_02, "sequence " + sequence + " is unknown or over");
    }
    return sequence;
  }

  private PolicyViolationException violation(Invariant rule, String detail) {
    return new PolicyViolationException(policyId, rule, "", detail);
  }

  private PolicyViolationException violation(Invariant rule, int sequence, String detail) {
    return new PolicyViolationException(policyId, rule, sequences.requestOf(sequence).id(), detail);
  }
}
