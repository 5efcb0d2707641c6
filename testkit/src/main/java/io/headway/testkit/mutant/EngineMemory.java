package io.headway.testkit.mutant;

import io.headway.testkit.subject.EngineConfig;
import io.headway.testkit.subject.RequestSpec;
import io.headway.testkit.trace.TraceEvent.Blocks;
import io.headway.testkit.trace.TraceEvent.Keyed;
import java.util.ArrayDeque;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.Collections;
import java.util.Deque;
import java.util.HashMap;
import java.util.LinkedHashSet;
import java.util.List;
import java.util.Map;
import org.jspecify.annotations.Nullable;

/**
 * The reference engine's blocks and its prefix cache. A block is held by requests, kept aside,
 * free, or cached: held by nobody, but findable. Cached blocks are given out when nothing is free,
 * the least recently used first; of one request, its last block first.
 */
final class EngineMemory {
  /** Who takes blocks away from everybody. */
  static final String ASIDE = "reserved";

  /** What keeps equal tokens apart. */
  private record Isolation(String tenant, String adapter, String salt) {
    static Isolation of(RequestSpec r, EngineFault fault) {
      return switch (fault) {
        case B_75 -> new Isolation(r.tenant(), r.adapter(), "");
        case H_14 -> new Isolation(r.tenant() + r.adapter() + r.salt(), "", "");
        default -> new Isolation(r.tenant(), r.adapter(), r.salt());
      };
    }

    long root() {
      return mix(mix(mix(1, tenant.hashCode()), adapter.hashCode()), salt.hashCode());
    }
  }

  /** What a block is found by. */
  @SuppressWarnings("ArrayRecordComponent") // Compared by content where it is used.
  private record Entry(Isolation isolation, int[] prefix, long key, long parent, long hash) {}

  private final EngineConfig config;
  private final EngineFault fault;
  private final EngineLog log;
  private final int[] refs;
  private final @Nullable Entry[] entries;

  /** Used last first, so that whatever still uses a block that was given back shows up. */
  private final Deque<Integer> free = new ArrayDeque<>();

  private final LinkedHashSet<Integer> cached = new LinkedHashSet<>();
  private final List<Integer> aside = new ArrayList<>();
  private final List<Integer> hostFree = new ArrayList<>();
  private final Map<Long, List<Integer>> index = new HashMap<>();
  private List<Integer> last = List.of();

  EngineMemory(EngineConfig config, EngineFault fault, EngineLog log) {
    this.config = config;
    this.fault = fault;
    this.log = log;
    refs = new int[config.blocks()];
    entries = new Entry[config.blocks()];
    for (int block = 0; block < refs.length; block++) {
      free.add(block);
    }
    for (int block = 0; block < config.hostBlocks(); block++) {
      hostFree.add(block);
    }
  }

  EngineMemory copy(EngineLog other) {
    EngineMemory copy = new EngineMemory(config, fault, other);
    System.arraycopy(refs, 0, copy.refs, 0, refs.length);
    System.arraycopy(entries, 0, copy.entries, 0, entries.length);
    copy.free.clear();
    copy.free.addAll(free);
    copy.cached.addAll(cached);
    copy.aside.addAll(aside);
    copy.hostFree.clear();
    copy.hostFree.addAll(hostFree);
    copy.last = last;
    index.forEach((hash, blocks) -> copy.index.put(hash, new ArrayList<>(blocks)));
    return copy;
  }

  private static long mix(long hash, long value) {
    long mixed = (hash ^ value) * 0x9e3779b97f4a7c15L;
    return mixed ^ (mixed >>> 32);
  }

  // ---- counting

  int blocksFor(int tokens) {
    return (tokens + config.blockTokens() - 1) / config.blockTokens();
  }

  /** Blocks that could be given out: free ones and cached ones. */
  int available() {
    return free.size() + cached.size();
  }

  /** Blocks that hold nothing, cached ones not included. */
  int empty() {
    return free.size();
  }

  int usable() {
    return config.blocks() - aside.size();
  }

