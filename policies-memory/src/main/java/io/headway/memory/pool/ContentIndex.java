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

  private int[] parent = {};

  /**
   * The child of a node that was found or made last, checked before the table: chains are read in
   * the order in which they were written. Only a guess, so it is never undone, but where there is
   * none, no child was ever made, and the table need not be searched.
   */
  private int[] guess = {};

  private boolean[] present = {};
  private int[] depth = {};
  private int[] holders = {};
  private int[] copies = {};
  private long[] keys = {};
  private byte[] words = {};
  private boolean[] exact = {};
  private @Nullable BlockExtras[] extras = {};
  private int[] tokens = {};
  private int[] firstCopy = {};
  private int[] lastCopy = {};
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
    if (parentNode != NONE) {
      int likely = guess[parentNode];
      if (likely == NONE) {
        return NONE;
      }
      if (parent[likely] == parentNode
          && present[likely]
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
          && parent[candidate] == parentNode
          && sameContent(candidate, chain, block)) {
        if (parentNode != NONE) {
          guess[parentNode] = candidate;
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
    if (id >= parent.length) {
      grow(Math.max(64, parent.length + (parent.length >> 1)));
    }
    parent[id] = parentNode;
    guess[id] = NONE;
    depth[id] = block;
    int count = chain.words();
    for (int w = 0; w < count; w++) {
      keys[id * WORDS + w] = chain.word(block, w);
    }
    words[id] = (byte) count;
    exact[id] = chain.hasTokens();
    extras[id] = chain.extras(block);
    if (chain.hasTokens()) {
      if (tokens.length < parent.length * blockTokens) {
        tokens = Arrays.copyOf(tokens, parent.length * blockTokens);
      }
      chain.copyTokens(block, tokens, id * blockTokens);
    }
    insert(id);
    ghosts++;
    log.record(OP_CREATE, 0, id, 0, 0);
    if (parentNode != NONE) {
      guess[parentNode] = id;
      hold(parentNode);
    }
    return id;
  }

  /** Keeps a node alive until {@link #letGo}. */
  void hold(int id) {
    log.record(OP_HOLD, 0, id, 1, 0);
    holders[id]++;
  }

  /** Takes back one {@link #hold} and forgets nodes that nothing needs any more. */
  void letGo(int id) {
    log.record(OP_HOLD, 0, id, -1, 0);
    holders[id]--;
    collect(id);
  }

  /** Forgets a node, and then its ancestors, that have no copy, child or holder left. */
  void collect(int id) {
    int each = id;
    while (each != NONE && holders[each] == 0 && copies[each] == 0) {
      int up = parent[each];
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
        holders[up]--;
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
    return firstCopy[id * lists + list];
  }

  int lastCopy(int id, int list) {
    return lastCopy[id * lists + list];
  }

  void setFirstCopy(int id, int list, int block) {
    firstCopy[id * lists + list] = block;
  }

  void setLastCopy(int id, int list, int block) {
    lastCopy[id * lists + list] = block;
  }

  void copyAdded(int id, int list) {
    copyCount[id * lists + list]++;
    if (copies[id]++ == 0) {
      ghosts--;
    }
  }

  void copyRemoved(int id, int list) {
    copyCount[id * lists + list]--;
    if (--copies[id] == 0) {
      ghosts++;
    }
  }

  int copyCount(int id, int list) {
    return copyCount[id * lists + list];
  }

  // Reads.

  int parent(int id) {
    return parent[id];
  }

  int depth(int id) {
    return depth[id];
  }

  BlockExtras extras(int id) {
    BlockExtras value = extras[id];
    return value == null ? BlockExtras.NONE : value;
  }

  int words(int id) {
    return words[id];
  }

  long word(int id, int index) {
    return keys[id * WORDS + index];
  }

  boolean keyEquals(int id, BlockKeyChain chain, int block) {
    int count = words[id];
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
    return copies[id] > 0;
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
      case OP_HOLD -> holders[id] -= log.c(entry);
      case OP_INBOUND -> inbound[id * lists + log.c(entry)] -= log.a(entry);
      default -> throw new IllegalStateException("unknown operation " + log.op(entry));
    }
  }

  @SuppressWarnings("ReferenceEquality") // the usual case, without comparing the parts
  private boolean sameContent(int id, BlockKeyChain chain, int block) {
    if (exact[id] != chain.hasTokens()) {
      return false;
    }
    // Tokens say more than any hash of them, of which one word then is enough.
    boolean same =
        exact[id]
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

  private void insert(int id) {
    if (2 * (live + 1) > slots.length) {
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
    present[id] = true;
    live++;
  }

  private void place(int id) {
    int mask = slots.length - 1;
    int slot = slot(keys[id * WORDS]);
    while (slots[slot] != NONE) {
      slot = (slot + 1) & mask;
    }
    slots[slot] = id;
  }

  /** Removes a node from the table and closes the gap, so that probing never meets a tombstone. */
  private void erase(int id) {
    int mask = slots.length - 1;
    int gap = slot(keys[id * WORDS]);
    while (slots[gap] != id) {
      gap = (gap + 1) & mask;
    }
    slots[gap] = NONE;
    present[id] = false;
    live--;
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
    int from = parent.length * lists;
    parent = Arrays.copyOf(parent, capacity);
    guess = Arrays.copyOf(guess, capacity);
    present = Arrays.copyOf(present, capacity);
    depth = Arrays.copyOf(depth, capacity);
    holders = Arrays.copyOf(holders, capacity);
    copies = Arrays.copyOf(copies, capacity);
    keys = Arrays.copyOf(keys, capacity * WORDS);
    words = Arrays.copyOf(words, capacity);
    exact = Arrays.copyOf(exact, capacity);
    extras = Arrays.copyOf(extras, capacity);
    firstCopy = Arrays.copyOf(firstCopy, capacity * lists);
    lastCopy = Arrays.copyOf(lastCopy, capacity * lists);
    copyCount = Arrays.copyOf(copyCount, capacity * lists);
    inbound = Arrays.copyOf(inbound, capacity * lists);
    Arrays.fill(firstCopy, from, firstCopy.length, NONE);
    Arrays.fill(lastCopy, from, lastCopy.length, NONE);
  }
}
