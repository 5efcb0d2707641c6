package io.headway.memory.pool;

import java.util.Arrays;
import org.jspecify.annotations.Nullable;

/**
 * The blocks of one tier: reference counts, the queue of unreferenced blocks, the content each
 * block holds and its part in transfers. Every change is recorded in the undo log and has an exact
 * inverse.
 *
 * <p>A block with references is in no queue. An unreferenced one is in exactly one queue, unless a
 * transfer reads or writes it. With a ranking there are two queues, one of blocks without content
 * and one of cached blocks; without one, a single queue holds both, and its order is the eviction
 * order.
 */
final class BlockTier {
  static final int NONE = -1;

  /** First operation code of this class in the undo log. */
  static final int FIRST_OP = 0;

  private static final int OP_REMOVE = FIRST_OP;
  private static final int OP_INSERT = FIRST_OP + 1;
  private static final int OP_REFS = FIRST_OP + 2;
  private static final int OP_LINK = FIRST_OP + 3;
  private static final int OP_UNLINK = FIRST_OP + 4;
  private static final int OP_FLAG = FIRST_OP + 5;
  private static final int OP_GROUP = FIRST_OP + 6;
  private static final int OP_HIT = FIRST_OP + 7;
  private static final int OP_ADD = FIRST_OP + 8;
  private static final int OP_RETIRE = FIRST_OP + 9;

  /** First operation code after this class. */
  static final int END_OP = FIRST_OP + 10;

  private static final int NULL_FLAG = 1;
  private static final int RETIRED_FLAG = 2;
  private static final int QUEUED_FLAG = 4;
  private static final int WRITTEN_FLAG = 8;
  private static final int READ_FLAG = 16;

  private static final int PLAIN_QUEUE = 0;
  private static final int CACHED_QUEUE = 1;

  private final int tier;
  private final UndoLog log;
  private final ContentIndex index;
  private final @Nullable BlockRanking<?> ranking;

  // The numbers of a block stand together in two arrays: where it is, and what it holds. Blocks are
  // met in the order in which they were freed, so that every array would be another cache miss.
  private static final int STRIDE = 4;
  private static final int REFS = 0;
  private static final int FLAGS = 1;
  private static final int PREV = 2;
  private static final int NEXT = 3;
  private int[] places;

  private static final int NODE = 0;
  private static final int GROUP = 1;
  private static final int COPY_PREV = 2;
  private static final int COPY_NEXT = 3;
  private int[] contents;

  private long[] releasedTick;
  private long[] storedTick;
  private int[] hits;

  private int size;
  private int retired;
  private int nullBlocks;
  private int cached;
  private int written;
  private int idleRead;
  private long clock;

  private final int[] head = {NONE, NONE};
  private final int[] tail = {NONE, NONE};
  private final int[] length = new int[2];

  BlockTier(
      int tier, int blocks, UndoLog log, ContentIndex index, @Nullable BlockRanking<?> ranking) {
    this.tier = tier;
    this.log = log;
    this.index = index;
    this.ranking = ranking;
    places = new int[blocks * STRIDE];
    contents = new int[blocks * STRIDE];
    releasedTick = new long[ranking == null ? 0 : blocks];
    storedTick = new long[releasedTick.length];
    hits = new int[releasedTick.length];
    while (size < blocks) {
      contents[size * STRIDE + NODE] = NONE;
      size++;
      insert(size - 1, tail[PLAIN_QUEUE], PLAIN_QUEUE);
    }
  }

  /** Takes the head of the queue out of circulation as the null block; before first use only. */
  int reserveNullBlock() {
    int block = head[PLAIN_QUEUE];
    remove(block);
    places[block * STRIDE + FLAGS] |= NULL_FLAG;
    nullBlocks++;
    return block;
  }

  // Counts.

  int usable() {
    return size - retired - nullBlocks;
  }

  int available() {
    return length[PLAIN_QUEUE] + length[CACHED_QUEUE];
  }

  int cached() {
    return cached;
  }

  int loading() {
    return written;
  }

  int storing() {
    return idleRead;
  }

  int nullBlocks() {
    return nullBlocks;
  }

  int active() {
    return usable() - available() - written - idleRead;
  }

  int size() {
    return size;
  }

  // Reads.

  boolean contains(int block) {
    return block >= 0
        && block < size
        && (places[block * STRIDE + FLAGS] & (NULL_FLAG | RETIRED_FLAG)) == 0;
  }

  int refs(int block) {
    return places[block * STRIDE + REFS];
  }

  int node(int block) {
    return contents[block * STRIDE + NODE];
  }