  /** Blocks held by requests or kept aside. */
  int held() {
    return config.blocks() - available();
  }

  int hostHeld() {
    return config.hostBlocks() - hostFree.size();
  }

  /** Of some blocks, how many nobody holds. */
  int unheld(List<Integer> blocks) {
    int count = 0;
    for (int block : blocks) {
      count += refs[block] == 0 ? 1 : 0;
    }
    return count;
  }

  /** Blocks that would be given out if some requests gave theirs back. */
  int freedBy(List<EngineRequest> victims) {
    Map<Integer, Integer> counts = new HashMap<>();
    int freed = 0;
    for (EngineRequest victim : victims) {
      for (int block : victim.table) {
        freed += counts.merge(block, 1, Integer::sum) == refs[block] ? 1 : 0;
      }
    }
    return freed;
  }

  // ---- tables

  /** Gives a request more blocks, if there are enough; otherwise changes nothing. */
  boolean allocate(EngineRequest r, int count) {
    if (count > available()) {
      return false;
    }
    List<Integer> given = new ArrayList<>();
    for (int i = 0; i < count; i++) {
      int block = take();
      refs[block] = 1;
      r.table.add(block);
      given.add(block);
    }
    log.blocks(Blocks.Kind.ALLOC, r.id(), given);
    return true;
  }

  private int take() {
    if (!free.isEmpty()) {
      return free.removeLast();
    }
    int block = cached.iterator().next();
    cached.remove(block);
    forget(block);
    return block;
  }

  private void forget(int block) {
    Entry entry = entries[block];
    if (entry == null) {
      return;
    }
    entries[block] = null;
    List<Integer> bucket = index.getOrDefault(entry.hash(), new ArrayList<>());
    bucket.remove(Integer.valueOf(block));
    if (bucket.isEmpty()) {
      index.remove(entry.hash());
    }
    log.keyed(Keyed.Kind.EVICT, block, entry.key(), entry.parent());
  }

  void share(EngineRequest r, List<Integer> blocks) {
    for (int block : blocks) {
      refs[block]++;
      cached.remove(block);
      r.table.add(block);
    }
    log.blocks(Blocks.Kind.SHARE, r.id(), blocks);
  }

  /** Takes everything back from a request, its last block first. */
  void release(EngineRequest r) {
    log.blocks(Blocks.Kind.RELEASE, r.id(), r.table);
    last = List.copyOf(r.table);
    List<Integer> order = new ArrayList<>(r.table);
    if (fault != EngineFault.H_12) {
      Collections.reverse(order);
    }
    for (int block : order) {
      drop(block);
    }
    r.table.clear();
  }

  private void drop(int block) {
    refs[block]--;
    if (refs[block] == 0) {
      if (entries[block] == null) {
        free.addLast(block);
      } else {
        cached.add(block);
      }
    }
  }

  // ---- the cache

  private long hash(long key) {
    return config.hashValues() == 0 ? key : Math.floorMod(key, config.hashValues());
  }

  private static long extend(long key, int[] tokens, int block, int size) {
    long longer = key;
    for (int i = block * size; i < (block + 1) * size; i++) {
      longer = mix(longer, tokens[i] + 1);
    }
    return longer;
  }

  /** Returns the keys of a prompt's whole blocks, which no two contents share in practice. */
  long[] keys(EngineRequest r) {
    int blocks = config.keys() == EngineConfig.Keys.NONE ? 0 : r.prompt() / config.blockTokens();
    long[] keys = new long[blocks];
    Isolation isolation = new Isolation(r.spec.tenant(), r.spec.adapter(), r.spec.salt());
    long key = isolation.root();
    for (int i = 0; i < blocks; i++) {
      key = extend(key, r.tokens, i, config.blockTokens());
      keys[i] = key;
    }
    return keys;
  }

