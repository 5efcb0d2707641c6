package io.headway.testkit.mutant;

import static java.util.Objects.requireNonNull;

import io.headway.testkit.mutant.ReferenceTier.BlockName;
import io.headway.testkit.subject.Content;
import io.headway.testkit.subject.Copy;
import io.headway.testkit.subject.Feature;
import io.headway.testkit.subject.Features;
import io.headway.testkit.subject.PoolConfig;
import io.headway.testkit.subject.PoolFactory;
import io.headway.testkit.subject.PoolSubject;
import java.util.ArrayList;
import java.util.Collections;
import java.util.HashMap;
import java.util.LinkedHashSet;
import java.util.List;
import java.util.Map;
import java.util.TreeMap;
import org.jspecify.annotations.Nullable;

/**
 * A small KV block pool that is correct, and can be told to have one of the bugs of {@link
 * PoolFault}. It has reference counts, a prefix cache with chained keys, two cache groups on one
 * set of blocks, partial blocks, pins, a swap space that is also a cache, and attempts that can be
 * undone: before one it copies its state, and rolling back is returning to the copy.
 */
final class ReferencePool implements PoolSubject {
  private static final int NONE = ReferenceTier.NONE;

  private static final class Holder {
    Content content;
    final List<List<Integer>> tables = new ArrayList<>();

    /** Leading tokens that were named, hits included. */
    int named;

    /** Leading tokens that were computed or have come from the cache. */
    int valid;

    /** Leading blocks that the cache had, one that was given up to be computed included. */
    int matched;

    /** The first block of the window's table that was not used again. */
    int unused;

    int pins;
    boolean released;
    boolean onHost;

    Holder(Content content) {
      this.content = content;
    }

    Holder copy() {
      Holder copy = new Holder(content);
      tables.forEach(table -> copy.tables.add(new ArrayList<>(table)));
      copy.named = named;
      copy.valid = valid;
      copy.matched = matched;
      copy.unused = unused;
      copy.pins = pins;
      copy.released = released;
      copy.onHost = onHost;
      return copy;
    }
  }

  /** What a lookup found. */
  private static final class Match {
    /** Blocks by group, {@link #HOLE} where the group does not read. */
    final List<List<Integer>> blocks = new ArrayList<>();

    /** A block that is not full, or {@link #NONE}. */
    int partial = NONE;

    int partialTokens;

    /** 1 if the cache has one whole block more, which must be computed all the same. */
    int givenUp;

    List<Integer> all() {
      List<Integer> all = new ArrayList<>();
      blocks.forEach(table -> table.stream().filter(block -> block != HOLE).forEach(all::add));
      if (partial != NONE) {
        all.add(partial);
      }
      return all;
    }
  }

  /** A copy that is under way, by the number of the copy. */
  private record Transfer(Copy copy, BlockName key) {}

  /** What a rollback returns to. */
  private record Saved(
      ReferenceTier device,
      ReferenceTier host,
      Map<Integer, Holder> holders,
      Map<Integer, Transfer> transfers,
      List<Copy> copies) {}

  private final PoolConfig config;
  private final PoolFault fault;
  private final ReferenceTier device;
  private final ReferenceTier host;
  private final Map<Integer, Holder> holders = new TreeMap<>();
  private final Map<Integer, Transfer> transfers = new TreeMap<>();
  private final List<Copy> copies = new ArrayList<>();
  private final Map<Integer, Match> remembered = new HashMap<>();
  private @Nullable Saved saved;
  private int nextCopy;
  private int publishedFree;

  private ReferencePool(PoolConfig config, PoolFault fault) {
    this.config = config;
    this.fault = fault;
    device = new ReferenceTier(config.blocks(), fault);
    host = new ReferenceTier(config.hostBlocks(), fault);
    publishedFree = config.blocks();
  }

  /** Makes pools with a bug, or with {@link PoolFault#NONE}. */
  static PoolFactory with(PoolFault fault) {
    return PoolFactory.of(
        Features.of(
            Feature.MEDIA,
            Feature.CACHE_GROUPS,
            Feature.PARTIAL_BLOCKS,
            Feature.REPORTS_COPIES,
            Feature.TIERS,
            Feature.STABLE_KEYS,
            Feature.TAIL_FIRST),
        config -> new ReferencePool(config, fault));
  }

  private boolean has(PoolFault bug) {
    return fault == bug;
  }

