package io.headway.memory.pool;

import io.headway.api.memory.BlockKeyChain;
import io.headway.api.memory.KeepSet;
import io.headway.api.memory.KvDemand;
import io.headway.api.memory.KvOutcome;
import io.headway.api.memory.KvOutcome.Reason;
import io.headway.api.memory.ReleaseOrder;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.HashSet;
import java.util.LinkedHashMap;
import java.util.LinkedHashSet;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.TreeMap;

/**
 * The paged pool written down a second time, as plainly as possible: collections, whole contents as
 * map keys, undo by deep copy. Shares no code with the real one.
 */
final class ReferencePool {
  /** A content: everything from the start of the sequence to the end of a block, and its group. */
  record Content(List<Object> prefix, int group) {}

  static final class Tier {
    int size;
    final List<Integer> plain = new ArrayList<>();
    final List<Integer> cached = new ArrayList<>();
    final Map<Integer, Integer> refs = new TreeMap<>();
    final Map<Integer, Content> keys = new HashMap<>();
    final Map<Integer, Integer> hits = new HashMap<>();
    final Map<Integer, Integer> groups = new HashMap<>();
    final Map<Content, LinkedHashSet<Integer>> copies = new HashMap<>();
    final Set<Integer> written = new HashSet<>();
    final Set<Integer> read = new HashSet<>();
    final Set<Integer> retired = new HashSet<>();

    Tier copy() {
      Tier t = new Tier();
      t.size = size;
      t.plain.addAll(plain);
      t.cached.addAll(cached);
      t.refs.putAll(refs);
      t.keys.putAll(keys);
      t.hits.putAll(hits);
      t.groups.putAll(groups);
      copies.forEach((c, blocks) -> t.copies.put(c, new LinkedHashSet<>(blocks)));
      t.written.addAll(written);
      t.read.addAll(read);
      t.retired.addAll(retired);
      return t;
    }

    int refs(int block) {
      return refs.getOrDefault(block, 0);
    }

    int available() {
      return plain.size() + cached.size();
    }

    List<Integer> order() {
      List<Integer> all = new ArrayList<>(plain);
      all.addAll(cached);
      return all;
    }

    boolean hittable(int block) {
      return refs(block) > 0 || !read.contains(block);
    }

    Integer copyOf(Content content) {
      for (int b : copies.getOrDefault(content, new LinkedHashSet<>())) {
        if (hittable(b)) {
          return b;
        }
      }
      return null;
    }
  }

  static final class Owner {
    final BlockKeyChain chain;
    List<List<Integer>> tables = new ArrayList<>();
    int length;
    int hit;
    int published;
    int pins;
    boolean host;
    boolean releasing;
    boolean lossy;
    ReleaseOrder order = ReleaseOrder.DEEPEST_FIRST;

    Owner(BlockKeyChain chain, int groups) {
      this.chain = chain;
      for (int g = 0; g < groups; g++) {
        tables.add(new ArrayList<>());
      }
    }

    Owner copy() {
      Owner o = new Owner(chain, 0);
      for (List<Integer> table : tables) {
        o.tables.add(new ArrayList<>(table));
      }
      o.length = length;
      o.hit = hit;
      o.published = published;
      o.pins = pins;
      o.host = host;
      o.releasing = releasing;
      o.lossy = lossy;
      o.order = order;
      return o;
    }

    int room() {
      return tables.stream().mapToInt(List::size).min().orElse(0);
    }

    boolean empty() {
      return tables.stream().allMatch(List::isEmpty);
    }
  }

  record Transfer(boolean toHost, int source, int target, Content content) {}

  final int blockTokens;
  final int[] windows;
  final PagedKvConfig config;

  /** Ranks by hits, then deeper first; null for queue order. */
  final boolean ranked;

  Tier device = new Tier();
  Tier host = new Tier();
  Map<Long, Owner> owners = new LinkedHashMap<>();
  Map<Integer, Transfer> transfers = new TreeMap<>();
  List<String> moves = new ArrayList<>();
  List<String> events = new ArrayList<>();
  private final List<ReferencePool> savepoints = new ArrayList<>();
  private int runLength;
  private int createdTransfers;
  private List<Integer> freeTransfers = new ArrayList<>();
  private List<Integer> parkedTransfers = new ArrayList<>();

