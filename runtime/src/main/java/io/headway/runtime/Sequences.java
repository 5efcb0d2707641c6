package io.headway.runtime;

import io.headway.api.RandomSource;
import io.headway.api.Request;
import io.headway.api.batching.BatchView;
import io.headway.api.batching.DraftOutcome;
import io.headway.api.batching.SequenceState;
import io.headway.api.memory.BlockKeyChain;
import io.headway.api.memory.BlockState;
import io.headway.api.memory.KvBlockPool;
import io.headway.api.memory.KvFootprint;
import io.headway.api.memory.KvPoolView;
import io.headway.api.memory.KvProbe;
import io.headway.api.memory.KvTier;
import java.util.Arrays;
import java.util.Objects;
import org.jspecify.annotations.Nullable;

/**
 * All live sequences of one scheduler as parallel arrays, the queue as a linked list and the
 * running set as an array in order of admission. What policies see of it is {@link BatchView}.
 *
 * <p>For every sequence {@code known = prompt + generated + outstanding}, where {@code outstanding}
 * counts the tokens that plans in flight will emit, and {@code computed} includes what plans in
 * flight compute.
 */
final class Sequences implements BatchView {
  /** Nothing keeps the sequence from being scheduled. */
  static final int FREE = 0;

  /** Drafts are being verified, so that the next position is not known. */
  static final int VERIFYING = 1;

  /** Its plans in flight are void; may be scheduled when the last of them has landed. */
  static final int ROLLED_BACK = 2;

  /** Goes back to the queue when the last plan in flight has landed. */
  static final int REQUEUE = 3;

  /** Over; its memory is released when nothing uses it any more. */
  static final int RELEASE = 4;

  final Limits limits;
  final KvBlockPool pool;
  private final RandomSource random;
  private final Tenants tenants;
  private final KvFootprint footprint;
  private final int groups;
  private final int hostBlocks;
  private final RemainingTokens predictor;
  private final KvProbe probe = new KvProbe();

  long nowNanos;

  /** Iterations planned so far. */
  long iteration;

  /** Duration of the last completed iteration. */
  long iterationNanos;

  /** Transfers whose end nobody has reported yet, those of ended sequences included. */
  int pendingTransfers;

  /** Blocks of those transfers that lead away from here. */
  int pinnedBlocks;

  // What the loops over a batch read of a sequence stands together: with an array for each number
  // deciding took a fifth longer.
  private static final int STRIDE = 16;
  private static final int KNOWN = 0;
  private static final int COMPUTED = 1;
  private static final int LIMIT = 2;
  private static final int WRITABLE = 3;
  private static final int SCHEDULED = 4;
  private static final int HOLD = 5;
  private static final int OUTSTANDING = 6;
  private static final int IN_FLIGHT = 7;
  private static final int PROMPT = 8;
  private static final int DRAFTS = 9;
  private static final int SUPPRESSED = 10;
  private static final int PUBLISHED = 11;
  private static final int RESERVED = 12;
  private static final int EPOCH = 13;
  private static final int TO_FULL_BLOCK = 14;
  private int[] numbers = new int[64 * STRIDE];

  // One entry per sequence.
  @Nullable Request[] requests = new Request[64];
  SequenceState[] states = new SequenceState[64];
  long[] owners = new long[64];
  int[] slots = new int[64];
  int[] preempted = new int[64];
  int[] failures = new int[64];

  int[] tenant = new int[64];
  int[] priority = new int[64];
  long[] arrival = new long[64];
  boolean[] handsOver = new boolean[64];

  /** Whether another instance may still read or write the blocks. */
  boolean[] transferPending = new boolean[64];

  DraftOutcome[] refusal = new DraftOutcome[64];
  @Nullable BlockKeyChain[] keys = new BlockKeyChain[64];
  private int[] previous = new int[64];
  private int[] next = new int[64];

  private int used;
  private int firstFree = NONE;
  private int live;

  private int first = NONE;
  private int last = NONE;
  private int waiting;
  private long waitingTokens;
  private int queueVersion;
  private int swapped;
  private int migrating;

  private int[] running = new int[16];
  private int runningSize;

