package io.headway.runtime;

import java.util.Arrays;

/**
 * Which instance holds which prompt block, as far as the router knows, each instance with its own
 * bound and least recently served order.
 *
 * <p>A block key has a bit per instance, so that one prompt is matched against all instances at
 * once in O(blocks × instances / 64). Each (block, instance) pair is in its instance's order;
 * recording a prompt touches its blocks from the last to the first, so that a chain loses its tail
 * first. Not thread-safe.
 */
final class PrefixIndex {
  private static final int NONE = -1;

  private final LongIntMap slots = new LongIntMap();
  private long[] slotKey = new long[64];

  /** How many instances hold the block; of a free slot, -2 minus the next free one. */
  private int[] slotHolders = new int[64];

  private int slotsUsed;
  private int firstFreeSlot = NONE;

  /** Bits of holders, {@code stride} words per slot. */
  private long[] bits = new long[64];

  private int stride = 1;

  /** Pairs: {@code slot << 32 | instance} to a node in that instance's order. */
  private final LongIntMap nodes = new LongIntMap();

  private int[] nodeSlot = new int[64];
  private int[] newer = new int[64];
  private int[] older = new int[64];
  private int nodesUsed;
  private int firstFreeNode = NONE;

  /** By instance. */
  private int[] newest = new int[8];

  private int[] oldest = new int[8];
  private int[] held = new int[8];
  private int[] bound = new int[8];

  /** The result of the last match. */
  private int[] matched = new int[8];

  /** The slots of the leading blocks matched last: mostly that prompt is recorded next. */
  private int[] found = new int[16];

  private int foundCount;

  private long[] alive = new long[1];
  private long[] everAlive = new long[1];

  /** Opens an empty order for an instance. */
  void open(int instance, int maxBlocks) {
    if (instance >= newest.length) {
      int more = Math.max(instance + 1, 2 * newest.length);
      newest = Arrays.copyOf(newest, more);
      oldest = Arrays.copyOf(oldest, more);
      held = Arrays.copyOf(held, more);
      bound = Arrays.copyOf(bound, more);
      matched = Arrays.copyOf(matched, more);
    }
    int words = (instance >>> 6) + 1;
    if (words > stride) {
      widen(Math.max(words, 2 * stride));
    }
    newest[instance] = NONE;
    oldest[instance] = NONE;
    held[instance] = 0;
    bound[instance] = maxBlocks;
  }

  /** Returns how many blocks an instance is known to hold. */
  int held(int instance) {
    return held[instance];
  }

  /** Records that an instance holds the blocks of a prompt. */
  void record(int instance, PrefixKeys keys) {
    int from = Math.min(keys.count(), bound[instance]) - 1;
    int likely = NONE;
    for (int i = from; i >= 0; i--) {
      likely = add(instance, keys.key(i), i < foundCount ? found[i] : NONE, likely);
    }
  }

  /** Records that an instance holds a block, as its most recent one. */
  void add(int instance, long key) {
    if (bound[instance] > 0) {
      add(instance, key, NONE, NONE);
    }
  }

  /**
   * As {@link #add(int, long)}, with guesses that save looking the block and the pair up. Whoever
   * is right is used, so that they change nothing but time.
   *
   * @param likelySlot a slot that may be the block's, or NONE
   * @param likelyNode a node in the instance's order that may be the pair's, or NONE
   * @return the node that followed the pair's in the order: when a prompt is recorded again, that
   *     of the block before it
   */
  private int add(int instance, long key, int likelySlot, int likelyNode) {
    int slot =
        likelySlot != NONE && slotHolders[likelySlot] > 0 && slotKey[likelySlot] == key
            ? likelySlot
            : slots.get(key);
    if (slot != LongIntMap.MISSING) {
      int node =
          likelyNode != NONE && nodeSlot[likelyNode] == slot
              ? likelyNode
              : nodes.get(pair(slot, instance));
      if (node != LongIntMap.MISSING) {
        int follower = newer[node];
        if (follower != NONE) {
          unlink(instance, node);
          link(instance, node);
        }
        return follower;
      }
    }
    if (held[instance] == bound[instance]) {
      drop(instance, oldest[instance]);
      slot = slots.get(key);
    }
    if (slot == LongIntMap.MISSING) {
      slot = newSlot(key);
    }
    bits[slot * stride + (instance >>> 6)] |= 1L << instance;
    slotHolders[slot]++;
    int node = newNode(slot);
    nodes.put(pair(slot, instance), node);
    link(instance, node);
    held[instance]++;
    return NONE;
  }

  /** Forgets one block of an instance; nothing happens if it is not known. */
  void remove(int instance, long key) {
    int slot = slots.get(key);
    if (slot != LongIntMap.MISSING) {
      int node = nodes.get(pair(slot, instance));
      if (node != LongIntMap.MISSING) {
        drop(instance, node);
      }
    }
  }