  ReferencePool(PagedKvConfig config, boolean ranked) {
    this.config = config;
    this.ranked = ranked;
    blockTokens = config.blockTokens();
    windows = config.geometry().groups().stream().mapToInt(g -> g.spanTokens()).toArray();
    device.size = config.deviceBlocks();
    for (int b = config.nullBlock() ? 1 : 0; b < device.size; b++) {
      device.plain.add(b);
    }
    host.size = config.hostBlocks();
    for (int b = 0; b < host.size; b++) {
      host.plain.add(b);
    }
  }

  // Two-phase planning by copies.

  int savepoint() {
    savepoints.add(snapshot());
    return savepoints.size() - 1;
  }

  int savepointCount() {
    return savepoints.size();
  }

  void rollbackTo(int savepoint) {
    ReferencePool s = savepoints.get(savepoint).snapshot();
    device = s.device;
    host = s.host;
    owners = s.owners;
    transfers = s.transfers;
    moves = s.moves;
    events = s.events;
    // Numbers that rolled-back transfers had are used again in the same order.
    freeTransfers = new ArrayList<>();
    for (int id = createdTransfers - 1; id >= s.createdTransfers; id--) {
      freeTransfers.add(id);
    }
    freeTransfers.addAll(s.freeTransfers);
    parkedTransfers = new ArrayList<>(s.parkedTransfers);
    while (savepoints.size() > savepoint + 1) {
      savepoints.remove(savepoints.size() - 1);
    }
  }

  void commit() {
    savepoints.clear();
    freeTransfers.addAll(parkedTransfers);
    parkedTransfers.clear();
  }

  private ReferencePool snapshot() {
    ReferencePool s = new ReferencePool(config, ranked);
    s.device = device.copy();
    s.host = host.copy();
    owners.forEach((handle, owner) -> s.owners.put(handle, owner.copy()));
    s.transfers.putAll(transfers);
    s.moves.addAll(moves);
    s.events.addAll(events);
    s.createdTransfers = createdTransfers;
    s.freeTransfers.addAll(freeTransfers);
    s.parkedTransfers.addAll(parkedTransfers);
    return s;
  }

  // Content.

  static Content content(BlockKeyChain chain, int block, int group) {
    List<Object> prefix = new ArrayList<>();
    for (int i = 0; i <= block; i++) {
      prefix.add(chain.extras(i));
      for (int t = 0; t < chain.blockTokens(); t++) {
        prefix.add(chain.token(i * chain.blockTokens() + t));
      }
    }
    return new Content(prefix, group);
  }

  private int groups() {
    return windows.length;
  }

  private int needed(int group) {
    return (windows[group] - 1 + blockTokens - 1) / blockTokens;
  }

  /** The longest length that every group can serve, by trying them all. */
  int hit(BlockKeyChain chain, int limitTokens) {
    if (!config.prefixCaching()) {
      return 0;
    }
    int known = Math.min(limitTokens / blockTokens, chain.blockCount());
    // A content without a copy anywhere, and without cached descendants, is unknown to the pool.
    while (known > 0 && !known(chain, known - 1)) {
      known--;
    }
    int extra = config.dropLastHit() ? 1 : 0;
    for (int h = known; h > 0; h--) {
      boolean valid = true;
      for (int g = 0; g < groups(); g++) {
        int from = windows[g] == 0 ? 0 : Math.max(0, h - needed(g) - extra);
        if (windows[g] != 0 && needed(g) + extra == 0) {
          from = h;
        }
        for (int i = from; i < h; i++) {
          valid &= device.copyOf(content(chain, i, g)) != null;
        }
      }
      if (valid) {
        return Math.max(0, h - extra);
      }
    }
    return 0;
  }