  int group(int block) {
    return contents[block * STRIDE + GROUP];
  }

  boolean isRead(int block) {
    return (places[block * STRIDE + FLAGS] & READ_FLAG) != 0;
  }

  boolean isTransferring(int block) {
    return (places[block * STRIDE + FLAGS] & (READ_FLAG | WRITTEN_FLAG)) != 0;
  }

  /** Whether a lookup may return this copy: content is complete and, if idle, nobody reads it. */
  boolean isHittable(int block) {
    return places[block * STRIDE + REFS] > 0 || (places[block * STRIDE + FLAGS] & READ_FLAG) == 0;
  }

  int copyAfter(int block) {
    return contents[block * STRIDE + COPY_NEXT];
  }

  int queueHead() {
    return head[PLAIN_QUEUE] != NONE ? head[PLAIN_QUEUE] : head[CACHED_QUEUE];
  }

  int queueTail() {
    return tail[CACHED_QUEUE] != NONE ? tail[CACHED_QUEUE] : tail[PLAIN_QUEUE];
  }

  /** The queue as one sequence: blocks without content first where there are two queues. */
  int queueAfter(int block) {
    if (places[block * STRIDE + NEXT] != NONE) {
      return places[block * STRIDE + NEXT];
    }
    return queueOf(block) == PLAIN_QUEUE ? head[CACHED_QUEUE] : NONE;
  }

  int cachedHead() {
    return head[CACHED_QUEUE];
  }

  int plainHead() {
    return head[PLAIN_QUEUE];
  }

  int nextInQueue(int block) {
    return places[block * STRIDE + NEXT];
  }

  long clock() {
    return clock;
  }

  void restoreClock(long value) {
    clock = value;
  }

  long releasedTick(int block) {
    return releasedTick[block];
  }

  long storedTick(int block) {
    return storedTick[block];
  }

  int hits(int block) {
    return hits[block];
  }

  // Changes.

  /** Adds a reference; the first one takes the block out of the queue. */
  void retain(int block) {
    if ((places[block * STRIDE + FLAGS] & QUEUED_FLAG) != 0) {
      remove(block);
    }
    log.record(OP_REFS, tier, block, places[block * STRIDE + REFS], 0);
    setRefs(block, places[block * STRIDE + REFS] + 1);
  }

  /**
   * Takes a reference away.
   *
   * @return whether it was the last one and the block now waits to be enqueued
   */
  boolean release(int block) {
    log.record(OP_REFS, tier, block, places[block * STRIDE + REFS], 0);
    setRefs(block, places[block * STRIDE + REFS] - 1);
    return places[block * STRIDE + REFS] == 0 && (places[block * STRIDE + FLAGS] & READ_FLAG) == 0;
  }

  void enqueueTail(int block) {
    int queue = queueOf(block);
    insert(block, tail[queue], queue);
  }

  void enqueueHead(int block) {
    insert(block, NONE, queueOf(block));
  }

  /** Enqueues behind another block of the same queue. */
  void enqueueAfter(int block, int predecessor) {
    insert(block, predecessor, queueOf(block));
  }

  /** Takes an unreferenced block out of the queue; the caller gives it a purpose. */
  void dequeue(int block) {
    remove(block);
  }

  void setGroup(int block, int value) {
    if (contents[block * STRIDE + GROUP] != value) {
      log.record(OP_GROUP, tier, block, contents[block * STRIDE + GROUP], 0);
      contents[block * STRIDE + GROUP] = value;
    }
  }

  void countHit(int block) {
    if (ranking != null) {
      log.record(OP_HIT, tier, block, 0, 0);
      hits[block]++;
    }
  }

  /** Gives a block content: it becomes the last copy of a node. Not while it is queued. */
  void link(int block, int content) {
    int list = index.list(tier, contents[block * STRIDE + GROUP]);
    int last = index.lastCopy(content, list);
    log.record(
        OP_LINK,
        tier,
        block,
        ranking == null ? 0 : hits[block],
        ranking == null ? 0 : storedTick[block]);
    attach(block, content, list, last);
    if (ranking != null) {
      storedTick[block] = clock;
      hits[block] = 0;
    }
  }

  /** Takes a block's content away. A queued block must have been dequeued if queues are split. */
  void unlink(int block) {
    log.record(
        OP_UNLINK,
        tier,
        block,
        contents[block * STRIDE + NODE],
        contents[block * STRIDE + COPY_PREV]);
    detach(block);
  }

  /** Whether a block that loses its content must change queues. */
  boolean splitQueues() {
    return ranking != null;
  }

