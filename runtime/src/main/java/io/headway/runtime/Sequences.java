package io.headway.runtime;

import io.headway.api.RandomSource;
import io.headway.api.Request;
import io.headway.api.batching.BatchView;
import io.headway.api.batching.DraftOutcome;
import io.headway.api.batching.SequenceState;
import io.headway.api.memory.BlockKeyChain;
import io.headway.api.memory.KvBlockPool;
import io.headway.api.memory.KvFootprint;
import io.headway.api.memory.KvPoolView;
import io.headway.api.memory.KvProbe;
import java.util.Arrays;
import org.jspecify.annotations.Nullable;

/**
 * All live sequences of one scheduler as parallel arrays, the queue as a linked list and the
 * running set as an array in order of admission. What policies see of it is {@link BatchView}.
 */
final class Sequences implements BatchView {
  /** What becomes of a sequence once no plan in flight mentions it any more. */
  static final byte STAY = 0;

  static final byte RELEASE = 1;
  static final byte REQUEUE = 2;

  final Limits limits;
  final KvBlockPool pool;
  final RandomSource random;
  final Tenants tenants;
  private final KvFootprint footprint;
  private final RemainingTokens predictor;
  private final KvProbe probe = new KvProbe();

  long nowNanos;

  // One entry per sequence.
  @Nullable Request[] requests = new Request[64];
  int[] epochs = new int[64];
  SequenceState[] states = new SequenceState[64];
  byte[] afterFlight = new byte[64];
  int[] prompt = new int[64];
  int[] maxNew = new int[64];
  int[] generated = new int[64];
  int[] outstanding = new int[64];
  int[] computed = new int[64];
  int[] published = new int[64];
  int[] writable = new int[64];
  long[] owners = new long[64];
  int[] slots = new int[64];
  int[] inFlight = new int[64];
  int[] preempted = new int[64];
  int[] failures = new int[64];
  int[] suppressed = new int[64];
  int[] tenant = new int[64];
  int[] priority = new int[64];
  long[] arrival = new long[64];
  long[] deadline = new long[64];
  boolean[] verifying = new boolean[64];
  boolean[] handsOver = new boolean[64];
  DraftOutcome[] refusal = new DraftOutcome[64];
  @Nullable BlockKeyChain[] keys = new BlockKeyChain[64];
  private int[] previous = new int[64];
  private int[] next = new int[64];

  // This draft's part of the state; cleared by the draft.
  int[] scheduled = new int[64];
  int[] drafts = new int[64];

  private int used;
  private int firstFree = NONE;

  private int first = NONE;
  private int last = NONE;
  private int waiting;
  private int swapped;

  private int[] running = new int[16];
  private int runningSize;
  private int live;
  private int transferring;

  private final int[] slotHolder;
  private final long[] freeSlots;
  private int slotsUsed;
  private int slotBound;

  Sequences(
      Limits limits,
      KvBlockPool pool,
      RandomSource random,
      Tenants tenants,
      RemainingTokens predictor) {
    this.limits = limits;
    this.pool = pool;
    this.random = random;
    this.tenants = tenants;
    this.predictor = predictor;
    footprint = pool.footprint();
    slotHolder = new int[limits.maxSequences()];
    Arrays.fill(slotHolder, NONE);
    freeSlots = new long[(limits.maxSequences() + 63) >>> 6];
    for (int slot = 0; slot < limits.maxSequences(); slot++) {
      freeSlots[slot >>> 6] |= 1L << slot;
    }
  }

  // ---- life of a sequence

  int open(Request request, int tenantNumber, @Nullable BlockKeyChain chain) {
    int s = firstFree;
    if (s != NONE) {
      firstFree = next[s];
    } else {
      s = used++;
      if (s == states.length) {
        grow();
      }
    }
    requests[s] = request;
    states[s] = SequenceState.FINISHED;
    afterFlight[s] = STAY;
    prompt[s] = request.promptTokens();
    maxNew[s] = request.maxNewTokens();
    generated[s] = 0;
    outstanding[s] = 0;
    computed[s] = 0;
    published[s] = 0;
    writable[s] = 0;
    owners[s] = KvPoolView.NO_OWNER;
    slots[s] = NONE;
    inFlight[s] = 0;
    preempted[s] = 0;
    failures[s] = 0;
    suppressed[s] = 0;
    tenant[s] = tenantNumber;
    priority[s] = request.priority();
    arrival[s] = request.arrivalNanos();
    deadline[s] = request.deadlineNanos();
    verifying[s] = false;
    handsOver[s] = false;
    refusal[s] = DraftOutcome.DONE;
    keys[s] = chain;
    scheduled[s] = 0;
    drafts[s] = 0;
    live++;
    return s;
  }

  /** Forgets a sequence and makes its number reusable under a new epoch. */
  void close(int s) {
    requests[s] = null;
    keys[s] = null;
    epochs[s]++;
    next[s] = firstFree;
    firstFree = s;
    live--;
  }

  long handle(int s) {
    return ((long) epochs[s] << 32) | s;
  }