  private boolean known(BlockKeyChain chain, int block) {
    List<Object> prefix = content(chain, block, 0).prefix();
    for (Tier tier : List.of(device, host)) {
      for (Content c : tier.copies.keySet()) {
        if (!tier.copies.get(c).isEmpty() && startsWith(c.prefix(), prefix)) {
          return true;
        }
      }
    }
    for (Owner o : owners.values()) {
      if (o.published > block
          && o.chain != null
          && content(o.chain, o.published - 1, 0).prefix().size() >= prefix.size()
          && startsWith(content(o.chain, o.published - 1, 0).prefix(), prefix)) {
        return true;
      }
    }
    return transfers.values().stream().anyMatch(t -> startsWith(t.content().prefix(), prefix));
  }

  private static boolean startsWith(List<Object> list, List<Object> prefix) {
    return list.size() >= prefix.size() && list.subList(0, prefix.size()).equals(prefix);
  }

  private int realFrom(int group, int hit) {
    return windows[group] == 0 ? 0 : Math.max(0, hit - needed(group));
  }

  int idle(BlockKeyChain chain, int hit) {
    int idle = 0;
    for (int g = 0; g < groups(); g++) {
      for (int i = realFrom(g, hit); i < hit; i++) {
        if (device.refs(device.copyOf(content(chain, i, g))) == 0) {
          idle++;
        }
      }
    }
    return idle;
  }

  /** Leading blocks that every group has in some tier. */
  int present(BlockKeyChain chain, int limitTokens) {
    int limit = Math.min(limitTokens / blockTokens, chain.blockCount());
    if (!config.prefixCaching() || config.hostBlocks() == 0) {
      return 0;
    }
    int present = 0;
    while (present < limit) {
      for (int g = 0; g < groups(); g++) {
        Content c = content(chain, present, g);
        if (device.copyOf(c) == null && host.copyOf(c) == null) {
          return present;
        }
      }
      present++;
    }
    return present;
  }

  // Arithmetic.

  int usable() {
    return device.size - device.retired.size() - (config.nullBlock() ? 1 : 0);
  }

  int watermark() {
    return (int) (config.watermarkFraction() * (device.size - device.retired.size()));
  }

  int blocks(int tokens) {
    return (int) Math.ceil(tokens / (double) blockTokens);
  }

  KvOutcome check(BlockKeyChain chain, KvDemand demand) {
    int hit = hit(chain, Math.min(demand.hitLimitTokens(), demand.lengthTokens()));
    int fresh = groups() * (blocks(demand.totalTokens()) - hit);
    int real = fresh;
    for (int g = 0; g < groups(); g++) {
      real += hit - realFrom(g, hit);
    }
    if (real > usable() - watermark()) {
      return KvOutcome.never(real - (usable() - watermark()));
    }
    int leaving = fresh + idle(chain, hit);
    int supply = device.available() - demand.reservedBlocks();
    int missing = leaving + watermark() + demand.watermarkBlocks() - supply;
    if (missing > 0) {
      return KvOutcome.later(leaving > supply ? Reason.DEVICE_BLOCKS : Reason.WATERMARK, missing);
    }
    return KvOutcome.OK;
  }

  // Queue.

  private boolean split() {
    return ranked;
  }

  private List<Integer> queueOf(Tier tier, int block) {
    return tier == device && split() && tier.keys.containsKey(block) ? tier.cached : tier.plain;
  }

  private void enqueue(Tier tier, int block) {
    List<Integer> queue = queueOf(tier, block);
    if (tier == host || config.freeOrder() == FreeOrder.APPEND) {
      queue.add(block);
    } else if (config.freeOrder() == FreeOrder.LIFO) {
      queue.add(0, block);
    } else if (tier.keys.containsKey(block)) {
      queue.add(block);
    } else {
      queue.add(runLength++, block);
    }
  }

  private void dequeue(Tier tier, int block) {
    tier.plain.remove((Integer) block);
    tier.cached.remove((Integer) block);
  }

  private void retain(Tier tier, int block) {
    dequeue(tier, block);
    tier.refs.merge(block, 1, Integer::sum);
  }