  private final int[] slotHolder;
  private final long[] freeSlots;
  private final int mostSlots;
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
    groups = pool.geometry().groups().size();
    hostBlocks = hostBlocks(BlockState.values());
    Arrays.fill(states, SequenceState.FINISHED);
    mostSlots = Math.min(limits.maxSequences(), limits.maxTokens());
    slotHolder = new int[limits.maxSequences()];
    Arrays.fill(slotHolder, NONE);
    freeSlots = new long[(limits.maxSequences() + 63) >>> 6];
    for (int slot = 0; slot < limits.maxSequences(); slot++) {
      freeSlots[slot >>> 6] |= 1L << slot;
    }
  }

  // ---- the numbers of a sequence

  /** Returns tokens whose values are known or will be sampled by a plan in flight. */
  int known(int s) {
    return numbers[s * STRIDE + KNOWN];
  }

  void setKnown(int s, int value) {
    numbers[s * STRIDE + KNOWN] = value;
  }

  void addKnown(int s, int change) {
    numbers[s * STRIDE + KNOWN] += change;
  }

  /** Returns leading tokens whose KV is there or will be written by a plan in flight. */
  int computed(int s) {
    return numbers[s * STRIDE + COMPUTED];
  }

  void setComputed(int s, int value) {
    numbers[s * STRIDE + COMPUTED] = value;
  }

  void addComputed(int s, int change) {
    numbers[s * STRIDE + COMPUTED] += change;
  }

  /** Returns the length at which the request ends, or is handed over. */
  int limit(int s) {
    return numbers[s * STRIDE + LIMIT];
  }

  void setLimit(int s, int value) {
    numbers[s * STRIDE + LIMIT] = value;
  }

  /** Returns the length up to which the pool need not be asked. */
  int writable(int s) {
    return numbers[s * STRIDE + WRITABLE];
  }

  void setWritable(int s, int value) {
    numbers[s * STRIDE + WRITABLE] = value;
  }

  /** Returns the tokens in the draft; 0 outside a decision. */
  int scheduled(int s) {
    return numbers[s * STRIDE + SCHEDULED];
  }

  void setScheduled(int s, int value) {
    numbers[s * STRIDE + SCHEDULED] = value;
  }

  /** Returns what keeps the sequence from being scheduled. */
  int hold(int s) {
    return numbers[s * STRIDE + HOLD];
  }

  void setHold(int s, int value) {
    numbers[s * STRIDE + HOLD] = value;
  }

  /** Returns the tokens that plans in flight will emit. */
  int outstanding(int s) {
    return numbers[s * STRIDE + OUTSTANDING];
  }

  void setOutstanding(int s, int value) {
    numbers[s * STRIDE + OUTSTANDING] = value;
  }

  void addOutstanding(int s, int change) {
    numbers[s * STRIDE + OUTSTANDING] += change;
  }

  /** Returns the plans in flight that mention it. */
  int plansInFlight(int s) {
    return numbers[s * STRIDE + IN_FLIGHT];
  }

  void setPlansInFlight(int s, int value) {
    numbers[s * STRIDE + IN_FLIGHT] = value;
  }

  void addPlansInFlight(int s, int change) {
    numbers[s * STRIDE + IN_FLIGHT] += change;
  }

  /** Returns the prompt tokens. */
  int prompt(int s) {
    return numbers[s * STRIDE + PROMPT];
  }

  void setPrompt(int s, int value) {
    numbers[s * STRIDE + PROMPT] = value;
  }

  /** Returns the drafts to verify among the scheduled tokens; 0 outside a decision. */
  int drafts(int s) {
    return numbers[s * STRIDE + DRAFTS];
  }

  void setDrafts(int s, int value) {
    numbers[s * STRIDE + DRAFTS] = value;
  }

  /** Returns the tokens that were delivered elsewhere and are computed here once more. */
  int suppressed(int s) {
    return numbers[s * STRIDE + SUPPRESSED];
  }

  void setSuppressed(int s, int value) {
    numbers[s * STRIDE + SUPPRESSED] = value;
  }

  void addSuppressed(int s, int change) {
    numbers[s * STRIDE + SUPPRESSED] += change;
  }

  /** Returns the leading tokens, in whole blocks, that the pool was told are final. */
  int published(int s) {
    return numbers[s * STRIDE + PUBLISHED];
  }

  void setPublished(int s, int value) {
    numbers[s * STRIDE + PUBLISHED] = value;
  }

  /**
   * Returns the tokens that fill the block of its content being written; 0 if the content is not
   * known token by token.
   */
  int toFullBlock(int s) {
    return numbers[s * STRIDE + TO_FULL_BLOCK];
  }

  void setToFullBlock(int s, int value) {
    numbers[s * STRIDE + TO_FULL_BLOCK] = value;
  }

  /** Returns the length that the policy wants blocks for, whatever is computed. */
  int reserved(int s) {
    return numbers[s * STRIDE + RESERVED];
  }

  void setReserved(int s, int value) {
    numbers[s * STRIDE + RESERVED] = value;
  }

  /**
   * Schedules one token of each of some sequences, up to the first that does not run, does not
   * decode, is scheduled already or has no block for the token.
   *
   * @param batch takes those scheduled, from {@code at} on
   * @return how many
   */
  int scheduleDecodes(int[] ids, int from, int to, int[] batch, int at) {
    // No calls and no fields within the loop, which is most of what a decode step decides.
    int[] all = numbers;
    SequenceState[] now = states;
    int i = from;
    for (; i < to; i++) {
      int s = ids[i];
      if (s < 0 || s >= now.length || now[s] != SequenceState.RUNNING) {
        break;
      }
      int base = s * STRIDE;
      int known = all[base + KNOWN];
      int computed = all[base + COMPUTED];
      if (known - computed != 1
          || computed < all[base + PROMPT]
          || known >= all[base + LIMIT]
          || known > all[base + WRITABLE]
          || (all[base + HOLD] | all[base + SCHEDULED]) != 0) {
        break;
      }
      all[base + SCHEDULED] = 1;
      batch[at + i - from] = s;
    }
    return i - from;
  }

  /**
   * Puts those scheduled sequences into a plan that decode, by slot, and into flight.
   *
   * @param plan takes the rows, for which it has room
   * @param others takes the scheduled sequences that do not decode, by slot
   * @return how many others
   */
  int commitDecodes(BatchPlan plan, int[] others) {
    // No calls and no fields within the loop, as above.
    int[] all = numbers;
    int[] holders = slotHolder;
    long[] memory = owners;
    int[] planned = plan.sequences;
    long[] handles = plan.handles;
    int[] slot = plan.slots;
    int[] starts = plan.starts;
    boolean[] onDevice = plan.inputOnDevice;
    long[] planOwners = plan.owners;
    int rows = 0;
    int rest = 0;
    for (int i = 0, bound = slotBound; i < bound; i++) {
      int s = holders[i];
      if (s == NONE || all[s * STRIDE + SCHEDULED] == 0) {
        continue;
      }
      int base = s * STRIDE;
      int known = all[base + KNOWN];
      int computed = all[base + COMPUTED];
      if (known - computed != 1 || computed < all[base + PROMPT] || all[base + DRAFTS] > 0) {
        others[rest++] = s;
        continue;
      }
      int outstanding = all[base + OUTSTANDING];
      all[base + KNOWN] = known + 1;
      all[base + COMPUTED] = computed + 1;
      all[base + OUTSTANDING] = outstanding + 1;
      all[base + IN_FLIGHT]++;
      all[base + SCHEDULED] = 0;
      planned[rows] = s;
      handles[rows] = ((long) all[base + EPOCH] << 32) | s;
      slot[rows] = i;
      starts[rows] = computed;
      onDevice[rows] = outstanding > 0;
      planOwners[rows] = memory[s];
      rows++;
    }
    plan.decoding(rows);
    return rest;
  }

  /**
   * Takes a decode out of flight that yielded tokens for a sequence of which nothing else is to be
   * known; changes nothing and returns false if there is.
   */
  boolean emitted(int s, int tokens) {
    int[] all = numbers;
    int at = s * STRIDE;
    if (all[at + HOLD] != FREE || all[at + SUPPRESSED] > 0) {
      return false;
    }
    all[at + KNOWN] += tokens - 1;
    all[at + OUTSTANDING]--;
    all[at + IN_FLIGHT]--;
    return true;
  }

  /** Returns whether every token that the sequence may have has been emitted. */
  boolean isComplete(int s) {
    int[] all = numbers;
    int at = s * STRIDE;
    return all[at + KNOWN] >= all[at + LIMIT] && all[at + OUTSTANDING] == 0;
  }

  // ---- life of a sequence

  int open(Request request, int tenantNumber, @Nullable BlockKeyChain chain, boolean handingOver) {
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
    setHold(s, FREE);
    setPrompt(s, request.promptTokens());
    setLimit(s, request.promptTokens() + (handingOver ? 1 : request.maxNewTokens()));
    setKnown(s, request.promptTokens());
    setOutstanding(s, 0);
    setComputed(s, 0);
    setPublished(s, 0);
    setWritable(s, 0);
    setReserved(s, 0);
    owners[s] = KvPoolView.NO_OWNER;
    slots[s] = NONE;
    setPlansInFlight(s, 0);
    preempted[s] = 0;
    failures[s] = 0;
    setSuppressed(s, 0);
    tenant[s] = tenantNumber;
    priority[s] = request.priority();
    arrival[s] = request.arrivalNanos();
    handsOver[s] = handingOver;
    transferPending[s] = false;
    refusal[s] = DraftOutcome.DONE;
    keys[s] = chain;
    setToFullBlock(
        s,
        chain == null || !chain.hasTokens()
            ? 0
            : chain.blockTokens() - chain.tokenCount() % chain.blockTokens());
    setScheduled(s, 0);
    setDrafts(s, 0);
    live++;
    return s;
  }

  /** Forgets a sequence and makes its number reusable under a new epoch. */
  void close(int s) {
    requests[s] = null;
    keys[s] = null;
    numbers[s * STRIDE + EPOCH]++;
    next[s] = firstFree;
    firstFree = s;
    live--;
  }

  long handle(int s) {
    return ((long) numbers[s * STRIDE + EPOCH] << 32) | s;
  }

  /** Returns the sequence a handle names, or NONE if it is unknown or of another epoch. */
  int find(long handle) {
    int s = (int) handle;
    return s >= 0
            && s < used
            && requests[s] != null
            && numbers[s * STRIDE + EPOCH] == (int) (handle >>> 32)
        ? s
        : NONE;
  }

  /** Returns the sequences not yet closed: live ones and those whose memory is still in use. */
  int live() {
    return live;
  }

  Request requestOf(int s) {
    Request request = requests[s];
    if (request == null) {
      throw new IllegalArgumentException("sequence " + s + " is not live");
    }
    return request;
  }

  /** Returns the output tokens whose step has completed. */
  int generated(int s) {
    return known(s) - prompt(s) - outstanding(s);
  }

  /** Takes back that plans in flight will emit anything. */
  void forgetOutstanding(int s) {
    addKnown(s, -outstanding(s));
    setOutstanding(s, 0);
  }

  /** Takes back that the sequence has computed anything. */
  void forgetComputed(int s) {
    setComputed(s, 0);
    setPublished(s, 0);
    setWritable(s, 0);
    setReserved(s, 0);
  }

  // ---- state changes; counts stay true

  void setState(int s, SequenceState to) {
    SequenceState from = states[s];
    if (from == SequenceState.SWAPPED) {
      swapped--;
    } else if (from == SequenceState.MIGRATING) {
      migrating--;
    }
    if (to == SequenceState.SWAPPED) {
      swapped++;
    } else if (to == SequenceState.MIGRATING) {
      migrating++;
    }
    states[s] = to;
  }

  boolean isLive(int s) {
    return s >= 0 && s < used && requests[s] != null && states[s] != SequenceState.FINISHED;
  }

  /** As {@link #isRunning}, for a number that may be anything. */
  boolean mayBeRunning(int s) {
    return s >= 0 && s < states.length && states[s] == SequenceState.RUNNING;
  }

  boolean isRunning(int s) {
    return states[s] == SequenceState.RUNNING;
  }

  boolean isWaiting(int s) {
    return states[s] == SequenceState.WAITING;
  }

  boolean isSwapped(int s) {
    return states[s] == SequenceState.SWAPPED;
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

  int swapped() {
    return swapped;
  }

  int migrating() {
    return migrating;
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

  /**
   * Inserts a sequence whose step failed at the head, behind those that are there for the same
   * reason, or were preempted, and arrived earlier: the rank among them is kept.
   */
  void enqueueRetried(int s) {
    int before = NONE;
    int behind = first;
    while (behind != NONE && preempted[behind] > 0 && compareArrival(behind, s) < 0) {
      before = behind;
      behind = next[behind];
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
    waitingTokens += known(s) - computed(s);
    queueVersion++;
  }

  /**
   * Takes a sequence out of the queue, before its counts change, and returns the one before it, for
   * putting it back.
   */
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
    waitingTokens -= known(s) - computed(s);
    queueVersion++;
    return before;
  }

  /** Returns the tokens that the queue has to compute, prefix hits not deducted. */
  long waitingTokens() {
    return waitingTokens;
  }

  /** Returns a number that changes whenever the queue does. */
  int queueVersion() {
    return queueVersion;
  }

  // ---- running set

  /** Returns the running set, as {@link #running} has it; only for reading. */
  int[] runningArray() {
    return running;
  }

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

  /** Returns how many may hold a slot: who holds one beyond the tokens of an iteration starves. */
  int mostSlots() {
    return mostSlots;
  }

  int freeSlots() {
    return Math.max(0, mostSlots - slotsUsed);
  }

  /** Returns a bound behind the highest slot in use. */
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

  // ---- BatchView

  @Override
  public long nowNanos() {
    return nowNanos;
  }

  @Override
  public long iteration() {
    return iteration;
  }

  @Override
  public long iterationNanos() {
    return iterationNanos;
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
    return running[Objects.checkIndex(position, runningSize)];
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
    if (!isQueued(sequence)) {
      throw new IllegalArgumentException(
          "sequence must be queued to have a next one, but "
              + sequence
              + " is "
              + states[sequence]
              + "; ask before it leaves the queue");
    }
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
    return prompt(sequence);
  }

  @Override
  public int maxNewTokens(int sequence) {
    return handsOver[sequence]
        ? requestOf(sequence).maxNewTokens()
        : limit(sequence) - prompt(sequence);
  }

  @Override
  public int generatedTokens(int sequence) {
    return known(sequence) - prompt(sequence);
  }

  @Override
  public int computedTokens(int sequence) {
    return computed(sequence);
  }

  @Override
  public int needTokens(int sequence) {
    int length = known(sequence);
    return hold(sequence) != FREE || length >= limit(sequence) ? 0 : length - computed(sequence);
  }

  @Override
  public boolean decoding(int sequence) {
    return isDecode(sequence) && needTokens(sequence) == 1;
  }

  /** Returns whether the one token that is known and not computed is an output token. */
  boolean isDecode(int s) {
    int done = computed(s);
    return known(s) - done == 1 && done >= prompt(s);
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
    return plansInFlight(sequence) > 0;
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
  public int freeHostBlocks() {
    return pool.count(KvTier.HOST, BlockState.FREE) + pool.count(KvTier.HOST, BlockState.CACHED);
  }

  @Override
  public int totalHostBlocks() {
    return hostBlocks;
  }

  private int hostBlocks(BlockState[] states) {
    int blocks = 0;
    for (BlockState state : states) {
      blocks += pool.count(KvTier.HOST, state);
    }
    return blocks;
  }

  @Override
  public int blocksFor(int tokens) {
    return footprint.blocks(tokens);
  }

  @Override
  public int heldBlocks(int sequence) {
    long owner = owners[sequence];
    if (owner == KvPoolView.NO_OWNER) {
      return 0;
    }
    int held = 0;
    for (int group = 0; group < groups; group++) {
      held += pool.blockCount(owner, group);
    }
    return held;
  }

  @Override
  public int cachedTokens(int sequence) {
    BlockKeyChain chain = keys[sequence];
    if (chain == null || states[sequence] != SequenceState.WAITING) {
      return 0;
    }
    pool.probe(chain, known(sequence) - 1, probe);
    return probe.deviceTokens();
  }

  private void grow() {
    int length = states.length * 2;
    numbers = Arrays.copyOf(numbers, length * STRIDE);
    requests = Arrays.copyOf(requests, length);
    states = Arrays.copyOf(states, length);
    Arrays.fill(states, length / 2, length, SequenceState.FINISHED);
    owners = Arrays.copyOf(owners, length);
    slots = Arrays.copyOf(slots, length);
    preempted = Arrays.copyOf(preempted, length);
    failures = Arrays.copyOf(failures, length);
    tenant = Arrays.copyOf(tenant, length);
    priority = Arrays.copyOf(priority, length);
    arrival = Arrays.copyOf(arrival, length);
    handsOver = Arrays.copyOf(handsOver, length);
    transferPending = Arrays.copyOf(transferPending, length);
    refusal = Arrays.copyOf(refusal, length);
    keys = Arrays.copyOf(keys, length);
    previous = Arrays.copyOf(previous, length);
    next = Arrays.copyOf(next, length);
  }
}