  private Holder holder(int number) {
    Holder holder = holders.get(number);
    if (holder == null) {
      throw new IllegalArgumentException("holder must be live, but was " + number);
    }
    return holder;
  }

  // ---- names

  /** Names the whole blocks of a content. */
  private List<BlockName> keys(Content content, int group) {
    List<BlockName> keys = new ArrayList<>();
    int size = config.blockTokens();
    for (int i = 0; (i + 1) * size <= content.length(); i++) {
      keys.add(key(i == 0 ? null : keys.get(i - 1), content, group, i, size));
    }
    return keys;
  }

  private BlockName key(
      @Nullable BlockName before, Content content, int group, int block, int count) {
    List<Integer> tokens = new ArrayList<>();
    int from = block * config.blockTokens();
    for (int p = from; p < from + count; p++) {
      tokens.add(content.tokens()[p]);
    }
    List<String> apart = apart(content, block, from, count);
    BlockName parent = has(PoolFault.H_32B) ? null : before;
    long root = has(PoolFault.B_44) ? System.identityHashCode(this) : 17;
    long hash = parent == null ? root + group : parent.hash();
    for (int token : tokens) {
      hash = hash * 0x100000001b3L + token;
    }
    for (String part : apart) {
      hash = hash * 0x100000001b3L + part.hashCode();
    }
    if (config.hashValues() > 0) {
      hash = Long.remainderUnsigned(hash, config.hashValues());
    }
    return new BlockName(hash, parent, group, tokens, apart);
  }

  /** Returns what keeps a block apart from equal tokens of others, each at its own place. */
  private List<String> apart(Content content, int block, int from, int count) {
    List<String> apart = new ArrayList<>();
    if (block == 0) {
      if (has(PoolFault.H_27)) {
        apart.add(content.tenant() + content.adapter() + content.salt());
      } else {
        apart.add(content.tenant());
        apart.add(has(PoolFault.H_28) ? "" : content.adapter());
        apart.add(content.salt());
      }
    }
    for (Content.Media medium : content.media()) {
      for (int p = from; p < from + count; p++) {
        if (medium.covers(p) && !has(PoolFault.B_38)) {
          apart.add(medium.id() + "@" + (p - medium.from()));
        }
      }
    }
    return apart;
  }

  // ---- lookup

  /** Finds what all groups can serve of a content, one token left to compute. */
  private Match match(Content content) {
    Match match = new Match();
    int size = config.blockTokens();
    int limit = (has(PoolFault.H_33) ? content.length() : content.length() - 1) / size;
    List<BlockName> keys = keys(content, 0);
    List<Integer> first = new ArrayList<>();
    for (int i = 0; i < limit; i++) {
      int block = device.find(keys.get(i));
      if (block != NONE) {
        first.add(block);
      } else if (!has(PoolFault.H_32C)) {
        break;
      }
    }
    match.blocks.add(first);
    if (config.groups() == 2) {
      List<Integer> window = windowMatch(content, has(PoolFault.B_42) ? limit : first.size());
      match.blocks.add(window);
      if (!has(PoolFault.B_42)) {
        first.subList(window.size(), first.size()).clear();
      }
    } else {
      partialMatch(match, content, keys);
    }
    int next = first.size();
    match.givenUp =
        next == limit && next < keys.size() && device.find(keys.get(next)) != NONE ? 1 : 0;
    return match;
  }

  /** Finds the longest hit whose last blocks, which the window still reads, are all there. */
  private List<Integer> windowMatch(Content content, int limit) {
    List<BlockName> keys = keys(content, 1);
    for (int hit = limit; hit > 0; hit--) {
      int from = Math.max(0, hit - config.windowBlocks());
      List<Integer> blocks = new ArrayList<>(Collections.nCopies(from, HOLE));
      while (blocks.size() < hit && device.find(keys.get(blocks.size())) != NONE) {
        blocks.add(device.find(keys.get(blocks.size())));
      }
      if (blocks.size() == hit) {
        return blocks;
      }
    }
    return new ArrayList<>();
  }

  /** Finds the longest block that is not full and continues what was found. */
  private void partialMatch(Match match, Content content, List<BlockName> keys) {
    int hit = match.blocks.get(0).size();
    int left = content.length() - 1 - hit * config.blockTokens();
    BlockName before = hit == 0 ? null : keys.get(hit - 1);
    for (int t = Math.min(config.blockTokens() - 1, left); t > 0; t--) {
      int block = device.findIdle(key(before, content, 0, hit, t));
      if (block != NONE && !match.blocks.get(0).contains(block)) {
        match.partial = block;
        match.partialTokens = t;
        return;
      }
    }
  }