  private void giveBack(Tier tier, Integer block) {
    if (block == null) {
      return;
    }
    int left = tier.refs.merge(block, -1, Integer::sum);
    if (left == 0) {
      tier.refs.remove(block);
      if (!tier.read.contains(block)) {
        enqueue(tier, block);
      }
    }
  }

  private void unkey(Tier tier, int block, boolean report) {
    Content content = tier.keys.get(block);
    boolean requeue = tier.cached.remove((Integer) block);
    tier.keys.remove(block);
    tier.copies.get(content).remove(block);
    if (requeue) {
      tier.plain.add(block);
    }
    if (report) {
      events.add("removed " + name(tier) + " " + block + " " + tier.copies.get(content).size());
    }
  }

  private void key(Tier tier, int block, Content content) {
    tier.keys.put(block, content);
    tier.hits.put(block, 0);
    tier.copies.computeIfAbsent(content, c -> new LinkedHashSet<>()).add(block);
    events.add("stored " + name(tier) + " " + block + " " + tier.copies.get(content).size());
  }

  private String name(Tier tier) {
    return tier == device ? "DEVICE" : "HOST";
  }

  private int take(Tier tier, int group, Set<Integer> except) {
    Integer victim = null;
    for (int b : tier.plain) {
      if (!except.contains(b)) {
        victim = b;
        break;
      }
    }
    if (victim == null) {
      for (int b : tier.cached) {
        if (!except.contains(b) && (victim == null || rank(b, victim) < 0)) {
          victim = b;
        }
      }
    }
    dequeue(tier, victim);
    if (tier.keys.containsKey(victim)) {
      unkey(tier, victim, true);
    }
    tier.groups.put(victim, group);
    return victim;
  }

  private int rank(int a, int b) {
    int hits = Integer.compare(device.hits.get(a), device.hits.get(b));
    if (hits != 0) {
      return hits;
    }
    return Integer.compare(device.keys.get(b).prefix().size(), device.keys.get(a).prefix().size());
  }

  // Owners.

  void open(long handle, BlockKeyChain chain) {
    owners.put(handle, new Owner(chain, groups()));
  }

  KvOutcome tryAllocate(long handle, KvDemand demand) {
    Owner o = owners.get(handle);
    KvOutcome outcome = check(o.chain, demand);
    if (!outcome.ok()) {
      return outcome;
    }
    int hit = hit(o.chain, Math.min(demand.hitLimitTokens(), demand.lengthTokens()));
    for (int g = 0; g < groups(); g++) {
      for (int i = 0; i < hit; i++) {
        Integer block = null;
        if (i >= realFrom(g, hit)) {
          block = device.copyOf(content(o.chain, i, g));
          retain(device, block);
          device.hits.merge(block, 1, Integer::sum);
        }
        o.tables.get(g).add(block);
      }
    }
    extend(o, blocks(demand.totalTokens()));
    o.length = demand.lengthTokens();
    o.hit = hit;
    o.published = hit;
    return outcome;
  }

  private void extend(Owner o, int need) {
    for (int g = 0; g < groups(); g++) {
      while (o.tables.get(g).size() < need) {
        int block = take(device, g, Set.of());
        retain(device, block);
        o.tables.get(g).add(block);
      }
    }
  }

  KvOutcome growTo(long handle, int length) {
    Owner o = owners.get(handle);
    if (length <= o.length) {
      return KvOutcome.OK;
    }
    int first = o.length / blockTokens;
    int need = blocks(length);
    int fresh = 0;
    for (List<Integer> table : o.tables) {
      fresh += Math.max(0, need - table.size());
      for (int i = first; i < Math.min(need, table.size()); i++) {
        if (table.get(i) != null && mustCopy(table.get(i))) {
          fresh++;
        }
      }
    }
    KvOutcome refusal = shortage(o, fresh);
    if (refusal != null) {
      return refusal;
    }
    for (int g = 0; g < groups(); g++) {
      List<Integer> table = o.tables.get(g);
      for (int i = first; i < Math.min(need, table.size()); i++) {
        Integer block = table.get(i);
        if (block == null) {
          continue;
        }
        if (mustCopy(block)) {
          int copy = take(device, g, Set.of());
          retain(device, copy);
          table.set(i, copy);
          moves.add("COPY " + block + "->" + copy);
          giveBack(device, block);
          o.published = Math.min(o.published, i);
        } else if (device.keys.containsKey(block)) {
          unkey(device, block, true);
          o.published = Math.min(o.published, i);
        }
      }
      while (table.size() < need) {
        int block = take(device, g, Set.of());
        retain(device, block);
        table.add(block);
      }
    }
    o.length = length;
    return KvOutcome.OK;
  }