  /** Forgets everything an instance holds. */
  void clear(int instance) {
    while (oldest[instance] != NONE) {
      drop(instance, oldest[instance]);
    }
  }

  /**
   * Finds how many leading blocks of a prompt each instance holds without a gap; read the answer
   * with {@link #matched}.
   */
  void match(PrefixKeys keys) {
    forgetMatches();
    int blocks = keys.count();
    if (found.length < blocks) {
      found = new int[Math.max(blocks, 2 * found.length)];
    }
    foundCount = 0;
    for (int block = 0; block < blocks; block++) {
      int slot = slots.get(keys.key(block));
      if (slot == LongIntMap.MISSING) {
        settle(block);
        return;
      }
      found[foundCount++] = slot;
      int base = slot * stride;
      long left = 0;
      for (int w = 0; w < stride; w++) {
        long holders = bits[base + w];
        if (block == 0) {
          alive[w] = holders;
          everAlive[w] = holders;
        } else {
          long lost = alive[w] & ~holders;
          alive[w] &= holders;
          set(lost, w, block);
        }
        left |= alive[w];
      }
      if (left == 0) {
        return;
      }
    }
    settle(blocks);
  }

  /** Returns the leading blocks that an instance holds of the prompt matched last. */
  int matched(int instance) {
    return matched[instance];
  }

  private void settle(int blocks) {
    if (blocks > 0) {
      for (int w = 0; w < stride; w++) {
        set(alive[w], w, blocks);
      }
    }
  }

  private void set(long instances, int word, int value) {
    for (long rest = instances; rest != 0; rest &= rest - 1) {
      matched[(word << 6) + Long.numberOfTrailingZeros(rest)] = value;
    }
  }

  private void forgetMatches() {
    for (int w = 0; w < stride; w++) {
      set(everAlive[w], w, 0);
      everAlive[w] = 0;
      alive[w] = 0;
    }
  }

  private static long pair(int slot, int instance) {
    return (long) slot << 32 | instance;
  }

  private void drop(int instance, int node) {
    int slot = nodeSlot[node];
    unlink(instance, node);
    nodes.remove(pair(slot, instance));
    older[node] = firstFreeNode;
    firstFreeNode = node;
    held[instance]--;
    bits[slot * stride + (instance >>> 6)] &= ~(1L << instance);
    if (--slotHolders[slot] == 0) {
      slots.remove(slotKey[slot]);
      slotHolders[slot] = -2 - firstFreeSlot;
      firstFreeSlot = slot;
    }
  }

  private void link(int instance, int node) {
    int head = newest[instance];
    older[node] = head;
    newer[node] = NONE;
    if (head == NONE) {
      oldest[instance] = node;
    } else {
      newer[head] = node;
    }
    newest[instance] = node;
  }

  private void unlink(int instance, int node) {
    int before = newer[node];
    int after = older[node];
    if (before == NONE) {
      newest[instance] = after;
    } else {
      older[before] = after;
    }
    if (after == NONE) {
      oldest[instance] = before;
    } else {
      newer[after] = before;
    }
  }

  private int newSlot(long key) {
    int slot = firstFreeSlot;
    if (slot != NONE) {
      firstFreeSlot = -2 - slotHolders[slot];
    } else {
      slot = slotsUsed++;
      if (slot == slotKey.length) {
        slotKey = Arrays.copyOf(slotKey, 2 * slot);
        slotHolders = Arrays.copyOf(slotHolders, 2 * slot);
        bits = Arrays.copyOf(bits, 2 * slot * stride);
      }
    }
    slotKey[slot] = key;
    slotHolders[slot] = 0;
    Arrays.fill(bits, slot * stride, (slot + 1) * stride, 0);
    slots.put(key, slot);
    return slot;
  }

  private int newNode(int slot) {
    int node = firstFreeNode;
    if (node != NONE) {
      firstFreeNode = older[node];
    } else {
      node = nodesUsed++;
      if (node == nodeSlot.length) {
        nodeSlot = Arrays.copyOf(nodeSlot, 2 * node);
        newer = Arrays.copyOf(newer, 2 * node);
        older = Arrays.copyOf(older, 2 * node);
      }
    }
    nodeSlot[node] = slot;
    return node;
  }

  private void widen(int words) {
    long[] wide = new long[slotKey.length * words];
    for (int slot = 0; slot < slotsUsed; slot++) {
      System.arraycopy(bits, slot * stride, wide, slot * words, stride);
    }
    bits = wide;
    stride = words;
    alive = new long[words];
    everAlive = Arrays.copyOf(everAlive, words);
  }
}