  /** Counts the blocks that must be taken for what was not found. */
  private int fresh(Content content, Match match) {
    int need = config.blocksFor(content.length());
    int fresh = match.partial == NONE ? 0 : -1;
    for (List<Integer> found : match.blocks) {
      fresh += need - found.size();
    }
    return fresh;
  }

  @Override
  public boolean fits(Content content) {
    Match match = match(content);
    List<Integer> found = match.all();
    if (has(PoolFault.H_29)) {
      found.forEach(device::touch);
    }
    if (has(PoolFault.B_29)) {
      return fresh(content, match) <= device.available();
    }
    int fresh =
        has(PoolFault.H_36)
            ? content.length() / config.blockTokens() - found.size()
            : fresh(content, match);
    device.lock(found, 1);
    boolean fits = fresh <= device.available();
    device.lock(found, -1);
    return fits;
  }

  @Override
  public Allocation allocate(int number, Content content) {
    Match match = requireNonNull(remembered.getOrDefault(number, match(content)));
    List<Integer> found = match.all();
    int fresh = fresh(content, match);
    if (has(PoolFault.B_27A)) {
      found.forEach(device::refer);
    }
    boolean plain = has(PoolFault.B_27B) && fresh <= device.available();
    // What was found must not be evicted for the rest.
    device.lock(found, 1);
    if (fresh > device.available() && !plain) {
      if (!has(PoolFault.B_31B)) {
        device.lock(found, -1);
      }
      if (has(PoolFault.B_40)) {
        remembered.put(number, match);
      }
      return Allocation.REFUSED;
    }
    if (!has(PoolFault.B_27A)) {
      found.forEach(device::refer);
    }
    device.lock(found, -1);
    holders.put(number, admitted(content, match));
    publishedFree = device.available();
    int size = config.blockTokens();
    int[] hits = new int[config.groups()];
    for (int g = 0; g < hits.length; g++) {
      hits[g] = match.blocks.get(g).size() * size + match.partialTokens;
    }
    return Allocation.granted(hits);
  }

  private Holder admitted(Content content, Match match) {
    Holder holder = new Holder(content);
    for (List<Integer> found : match.blocks) {
      holder.tables.add(new ArrayList<>(found));
    }
    int found = match.blocks.get(0).size();
    holder.matched = found + match.givenUp;
    if (match.partial != NONE) {
      // It will be written behind what was found.
      device.unname(match.partial);
      holder.tables.get(0).add(match.partial);
    }
    int need = config.blocksFor(content.length());
    for (List<Integer> table : holder.tables) {
      while (table.size() < need && !(has(PoolFault.B_27B) && device.available() == 0)) {
        table.add(device.take());
      }
    }
    holder.named = found * config.blockTokens() + match.partialTokens;
    holder.valid = holder.named;
    if (has(PoolFault.H_20)) {
      name(holder, content.length());
    }
    return holder;
  }

  @Override
  public boolean grow(int number, int[] tokens) {
    Holder holder = holder(number);
    Content longer = holder.content.extended(tokens);
    int need = config.blocksFor(longer.length());
    int fresh = 0;
    for (int g = 0; g < holder.tables.size(); g++) {
      int more = need - holder.tables.get(g).size();
      fresh += more - Math.min(more, g == 0 ? 0 : recyclable(holder).size());
    }
    if (fresh > device.available()) {
      while (has(PoolFault.H_35) && device.available() > 0) {
        device.take();
      }
      return false;
    }
    holder.content = longer;
    for (int g = 0; g < holder.tables.size(); g++) {
      List<Integer> table = holder.tables.get(g);
      while (table.size() < need) {
        List<Integer> again = g == 0 ? List.of() : recyclable(holder);
        if (again.isEmpty()) {
          table.add(device.take());
        } else {
          recycle(holder, again.get(0));
        }
      }
    }
    return true;
  }

  /** Returns which places of the window's table nobody reads whose blocks may be written again. */
  private List<Integer> recyclable(Holder holder) {
    List<Integer> table = holder.tables.get(1);
    List<Integer> places = new ArrayList<>();
    for (int i = holder.unused; i < Math.min(firstRead(holder), table.size()); i++) {
      if (table.get(i) != HOLE && device.references(table.get(i)) == 1) {
        places.add(i);
      }
    }
    return places;
  }