  private boolean mustCopy(int block) {
    return device.refs(block) > 1 || device.read.contains(block);
  }

  private KvOutcome shortage(Owner o, int fresh) {
    if (fresh <= device.available()) {
      return null;
    }
    int held = 0;
    for (List<Integer> table : o.tables) {
      held += (int) table.stream().filter(b -> b != null).count();
    }
    if (held + fresh > usable()) {
      return KvOutcome.never(held + fresh - usable());
    }
    return KvOutcome.later(Reason.DEVICE_BLOCKS, fresh - device.available());
  }

  void fork(long parent, long child) {
    Owner p = owners.get(parent);
    Owner c = owners.get(child);
    for (int g = 0; g < groups(); g++) {
      for (Integer block : p.tables.get(g)) {
        if (block != null) {
          retain(device, block);
        }
        c.tables.get(g).add(block);
      }
    }
    c.length = p.length;
    c.lossy = p.lossy;
  }

  void truncate(long handle, int length) {
    Owner o = owners.get(handle);
    for (List<Integer> table : o.tables) {
      runLength = 0;
      while (table.size() > blocks(length)) {
        giveBack(device, table.remove(table.size() - 1));
      }
    }
    o.length = Math.min(o.length, length);
    o.published = Math.min(o.published, length / blockTokens);
  }

  void release(long handle, ReleaseOrder order) {
    Owner o = owners.get(handle);
    if (o.pins > 0) {
      o.releasing = true;
      o.order = order;
    } else {
      finish(handle, order);
    }
  }

  void unpin(long handle) {
    Owner o = owners.get(handle);
    o.pins--;
    if (o.pins == 0 && o.releasing) {
      finish(handle, o.order);
    }
  }

  private void finish(long handle, ReleaseOrder order) {
    Owner o = owners.remove(handle);
    for (List<Integer> table : o.tables) {
      runLength = 0;
      List<Integer> blocks = new ArrayList<>(table);
      if (order == ReleaseOrder.DEEPEST_FIRST) {
        java.util.Collections.reverse(blocks);
      }
      blocks.forEach(b -> giveBack(o.host ? host : device, b));
    }
  }

  /** Publishes; returns false if a block is already cached as something else. */
  boolean publish(long handle, int upTo) {
    Owner o = owners.get(handle);
    int full = Math.min(upTo / blockTokens, o.chain.blockCount());
    if (config.prefixCaching() && !o.lossy && full > o.published) {
      for (int i = o.published; i < full; i++) {
        for (int g = 0; g < groups(); g++) {
          Integer block = o.tables.get(g).get(i);
          if (block != null
              && device.keys.containsKey(block)
              && !device.keys.get(block).equals(content(o.chain, i, g))) {
            return false;
          }
        }
      }
      for (int i = o.published; i < full; i++) {
        for (int g = 0; g < groups(); g++) {
          Integer block = o.tables.get(g).get(i);
          if (block != null && !device.keys.containsKey(block)) {
            key(device, block, content(o.chain, i, g));
          }
        }
      }
      o.published = full;
    }
    o.length = Math.max(o.length, upTo);
    for (int g = 0; g < groups(); g++) {
      if (windows[g] == 0) {
        continue;
      }
      runLength = 0;
      List<Integer> table = o.tables.get(g);
      for (int i = table.size() - 1; i >= 0; i--) {
        if (table.get(i) != null && (i + 1) * blockTokens <= upTo - windows[g] + 1) {
          Integer block = table.set(i, null);
          giveBack(device, block);
        }
      }
    }
    return true;
  }