  boolean isQueued(int block) {
    return (places[block * STRIDE + FLAGS] & QUEUED_FLAG) != 0;
  }

  /** Marks an unreferenced, unqueued block as the target of a transfer, or takes the mark away. */
  void setWritten(int block, boolean on) {
    log.record(OP_FLAG, tier, block, places[block * STRIDE + FLAGS], 0);
    places[block * STRIDE + FLAGS] =
        (on
            ? places[block * STRIDE + FLAGS] | WRITTEN_FLAG
            : places[block * STRIDE + FLAGS] & ~WRITTEN_FLAG);
    written += on ? 1 : -1;
  }

  /** Marks a block as read by a transfer; an idle one leaves its queue. */
  void beginRead(int block) {
    if (places[block * STRIDE + REFS] == 0) {
      remove(block);
      log.record(OP_FLAG, tier, block, places[block * STRIDE + FLAGS], 0);
      places[block * STRIDE + FLAGS] |= READ_FLAG;
      idleRead++;
    } else {
      log.record(OP_FLAG, tier, block, places[block * STRIDE + FLAGS], 0);
      places[block * STRIDE + FLAGS] |= READ_FLAG;
    }
  }

  /**
   * Takes the mark of {@link #beginRead} away.
   *
   * @return whether the block is unreferenced and now waits to be enqueued
   */
  boolean endRead(int block) {
    boolean idle = places[block * STRIDE + REFS] == 0;
    log.record(OP_FLAG, tier, block, places[block * STRIDE + FLAGS], 0);
    places[block * STRIDE + FLAGS] &= ~READ_FLAG;
    if (idle) {
      idleRead--;
    }
    return idle;
  }

  /** Adds a new id behind the highest one and enqueues it at the tail. */
  void add() {
    int block = size;
    if (block * STRIDE == places.length) {
      grow(Math.max(16, block + (block >> 1)));
    }
    log.record(OP_ADD, tier, block, 0, 0);
    size++;
    places[block * STRIDE + REFS] = 0;
    contents[block * STRIDE + NODE] = NONE;
    contents[block * STRIDE + GROUP] = 0;
    places[block * STRIDE + FLAGS] = 0;
    insert(block, tail[PLAIN_QUEUE], PLAIN_QUEUE);
  }

  /** Takes a dequeued block without content out of the tier for ever. */
  void retire(int block) {
    log.record(OP_RETIRE, tier, block, 0, 0);
    places[block * STRIDE + FLAGS] |= RETIRED_FLAG;
    retired++;
  }

  void undo(int entry) {
    int block = log.b(entry);
    switch (log.op(entry)) {
      case OP_REMOVE -> {
        int queue = queueOf(block);
        splice(block, log.c(entry), queue);
        if (ranking != null) {
          releasedTick[block] = log.d(entry);
        }
        entered(block, queue);
      }
      case OP_INSERT -> {
        int queue = queueOf(block);
        left(block, queue);
        unsplice(block, queue);
        if (ranking != null) {
          releasedTick[block] = log.d(entry);
        }
      }
      case OP_REFS -> setRefs(block, log.c(entry));
      case OP_LINK -> {
        detach(block);
        if (ranking != null) {
          hits[block] = log.c(entry);
          storedTick[block] = log.d(entry);
        }
      }
      case OP_UNLINK -> {
        int content = log.c(entry);
        attach(
            block, content, index.list(tier, contents[block * STRIDE + GROUP]), (int) log.d(entry));
      }
      case OP_FLAG -> {
        int before = log.c(entry);
        written += flagDifference(before, places[block * STRIDE + FLAGS], WRITTEN_FLAG);
        if (places[block * STRIDE + REFS] == 0) {
          idleRead += flagDifference(before, places[block * STRIDE + FLAGS], READ_FLAG);
        }
        places[block * STRIDE + FLAGS] = before;
      }
      case OP_GROUP -> contents[block * STRIDE + GROUP] = log.c(entry);
      case OP_HIT -> hits[block]--;
      case OP_ADD -> size--;
      case OP_RETIRE -> {
        places[block * STRIDE + FLAGS] &= ~RETIRED_FLAG;
        retired--;
      }
      default -> throw new IllegalStateException("unknown operation " + log.op(entry));
    }
  }

  private static int flagDifference(int before, int now, int flag) {
    return ((before & flag) == 0 ? 0 : 1) - ((now & flag) == 0 ? 0 : 1);
  }

  private void setRefs(int block, int value) {
    if ((places[block * STRIDE + FLAGS] & READ_FLAG) != 0) {
      idleRead += (value == 0 ? 1 : 0) - (places[block * STRIDE + REFS] == 0 ? 1 : 0);
    }
    places[block * STRIDE + REFS] = value;
  }