  /** Writes the next block of a window into one that nobody reads; the table names it twice. */
  private void recycle(Holder holder, int place) {
    List<Integer> table = holder.tables.get(1);
    int block = table.get(place);
    if (!has(PoolFault.H_39)) {
      device.unname(block);
    }
    holder.unused = place + 1;
    table.add(block);
  }

  private int firstRead(Holder holder) {
    return config.firstRead(1, holder.valid);
  }

  @Override
  public void publish(int number, int upToTokens) {
    Holder holder = holder(number);
    name(holder, upToTokens);
    holder.valid = Math.max(holder.valid, upToTokens);
    if (config.groups() == 2) {
      leaveBehind(holder);
    }
  }

  private void name(Holder holder, int upToTokens) {
    int size = config.blockTokens();
    int full = upToTokens / size;
    if (has(PoolFault.H_21)) {
      full = Math.min((upToTokens + size - 1) / size, holder.content.length() / size);
    }
    int from = holder.named / size;
    if (has(PoolFault.B_74)) {
      from = Math.max(from, holder.matched);
    }
    for (int g = 0; g < holder.tables.size(); g++) {
      List<Integer> table = holder.tables.get(g);
      List<BlockName> keys = keys(holder.content, g);
      for (int i = from; i < full; i++) {
        boolean read = g == 0 || i >= holder.unused;
        if (table.get(i) != HOLE && read && !named(table.get(i))) {
          device.name(table.get(i), keys.get(i), false);
        }
      }
    }
    int rest = upToTokens % size;
    if (config.groups() == 1 && rest > 0 && full == upToTokens / size) {
      List<BlockName> keys = keys(holder.content, 0);
      int block = holder.tables.get(0).get(full);
      if (!named(block) && device.references(block) == 1) {
        BlockName before = full == 0 ? null : keys.get(full - 1);
        device.name(block, key(before, holder.content, 0, full, rest), false);
      }
    }
    holder.named = Math.max(holder.named, upToTokens);
  }

  private boolean named(int block) {
    BlockName key = device.key(block);
    return key != null && key.tokens().size() == config.blockTokens();
  }

  /** Lets go of what a window does not read any more, unless it may be written again. */
  private void leaveBehind(Holder holder) {
    List<Integer> table = holder.tables.get(1);
    for (int i = Math.min(firstRead(holder), table.size()) - 1; i >= holder.unused; i--) {
      if (table.get(i) != HOLE && device.references(table.get(i)) > 1) {
        device.release(table.get(i));
        table.set(i, HOLE);
      }
    }
  }

  // ---- ends and pins

  @Override
  public void release(int number) {
    Holder holder = holder(number);
    if (holder.released) {
      throw new IllegalStateException("holder " + number + " was released before");
    }
    holder.released = true;
    if (holder.pins == 0 || has(PoolFault.H_22)) {
      finish(number, holder, false);
    } else if (has(PoolFault.B_28A)) {
      List<Integer> table = holder.tables.get(0);
      device.release(table.get(table.size() - 1));
    }
  }

  @Override
  public void pin(int number) {
    holder(number).pins++;
  }

  @Override
  public void unpin(int number) {
    Holder holder = holder(number);
    if (holder.pins == 0 && !has(PoolFault.H_34)) {
      throw new IllegalStateException("holder " + number + " is not pinned");
    }
    holder.pins = has(PoolFault.H_34) ? 0 : holder.pins - 1;
    if (holder.pins == 0 && holder.released) {
      if (!has(PoolFault.H_22)) {
        finish(number, holder, true);
      }
      holders.remove(number);
    }
  }

  /** Gives a holder's blocks back, in each group the deepest first. */
  private void finish(int number, Holder holder, boolean late) {
    ReferenceTier tier = holder.onHost ? host : device;
    List<Integer> order = new ArrayList<>();
    for (int g = 0; g < holder.tables.size(); g++) {
      List<Integer> blocks = new ArrayList<>(holder.tables.get(g));
      blocks.removeIf(block -> block == HOLE);
      if (!has(PoolFault.H_32A) && !(has(PoolFault.B_32) && late)) {
        Collections.reverse(blocks);
      }
      if (!(has(PoolFault.B_33) && g == 1)) {
        order.addAll(blocks);
      }
    }
    if (has(PoolFault.B_32) && late) {
      Collections.reverse(order);
    }
    // A window's table may name a block twice.
    for (int block : has(PoolFault.B_26) ? order : new LinkedHashSet<>(order)) {
      tier.release(block);
    }
    if (holder.pins == 0) {
      holders.remove(number);
    }
    publishedFree = device.available();
  }