  KvOutcome compact(long handle, KeepSet keep) {
    Owner o = owners.get(handle);
    int targets = blocks(keep.size());
    int same = 0;
    while (same < keep.size() && keep.position(same) == same) {
      same++;
    }
    int firstMoved = same == keep.size() ? targets : same / blockTokens;
    int fresh = 0;
    for (List<Integer> table : o.tables) {
      for (int j = firstMoved; j < targets; j++) {
        fresh += mustCopy(table.get(j)) || device.keys.containsKey(table.get(j)) ? 1 : 0;
      }
    }
    KvOutcome refusal = shortage(o, fresh);
    if (refusal != null) {
      return refusal;
    }
    for (int g = 0; g < groups(); g++) {
      List<Integer> table = o.tables.get(g);
      List<Integer> result = new ArrayList<>(table.subList(0, firstMoved));
      for (int j = firstMoved; j < targets; j++) {
        int target = table.get(j);
        if (mustCopy(target) || device.keys.containsKey(target)) {
          target = take(device, g, Set.of());
          retain(device, target);
        }
        Set<Integer> sources = new LinkedHashSet<>();
        for (int k = j * blockTokens; k < Math.min(keep.size(), (j + 1) * blockTokens); k++) {
          sources.add(table.get(keep.position(k) / blockTokens));
        }
        for (int source : sources) {
          moves.add("RECODE " + source + "->" + target);
        }
        result.add(target);
      }
      runLength = 0;
      while (table.size() > targets) {
        giveBack(device, table.remove(table.size() - 1));
      }
      for (int j = targets - 1; j >= firstMoved; j--) {
        int old = table.get(j);
        if (old != result.get(j)) {
          table.set(j, result.get(j));
          giveBack(device, old);
        }
      }
    }
    o.length = keep.size();
    o.published = 0;
    o.lossy = true;
    return KvOutcome.OK;
  }

  // Tiers.

  private Set<Integer> distinct(List<Long> list) {
    Set<Integer> blocks = new LinkedHashSet<>();
    for (long handle : list) {
      for (List<Integer> table : owners.get(handle).tables) {
        table.stream().filter(b -> b != null).forEach(blocks::add);
      }
    }
    return blocks;
  }

  KvOutcome swapOut(List<Long> list) {
    int need = distinct(list).size();
    if (need > host.available()) {
      return KvOutcome.later(Reason.HOST_BLOCKS, need - host.available());
    }
    swap(list, device, host, "SWAP_OUT");
    return KvOutcome.OK;
  }

  KvOutcome swapIn(List<Long> list) {
    int need = distinct(list).size();
    if (need > usable() - watermark()) {
      return KvOutcome.never(need - (usable() - watermark()));
    }
    if (need + watermark() > device.available()) {
      return KvOutcome.later(
          need > device.available() ? Reason.DEVICE_BLOCKS : Reason.WATERMARK,
          need + watermark() - device.available());
    }
    swap(list, host, device, "SWAP_IN");
    return KvOutcome.OK;
  }

  private void swap(List<Long> list, Tier from, Tier to, String kind) {
    Map<Integer, Integer> map = new HashMap<>();
    for (long handle : list) {
      for (int g = 0; g < groups(); g++) {
        for (Integer block : owners.get(handle).tables.get(g)) {
          if (block != null && !map.containsKey(block)) {
            int target = take(to, g, Set.of());
            map.put(block, target);
            moves.add(kind + " " + block + "->" + target);
          }
        }
      }
    }
    for (long handle : list) {
      Owner o = owners.get(handle);
      for (List<Integer> table : o.tables) {
        runLength = 0;
        for (int i = table.size() - 1; i >= 0; i--) {
          Integer block = table.get(i);
          if (block != null) {
            retain(to, map.get(block));
            table.set(i, map.get(block));
            giveBack(from, block);
          }
        }
      }
      o.published = 0;
      o.host = to == host;
    }
  }