  /** Returns the sequence a handle names, or NONE if it is unknown or of another epoch. */
  int find(long handle) {
    int s = (int) handle;
    return s >= 0 && s < used && requests[s] != null && epochs[s] == (int) (handle >>> 32)
        ? s
        : NONE;
  }

  int live() {
    return live;
  }

  int transferring() {
    return transferring;
  }

  Request requestOf(int s) {
    Request request = requests[s];
    if (request == null) {
      throw new IllegalArgumentException("sequence " + s + " is not live");
    }
    return request;
  }

  boolean isLive(int s) {
    return s >= 0 && s < used && requests[s] != null && states[s] != SequenceState.FINISHED;
  }

  /** Returns the blocks of sequences that wait for their hand-over to end. */
  int pinnedBlocks() {
    int blocks = 0;
    for (int slot = 0; transferring > 0 && slot < slotBound; slot++) {
      int s = slotHolder[slot];
      if (s != NONE && handsOver[s] && states[s] == SequenceState.MIGRATING) {
        blocks += heldBlocks(s);
      }
    }
    return blocks;
  }

  // ---- state changes; counts stay true

  void setState(int s, SequenceState to) {
    SequenceState from = states[s];
    if (from == SequenceState.SWAPPED) {
      swapped--;
    } else if (from == SequenceState.MIGRATING) {
      transferring--;
    }
    if (to == SequenceState.SWAPPED) {
      swapped++;
    } else if (to == SequenceState.MIGRATING) {
      transferring++;
    }
    states[s] = to;
  }

  boolean isRunning(int s) {
    return states[s] == SequenceState.RUNNING;
  }

  boolean isQueued(int s) {
    return states[s] == SequenceState.WAITING || states[s] == SequenceState.SWAPPED;
  }

  boolean isMigrating(int s) {
    return states[s] == SequenceState.MIGRATING;
  }

  boolean isFinished(int s) {
    return states[s] == SequenceState.FINISHED;
  }

  // ---- queue

  /** Inserts by (arrival, id) behind everyone who arrived earlier, walking from the tail. */
  void enqueueByArrival(int s) {
    int before = last;
    while (before != NONE && preempted[before] == 0 && compareArrival(before, s) > 0) {
      before = previous[before];
    }
    enqueueAfter(before, s);
  }

  void enqueueHead(int s) {
    enqueueAfter(NONE, s);
  }

  void enqueueTail(int s) {
    enqueueAfter(last, s);
  }

  void enqueueAfter(int before, int s) {
    int after = before == NONE ? first : next[before];
    previous[s] = before;
    next[s] = after;
    if (before == NONE) {
      first = s;
    } else {
      next[before] = s;
    }
    if (after == NONE) {
      last = s;
    } else {
      previous[after] = s;
    }
    waiting++;
  }

  /** Takes a sequence out of the queue and returns the one before it, for putting it back. */
  int dequeue(int s) {
    int before = previous[s];
    int after = next[s];
    if (before == NONE) {
      first = after;
    } else {
      next[before] = after;
    }
    if (after == NONE) {
      last = before;
    } else {
      previous[after] = before;
    }
    waiting--;
    return before;
  }

  // ---- running set

  void addRunning(int s) {
    if (runningSize == running.length) {
      running = Arrays.copyOf(running, runningSize * 2);
    }
    running[runningSize++] = s;
  }

  void removeRunning(int s) {
    for (int i = 0; i < runningSize; i++) {
      if (running[i] == s) {
        System.arraycopy(running, i + 1, running, i, runningSize - i - 1);
        runningSize--;
        return;
      }
    }
    throw new IllegalStateException("sequence " + s + " is not in the running set");
  }

  /** Drops every sequence that is not running any more, keeping the order. */
  void compactRunning() {
    int kept = 0;
    for (int i = 0; i < runningSize; i++) {
      int s = running[i];
      if (states[s] == SequenceState.RUNNING) {
        running[kept++] = s;
      }
    }
    runningSize = kept;
  }

  // ---- slots: the lowest free one is taken

  int freeSlots() {
    return limits.maxSequences() - slotsUsed;
  }

  int slotBound() {
    return slotBound;
  }

  int slotHolder(int slot) {
    return slotHolder[slot];
  }

  void takeLowestSlot(int s) {
    for (int word = 0; word < freeSlots.length; word++) {
      if (freeSlots[word] != 0) {
        takeSlot(s, (word << 6) + Long.numberOfTrailingZeros(freeSlots[word]));
        return;
      }
    }
    throw new IllegalStateException("no slot is free");
  }

  void takeSlot(int s, int slot) {
    freeSlots[slot >>> 6] &= ~(1L << slot);
    slotHolder[slot] = s;
    slots[s] = slot;
    slotsUsed++;
    slotBound = Math.max(slotBound, slot + 1);
  }

  void freeSlot(int s) {
    int slot = slots[s];
    freeSlots[slot >>> 6] |= 1L << slot;
    slotHolder[slot] = NONE;
    slots[s] = NONE;
    slotsUsed--;
    while (slotBound > 0 && slotHolder[slotBound - 1] == NONE) {
      slotBound--;
    }
  }

  int swapped() {
    return swapped;
  }

  // ---- BatchView

