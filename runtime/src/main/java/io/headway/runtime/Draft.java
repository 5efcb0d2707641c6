package io.headway.runtime;

import io.headway.api.Invariant;
import io.headway.api.PolicyViolationException;
import io.headway.api.batching.BatchDraft;
import io.headway.api.batching.DraftOutcome;
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
 */
final class Draft implements BatchDraft {
  private static final int NONE = Sequences.NONE;

  /** What was done, for undoing it. */
  private enum Step {
    ADMITTED,
    GREW,
    PREEMPTED,
    REFUSED
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
  private final BlockKeyChain noKeys;

  private String policyId = "";
  private int id;
  private int tokens;
  private int rows;
  private int preemptions;
  private int padding;
  private int[] batch = new int[16];
  private int batchSize;
  private int[] admitted = new int[16];
  private int admittedSize;
  private int[] later = new int[16];
  private int eventsBefore;
  private int savepoint;
  private int[] preemptedIn = new int[64];

  // The undo record: one entry per step.
  private int steps;
  private Step[] stepKinds = new Step[16];
  private int[] stepSequences = new int[16];
  private int[] stepNeighbours = new int[16];
  private SequenceState[] stepStates = new SequenceState[16];
  private int[] stepComputed = new int[16];
  private int[] stepPublished = new int[16];
  private int[] stepWritable = new int[16];
  private int[] stepSlots = new int[16];
  private long[] stepOwners = new long[16];

  private @Nullable KvDemand lastDemand;

  Draft(
      Sequences sequences,
      EventQueue events,
      Adapters adapters,
      Observer observer,
      int maxPinnedBlocks,
      BlockKeyChain noKeys) {
    this.sequences = sequences;
    this.pool = sequences.pool;
    this.limits = sequences.limits;
    this.events = events;
    this.adapters = adapters;
    this.observer = observer;
    this.maxPinnedBlocks = maxPinnedBlocks;
    this.noKeys = noKeys;
  }

  void begin(String policy) {
    policyId = policy;
    id++;
    tokens = 0;
    rows = 0;
    preemptions = 0;
    padding = 0;
    batchSize = 0;
    admittedSize = 0;
    steps = 0;
    eventsBefore = events.size();
    savepoint = pool.savepoint();
  }

  /** Returns whether anything at all was changed. */
  boolean changedAnything() {
    return steps > 0 || rows > 0;
  }

  boolean isEmpty() {
    return rows == 0;
  }

  boolean inDraft(int sequence) {
    return sequences.scheduled[sequence] > 0;
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
    return sequences.scheduled[live(sequence)];
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
    if (sequences.inFlight[sequence] > 0) {
      throw violation(
          Invariant.INV_29,
          sequence,
          "drafts can be verified only when no plan in flight contains the sequence");
    }
    int room = sequences.maxNew[sequence] - sequences.generatedTokens(sequence) - 1;
    if (draftTokens < 1 || draftTokens > room) {
      throw violation(
          Invariant.INV_29,
          sequence,
          "draftTokens must be from 1 to the "
              + room
              + " output tokens left behind the next one, but was "
              + draftTokens);
    }
    return add(sequence, 1 + draftTokens, draftTokens);
  }

  @Override
  public DraftOutcome admit(int sequence, int count, int reserveTokens, int headroomBlocks) {
    if (!sequences.isQueued(live(sequence))) {
      throw violation(
          Invariant.INV_02,
          sequence,
          "only a queued sequence can be admitted, but it is " + sequences.state(sequence));
    }
    if (count < 1) {
      throw violation(Invariant.INV_07, sequence, "tokens must be at least 1, but was " + count);
    }
    if (reserveTokens < 0 || headroomBlocks < 0) {
      throw violation(
          Invariant.INV_11,
          sequence,
          "reserveTokens and headroomBlocks must be at least 0, but were "
              + reserveTokens
              + " and "
              + headroomBlocks);
    }
    DraftOutcome outcome = tryAdmit(sequence, count, reserveTokens, headroomBlocks);
    sequences.refusal[sequence] = outcome;
    return outcome;
  }