  // ---- tiers

  @Override
  public boolean swapOut(int number) {
    Holder holder = holder(number);
    List<Integer> mine = distinct(holder);
    if (mine.size() > host.available()) {
      return false;
    }
    move(holder, mine, device, host, Copy.Kind.SWAP_OUT);
    holder.onHost = true;
    return true;
  }

  @Override
  public boolean swapIn(int number) {
    Holder holder = holder(number);
    List<Integer> mine = distinct(holder);
    if (mine.size() > device.available()) {
      return false;
    }
    move(holder, mine, host, device, Copy.Kind.SWAP_IN);
    holder.onHost = false;
    // What comes back has new blocks, which nobody has named.
    holder.named = has(PoolFault.H_37) ? holder.named : 0;
    return true;
  }

  private static List<Integer> distinct(Holder holder) {
    LinkedHashSet<Integer> distinct = new LinkedHashSet<>();
    holder.tables.forEach(distinct::addAll);
    distinct.remove(HOLE);
    return List.copyOf(distinct);
  }

  private void move(
      Holder holder, List<Integer> blocks, ReferenceTier from, ReferenceTier to, Copy.Kind kind) {
    Map<Integer, Integer> moved = new HashMap<>();
    moved.put(HOLE, HOLE);
    for (int block : blocks) {
      int target = to.take();
      moved.put(block, target);
      copies.add(new Copy(kind, block, target, -1));
    }
    for (List<Integer> table : holder.tables) {
      table.replaceAll(moved::get);
      if (has(PoolFault.H_24) && kind == Copy.Kind.SWAP_IN) {
        Collections.reverse(table);
      }
    }
    for (int i = blocks.size() - 1; i >= 0; i--) {
      int block = blocks.get(i);
      if (kind == Copy.Kind.SWAP_OUT && has(PoolFault.H_26)) {
        from.forceFree(block);
      } else if (kind == Copy.Kind.SWAP_OUT || !has(PoolFault.H_25)) {
        from.release(block);
      }
      if (kind == Copy.Kind.SWAP_IN && has(PoolFault.B_28B)) {
        from.release(block);
      }
    }
  }

  @Override
  public boolean store(Content content) {
    List<BlockName> missing = new ArrayList<>();
    List<Integer> there = new ArrayList<>();
    for (BlockName key : keys(content, 0)) {
      int block = device.find(key);
      if (block == NONE || device.promised(block)) {
        break;
      }
      if (host.find(key) == NONE) {
        missing.add(key);
      } else {
        there.add(host.find(key));
      }
    }
    host.lock(there, 1);
    boolean room = missing.size() <= host.available();
    if (room) {
      Collections.reverse(missing);
      for (BlockName key : missing) {
        int target = host.take();
        host.name(target, key, true);
        start(Copy.Kind.STORE, device.find(key), target, key);
        device.refer(device.find(key));
      }
    }
    host.lock(there, -1);
    return room;
  }

  @Override
  public boolean load(Content content) {
    List<BlockName> chain = new ArrayList<>();
    List<BlockName> missing = new ArrayList<>();
    List<Integer> here = new ArrayList<>();
    for (BlockName key : keys(content, 0)) {
      int there = host.find(key);
      if (has(PoolFault.B_56) && there != NONE && !host.promised(there)) {
        host.refer(there);
      }
      if (device.find(key) != NONE) {
        here.add(device.find(key));
      } else if (there != NONE && !host.promised(there)) {
        missing.add(key);
      } else {
        break;
      }
      chain.add(0, key);
    }
    device.lock(here, 1);
    boolean room = missing.size() <= device.available();
    if (room) {
      Collections.reverse(missing);
      for (BlockName key : missing) {
        int target = device.take();
        device.name(target, key, true);
        start(Copy.Kind.LOAD, host.find(key), target, key);
        if (!has(PoolFault.B_56) && !has(PoolFault.H_38)) {
          host.refer(host.find(key));
        }
      }
      // What comes first in a chain is evicted last.
      chain.forEach(key -> device.touch(device.find(key)));
    }
    device.lock(here, -1);
    return room;
  }

  private void start(Copy.Kind kind, int source, int target, BlockName key) {
    Copy copy = new Copy(kind, source, target, nextCopy++);
    copies.add(copy);
    transfers.put(copy.id(), new Transfer(copy, key));
  }