  /** Finds the longest run of cached blocks that a request begins with, up to some blocks. */
  List<Integer> match(EngineRequest r, int most) {
    List<Integer> found = new ArrayList<>();
    Isolation isolation = Isolation.of(r.spec, fault);
    long key = isolation.root();
    int size = config.blockTokens();
    for (int i = 0; i < Math.min(most, findable(r, r.size)); i++) {
      key = extend(key, r.tokens, i, size);
      int block = find(hash(key), isolation, r.tokens, (i + 1) * size);
      if (block < 0) {
        break;
      }
      found.add(block);
    }
    return found;
  }

  private int find(long hash, Isolation isolation, int[] tokens, int length) {
    for (int block : index.getOrDefault(hash, List.of())) {
      Entry entry = entries[block];
      if (entry != null
          && entry.isolation().equals(isolation)
          && Arrays.equals(entry.prefix(), 0, entry.prefix().length, tokens, 0, length)) {
        return block;
      }
    }
    return -1;
  }

  private int findable(EngineRequest r, int tokens) {
    return switch (config.keys()) {
      case NONE -> 0;
      case TOKENS -> tokens / config.blockTokens();
      case BLOCK_KEYS -> Math.min(tokens, r.prompt()) / config.blockTokens();
    };
  }

  /** Makes the whole blocks findable that hold some leading tokens of a request. */
  void publish(EngineRequest r, int tokens) {
    Isolation isolation = Isolation.of(r.spec, fault);
    long key = isolation.root();
    long parent = 0;
    int size = config.blockTokens();
    int blocks = Math.min(findable(r, Math.min(tokens, r.size)), r.table.size());
    for (int i = 0; i < blocks; i++) {
      key = extend(key, r.tokens, i, size);
      int block = r.table.get(i);
      if (entries[block] == null) {
        long hash = hash(key);
        int[] prefix = Arrays.copyOf(r.tokens, (i + 1) * size);
        entries[block] = new Entry(isolation, prefix, key, parent, hash);
        index.computeIfAbsent(hash, h -> new ArrayList<>()).add(block);
        log.keyed(Keyed.Kind.PUBLISH, block, key, parent);
      }
      parent = key;
    }
  }

  /** Forgets whatever is cached and held by nobody. */
  void clear() {
    for (int block : List.copyOf(cached)) {
      cached.remove(block);
      forget(block);
      free.add(block);
    }
    if (fault == EngineFault.H_17) {
      for (int block = 0; block < refs.length; block++) {
        if (refs[block] > 0 && entries[block] != null) {
          forget(block);
          free.add(block);
        }
      }
    }
  }

  // ---- pressure

  /** Keeps some blocks aside, as far as they are free, or gives them back. */
  void keepAside(int wanted) {
    List<Integer> changed = new ArrayList<>();
    while (aside.size() < wanted && available() > 0) {
      int block = take();
      aside.add(block);
      changed.add(block);
    }
    log.blocks(Blocks.Kind.PIN, ASIDE, changed);
    changed.clear();
    while (aside.size() > wanted) {
      int block = aside.remove(aside.size() - 1);
      free.add(block);
      changed.add(block);
    }
    log.blocks(Blocks.Kind.UNPIN, ASIDE, changed);
  }

  // ---- the host

  int hostRoom() {
    return hostFree.size();
  }

  /** Moves the first blocks of a request to the host; returns the host's blocks. */
  List<Integer> toHost(EngineRequest r, int count) {
    for (int i = 0; i < count; i++) {
      r.host.add(hostFree.remove(0));
    }
    log.tier(r.id(), "device", "host", count);
    return List.copyOf(r.host);
  }

  /** Gives the host's blocks of a request back. */
  void leaveHost(EngineRequest r) {
    hostFree.addAll(r.host);
    Collections.sort(hostFree);
    r.host.clear();
  }

  /** Returns what is still cached of the blocks that were given back last, in order. */
  List<Integer> lastOccupant(int most) {
    List<Integer> resident = new ArrayList<>();
    for (int block : last) {
      if (resident.size() == most || !cached.contains(block)) {
        break;
      }
      resident.add(block);
    }
    return resident;
  }
}