  @Override
  public DraftOutcome preempt(int victim, int beneficiary, PreemptionMode mode, QueueEnd place) {
    if (!sequences.isRunning(live(victim))) {
      throw violation(
          Invariant.INV_20,
          victim,
          "only a running sequence can be preempted, but it is " + sequences.state(victim));
    }
    if (!sequences.isRunning(live(beneficiary)) && !sequences.isQueued(beneficiary)) {
      throw violation(
          Invariant.INV_20,
          beneficiary,
          "the beneficiary must be running or queued, but it is " + sequences.state(beneficiary));
    }
    for (int i = 0; i < admittedSize; i++) {
      if (admitted[i] == victim) {
        throw violation(
            Invariant.INV_22,
            victim,
            "it was admitted in this very draft and cannot be preempted before it ran");
      }
    }
    if (sequences.inFlight[victim] > 0) {
      return DraftOutcome.IN_FLIGHT;
    }
    long owner = sequences.owners[victim];
    if (mode == PreemptionMode.SWAP) {
      oneOwner[0] = owner;
      if (!pool.swapOut(oneOwner, 1).ok()) {
        return DraftOutcome.NO_HOST_BLOCKS;
      }
    }
    takeOut(victim);
    observer.preempting(victim);
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
      sequences.computed[victim] = 0;
      sequences.published[victim] = 0;
      sequences.writable[victim] = 0;
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
    observer.queued(victim);
    return DraftOutcome.DONE;
  }

  @Override
  public void refuse(int sequence) {
    if (!sequences.isQueued(live(sequence))) {
      throw violation(
          Invariant.INV_02,
          sequence,
          "only a queued sequence can be refused, but it is " + sequences.state(sequence));
    }
    int neighbour = sequences.dequeue(sequence);
    record(Step.REFUSED, sequence, neighbour);
    sequences.setState(sequence, SequenceState.FINISHED);
  }

  @Override
  public void pad(int count) {
    if (count < 0) {
      throw new PolicyViolationException(
          policyId, Invariant.INV_05, "", "padding must be at least 0 tokens, but was " + count);
    }
    padding = count;
  }

  // ---- the steps

  private void requireSchedulable(int sequence, int count) {
    if (!sequences.isRunning(live(sequence))) {
      throw violation(
          Invariant.INV_03,
          sequence,
          "only a running sequence can be scheduled, but it is " + sequences.state(sequence));
    }
    if (sequences.scheduled[sequence] > 0) {
      throw violation(
          Invariant.INV_03,
          sequence,
          "it stands in this batch already, with " + sequences.scheduled[sequence] + " tokens");
    }
    int need = sequences.needTokens(sequence);
    if (count < 1 || count > need) {
      throw violation(
          Invariant.INV_07,
          sequence,
          need == 0
              ? "nothing can be scheduled until a plan in flight completes, but tokens was " + count
              : "tokens must be from 1 to the " + need + " needed, but was " + count);
    }
  }

  private DraftOutcome add(int sequence, int count, int draftTokens) {
    if (count > limits.maxTokens() - tokens) {
      return DraftOutcome.OVER_TOKENS;
    }
    int end = sequences.computed[sequence] + count;
    int writable = sequences.writable[sequence];
    if (end > writable) {
      long owner = sequences.owners[sequence];
      KvOutcome outcome = pool.growTo(owner, end);
      if (!outcome.ok()) {
        return refusal(outcome);
      }
      record(Step.GREW, sequence, NONE);
      sequences.writable[sequence] = pool.writableTokens(owner);
    }
    putIn(sequence, count, draftTokens);
    return DraftOutcome.DONE;
  }

  private DraftOutcome tryAdmit(int sequence, int count, int reserveTokens, int headroomBlocks) {
    if (preemptedIn.length > sequence && preemptedIn[sequence] == id) {
      return DraftOutcome.NO_BLOCKS;
    }
    if (sequences.freeSlots() == 0) {
      return DraftOutcome.NO_SLOT;
    }
    if (!adapters.hasRoomFor(sequences.requestOf(sequence).adapter())) {
      return DraftOutcome.NO_ADAPTER;
    }
    if (sequences.handsOver[sequence] && sequences.pinnedBlocks() >= maxPinnedBlocks) {
      return DraftOutcome.NO_BLOCKS;
    }
    return sequences.state(sequence) == SequenceState.SWAPPED
        ? swapIn(sequence, count, headroomBlocks)
        : start(sequence, count, reserveTokens, headroomBlocks);
  }