  private int queueOf(int block) {
    return ranking != null && contents[block * STRIDE + NODE] != NONE ? CACHED_QUEUE : PLAIN_QUEUE;
  }

  private void insert(int block, int predecessor, int queue) {
    log.record(OP_INSERT, tier, block, 0, ranking == null ? 0 : releasedTick[block]);
    splice(block, predecessor, queue);
    if (ranking != null) {
      releasedTick[block] = ++clock;
    }
    entered(block, queue);
  }

  private void remove(int block) {
    int queue = queueOf(block);
    log.record(
        OP_REMOVE,
        tier,
        block,
        places[block * STRIDE + PREV],
        ranking == null ? 0 : releasedTick[block]);
    left(block, queue);
    unsplice(block, queue);
  }

  private void entered(int block, int queue) {
    if (contents[block * STRIDE + NODE] != NONE) {
      cached++;
    }
    if (queue == CACHED_QUEUE && ranking != null) {
      ranking.add(block);
    }
  }

  private void left(int block, int queue) {
    if (contents[block * STRIDE + NODE] != NONE) {
      cached--;
    }
    if (queue == CACHED_QUEUE && ranking != null) {
      ranking.remove(block);
    }
  }

  private void splice(int block, int predecessor, int queue) {
    int successor = predecessor == NONE ? head[queue] : places[predecessor * STRIDE + NEXT];
    places[block * STRIDE + PREV] = predecessor;
    places[block * STRIDE + NEXT] = successor;
    if (predecessor == NONE) {
      head[queue] = block;
    } else {
      places[predecessor * STRIDE + NEXT] = block;
    }
    if (successor == NONE) {
      tail[queue] = block;
    } else {
      places[successor * STRIDE + PREV] = block;
    }
    length[queue]++;
    places[block * STRIDE + FLAGS] |= QUEUED_FLAG;
  }

  private void unsplice(int block, int queue) {
    int before = places[block * STRIDE + PREV];
    int after = places[block * STRIDE + NEXT];
    if (before == NONE) {
      head[queue] = after;
    } else {
      places[before * STRIDE + NEXT] = after;
    }
    if (after == NONE) {
      tail[queue] = before;
    } else {
      places[after * STRIDE + PREV] = before;
    }
    length[queue]--;
    places[block * STRIDE + FLAGS] &= ~QUEUED_FLAG;
  }

  private void attach(int block, int content, int list, int predecessor) {
    int successor =
        predecessor == NONE
            ? index.firstCopy(content, list)
            : contents[predecessor * STRIDE + COPY_NEXT];
    contents[block * STRIDE + COPY_PREV] = predecessor;
    contents[block * STRIDE + COPY_NEXT] = successor;
    if (predecessor == NONE) {
      index.setFirstCopy(content, list, block);
    } else {
      contents[predecessor * STRIDE + COPY_NEXT] = block;
    }
    if (successor == NONE) {
      index.setLastCopy(content, list, block);
    } else {
      contents[successor * STRIDE + COPY_PREV] = block;
    }
    contents[block * STRIDE + NODE] = content;
    index.copyAdded(content, list);
    if ((places[block * STRIDE + FLAGS] & QUEUED_FLAG) != 0) {
      cached++;
    }
  }

  private void detach(int block) {
    int content = contents[block * STRIDE + NODE];
    int list = index.list(tier, contents[block * STRIDE + GROUP]);
    int before = contents[block * STRIDE + COPY_PREV];
    int after = contents[block * STRIDE + COPY_NEXT];
    if (before == NONE) {
      index.setFirstCopy(content, list, after);
    } else {
      contents[before * STRIDE + COPY_NEXT] = after;
    }
    if (after == NONE) {
      index.setLastCopy(content, list, before);
    } else {
      contents[after * STRIDE + COPY_PREV] = before;
    }
    contents[block * STRIDE + NODE] = NONE;
    index.copyRemoved(content, list);
    if ((places[block * STRIDE + FLAGS] & QUEUED_FLAG) != 0) {
      cached--;
    }
  }

  private void grow(int capacity) {
    places = Arrays.copyOf(places, capacity * STRIDE);
    contents = Arrays.copyOf(contents, capacity * STRIDE);
    if (ranking != null) {
      releasedTick = Arrays.copyOf(releasedTick, capacity);
      storedTick = Arrays.copyOf(storedTick, capacity);
      hits = Arrays.copyOf(hits, capacity);
    }
  }
}
