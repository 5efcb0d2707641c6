package io.headway.memory.pool;

import io.headway.api.memory.BlockExtras;
import io.headway.api.memory.BlockKey;
import io.headway.api.memory.BlockKeyChain;
import java.util.Arrays;
import java.util.Objects;
import org.jspecify.annotations.Nullable;

/**
 * Finds the copies of a content by its key, and proves that it is the same content.
 *
 * <p>A node stands for one content: a block's tokens and attributes together with everything before
 * it. Nodes are interned, so two nodes differ exactly if their contents differ, and "same parent
 * node" means "same prefix". A lookup therefore compares a candidate's parent node, tokens and
 * attributes; the key only finds candidates fast, and colliding keys cost a comparison each. Chains
 * of precomputed keys have no tokens; there the caller's key is the content, and such nodes never
 * match chains with tokens.
 *
 * <p>Most nodes are the only child of their parent: that one hangs on the parent, and only first
 * blocks and further children are in a hash table. A chain that grows never touches the table.
 *
 * <p>A node lives while it has a copy in some tier, a child, or a holder (an owner's position in
 * the chain, a transfer). Nodes without a copy are <em>ghosts</em>: they keep their descendants'
 * identity, so that these are found again once the missing block is computed anew.
 */
final class ContentIndex {
  static final int NONE = -1;

  /** First operation code of this class in the undo log. */
  static final int FIRST_OP = BlockTier.END_OP;

  private static final int OP_CREATE = FIRST_OP;
  private static final int OP_DESTROY = FIRST_OP + 1;
  private static final int OP_HOLD = FIRST_OP + 2;
  private static final int OP_INBOUND = FIRST_OP + 3;

  /** First operation code after this class. */
  static final int END_OP = FIRST_OP + 4;

  private static final int WORDS = BlockKey.MAX_WORDS;
  private static final int MIN_SLOTS = 64;

  /** 2^64 divided by the golden ratio: spreads keys that differ in few bits. */
  private static final long SPREAD = 0x9E3779B97F4A7C15L;

  private final UndoLog log;
  private final int blockTokens;
  private final int tiers;
  private final int lists;

  // The numbers of a node stand together: making, finding and linking one uses most of them.
  private static final int STRIDE = 7;
  private static final int PARENT = 0;

  /** The child that hangs on this node alone and is not in the table: the only one, mostly. */
  private static final int CHILD = 1;

  /**
   * The child in the table that was found or put there last, checked before the table is searched.
   * Only a guess, but where there is none, no child ever was in the table.
   */
  private static final int GUESS = 2;

  private static final int DEPTH = 3;
  private static final int HOLDERS = 4;
  private static final int COPIES = 5;

  /** The words of the key, and flags. */
  private static final int KIND = 6;

  private static final int WORDS_OF_KIND = 7;

  /** Of a node that stands for tokens, not for a precomputed key. */
  private static final int EXACT = 8;

  /** Of a node in the table. */
  private static final int IN_TABLE = 16;

  private int[] nodes = {};
  private long[] keys = {};
  private @Nullable BlockExtras[] extras = {};
  private int[] tokens = {};

  // By node and list: the first and the last copy side by side, how many, and how many to come.
  private int[] ends = {};
  private int[] copyCount = {};
  private int[] inbound = {};

  /** Ids never used start at {@code created}; recycled ones are on the stack. */
  private int created;

  private int[] recycled = {};
  private int recycledCount;

  /** Destroyed while changes are recorded: kept intact until they are final. */
  private int[] parked = {};

  private int parkedCount;

  private int[] slots = new int[MIN_SLOTS];

  /** Nodes in the table. */
  private int placed;

  private int live;
  private int ghosts;

  ContentIndex(UndoLog log, int blockTokens, int groups, int tiers) {
    this.log = log;
    this.blockTokens = blockTokens;
    this.tiers = tiers;
    this.lists = groups * tiers;
    Arrays.fill(slots, NONE);
  }

  /** Returns the number of the list of copies that a tier and group have. */
  int list(int tier, int group) {
    return group * tiers + tier;
  }

  /** Returns the node of a chain's block below a parent node, or {@link #NONE}. */
  int find(int parentNode, BlockKeyChain chain, int block) {
    int[] all = nodes;
    if (parentNode != NONE) {
      int child = all[parentNode * STRIDE + CHILD];
      if (child != NONE && sameContent(child, chain, block)) {
        return child;
      }
      int likely = all[parentNode * STRIDE + GUESS];
      if (likely == NONE) {
        return NONE;
      }
      if (all[likely * STRIDE + PARENT] == parentNode
          && (all[likely * STRIDE + KIND] & IN_TABLE) != 0
          && sameContent(likely, chain, block)) {
        return likely;
      }
    }
    long word0 = chain.word(block, 0);
    int mask = slots.length - 1;
    for (int slot = slot(word0); ; slot = (slot + 1) & mask) {
      int candidate = slots[slot];
      if (candidate == NONE) {
        return NONE;
      }
      if (keys[candidate * WORDS] == word0
          && all[candidate * STRIDE + PARENT] == parentNode
          && sameContent(candidate, chain, block)) {
        if (parentNode != NONE) {
          all[parentNode * STRIDE + GUESS] = candidate;
        }
        return candidate;
      }
    }
  }