  @Override
  public long nowNanos() {
    return nowNanos;
  }

  @Override
  public RandomSource random() {
    return random;
  }

  @Override
  public int maxSequences() {
    return limits.maxSequences();
  }

  @Override
  public int maxTokens() {
    return limits.maxTokens();
  }

  @Override
  public int runningCount() {
    return runningSize;
  }

  @Override
  public int running(int position) {
    return running[position];
  }

  @Override
  public int waitingCount() {
    return waiting;
  }

  @Override
  public int firstWaiting() {
    return first;
  }

  @Override
  public int nextWaiting(int sequence) {
    return next[sequence];
  }

  @Override
  public Request request(int sequence) {
    return requestOf(sequence);
  }

  @Override
  public SequenceState state(int sequence) {
    return states[sequence];
  }

  @Override
  public int promptTokens(int sequence) {
    return prompt[sequence];
  }

  @Override
  public int maxNewTokens(int sequence) {
    return maxNew[sequence];
  }

  @Override
  public int generatedTokens(int sequence) {
    return generated[sequence] + outstanding[sequence];
  }

  @Override
  public int computedTokens(int sequence) {
    return computed[sequence];
  }

  @Override
  public int needTokens(int sequence) {
    int emitted = generated[sequence] + outstanding[sequence];
    int limit = handsOver[sequence] ? 1 : maxNew[sequence];
    if (afterFlight[sequence] != STAY || verifying[sequence] || emitted >= limit) {
      return 0;
    }
    return prompt[sequence] + emitted - computed[sequence];
  }

  @Override
  public boolean decoding(int sequence) {
    return computed[sequence] >= prompt[sequence] && needTokens(sequence) == 1;
  }

  @Override
  public long arrivalNanos(int sequence) {
    return arrival[sequence];
  }

  @Override
  public int priority(int sequence) {
    return priority[sequence];
  }

  @Override
  public int tenant(int sequence) {
    return tenant[sequence];
  }

  @Override
  public String tenantName(int number) {
    return tenants.name(number);
  }

  @Override
  public boolean inFlight(int sequence) {
    return inFlight[sequence] > 0;
  }

  @Override
  public int preemptions(int sequence) {
    return preempted[sequence];
  }

  @Override
  public boolean hasPrediction(int sequence) {
    return predictor.has(requestOf(sequence), generatedTokens(sequence));
  }

  @Override
  public int predictedRemainingTokens(int sequence) {
    return predictor.remaining(requestOf(sequence), generatedTokens(sequence));
  }

  @Override
  public int compareArrival(int a, int b) {
    int byTime = Long.compare(arrival[a], arrival[b]);
    return byTime != 0 || a == b ? byTime : requestOf(a).id().compareTo(requestOf(b).id());
  }

  @Override
  public int freeBlocks() {
    return pool.availableBlocks();
  }

  @Override
  public int totalBlocks() {
    return pool.usableBlocks();
  }

  @Override
  public int blocksFor(int tokens) {
    return footprint.blocks(tokens);
  }

  @Override
  public int heldBlocks(int sequence) {
    long owner = owners[sequence];
    return owner == KvPoolView.NO_OWNER ? 0 : pool.blockCount(owner, 0);
  }

  @Override
  public int cachedTokens(int sequence) {
    BlockKeyChain chain = keys[sequence];
    if (chain == null || states[sequence] != SequenceState.WAITING) {
      return 0;
    }
    pool.probe(chain, prompt[sequence] + generated[sequence] - 1, probe);
    return probe.deviceTokens();
  }

  private void grow() {
    int length = states.length * 2;
    requests = Arrays.copyOf(requests, length);
    epochs = Arrays.copyOf(epochs, length);
    states = Arrays.copyOf(states, length);
    afterFlight = Arrays.copyOf(afterFlight, length);
    prompt = Arrays.copyOf(prompt, length);
    maxNew = Arrays.copyOf(maxNew, length);
    generated = Arrays.copyOf(generated, length);
    outstanding = Arrays.copyOf(outstanding, length);
    computed = Arrays.copyOf(computed, length);
    published = Arrays.copyOf(published, length);
    writable = Arrays.copyOf(writable, length);
    owners = Arrays.copyOf(owners, length);
    slots = Arrays.copyOf(slots, length);
    inFlight = Arrays.copyOf(inFlight, length);
    preempted = Arrays.copyOf(preempted, length);
    failures = Arrays.copyOf(failures, length);
    suppressed = Arrays.copyOf(suppressed, length);
    tenant = Arrays.copyOf(tenant, length);
    priority = Arrays.copyOf(priority, length);
    arrival = Arrays.copyOf(arrival, length);
    deadline = Arrays.copyOf(deadline, length);
    verifying = Arrays.copyOf(verifying, length);
    handsOver = Arrays.copyOf(handsOver, length);
    refusal = Arrays.copyOf(refusal, length);
    keys = Arrays.copyOf(keys, length);
    previous = Arrays.copyOf(previous, length);
    next = Arrays.copyOf(next, length);
    scheduled = Arrays.copyOf(scheduled, length);
    drafts = Arrays.copyOf(drafts, length);
  }
}