  KvOutcome offload(BlockKeyChain chain, int upTo, boolean toHost) {
    Tier from = toHost ? device : host;
    Tier to = toHost ? host : device;
    List<Integer> sources = new ArrayList<>();
    Set<Integer> kept = new HashSet<>();
    boolean gap = !config.prefixCaching();
    int limit = Math.min(upTo / blockTokens, chain.blockCount());
    for (int i = 0; i < limit && !gap && known(chain, i); i++) {
      for (int g = 0; g < groups(); g++) {
        Content c = content(chain, i, g);
        Set<Integer> held = to.copies.getOrDefault(c, new LinkedHashSet<>());
        kept.addAll(held);
        boolean inbound =
            transfers.values().stream()
                .anyMatch(t -> t.toHost() == toHost && t.content().equals(c));
        if (!held.isEmpty() || inbound) {
          continue;
        }
        Integer source = from.copyOf(c);
        if (source != null && !from.read.contains(source)) {
          sources.add(source);
        } else if (windows[g] == 0) {
          gap = true;
        }
      }
    }
    int need = sources.size();
    if (!toHost && need > usable()) {
      return KvOutcome.never(need - usable());
    }
    int supply = (int) to.order().stream().filter(b -> !kept.contains(b)).count();
    if (need > supply) {
      return KvOutcome.later(toHost ? Reason.HOST_BLOCKS : Reason.DEVICE_BLOCKS, need - supply);
    }
    for (int source : sources) {
      Content c = from.keys.get(source);
      int target = take(to, c.group(), kept);
      to.written.add(target);
      dequeue(from, source);
      from.read.add(source);
      int id = nextTransfer();
      transfers.put(id, new Transfer(toHost, source, target, c));
      moves.add((toHost ? "STORE " : "LOAD ") + source + "->" + target);
    }
    return KvOutcome.OK;
  }

  /**
   * Numbers are reused last in, first out, but not before the changes that freed them are final.
   */
  private int nextTransfer() {
    return freeTransfers.isEmpty()
        ? createdTransfers++
        : freeTransfers.remove(freeTransfers.size() - 1);
  }

  void endTransfer(int id, boolean succeeded) {
    Transfer t = transfers.remove(id);
    (savepoints.isEmpty() ? freeTransfers : parkedTransfers).add(id);
    Tier from = t.toHost() ? device : host;
    Tier to = t.toHost() ? host : device;
    runLength = 0;
    from.read.remove(t.source());
    if (from.refs(t.source()) == 0) {
      enqueue(from, t.source());
    }
    to.written.remove(t.target());
    if (succeeded) {
      key(to, t.target(), t.content());
    }
    enqueue(to, t.target());
  }

  void evictKeys(List<Integer> blocks) {
    for (int b : blocks) {
      if (device.keys.containsKey(b)) {
        unkey(device, b, true);
      }
    }
  }

  boolean reset() {
    if (!device.refs.isEmpty() || !host.refs.isEmpty() || !transfers.isEmpty()) {
      return false;
    }
    for (Tier tier : List.of(device, host)) {
      for (int b = 0; b < tier.size; b++) {
        if (tier.keys.containsKey(b)) {
          unkey(tier, b, false);
        }
      }
    }
    events.add("cleared");
    return true;
  }

  KvOutcome resize(int delta) {
    if (-delta > device.available()) {
      return KvOutcome.later(Reason.DEVICE_BLOCKS, -delta - device.available());
    }
    for (int i = 0; i < delta; i++) {
      device.plain.add(device.size++);
    }
    for (int i = 0; i > delta; i--) {
      List<Integer> order = device.order();
      int block = order.get(order.size() - 1);
      dequeue(device, block);
      if (device.keys.containsKey(block)) {
        unkey(device, block, true);
      }
      device.retired.add(block);
      moves.add("DROP " + block + "->" + block);
    }
    return KvOutcome.OK;
  }
}
