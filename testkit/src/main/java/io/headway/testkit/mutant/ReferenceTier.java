package io.headway.testkit.mutant;

import java.util.ArrayDeque;
import java.util.ArrayList;
import java.util.Comparator;
import java.util.HashMap;
import java.util.LinkedHashSet;
import java.util.List;
import java.util.Map;
import java.util.Set;
import org.jspecify.annotations.Nullable;

/**
 * The blocks of one tier: who is free, who is cached in order of last use, and which content is
 * where. A block that nobody refers to is in the free list if it has no key, and may be evicted if
 * it has one.
 */
final class ReferenceTier {
  /** No block. */
  static final int NONE = -1;

  /**
   * Names the content of a block and of all before it.
   *
   * @param hash what a poor index would go by
   * @param parent name of the block before it
   * @param group cache group
   * @param tokens its own tokens; fewer than a block holds if it is not full
   * @param apart what keeps it apart from equal tokens of others
   */
  record BlockName(
      long hash, @Nullable BlockName parent, int group, List<Integer> tokens, List<String> apart) {
    @Override
    public int hashCode() {
      return Long.hashCode(hash);
    }
  }

  private static final class Block {
    int references;

    /** Attempts that are under way and must not lose it. */
    int locks;

    @Nullable BlockName key;

    /** It is being loaded: its key is a promise. */
    boolean promised;
  }

  private final PoolFault fault;
  private final List<Block> blocks = new ArrayList<>();
  private final ArrayDeque<Integer> free = new ArrayDeque<>();

  /** Blocks with a key, the least recently used first. */
  private final List<Integer> recency = new ArrayList<>();

  private final Map<Object, Set<Integer>> index = new HashMap<>();

  ReferenceTier(int size, PoolFault fault) {
    this.fault = fault;
    for (int i = 0; i < size; i++) {
      blocks.add(new Block());
      free.add(i);
    }
  }

  /** Makes this tier equal to another one of the same size. */
  void become(ReferenceTier other) {
    for (int i = 0; i < blocks.size(); i++) {
      Block block = blocks.get(i);
      Block model = other.blocks.get(i);
      block.references = model.references;
      block.locks = model.locks;
      block.promised = model.promised;
      block.key = model.key;
    }
    free.clear();
    free.addAll(other.free);
    List<Integer> order = new ArrayList<>(other.recency);
    if (fault == PoolFault.H_30A) {
      order.sort(Comparator.comparingInt(recency::indexOf));
    }
    recency.clear();
    recency.addAll(order);
    if (fault != PoolFault.H_30B) {
      index.clear();
      other.index.forEach((name, where) -> index.put(name, new LinkedHashSet<>(where)));
    }
  }

  ReferenceTier copy() {
    ReferenceTier copy = new ReferenceTier(blocks.size(), PoolFault.NONE);
    copy.become(this);
    return copy;
  }

  private Object name(BlockName key) {
    return fault == PoolFault.B_37 ? (Object) key.hash() : key;
  }

  /** Counts the blocks that could be taken. */
  int available() {
    int count = free.size();
    for (int block : recency) {
      count += evictable(block) ? 1 : 0;
    }
    return count;
  }

  private boolean evictable(int block) {
    Block b = blocks.get(block);
    return b.references == 0 && b.locks == 0;
  }

  /** Takes a block: a free one, else the least recently used of those that are only cached. */
  int take() {
    Integer taken = free.pollFirst();
    if (taken == null) {
      taken = evict();
    }
    blocks.get(taken).references = 1;
    return taken;
  }

  private int evict() {
    int block =
        recency.stream()
            .filter(each -> evictable(each) || fault == PoolFault.B_31A)
            .findFirst()
            .orElseThrow(() -> new IllegalStateException("no block is free"));
    BlockName key = blocks.get(block).key;
    if (fault == PoolFault.B_39) {
      recency.remove((Integer) block);
      blocks.get(block).key = null;
    } else if (key != null) {
      strike(block, key);
    }
    return block;
  }

  /** Takes a key away from a block. */
  private void strike(int block, BlockName key) {
    Set<Integer> where = index.get(name(key));
    if (where != null && where.remove(block) && where.isEmpty()) {
      index.remove(name(key));
    }
    recency.remove((Integer) block);
    blocks.get(block).key = null;
    blocks.get(block).promised = false;
  }

  void lock(Iterable<Integer> all, int by) {
    for (int block : all) {
      blocks.get(block).locks += by;
    }
  }

  void refer(int block) {
    blocks.get(block).references++;
  }

  /** Gives one reference back of somebody who has just used the block. */
  void release(int block) {
    settle(block);
    if (blocks.get(block).key != null) {
      touch(block);
    }
  }

  /** Gives one reference back of somebody who did not use the block. */
  void settle(int block) {
    Block b = blocks.get(block);
    b.references = Math.max(0, b.references - 1);
    if (b.references == 0 && b.key == null) {
      free.addLast(block);
    }
  }

  /** Makes a cached block the most recently used one. */
  void touch(int block) {
    recency.remove((Integer) block);
    recency.add(block);
  }

  /** Gives every reference back at once, whoever has it. */
  void forceFree(int block) {
    blocks.get(block).references = 1;
    release(block);
  }

  int references(int block) {
    return blocks.get(block).references;
  }

  @Nullable BlockName key(int block) {
    return blocks.get(block).key;
  }

  boolean promised(int block) {
    return blocks.get(block).promised;
  }

  /** Names the content of a block, whatever its name was before. */
  void name(int block, BlockName key, boolean promise) {
    Block b = blocks.get(block);
    if (b.key != null && fault != PoolFault.B_30) {
      strike(block, b.key);
    }
    b.key = key;
    b.promised = promise;
    index.computeIfAbsent(name(key), k -> new LinkedHashSet<>()).add(block);
    touch(block);
  }

  /** A promise was kept. */
  void keep(int block) {
    blocks.get(block).promised = false;
  }

  /** Makes a block unmatchable. */
  void unname(int block) {
    BlockName key = blocks.get(block).key;
    if (key == null) {
      return;
    }
    strike(block, key);
    if (blocks.get(block).references == 0) {
      free.addLast(block);
    }
  }

  /** Returns where a content is, the copy that was named first. */
  int find(BlockName key) {
    Set<Integer> where = index.get(name(key));
    return where == null ? NONE : where.iterator().next();
  }

  /** Returns where a content is that nobody refers to, the copy that was named first. */
  int findIdle(BlockName key) {
    for (int block : index.getOrDefault(name(key), Set.of())) {
      if (evictable(block)) {
        return block;
      }
    }
    return NONE;
  }

  /** Makes everything unmatchable. */
  void forget() {
    for (int block : List.copyOf(recency)) {
      if (fault != PoolFault.H_23 || block != recency.get(0)) {
        unname(block);
      }
    }
  }

  @Override
  public String toString() {
    StringBuilder text = new StringBuilder("free=").append(free).append(" used=").append(recency);
    for (int i = 0; i < blocks.size(); i++) {
      Block b = blocks.get(i);
      BlockName key = b.key;
      text.append(' ').append(i).append(':').append(b.references).append('+').append(b.locks);
      if (key != null) {
        text.append(b.promised ? "~" : "=").append(Long.toHexString(key.hash()));
        text.append(find(key) == NONE ? "?" : "");
      }
    }
    return text.toString();
  }
}