  @Override
  public List<Copy> copies() {
    List<Copy> since = List.copyOf(copies);
    copies.clear();
    return since;
  }

  @Override
  public void copied(Copy copy, boolean succeeded) {
    Transfer transfer = transfers.remove(copy.id());
    if (transfer == null) {
      throw new IllegalArgumentException("copy must be running, but was " + copy);
    }
    boolean store = copy.kind() == Copy.Kind.STORE;
    ReferenceTier from = store ? device : host;
    ReferenceTier to = store ? host : device;
    if (succeeded || (store && has(PoolFault.B_55))) {
      to.keep(copy.target());
    } else {
      to.unname(copy.target());
      cut(copy.target(), to);
    }
    to.settle(copy.target());
    if (store || !has(PoolFault.H_38)) {
      from.settle(copy.source());
    }
  }

  /** Tells everybody who counts on a block that it never came. */
  private void cut(int block, ReferenceTier tier) {
    for (Holder holder : holders.values()) {
      int at = holder.onHost || tier == host ? -1 : holder.tables.get(0).indexOf(block);
      if (at >= 0) {
        holder.valid = Math.min(holder.valid, at * config.blockTokens());
        holder.named = Math.min(holder.named, holder.valid);
        if (has(PoolFault.B_49)) {
          return;
        }
      }
    }
  }

  @Override
  public int validTokens(int number) {
    Holder holder = holder(number);
    List<Integer> table = holder.tables.get(0);
    for (int i = 0; i * config.blockTokens() < holder.valid; i++) {
      if (device.promised(table.get(i))) {
        return i * config.blockTokens();
      }
    }
    return holder.valid;
  }

  @Override
  public boolean clear() {
    if (!holders.isEmpty() || !transfers.isEmpty()) {
      return false;
    }
    device.forget();
    host.forget();
    return true;
  }

  // ---- what can be seen

  @Override
  public int[] table(int number, int group) {
    return holder(number).tables.get(group).stream().mapToInt(block -> block).toArray();
  }

  @Override
  public int freeBlocks() {
    return has(PoolFault.H_31A) ? publishedFree : device.available();
  }

  @Override
  public int freeHostBlocks() {
    return host.available();
  }

  @Override
  public List<String> keys(Content content) {
    return keys(content, 0).stream().map(key -> Long.toHexString(key.hash())).toList();
  }

  // ---- attempts

  private static Map<Integer, Holder> copyOf(Map<Integer, Holder> holders) {
    Map<Integer, Holder> copy = new TreeMap<>();
    holders.forEach((number, holder) -> copy.put(number, holder.copy()));
    return copy;
  }

  @Override
  public void begin() {
    if (saved != null && has(PoolFault.H_31C)) {
      return;
    }
    saved =
        new Saved(
            device.copy(),
            host.copy(),
            copyOf(holders),
            new TreeMap<>(transfers),
            List.copyOf(copies));
  }

  @Override
  public void rollBack() {
    Saved before = requireNonNull(saved, "an attempt must have begun");
    device.become(before.device());
    if (!has(PoolFault.H_30C)) {
      host.become(before.host());
    }
    Map<Integer, Holder> back = copyOf(before.holders());
    if (has(PoolFault.H_31B)) {
      back.replaceAll((number, holder) -> restored(holder, holders.get(number)));
    }
    holders.clear();
    holders.putAll(back);
    transfers.clear();
    transfers.putAll(before.transfers());
    copies.clear();
    copies.addAll(before.copies());
    publishedFree = device.available();
    saved = null;
  }

  private static Holder restored(Holder holder, @Nullable Holder since) {
    holder.named = since == null ? holder.named : since.named;
    return holder;
  }

  @Override
  public void commit() {
    if (!has(PoolFault.H_31C)) {
      saved = null;
    }
  }

  @Override
  public String picture() {
    StringBuilder text = new StringBuilder("device ").append(device).append(" host ").append(host);
    holders.forEach(
        (number, holder) ->
            text.append(' ')
                .append(number)
                .append(holder.tables)
                .append(holder.content.length())
                .append('/')
                .append(holder.named)
                .append('/')
                .append(holder.valid)
                .append(holder.onHost ? "h" : "d")
                .append(holder.released ? "r" : "")
                .append(holder.pins));
    return text.append(' ').append(transfers.keySet()).toString();
  }
}