  /**
   * Makes the node of a chain's block below a parent node. Its id is new, or that of a node which
   * was forgotten because it had no copy, holder or transfer: there is nothing of these to clear.
   */
  int create(int parentNode, BlockKeyChain chain, int block) {
    int id = recycledCount > 0 ? recycled[--recycledCount] : created++;
    if (id >= extras.length) {
      grow(Math.max(64, extras.length + (extras.length >> 1)));
    }
    int[] all = nodes;
    int at = id * STRIDE;
    int words = chain.words();
    boolean exact = chain.hasTokens();
    all[at + PARENT] = parentNode;
    all[at + CHILD] = NONE;
    all[at + GUESS] = NONE;
    all[at + DEPTH] = block;
    all[at + KIND] = words | (exact ? EXACT : 0);
    chain.copyKey(block, keys, id * WORDS);
    extras[id] = chain.extras(block);
    if (exact) {
      if (tokens.length < extras.length * blockTokens) {
        tokens = Arrays.copyOf(tokens, extras.length * blockTokens);
      }
      chain.copyTokens(block, tokens, id * blockTokens);
    }
    insert(id);
    ghosts++;
    log.record(OP_CREATE, 0, id, 0, 0);
    if (parentNode != NONE) {
      hold(parentNode);
    }
    return id;
  }

  /** Keeps a node alive until {@link #letGo}. */
  void hold(int id) {
    log.record(OP_HOLD, 0, id, 1, 0);
    nodes[id * STRIDE + HOLDERS]++;
  }

  /** Takes back one {@link #hold} and forgets nodes that nothing needs any more. */
  void letGo(int id) {
    log.record(OP_HOLD, 0, id, -1, 0);
    nodes[id * STRIDE + HOLDERS]--;
    collect(id);
  }

  /** Forgets a node, and then its ancestors, that have no copy, child or holder left. */
  void collect(int id) {
    int each = id;
    while (each != NONE
        && nodes[each * STRIDE + HOLDERS] == 0
        && nodes[each * STRIDE + COPIES] == 0) {
      int up = nodes[each * STRIDE + PARENT];
      log.record(OP_DESTROY, 0, each, 0, 0);
      erase(each);
      ghosts--;
      if (log.recording()) {
        if (parkedCount == parked.length) {
          parked = Arrays.copyOf(parked, Math.max(64, 2 * parkedCount));
        }
        parked[parkedCount++] = each;
      } else {
        recycle(each);
      }
      if (up != NONE) {
        log.record(OP_HOLD, 0, up, -1, 0);
        nodes[up * STRIDE + HOLDERS]--;
      }
      each = up;
    }
  }

  /** Counts a transfer that will bring a copy into a list, or its end. */
  void addInbound(int id, int list, int delta) {
    log.record(OP_INBOUND, delta, id, list, 0);
    inbound[id * lists + list] += delta;
  }

  boolean hasInbound(int id, int list) {
    return inbound[id * lists + list] > 0;
  }

  // Called by BlockTier, which records the change.

  int firstCopy(int id, int list) {
    return ends[2 * (id * lists + list)];
  }

  int lastCopy(int id, int list) {
    return ends[2 * (id * lists + list) + 1];
  }

  void setFirstCopy(int id, int list, int block) {
    ends[2 * (id * lists + list)] = block;
  }

  void setLastCopy(int id, int list, int block) {
    ends[2 * (id * lists + list) + 1] = block;
  }

  void copyAdded(int id, int list) {
    copyCount[id * lists + list]++;
    if (nodes[id * STRIDE + COPIES]++ == 0) {
      ghosts--;
    }
  }

  void copyRemoved(int id, int list) {
    copyCount[id * lists + list]--;
    if (--nodes[id * STRIDE + COPIES] == 0) {
      ghosts++;
    }
  }

  int copyCount(int id, int list) {
    return copyCount[id * lists + list];
  }

  // Reads.

  int parent(int id) {
    return nodes[id * STRIDE + PARENT];
  }

  int depth(int id) {
    return nodes[id * STRIDE + DEPTH];
  }

  BlockExtras extras(int id) {
    BlockExtras value = extras[id];
    return value == null ? BlockExtras.NONE : value;
  }

  int words(int id) {
    return nodes[id * STRIDE + KIND] & WORDS_OF_KIND;
  }

  long word(int id, int index) {
    return keys[id * WORDS + index];
  }

  boolean keyEquals(int id, BlockKeyChain chain, int block) {
    int count = words(id);
    if (count != chain.words()) {
      return false;
    }
    for (int w = 0; w < count; w++) {
      if (keys[id * WORDS + w] != chain.word(block, w)) {
        return false;
      }
    }
    return true;
  }