  private DraftOutcome start(int sequence, int count, int reserveTokens, int headroomBlocks) {
    int known = sequences.prompt[sequence] + sequences.generated[sequence];
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
    int blocks = sequences.blocksFor(length);
    if (blocks > pool.usableBlocks()) {
      return DraftOutcome.NEVER_FITS;
    }
    if (chain == null
        && blocks + headroomBlocks + pool.watermarkBlocks() > pool.availableBlocks()) {
      // The common refusal of a blocked head: no need to ask the pool, and nothing is allocated.
      return DraftOutcome.NO_BLOCKS;
    }
    KvDemand demand = demand(length, chain == null ? 0 : known - 1, headroomBlocks);
    KvOutcome outcome = pool.check(chain == null ? noKeys : chain, demand);
    if (!outcome.ok()) {
      return refusal(outcome);
    }
    long owner =
        chain == null ? pool.open(OwnerKind.SEQUENCE) : pool.open(OwnerKind.SEQUENCE, chain);
    outcome = pool.tryAllocate(owner, demand);
    if (!outcome.ok()) {
      throw new IllegalStateException(
          "the pool broke INV-12: its check said OK and its allocation " + outcome);
    }
    int neighbour = sequences.dequeue(sequence);
    record(Step.ADMITTED, sequence, neighbour);
    hit = pool.hitTokens(owner);
    sequences.owners[sequence] = owner;
    sequences.computed[sequence] = hit;
    sequences.published[sequence] = hit;
    sequences.writable[sequence] = pool.writableTokens(owner);
    run(sequence, Math.min(work, known - hit), hit);
    return DraftOutcome.DONE;
  }

  private DraftOutcome swapIn(int sequence, int count, int headroomBlocks) {
    int work = Math.min(count, sequences.needTokens(sequence));
    if (work > limits.maxTokens() - tokens) {
      return DraftOutcome.OVER_TOKENS;
    }
    long owner = sequences.owners[sequence];
    int end = sequences.computed[sequence] + work;
    int blocks = Math.max(pool.blockCount(owner, 0), sequences.blocksFor(end));
    if (blocks + headroomBlocks + pool.watermarkBlocks() > pool.availableBlocks()) {
      return blocks > pool.usableBlocks() ? DraftOutcome.NEVER_FITS : DraftOutcome.NO_BLOCKS;
    }
    int before = pool.savepoint();
    oneOwner[0] = owner;
    KvOutcome outcome = pool.swapIn(oneOwner, 1);
    if (outcome.ok()) {
      outcome = pool.growTo(owner, end);
    }
    if (!outcome.ok()) {
      pool.rollbackTo(before);
      return refusal(outcome);
    }
    int neighbour = sequences.dequeue(sequence);
    record(Step.ADMITTED, sequence, neighbour);
    sequences.writable[sequence] = pool.writableTokens(owner);
    run(sequence, work, sequences.computed[sequence]);
    return DraftOutcome.DONE;
  }

  private void run(int sequence, int count, int cachedTokens) {
    sequences.setState(sequence, SequenceState.RUNNING);
    sequences.takeLowestSlot(sequence);
    adapters.add(sequences.requestOf(sequence).adapter());
    events.granted(sequences.slots[sequence], sequences.handle(sequence));
    if (admittedSize == admitted.length) {
      admitted = Arrays.copyOf(admitted, admittedSize * 2);
    }
    admitted[admittedSize++] = sequence;
    putIn(sequence, count, 0);
    observer.admitted(sequence, cachedTokens);
  }

  private void putIn(int sequence, int count, int draftTokens) {
    sequences.scheduled[sequence] = count;
    sequences.drafts[sequence] = draftTokens;
    tokens += count;
    rows++;
    if (batchSize == batch.length) {
      batch = Arrays.copyOf(batch, batchSize * 2);
    }
    batch[batchSize++] = sequence;
  }

  private void takeOut(int sequence) {
    int count = sequences.scheduled[sequence];
    if (count > 0) {
      sequences.scheduled[sequence] = 0;
      sequences.drafts[sequence] = 0;
      tokens -= count;
      rows--;
    }
  }

  private void mark(int sequence) {
    if (sequence >= preemptedIn.length) {
      preemptedIn = Arrays.copyOf(preemptedIn, Math.max(sequence + 1, preemptedIn.length * 2));
    }
    preemptedIn[sequence] = id;
  }

  /**
   * A blocked head asks for the same demand again and again; the last one is kept so that asking
   * allocates nothing.
   */
  private KvDemand demand(int length, int hitLimit, int headroom) {
    KvDemand last = lastDemand;
    if (last != null
        && last.lengthTokens() == length
        && last.hitLimitTokens() == hitLimit
        && last.watermarkBlocks() == headroom) {
      return last;
    }
    KvDemand fresh = new KvDemand(length, 0, hitLimit, headroom, 0);
    lastDemand = fresh;
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
    if (preemptions > 0) {
      sequences.compactRunning();
    }
    for (int i = 0; i < admittedSize; i++) {
      sequences.addRunning(admitted[i]);
    }
    plan.begin();
    int prefills = 0;
    int verifies = 0;
    int bound = sequences.slotBound();
    if (later.length < bound) {
      later = new int[Math.max(bound, later.length * 2)];
    }
    for (int slot = 0; slot < bound; slot++) {
      int s = sequences.slotHolder(slot);
      if (s == NONE || sequences.scheduled[s] == 0) {
        continue;
      }
      if (sequences.drafts[s] > 0) {
        verifies++;
        later[bound - verifies] = s;
      } else if (sequences.decoding(s)) {
        addRow(plan, s, WorkKind.DECODE);
      } else {
        later[prefills++] = s;
      }
    }
    for (int i = 1; i <= verifies; i++) {
      addRow(plan, later[bound - i], WorkKind.VERIFY);
    }
    for (int i = 0; i < prefills; i++) {
      addRow(plan, later[i], WorkKind.PREFILL);
    }
    pool.drainMoves(plan.moveSink);
    if (rows > 0) {
      plan.finish(step, limits.padded(rows), padding);
    }
    clearBatch();
  }

  private void addRow(BatchPlan plan, int s, WorkKind kind) {
    int count = sequences.scheduled[s];
    int start = sequences.computed[s];
    boolean onDevice = sequences.outstanding[s] > 0;
    boolean emits;
    int draftTokens = 0;
    if (kind == WorkKind.VERIFY) {
      draftTokens = sequences.drafts[s];
      emits = true;
      sequences.verifying[s] = true;
    } else {
      emits = count == sequences.needTokens(s);
      sequences.computed[s] = start + count;
      if (emits) {
        sequences.outstanding[s]++;
      }
    }
    sequences.inFlight[s]++;
    plan.add(
        s,
        sequences.handle(s),
        sequences.slots[s],
        kind,
        start,
        count,
        draftTokens,
        emits,
        onDevice,
        sequences.owners[s]);
  }

  /** Undoes everything since {@link #begin}, in reverse. */
  void rollback() {
    pool.rollbackTo(savepoint);
    pool.commit();
    events.truncate(eventsBefore);
    for (int i = steps - 1; i >= 0; i--) {
      undo(i);
    }
    clearBatch();
    rows = 0;
    steps = 0;
    preemptions = 0;
    admittedSize = 0;
  }

  int steps() {
    return steps;
  }

  /** Returns the sequence that step {@code i} refused, or NONE if it did something else. */
  int refusedBy(int i) {
    return stepKinds[i] == Step.REFUSED ? stepSequences[i] : NONE;
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

  private void undo(int i) {
    int s = stepSequences[i];
    switch (stepKinds[i]) {
      case GREW -> sequences.writable[s] = stepWritable[i];
      case REFUSED -> {
        restoreState(i, s);
        sequences.enqueueAfter(stepNeighbours[i], s);
      }
      case ADMITTED -> {
        adapters.remove(sequences.requestOf(s).adapter());
        sequences.freeSlot(s);
        restore(i, s);
        sequences.enqueueAfter(stepNeighbours[i], s);
      }
      case PREEMPTED -> {
        sequences.dequeue(s);
        sequences.preempted[s]--;
        restore(i, s);
        sequences.takeSlot(s, stepSlots[i]);
        adapters.add(sequences.requestOf(s).adapter());
      }
    }
  }

  private void restore(int i, int s) {
    restoreState(i, s);
    sequences.computed[s] = stepComputed[i];
    sequences.published[s] = stepPublished[i];
    sequences.writable[s] = stepWritable[i];
    sequences.owners[s] = stepOwners[i];
  }

  private void restoreState(int i, int s) {
    sequences.setState(s, stepStates[i]);
  }

  private void record(Step kind, int s, int neighbour) {
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
      stepSlots = Arrays.copyOf(stepSlots, length);
      stepOwners = Arrays.copyOf(stepOwners, length);
    }
    steps = i + 1;
    stepKinds[i] = kind;
    stepSequences[i] = s;
    stepNeighbours[i] = neighbour;
    stepStates[i] = sequences.states[s];
    stepComputed[i] = sequences.computed[s];
    stepPublished[i] = sequences.published[s];
    stepWritable[i] = sequences.writable[s];
    stepSlots[i] = sequences.slots[s];
    stepOwners[i] = sequences.owners[s];
  }

  private void clearBatch() {
    for (int i = 0; i < batchSize; i++) {
      sequences.scheduled[batch[i]] = 0;
      sequences.drafts[batch[i]] = 0;
    }
    batchSize = 0;
  }

  private int live(int sequence) {
    if (!sequences.isLive(sequence)) {
      throw new PolicyViolationException(
          policyId, Invariant.INV_02, "", "sequence " + sequence + " is unknown or over");
    }
    return sequence;
  }

  private PolicyViolationException violation(Invariant rule, int sequence, String detail) {
    return new PolicyViolationException(policyId, rule, sequences.requestOf(sequence).id(), detail);
  }
}