  /** Returns how many nodes have no copy anywhere. */
  int ghosts() {
    return ghosts;
  }

  int live() {
    return live;
  }

  /** Returns the exclusive upper bound of node ids, for passes over all nodes. */
  int bound() {
    return created;
  }

  boolean hasCopies(int id) {
    return nodes[id * STRIDE + COPIES] > 0;
  }

  /** Makes everything final: ids of forgotten nodes may be used again. */
  void commit() {
    for (int i = 0; i < parkedCount; i++) {
      recycle(parked[i]);
    }
    parkedCount = 0;
  }

  void undo(int entry) {
    int id = log.b(entry);
    switch (log.op(entry)) {
      case OP_CREATE -> {
        erase(id);
        ghosts--;
        recycle(id);
      }
      case OP_DESTROY -> {
        parkedCount--;
        insert(id);
        ghosts++;
      }
      case OP_HOLD -> nodes[id * STRIDE + HOLDERS] -= log.c(entry);
      case OP_INBOUND -> inbound[id * lists + log.c(entry)] -= log.a(entry);
      default -> throw new IllegalStateException("unknown operation " + log.op(entry));
    }
  }

  @SuppressWarnings("ReferenceEquality") // the usual case, without comparing the parts
  private boolean sameContent(int id, BlockKeyChain chain, int block) {
    boolean exact = (nodes[id * STRIDE + KIND] & EXACT) != 0;
    if (exact != chain.hasTokens()) {
      return false;
    }
    // Tokens say more than any hash of them, of which one word then is enough.
    boolean same =
        exact
            ? keys[id * WORDS] == chain.word(block, 0)
                && chain.tokensEqual(block, tokens, id * blockTokens)
            : keyEquals(id, chain, block);
    if (!same) {
      return false;
    }
    // Mostly one object, which a record's own equality would compare part by part.
    return Objects.equals(chain.extras(block), extras[id]);
  }

  private void recycle(int id) {
    extras[id] = null;
    if (recycledCount == recycled.length) {
      recycled = Arrays.copyOf(recycled, Math.max(64, 2 * recycledCount));
    }
    recycled[recycledCount++] = id;
  }

  private int slot(long word0) {
    return (int) ((word0 * SPREAD) >>> 32) & (slots.length - 1);
  }

  /** Makes a node findable: on its parent, if no other child hangs there, else in the table. */
  private void insert(int id) {
    live++;
    int up = nodes[id * STRIDE + PARENT];
    if (up != NONE) {
      if (nodes[up * STRIDE + CHILD] == NONE) {
        nodes[up * STRIDE + CHILD] = id;
        return;
      }
      nodes[up * STRIDE + GUESS] = id;
    }
    if (2 * (placed + 1) > slots.length) {
      int[] old = slots;
      slots = new int[2 * old.length];
      Arrays.fill(slots, NONE);
      for (int each : old) {
        if (each != NONE) {
          place(each);
        }
      }
    }
    place(id);
    placed++;
    nodes[id * STRIDE + KIND] |= IN_TABLE;
  }

  private void place(int id) {
    int mask = slots.length - 1;
    int slot = slot(keys[id * WORDS]);
    while (slots[slot] != NONE) {
      slot = (slot + 1) & mask;
    }
    slots[slot] = id;
  }

  /** Makes a node unfindable. A gap in the table is closed: probing never meets a tombstone. */
  private void erase(int id) {
    live--;
    if ((nodes[id * STRIDE + KIND] & IN_TABLE) == 0) {
      nodes[nodes[id * STRIDE + PARENT] * STRIDE + CHILD] = NONE;
      return;
    }
    nodes[id * STRIDE + KIND] &= ~IN_TABLE;
    placed--;
    int mask = slots.length - 1;
    int gap = slot(keys[id * WORDS]);
    while (slots[gap] != id) {
      gap = (gap + 1) & mask;
    }
    slots[gap] = NONE;
    for (int at = (gap + 1) & mask; slots[at] != NONE; at = (at + 1) & mask) {
      int home = slot(keys[slots[at] * WORDS]);
      if (((at - home) & mask) >= ((at - gap) & mask)) {
        slots[gap] = slots[at];
        slots[at] = NONE;
        gap = at;
      }
    }
  }

  private void grow(int capacity) {
    int from = ends.length;
    nodes = Arrays.copyOf(nodes, capacity * STRIDE);
    keys = Arrays.copyOf(keys, capacity * WORDS);
    extras = Arrays.copyOf(extras, capacity);
    ends = Arrays.copyOf(ends, 2 * capacity * lists);
    Arrays.fill(ends, from, ends.length, NONE);
    copyCount = Arrays.copyOf(copyCount, capacity * lists);
    inbound = Arrays.copyOf(inbound, capacity * lists);
  }
}
