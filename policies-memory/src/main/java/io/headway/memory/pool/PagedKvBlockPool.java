package io.headway.memory.pool;

import static java.util.Objects.requireNonNull;

import io.headway.api.memory.BlockExtras;
import io.headway.api.memory.BlockHash;
import io.headway.api.memory.BlockKeyChain;
import io.headway.api.memory.BlockState;
import io.headway.api.memory.EvictionPolicy;
import io.headway.api.memory.EvictionPolicy.RankChange;
import io.headway.api.memory.EvictionView;
import io.headway.api.memory.KeepSet;
import io.headway.api.memory.KvBlockPool;
import io.headway.api.memory.KvDemand;
import io.headway.api.memory.KvEventSink;
import io.headway.api.memory.KvFootprint;
import io.headway.api.memory.KvGeometry;
import io.headway.api.memory.KvGroup;
import io.headway.api.memory.KvMode;
import io.headway.api.memory.KvMoveKind;
import io.headway.api.memory.KvMoveSink;
import io.headway.api.memory.KvOutcome;
import io.headway.api.memory.KvOutcome.Reason;
import io.headway.api.memory.KvPoolSnapshot;
import io.headway.api.memory.KvProbe;
import io.headway.api.memory.KvQueueView;
import io.headway.api.memory.KvTier;
import io.headway.api.memory.OwnerKind;
import io.headway.api.memory.PrefixAttributes;
import io.headway.api.memory.ReleaseOrder;
import io.headway.memory.eviction.LruEviction;
import io.headway.memory.footprint.PagedFootprint;
import io.headway.memory.prefix.HybridPrefix;
import io.headway.memory.prefix.Sha256BlockHash;
import java.util.Arrays;
import java.util.EnumMap;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import org.jspecify.annotations.Nullable;

/**
 * A pool of fixed-size KV blocks with reference counts, copy-on-write, automatic prefix caching
 * over chained keys, swapping and offloading to a host tier, and two-phase planning.
 *
 * <p><b>Blocks</b> (PagedAttention, Kwon et al., SOSP 2023). Logical block {@code j} of a sequence
 * holds tokens {@code [jB, (j+1)B)}. New blocks come from the head of one queue; a block whose last
 * reference goes enters it by the {@linkplain FreeOrder free order}. A write into a block that
 * others share goes to a copy; the last remaining owner writes in place. A block that is written
 * although it is cached loses its key first.
 *
 * <p><b>Prefix cache</b> (vLLM, version 1). Blocks keep their content and key when nobody
 * references them, so the queue of free blocks is also the eviction order. A lookup walks a chain
 * from block 0 to the first miss and takes the first-inserted copy of each block. A hit compares
 * tokens and attributes, not only keys. There is no de-duplication: a block that was computed twice
 * is cached twice. Departures: content whose ancestor was evicted stays findable (as there), but
 * once more such gaps exist than the pool has blocks, unreachable content is dropped; events count
 * copies, so that an index forgets a key only with its last copy.
 *
 * <p><b>Groups.</b> Layers with full and with sliding attention may share the pool (vLLM's hybrid
 * coordinator): each group has a table of its own over one set of block ids, a prefix hit is a
 * length that every group can serve, and blocks that left a window are replaced by the null block
 * and freed when the tokens that made them obsolete are {@linkplain #publish final}.
 *
 * <p><b>Ties and order.</b> Everything is determined by the sequence of calls. Blocks are handed
 * out in ascending order of id while the pool is fresh.
 *
 * <p><b>Cost.</b> O(1) per block for growing, releasing and publishing; O(hit blocks) per lookup;
 * no allocation once internal arrays have reached their working size. With content, one block costs
 * about {@code 4 * blockTokens + 120} bytes of heap.
 *
 * <p>Not thread-safe.
 */
public final class PagedKvBlockPool implements KvBlockPool {
  private static final int NONE = BlockTier.NONE;
  private static final int DEVICE = 0;
  private static final int HOST = 1;
  private static final int TIERS = 2;
  private static final int MIN_GHOSTS = 1024;
  private static final int KEPT_OUTCOMES = 64;

  private final PagedKvConfig config;
  private final PagedFootprint footprint;
  private final BlockHash hash;
  private final BlockKeyChain noKeys;
  private final int blockTokens;
  private final int groups;

  /** Window of each group in tokens, 0 for full attention. */
  private final int[] windows;

  /** Blocks before a hit that each group must find, the one a draft head gives up included. */
  private final int[] neededBlocks;

  private final boolean allFull;
  private final int nullBlock;

  private final UndoLog log = new UndoLog();
  private final ContentIndex index;
  private final @Nullable BlockRanking<?> ranking;
  private final boolean evictsTailFirst;
  private final BlockTier device;
  private final BlockTier host;
  private final Owners owners;
  private final Transfers transfers;
  private final MoveLog moves = new MoveLog();
  private final EventLog events;

  private int[] savepoints = {};
  private long[] savepointClocks = {};
  private int savepointCount;

  private @Nullable KvQueueView queue;
  private int ghostLimit;

  // Scratch of one call.

  private int[] hitNodes = {};
  private final int[][] hitCopies;
  private int[] hitFrom;
  private int idleHits;
  private int presentBlocks;
  private int runEnd = NONE;
  private int[] stamps = {};
  private int[] stampValues = {};
  private int stamp;
  private int[] pending = {};
  private int pendingCount;
  private final Map<Reason, @Nullable KvOutcome[]> keptOutcomes = new EnumMap<>(Reason.class);

  private PagedKvBlockPool(PagedKvConfig config, BlockHash hash, EvictionPolicy<?> policy) {
    this.config = config;
    this.hash = hash;
    List<KvGroup> list = config.geometry().groups();
    groups = list.size();
    blockTokens = config.blockTokens();
    footprint = new PagedFootprint(blockTokens, groups);
    noKeys = BlockKeyChain.precomputed(new long[0], 1, blockTokens, PrefixAttributes.NONE);
    windows = new int[groups];
    neededBlocks = new int[groups];
    boolean full = true;
    for (int g = 0; g < groups; g++) {
      windows[g] = list.get(g).spanTokens();
      neededBlocks[g] =
          windows[g] == 0
              ? HybridPrefix.WHOLE_PREFIX
              : HybridPrefix.blocksNeeded(windows[g], blockTokens) + (config.dropLastHit() ? 1 : 0);
      full &= windows[g] == 0;
    }
    allFull = full;
    index = new ContentIndex(log, blockTokens, groups, TIERS);
    ranking =
        policy.rankChange() == RankChange.POOL_ORDER
            ? null
            : new BlockRanking<>(policy, new View(), config.freeOrder() == FreeOrder.LIFO);
    evictsTailFirst = config.freeOrder() != FreeOrder.LIFO && policy.evictsTailFirst();
    device = new BlockTier(DEVICE, config.deviceBlocks(), log, index, ranking);
    host = new BlockTier(HOST, config.hostBlocks(), log, index, null);
    nullBlock = config.nullBlock() ? device.reserveNullBlock() : NONE;
    owners = new Owners(log, groups);
    transfers = new Transfers(log);
    events = new EventLog(config.events());
    hitCopies = new int[groups][0];
    hitFrom = new int[groups];
    ghostLimit = minGhosts();
  }

  /**
   * Makes a pool with SHA-256 keys whose least recently used content dies first.
   *
   * @param config sizes and options
   * @return a new pool, all blocks free
   */
  public static PagedKvBlockPool of(PagedKvConfig config) {
    return of(config, new Sha256BlockHash(), new LruEviction());
  }

  /**
   * Makes a pool.
   *
   * @param config sizes and options
   * @param hash key function of {@link #newKeys}; used by this pool alone
   * @param eviction which cached device block dies first; the host tier evicts in queue order
   * @return a new pool, all blocks free
   */
  public static PagedKvBlockPool of(
      PagedKvConfig config, BlockHash hash, EvictionPolicy<?> eviction) {
    return new PagedKvBlockPool(
        requireNonNull(config, "config"),
        requireNonNull(hash, "hash"),
        requireNonNull(eviction, "eviction"));
  }

  // View.

  /**
   * Returns the configuration of this pool.
   *
   * @return what it was made with; {@link #resize} does not change it
   */
  public PagedKvConfig config() {
    return config;
  }

  @Override
  public KvMode mode() {
    return KvMode.PAGED;
  }

  @Override
  public KvGeometry geometry() {
    return config.geometry();
  }

  @Override
  public KvFootprint footprint() {
    return footprint;
  }

  @Override
  public int count(KvTier tier, BlockState state) {
    requireNonNull(state, "state");
    if (tier != KvTier.DEVICE && tier != KvTier.HOST) {
      return 0;
    }
    BlockTier blocks = requireTier(tier);
    return switch (state) {
      case FREE -> blocks.available() - blocks.cached();
      case CACHED -> blocks.cached();
      case ACTIVE -> blocks.active();
      case LOADING -> blocks.loading();
      case STORING -> blocks.storing();
      case NULL -> blocks.nullBlocks();
    };
  }

  @Override
  public int usableBlocks() {
    return device.usable();
  }

  @Override
  public int availableBlocks() {
    return device.available();
  }

  /** Whether the eviction policy promises it; a pool that takes the newest first does not. */
  @Override
  public boolean evictsTailFirst() {
    return evictsTailFirst;
  }

  @Override
  public int watermarkBlocks() {
    return (int) (config.watermarkFraction() * (device.usable() + device.nullBlocks()));
  }

  @Override
  public void probe(BlockKeyChain keys, int limitTokens, KvProbe into) {
    requireBlockSize(keys);
    atLeast("limitTokens", limitTokens, 0, "token");
    int hit = lookup(keys, limitTokens);
    into.set(hit * blockTokens, idleHits, Math.max(0, presentBlocks - hit) * blockTokens);
  }

  @Override
  public KvOutcome check(BlockKeyChain keys, KvDemand demand) {
    requireBlockSize(keys);
    return admission(lookup(keys, hitLimit(demand)), demand);
  }

  @Override
  public boolean isLive(long owner) {
    return owners.isLive(owner);
  }

  @Override
  public OwnerKind kind(long owner) {
    return owners.kind(owners.require(owner));
  }

  @Override
  public KvTier tier(long owner) {
    return owners.get(Owners.TIER, owners.require(owner)) == DEVICE ? KvTier.DEVICE : KvTier.HOST;
  }

  @Override
  public int lengthTokens(long owner) {
    return owners.get(Owners.LENGTH, owners.require(owner));
  }

  @Override
  public int writableTokens(long owner) {
    int o = owners.require(owner);
    int length = owners.get(Owners.LENGTH, o);
    if (owners.get(Owners.TIER, o) != DEVICE) {
      return length;
    }
    int room = roomBlocks(o);
    int first = length / blockTokens;
    for (int i = first; i < room; i++) {
      for (int g = 0; g < groups; g++) {
        int block = owners.block(o, g, i);
        if (block != NONE && (mustCopy(block) || device.node(block) != NONE)) {
          return Math.max(length, i * blockTokens);
        }
      }
    }
    return Math.max(length, room * blockTokens);
  }

  @Override
  public int hitTokens(long owner) {
    return owners.get(Owners.HIT_BLOCKS, owners.require(owner)) * blockTokens;
  }

  @Override
  public int publishedTokens(long owner) {
    return owners.get(Owners.PUBLISHED_BLOCKS, owners.require(owner)) * blockTokens;
  }

  @Override
  public int blockCount(long owner, int groupId) {
    return owners.count(owners.require(owner), Objects.checkIndex(groupId, groups));
  }

  @Override
  public int block(long owner, int groupId, int position) {
    int o = owners.require(owner);
    Objects.checkIndex(groupId, groups);
    Objects.checkIndex(position, owners.count(o, groupId));
    int block = owners.block(o, groupId, position);
    return block == NONE && owners.get(Owners.TIER, o) == DEVICE ? nullBlock : block;
  }

  @Override
  public KvPoolSnapshot snapshot() {
    Map<BlockState, Integer> onDevice = new EnumMap<>(BlockState.class);
    Map<BlockState, Integer> onHost = new EnumMap<>(BlockState.class);
    for (BlockState state : BlockState.values()) {
      onDevice.put(state, count(KvTier.DEVICE, state));
      onHost.put(state, count(KvTier.HOST, state));
    }
    Map<OwnerKind, Integer> kinds = new EnumMap<>(OwnerKind.class);
    for (OwnerKind kind : OwnerKind.values()) {
      kinds.put(kind, 0);
    }
    int pinned = 0;
    for (int o = 0; o < owners.bound(); o++) {
      if (owners.get(Owners.STATE, o) == Owners.CLOSED) {
        continue;
      }
      if (owners.get(Owners.PINS, o) > 0) {
        pinned++;
      }
      if (owners.get(Owners.TIER, o) == DEVICE) {
        kinds.merge(owners.kind(o), tableEntries(o), Integer::sum);
      }
    }

    return new KvPoolSnapshot(KvMode.PAGED, blockTokens, onDevice, onHost, pinned, kinds);
  }

  /**
   * Returns the number of table entries that name a block.
   *
   * @param tier {@link KvTier#DEVICE} or {@link KvTier#HOST}
   * @param block block of that tier
   * @return references; 0 for the null block, which is not counted
   * @throws IllegalArgumentException if the tier has no such block
   */
  public int referenceCount(KvTier tier, int block) {
    return requireBlock(tier, block).refs(block);
  }

  /**
   * Returns whether a block is matchable, or will be once it is unreferenced.
   *
   * @param tier {@link KvTier#DEVICE} or {@link KvTier#HOST}
   * @param block block of that tier
   * @return true if it has a key
   * @throws IllegalArgumentException if the tier has no such block
   */
  public boolean isKeyed(KvTier tier, int block) {
    return requireBlock(tier, block).node(block) != NONE;
  }

  /**
   * Returns the unreferenced blocks of a tier in queue order: the eviction order, unless an
   * eviction policy ranks the cached ones among them.
   *
   * @param tier {@link KvTier#DEVICE} or {@link KvTier#HOST}
   * @return block ids, the next one to be taken first
   * @throws IllegalArgumentException if this pool has no such tier
   */
  public int[] availableOrder(KvTier tier) {
    BlockTier blocks = requireTier(tier);
    int[] order = new int[blocks.available()];
    int count = 0;
    for (int b = blocks.queueHead(); b != NONE; b = blocks.queueAfter(b)) {
      order[count++] = b;
    }
    return order;
  }

  /**
   * Returns the blocks that a lookup would hit now; {@link #probe} says how many without naming
   * them.
   *
   * @param keys what to look up
   * @param limitTokens most tokens to report, at least 0
   * @param groupId group of the geometry
   * @return device block per leading hit block; -1 where the group does not read it
   * @throws IllegalArgumentException if the chain's block size is not the pool's or the limit is
   *     negative
   */
  public int[] hitBlocks(BlockKeyChain keys, int limitTokens, int groupId) {
    requireBlockSize(keys);
    atLeast("limitTokens", limitTokens, 0, "token");
    Objects.checkIndex(groupId, groups);
    int hit = lookup(keys, limitTokens);
    int[] blocks = new int[hit];
    for (int i = 0; i < hit; i++) {
      blocks[i] = i < hitFrom[groupId] ? NONE : hitCopies[groupId][i];
    }
    return blocks;
  }

  /** Returns how many contents are remembered; nothing but cached and live content may be. */
  int contentNodes() {
    return index.live();
  }

  // Owners.

  @Override
  public BlockKeyChain newKeys(PrefixAttributes attributes) {
    return BlockKeyChain.of(hash, blockTokens, attributes);
  }

  @Override
  public long open(OwnerKind kind) {
    return owners.open(requireNonNull(kind, "kind"), null);
  }

  @Override
  public long open(OwnerKind kind, BlockKeyChain keys) {
    requireNonNull(kind, "kind");
    requireBlockSize(keys);
    return owners.open(kind, keys);
  }

  @Override
  public KvOutcome tryAllocate(long owner, KvDemand demand) {
    int o = owners.requireOnDevice(owner);
    requireEmpty(o, owner);
    int hit = lookup(chain(o), hitLimit(demand));
    KvOutcome outcome = admission(hit, demand);
    if (!outcome.ok()) {
      return outcome;
    }
    int need = footprint.blocksPerGroup(demand.totalTokens());
    for (int g = 0; g < groups; g++) {
      for (int i = 0; i < hit; i++) {
        int block = i < hitFrom[g] ? NONE : hitCopies[g][i];
        if (block != NONE) {
          device.retain(block);
          device.countHit(block);
        }
        owners.push(o, g, block);
      }
    }
    for (int g = 0; g < groups; g++) {
      extend(o, g, need);
    }
    owners.set(Owners.LENGTH, o, demand.lengthTokens());
    owners.set(Owners.HIT_BLOCKS, o, hit);
    owners.set(Owners.PUBLISHED_BLOCKS, o, hit);
    if (hit > 0) {
      moveCursor(o, hitNodes[hit - 1]);
    }
    trimGhosts();
    return outcome;
  }

  @Override
  public KvOutcome growTo(long owner, int lengthTokens) {
    int o = owners.requireOnDevice(owner);
    atLeast("lengthTokens", lengthTokens, 0, "token");
    int length = owners.get(Owners.LENGTH, o);
    if (lengthTokens <= length) {
      return KvOutcome.OK;
    }
    int first = length / blockTokens;
    int need = footprint.blocksPerGroup(lengthTokens);
    int fresh = 0;
    for (int g = 0; g < groups; g++) {
      int count = owners.count(o, g);
      fresh += Math.max(0, need - count);
      for (int i = first; i < Math.min(need, count); i++) {
        int block = owners.block(o, g, i);
        if (block != NONE && mustCopy(block)) {
          fresh++;
        }
      }
    }
    if (fresh > device.available()) {
      return shortage(o, fresh);
    }
    for (int g = 0; g < groups; g++) {
      for (int i = first; i < Math.min(need, owners.count(o, g)); i++) {
        makeWritable(o, g, i);
      }
      extend(o, g, need);
    }
    owners.set(Owners.LENGTH, o, lengthTokens);
    trimGhosts();
    return KvOutcome.OK;
  }

  @Override
  public KvOutcome fork(long parent, long child) {
    int p = owners.requireOnDevice(parent);
    int c = owners.requireOnDevice(child);
    requireEmpty(c, child);
    for (int g = 0; g < groups; g++) {
      for (int i = 0; i < owners.count(p, g); i++) {
        int block = owners.block(p, g, i);
        if (block != NONE) {
          device.retain(block);
        }
        owners.push(c, g, block);
      }
    }
    owners.set(Owners.LENGTH, c, owners.get(Owners.LENGTH, p));
    owners.set(Owners.LOSSY, c, owners.get(Owners.LOSSY, p));
    return KvOutcome.OK;
  }

  @Override
  public void truncate(long owner, int lengthTokens) {
    int o = owners.requireOnDevice(owner);
    atLeast("lengthTokens", lengthTokens, 0, "token");
    int keep = footprint.blocksPerGroup(lengthTokens);
    for (int g = 0; g < groups; g++) {
      runEnd = NONE;
      while (owners.count(o, g) > keep) {
        giveBack(device, owners.pop(o, g));
      }
    }
    owners.set(Owners.LENGTH, o, Math.min(lengthTokens, owners.get(Owners.LENGTH, o)));
    unpublish(o, lengthTokens / blockTokens);
  }

  @Override
  public void release(long owner, ReleaseOrder order) {
    int o = owners.requireOpen(owner);
    requireNonNull(order, "order");
    if (owners.get(Owners.PINS, o) > 0) {
      owners.set(Owners.SHALLOWEST_FIRST, o, order == ReleaseOrder.SHALLOWEST_FIRST ? 1 : 0);
      owners.set(Owners.STATE, o, Owners.RELEASING);
    } else {
      finish(o, order);
    }
  }

  @Override
  public void pin(long owner) {
    int o = owners.requireOpen(owner);
    owners.set(Owners.PINS, o, owners.get(Owners.PINS, o) + 1);
  }

  @Override
  public void unpin(long owner) {
    int o = owners.requirePinned(owner);
    int pins = owners.get(Owners.PINS, o);
    owners.set(Owners.PINS, o, pins - 1);
    if (pins == 1 && owners.get(Owners.STATE, o) == Owners.RELEASING) {
      finish(
          o,
          owners.get(Owners.SHALLOWEST_FIRST, o) == 1
              ? ReleaseOrder.SHALLOWEST_FIRST
              : ReleaseOrder.DEEPEST_FIRST);
    }
  }

  @Override
  public void publish(long owner, int upToTokens) {
    int o = owners.require(owner);
    owners.requireDeviceTier(o, owner);
    int room = roomBlocks(o) * blockTokens;
    if (upToTokens < 0 || upToTokens > room) {
      throw new IllegalArgumentException(
          "upToTokens must be between 0 and the owner's room of "
              + room
              + " tokens, but was "
              + upToTokens);
    }
    BlockKeyChain keys = chain(o);
    int from = owners.get(Owners.PUBLISHED_BLOCKS, o);
    int full = Math.min(upToTokens / blockTokens, keys.blockCount());
    if (config.prefixCaching() && full > from && owners.get(Owners.LOSSY, o) == 0) {
      int known = requireSameContent(o, keys, from, full);
      int node = owners.get(Owners.CURSOR, o);
      for (int i = from; i < full; i++) {
        node = i < known ? index.find(node, keys, i) : index.create(node, keys, i);
        for (int g = 0; g < groups; g++) {
          int block = owners.block(o, g, i);
          if (block != NONE && device.node(block) == NONE) {
            device.link(block, node);
            events.stored(index, node, block, g, DEVICE);
          }
        }
      }
      moveCursor(o, node);
      owners.set(Owners.PUBLISHED_BLOCKS, o, full);
    }
    if (upToTokens > owners.get(Owners.LENGTH, o)) {
      owners.set(Owners.LENGTH, o, upToTokens);
    }
    if (!allFull) {
      dropSkipped(o, upToTokens);
    }
  }

  @Override
  public KvOutcome compact(long owner, KeepSet keep) {
    int o = owners.requireOnDevice(owner);
    if (!allFull) {
      throw new IllegalStateException(
          "compact needs a pool whose groups all have full attention, but this one has a sliding"
              + " group");
    }
    int room = roomBlocks(o) * blockTokens;
    if (keep.size() > 0 && keep.position(keep.size() - 1) >= room) {
      throw new IllegalArgumentException(
          "keep must name positions below the owner's room of "
              + room
              + " tokens, but has "
              + keep.position(keep.size() - 1));
    }
    int targets = footprint.blocksPerGroup(keep.size());
    int unchanged = 0;
    while (unchanged < keep.size() && keep.position(unchanged) == unchanged) {
      unchanged++;
    }
    // Blocks before this one keep every position where it is.
    int firstMoved = unchanged == keep.size() ? targets : unchanged / blockTokens;
    int fresh = 0;
    for (int g = 0; g < groups; g++) {
      for (int j = firstMoved; j < targets; j++) {
        if (!mayOverwrite(owners.block(o, g, j))) {
          fresh++;
        }
      }
    }
    if (fresh > device.available()) {
      return shortage(o, fresh);
    }
    for (int g = 0; g < groups; g++) {
      // Position k of the result comes from a position >= k, so ascending order never overwrites a
      // block before it has been read.
      pendingCount = 0;
      for (int j = firstMoved; j < targets; j++) {
        int target = owners.block(o, g, j);
        if (!mayOverwrite(target)) {
          target = take(device, g);
          device.retain(target);
        }
        int last = NONE;
        for (int k = j * blockTokens; k < Math.min(keep.size(), (j + 1) * blockTokens); k++) {
          int source = owners.block(o, g, keep.position(k) / blockTokens);
          if (source != last) {
            moves.add(KvMoveKind.RECODE, source, target, g, KvMoveSink.NO_TRANSFER);
            last = source;
          }
        }
        addPending(target);
      }
      runEnd = NONE;
      while (owners.count(o, g) > targets) {
        giveBack(device, owners.pop(o, g));
      }
      for (int j = targets - 1; j >= firstMoved; j--) {
        int old = owners.block(o, g, j);
        int target = pending[j - firstMoved];
        if (old != target) {
          owners.replace(o, g, j, target);
          giveBack(device, old);
        }
      }
    }
    owners.set(Owners.LENGTH, o, keep.size());
    unpublish(o, 0);
    owners.set(Owners.LOSSY, o, 1);
    trimGhosts();
    return KvOutcome.OK;
  }

  // Swapping.

  @Override
  public KvOutcome swapOut(long[] swapped, int count) {
    owners.requireSwappable(swapped, count, DEVICE);
    int need = mapDistinct(swapped, count, device);
    if (need > host.available()) {
      return later(Reason.HOST_BLOCKS, need - host.available());
    }
    move(swapped, count, device, host, KvMoveKind.SWAP_OUT);
    return KvOutcome.OK;
  }

  @Override
  public KvOutcome swapIn(long[] swapped, int count) {
    owners.requireSwappable(swapped, count, HOST);
    int need = mapDistinct(swapped, count, host);
    int watermark = watermarkBlocks();
    if (need > device.usable() - watermark) {
      return KvOutcome.never(need - (device.usable() - watermark));
    }
    if (need + watermark > device.available()) {
      return later(
          need > device.available() ? Reason.DEVICE_BLOCKS : Reason.WATERMARK,
          need + watermark - device.available());
    }
    move(swapped, count, host, device, KvMoveKind.SWAP_IN);
    return KvOutcome.OK;
  }

  // Tiers.

  @Override
  public KvOutcome demote(BlockKeyChain keys, int upToTokens) {
    return offload(keys, upToTokens, device, host, DEVICE, HOST);
  }

  @Override
  public KvOutcome promote(BlockKeyChain keys, int upToTokens) {
    return offload(keys, upToTokens, host, device, HOST, DEVICE);
  }

  @Override
  public void endTransfer(int transferId, boolean succeeded) {
    if (!transfers.isRunning(transferId)) {
      throw new IllegalArgumentException(
          "transferId must name a running transfer, but was " + transferId);
    }
    int targetTier = transfers.targetTier(transferId);
    BlockTier to = targetTier == DEVICE ? device : host;
    BlockTier from = targetTier == DEVICE ? host : device;
    int source = transfers.source(transferId);
    int target = transfers.target(transferId);
    int node = transfers.node(transferId);
    transfers.end(transferId);
    runEnd = NONE;
    if (from.endRead(source)) {
      enqueue(from, source);
    }
    to.setWritten(target, false);
    index.addInbound(node, index.list(targetTier, to.group(target)), -1);
    if (succeeded) {
      to.link(target, node);
      events.stored(index, node, target, to.group(target), targetTier);
    }
    enqueue(to, target);
    index.letGo(node);
    trimGhosts();
  }

  @Override
  public void evictKeys(int[] blocks, int count) {
    Objects.checkFromIndexSize(0, count, blocks.length);
    for (int i = 0; i < count; i++) {
      requireBlock(KvTier.DEVICE, blocks[i]);
    }
    for (int i = 0; i < count; i++) {
      if (device.node(blocks[i]) != NONE) {
        removeKey(device, DEVICE, blocks[i], true);
      }
    }
    trimGhosts();
  }

  @Override
  public boolean reset() {
    if (device.active() > 0 || host.active() > 0 || transfers.running() > 0) {
      return false;
    }
    for (int tier = 0; tier < TIERS; tier++) {
      BlockTier blocks = tier == DEVICE ? device : host;
      for (int b = 0; b < blocks.size(); b++) {
        if (blocks.node(b) != NONE) {
          removeKey(blocks, tier, b, false);
        }
      }
    }
    events.cleared();
    return true;
  }

  @Override
  public KvOutcome resize(int deltaBlocks) {
    if ((long) device.size() + deltaBlocks > PagedKvConfig.MAX_BLOCKS) {
      throw new IllegalArgumentException(
          "deltaBlocks must keep the ids below "
              + PagedKvConfig.MAX_BLOCKS
              + " blocks, but was "
              + deltaBlocks
              + " after "
              + device.size());
    }
    if (deltaBlocks < 0 && -(long) deltaBlocks > device.available()) {
      return later(
          Reason.DEVICE_BLOCKS,
          (int) Math.min(Integer.MAX_VALUE, -(long) deltaBlocks - device.available()));
    }
    for (int i = 0; i < deltaBlocks; i++) {
      device.add();
    }
    for (int i = 0; i > deltaBlocks; i--) {
      int block = device.queueTail();
      strip(device, DEVICE, block);
      device.retire(block);
      moves.add(KvMoveKind.DROP, block, block, device.group(block), KvMoveSink.NO_TRANSFER);
    }
    trimGhosts();
    return KvOutcome.OK;
  }

  @Override
  public void observeQueue(KvQueueView view) {
    queue = requireNonNull(view, "queue");
  }

  // Two-phase planning.

  @Override
  public int savepoint() {
    if (savepointCount * 3 == savepoints.length) {
      savepoints = Arrays.copyOf(savepoints, Math.max(12, 2 * savepoints.length));
      savepointClocks = Arrays.copyOf(savepointClocks, savepoints.length);
    }
    log.start();
    int at = 3 * savepointCount;
    savepoints[at] = log.size();
    savepoints[at + 1] = moves.size();
    savepoints[at + 2] = events.size();
    savepointClocks[at] = device.clock();
    savepointClocks[at + 1] = host.clock();
    return savepointCount++;
  }

  @Override
  public void rollbackTo(int savepoint) {
    if (savepoint < 0 || savepoint >= savepointCount) {
      throw new IllegalArgumentException(
          "savepoint must be one of the "
              + savepointCount
              + " made since the last commit, but was "
              + savepoint);
    }
    int at = 3 * savepoint;
    log.pause();
    for (int entry = log.size() - 1; entry >= savepoints[at]; entry--) {
      int op = log.op(entry);
      if (op < BlockTier.END_OP) {
        (log.a(entry) == DEVICE ? device : host).undo(entry);
      } else if (op < ContentIndex.END_OP) {
        index.undo(entry);
      } else if (op < Owners.END_OP) {
        owners.undo(entry);
      } else {
        transfers.undo(entry);
      }
    }
    log.truncate(savepoints[at]);
    log.start();
    moves.truncate(savepoints[at + 1]);
    events.truncate(savepoints[at + 2]);
    device.restoreClock(savepointClocks[at]);
    host.restoreClock(savepointClocks[at + 1]);
    savepointCount = savepoint + 1;
  }

  @Override
  public void commit() {
    log.stop();
    savepointCount = 0;
    index.commit();
    owners.commit();
    transfers.commit();
  }

  @Override
  public void drainMoves(KvMoveSink sink) {
    requireFinal("drainMoves");
    moves.drain(sink);
  }

  @Override
  public void drainEvents(KvEventSink sink) {
    requireFinal("drainEvents");
    events.drain(sink);
  }

  // Lookup and admission arithmetic.

  private int hitLimit(KvDemand demand) {
    return Math.min(demand.hitLimitTokens(), demand.lengthTokens());
  }

  /**
   * Finds the prefix hit of a chain; pure. Sets the nodes and copies of the hit, {@code hitFrom}
   * (the first index that a group really reads), {@code idleHits}, and {@code presentBlocks}
   * (blocks that are in some tier without a gap).
   */
  private int lookup(BlockKeyChain keys, int limitTokens) {
    idleHits = 0;
    presentBlocks = 0;
    int limit = Math.min(limitTokens / blockTokens, keys.blockCount());
    if (!config.prefixCaching() || limit == 0) {
      return 0;
    }
    ensureLookup(limit);
    boolean hosted = config.hostBlocks() > 0;
    boolean present = hosted;
    int found = 0;
    int node = NONE;
    while (found < limit) {
      node = index.find(node, keys, found);
      if (node == NONE) {
        break;
      }
      hitNodes[found] = node;
      boolean onDevice = true;
      boolean somewhere = true;
      for (int g = 0; g < groups; g++) {
        int copy = hittableCopy(device, index.firstCopy(node, index.list(DEVICE, g)));
        hitCopies[g][found] = copy;
        if (copy == NONE) {
          onDevice = false;
          somewhere &=
              hosted && hittableCopy(host, index.firstCopy(node, index.list(HOST, g))) != NONE;
        }
      }
      present &= somewhere;
      if (!onDevice && allFull && !present) {
        break;
      }
      found++;
      if (present) {
        presentBlocks = found;
      }
    }
    int dropped = config.dropLastHit() ? 1 : 0;
    int hit = Math.max(0, HybridPrefix.commonHit(hitCopies, neededBlocks, found) - dropped);
    for (int g = 0; g < groups; g++) {
      hitFrom[g] = windows[g] == 0 ? 0 : Math.max(0, hit - (neededBlocks[g] - dropped));
      for (int i = hitFrom[g]; i < hit; i++) {
        if (device.refs(hitCopies[g][i]) == 0) {
          idleHits++;
        }
      }
    }
    return hit;
  }

  private static int hittableCopy(BlockTier tier, int first) {
    int block = first;
    while (block != NONE && !tier.isHittable(block)) {
      block = tier.copyAfter(block);
    }
    return block;
  }

  /** The one admission test: new blocks and idle hits both leave the available ones. */
  private KvOutcome admission(int hit, KvDemand demand) {
    int need = footprint.blocksPerGroup(demand.totalTokens());
    long fresh = (long) groups * (need - hit);
    long real = fresh;
    for (int g = 0; g < groups; g++) {
      real += hit - hitFrom(g, hit);
    }
    int watermark = watermarkBlocks();
    long capacity = (long) device.usable() - watermark;
    if (real > capacity) {
      return KvOutcome.never((int) Math.min(Integer.MAX_VALUE, real - capacity));
    }
    long leaving = fresh + idleHits;
    long supply = (long) device.available() - demand.reservedBlocks();
    long missing = leaving + watermark + demand.watermarkBlocks() - supply;
    if (missing > 0) {
      return later(
          leaving > supply ? Reason.DEVICE_BLOCKS : Reason.WATERMARK,
          (int) Math.min(Integer.MAX_VALUE, missing));
    }
    return KvOutcome.OK;
  }

  private int hitFrom(int group, int hit) {
    return hit == 0 ? 0 : hitFrom[group];
  }

  /** Says why an owner could not get fresh blocks for growth. */
  private KvOutcome shortage(int owner, int fresh) {
    long held = tableEntries(owner);
    if (held + fresh > device.usable()) {
      return KvOutcome.never((int) Math.min(Integer.MAX_VALUE, held + fresh - device.usable()));
    }
    return later(Reason.DEVICE_BLOCKS, fresh - device.available());
  }

  private KvOutcome later(Reason reason, int shortfall) {
    if (shortfall >= KEPT_OUTCOMES) {
      return KvOutcome.later(reason, shortfall);
    }
    @Nullable KvOutcome[] kept = keptOutcomes.get(reason);
    if (kept == null) {
      kept = new KvOutcome[KEPT_OUTCOMES];
      keptOutcomes.put(reason, kept);
    }
    KvOutcome outcome = kept[shortfall];
    if (outcome == null) {
      outcome = KvOutcome.later(reason, shortfall);
      kept[shortfall] = outcome;
    }
    return outcome;
  }

  // Blocks.

  private boolean mustCopy(int block) {
    return device.refs(block) > 1 || device.isRead(block);
  }

  private boolean mayOverwrite(int block) {
    return !mustCopy(block) && device.node(block) == NONE;
  }

  private void makeWritable(int o, int group, int position) {
    int block = owners.block(o, group, position);
    if (block == NONE) {
      return;
    }
    if (mustCopy(block)) {
      int copy = take(device, group);
      device.retain(copy);
      owners.replace(o, group, position, copy);
      moves.add(KvMoveKind.COPY, block, copy, group, KvMoveSink.NO_TRANSFER);
      giveBack(device, block);
      unpublish(o, position);
    } else if (device.node(block) != NONE) {
      removeKey(device, DEVICE, block, true);
      unpublish(o, position);
    }
  }

  private void extend(int o, int group, int need) {
    while (owners.count(o, group) < need) {
      int block = take(device, group);
      device.retain(block);
      owners.push(o, group, block);
    }
  }

  /** Takes the next block out of a tier's queue, destroying what it cached. */
  private int take(BlockTier tier, int group) {
    int block;
    if (tier == host || ranking == null || tier.plainHead() != NONE) {
      block = tier.queueHead();
    } else {
      block = ranking.first(tier);
    }
    strip(tier, tier == host ? HOST : DEVICE, block);
    tier.setGroup(block, group);
    return block;
  }

  /** As {@link #take}, but never a block that carries the present stamp. */
  private int takeUnstamped(BlockTier tier, int group) {
    int block = tier.plainHead();
    if (tier == host || ranking == null) {
      while (stamps[block] == stamp) {
        block = tier.queueAfter(block);
      }
    } else if (block == NONE) {
      block = ranking.firstExcept(tier, stamps, stamp);
    }
    strip(tier, tier == host ? HOST : DEVICE, block);
    tier.setGroup(block, group);
    return block;
  }

  private void strip(BlockTier tier, int tierId, int block) {
    tier.dequeue(block);
    if (tier.node(block) != NONE) {
      removeKey(tier, tierId, block, true);
    }
  }

  private void removeKey(BlockTier tier, int tierId, int block, boolean report) {
    int node = tier.node(block);
    boolean requeue = tier.splitQueues() && tier.isQueued(block);
    if (requeue) {
      tier.dequeue(block);
    }
    tier.unlink(block);
    if (requeue) {
      tier.enqueueTail(block);
    }
    if (report) {
      events.removed(index, node, block, tier.group(block), tierId);
    }
    index.collect(node);
  }

  private void giveBack(BlockTier tier, int block) {
    if (block != NONE && tier.release(block)) {
      enqueue(tier, block);
    }
  }

  private void enqueue(BlockTier tier, int block) {
    if (tier == host || config.freeOrder() == FreeOrder.APPEND) {
      tier.enqueueTail(block);
      return;
    }
    if (config.freeOrder() == FreeOrder.LIFO) {
      tier.enqueueHead(block);
    } else if (tier.node(block) != NONE) {
      tier.enqueueTail(block);
    } else if (runEnd == NONE) {
      tier.enqueueHead(block);
      runEnd = block;
    } else {
      tier.enqueueAfter(block, runEnd);
      runEnd = block;
    }
  }

  private void finish(int o, ReleaseOrder order) {
    BlockTier tier = owners.get(Owners.TIER, o) == DEVICE ? device : host;
    for (int g = 0; g < groups; g++) {
      runEnd = NONE;
      if (order == ReleaseOrder.SHALLOWEST_FIRST) {
        for (int i = 0; i < owners.count(o, g); i++) {
          giveBack(tier, owners.block(o, g, i));
        }
      }
      while (owners.count(o, g) > 0) {
        int block = owners.pop(o, g);
        if (order == ReleaseOrder.DEEPEST_FIRST) {
          giveBack(tier, block);
        }
      }
    }
    moveCursor(o, NONE);
    owners.close(o);
    trimGhosts();
  }

  private void dropSkipped(int o, int computedTokens) {
    for (int g = 0; g < groups; g++) {
      if (windows[g] == 0) {
        continue;
      }
      runEnd = NONE;
      int skipped = HybridPrefix.skippedBlocks(computedTokens, windows[g], blockTokens);
      for (int i = Math.min(skipped, owners.count(o, g)) - 1; i >= 0; i--) {
        int block = owners.block(o, g, i);
        if (block == NONE) {
          break;
        }
        owners.replace(o, g, i, NONE);
        giveBack(device, block);
      }
    }
  }

  // Content.

  private BlockKeyChain chain(int o) {
    BlockKeyChain keys = owners.chain(o);
    return keys == null ? noKeys : keys;
  }

  private void moveCursor(int o, int node) {
    int old = owners.get(Owners.CURSOR, o);
    if (node != NONE) {
      index.hold(node);
    }
    owners.set(Owners.CURSOR, o, node);
    if (old != NONE) {
      index.letGo(old);
    }
  }

  /** Makes a number of leading blocks the published ones, if more were. */
  private void unpublish(int o, int blocks) {
    int published = owners.get(Owners.PUBLISHED_BLOCKS, o);
    if (published <= blocks) {
      return;
    }
    int node = owners.get(Owners.CURSOR, o);
    for (int i = published; i > blocks; i--) {
      node = index.parent(node);
    }
    moveCursor(o, node);
    owners.set(Owners.PUBLISHED_BLOCKS, o, blocks);
  }

  /**
   * Refuses to publish a block that is already cached as something else, before any change.
   *
   * @return the first position whose content nobody has published yet, at most {@code to}
   */
  private int requireSameContent(int o, BlockKeyChain keys, int from, int to) {
    int node = owners.get(Owners.CURSOR, o);
    int known = from;
    for (int i = from; i < to; i++) {
      if (known == i) {
        node = index.find(node, keys, i);
        known += node == NONE ? 0 : 1;
      }
      for (int g = 0; g < groups; g++) {
        int block = owners.block(o, g, i);
        int cachedAs = block == NONE ? NONE : device.node(block);
        if (cachedAs != NONE && (known <= i || cachedAs != node)) {
          throw new IllegalStateException(
              "keys must name what the owner's blocks hold, but block "
                  + block
                  + " at index "
                  + i
                  + " is cached as other content");
        }
      }
    }
    return known;
  }

  private int minGhosts() {
    return Math.max(MIN_GHOSTS, device.size() + host.size());
  }

  /**
   * Drops unreachable content once more blocks of chains are missing than the pool has blocks, so
   * that remembering them stays bounded. One pass over all nodes, paid for by as many evictions.
   */
  private void trimGhosts() {
    if (index.ghosts() <= ghostLimit) {
      return;
    }
    int bound = index.bound();
    if (pending.length < bound) {
      pending = new int[bound];
    }
    // 0: not known yet; 1: every ancestor has a copy; 2: some ancestor has none.
    Arrays.fill(pending, 0, bound, 0);
    for (int n = 0; n < bound; n++) {
      if (index.hasCopies(n)) {
        markReachable(n);
      }
    }
    for (int tier = 0; tier < TIERS; tier++) {
      BlockTier blocks = tier == DEVICE ? device : host;
      for (int b = 0; b < blocks.size(); b++) {
        int node = blocks.node(b);
        if (node != NONE && pending[node] == 2 && blocks.isQueued(b)) {
          removeKey(blocks, tier, b, true);
        }
      }
    }
    ghostLimit = Math.max(minGhosts(), 2 * index.ghosts());
  }

  private void markReachable(int node) {
    int top = node;
    while (top != NONE && pending[top] == 0 && index.hasCopies(top)) {
      top = index.parent(top);
    }
    int mark = top == NONE || (pending[top] == 1 && index.hasCopies(top)) ? 1 : 2;
    for (int n = node; n != top; n = index.parent(n)) {
      pending[n] = mark;
    }
  }

  // Swapping and transfers.

  /** Numbers the distinct blocks of some owners in order of first appearance; returns how many. */
  private int mapDistinct(long[] list, int count, BlockTier tier) {
    newStamp(tier);
    int distinct = 0;
    for (int n = 0; n < count; n++) {
      int o = (int) list[n];
      for (int g = 0; g < groups; g++) {
        for (int i = 0; i < owners.count(o, g); i++) {
          int block = owners.block(o, g, i);
          if (block != NONE && stamps[block] != stamp) {
            stamps[block] = stamp;
            distinct++;
          }
        }
      }
    }
    return distinct;
  }

  private void move(long[] list, int count, BlockTier from, BlockTier to, KvMoveKind kind) {
    newStamp(from);
    for (int n = 0; n < count; n++) {
      int o = (int) list[n];
      for (int g = 0; g < groups; g++) {
        for (int i = 0; i < owners.count(o, g); i++) {
          int block = owners.block(o, g, i);
          if (block != NONE && stamps[block] != stamp) {
            stamps[block] = stamp;
            int target = take(to, g);
            stampValues[block] = target;
            moves.add(kind, block, target, g, KvMoveSink.NO_TRANSFER);
          }
        }
      }
    }
    for (int n = 0; n < count; n++) {
      int o = (int) list[n];
      for (int g = 0; g < groups; g++) {
        runEnd = NONE;
        for (int i = owners.count(o, g) - 1; i >= 0; i--) {
          int block = owners.block(o, g, i);
          if (block == NONE) {
            continue;
          }
          to.retain(stampValues[block]);
          owners.replace(o, g, i, stampValues[block]);
          giveBack(from, block);
        }
      }
      unpublish(o, 0);
      owners.set(Owners.TIER, o, to == device ? DEVICE : HOST);
    }
    trimGhosts();
  }

  private KvOutcome offload(
      BlockKeyChain keys, int upToTokens, BlockTier from, BlockTier to, int fromTier, int toTier) {
    requireBlockSize(keys);
    atLeast("upToTokens", upToTokens, 0, "token");
    int limit = Math.min(upToTokens / blockTokens, keys.blockCount());
    newStamp(to);
    pendingCount = 0;
    int kept = 0;
    int node = NONE;
    boolean gap = !config.prefixCaching();
    for (int i = 0; i < limit && !gap; i++) {
      node = index.find(node, keys, i);
      if (node == NONE) {
        break;
      }
      for (int g = 0; g < groups; g++) {
        int toList = index.list(toTier, g);
        int held = index.firstCopy(node, toList);
        for (int b = held; b != NONE; b = to.copyAfter(b)) {
          if (stamps[b] != stamp) {
            stamps[b] = stamp;
            kept += to.isQueued(b) ? 1 : 0;
          }
        }
        if (held != NONE || index.hasInbound(node, toList)) {
          continue;
        }
        int source = hittableCopy(from, index.firstCopy(node, index.list(fromTier, g)));
        if (source == NONE || from.isRead(source)) {
          gap |= windows[g] == 0;
        } else {
          addPending(source);
        }
      }
    }
    int need = pendingCount;
    if (to == device && need > device.usable()) {
      return KvOutcome.never(need - device.usable());
    }
    if (need > to.available() - kept) {
      return later(
          to == device ? Reason.DEVICE_BLOCKS : Reason.HOST_BLOCKS, need - (to.available() - kept));
    }
    for (int i = 0; i < need; i++) {
      int source = pending[i];
      int group = from.group(source);
      int content = from.node(source);
      int target = takeUnstamped(to, group);
      to.setWritten(target, true);
      from.beginRead(source);
      index.hold(content);
      index.addInbound(content, index.list(toTier, group), 1);
      int id = transfers.begin(toTier, source, target, content);
      moves.add(to == host ? KvMoveKind.STORE : KvMoveKind.LOAD, source, target, group, id);
    }
    trimGhosts();
    return KvOutcome.OK;
  }

  private void newStamp(BlockTier tier) {
    if (stamps.length < tier.size()) {
      stamps = Arrays.copyOf(stamps, tier.size());
      stampValues = Arrays.copyOf(stampValues, tier.size());
    }
    stamp++;
  }

  private void addPending(int value) {
    if (pendingCount == pending.length) {
      pending = Arrays.copyOf(pending, Math.max(64, 2 * pendingCount));
    }
    pending[pendingCount++] = value;
  }

  // Checks.

  private void requireBlockSize(BlockKeyChain keys) {
    if (keys.blockTokens() != blockTokens) {
      throw new IllegalArgumentException(
          "keys must have the pool's block size of "
              + blockTokens
              + " tokens, but has "
              + keys.blockTokens());
    }
  }

  private void requireEmpty(int o, long owner) {
    if (!owners.isEmpty(o)) {
      throw new IllegalStateException(
          "owner must have no blocks yet, but " + Owners.describe(owner) + " has some");
    }
  }

  private BlockTier requireTier(KvTier tier) {
    return switch (tier) {
      case DEVICE -> device;
      case HOST -> host;
      case DISK, REMOTE ->
          throw new IllegalArgumentException("tier must be DEVICE or HOST, but was " + tier);
    };
  }

  private BlockTier requireBlock(KvTier tier, int block) {
    BlockTier blocks = requireTier(tier);
    if (!blocks.contains(block)) {
      throw new IllegalArgumentException(
          "block must be one of the pool's " + blocks.usable() + " blocks, but was " + block);
    }
    return blocks;
  }

  private void requireFinal(String call) {
    if (log.recording()) {
      throw new IllegalStateException(
          call + " must not come between savepoint and commit: changes are not final");
    }
  }

  private static void atLeast(String name, int value, int minimum, String unit) {
    if (value < minimum) {
      throw new IllegalArgumentException(
          name + " must be at least " + minimum + " " + unit + "s, but was " + value);
    }
  }

  private int roomBlocks(int o) {
    int room = Integer.MAX_VALUE;
    for (int g = 0; g < groups; g++) {
      room = Math.min(room, owners.count(o, g));
    }
    return room;
  }

  private int tableEntries(int o) {
    int entries = 0;
    for (int g = 0; g < groups; g++) {
      for (int i = 0; i < owners.count(o, g); i++) {
        if (owners.block(o, g, i) != NONE) {
          entries++;
        }
      }
    }
    return entries;
  }

  private void ensureLookup(int blocks) {
    if (hitNodes.length < blocks) {
      int capacity = Math.max(blocks, 2 * hitNodes.length);
      hitNodes = Arrays.copyOf(hitNodes, capacity);
      for (int g = 0; g < groups; g++) {
        hitCopies[g] = Arrays.copyOf(hitCopies[g], capacity);
      }
    }
  }

  /** What an eviction policy sees of the device. */
  private final class View implements EvictionView {
    @Override
    public long tick() {
      return device.clock();
    }

    @Override
    public long releasedTick(int block) {
      return device.releasedTick(block);
    }

    @Override
    public long storedTick(int block) {
      return device.storedTick(block);
    }

    @Override
    public int hitCount(int block) {
      return device.hits(block);
    }

    @Override
    public int chainIndex(int block) {
      return index.depth(device.node(block));
    }

    @Override
    public int groupId(int block) {
      return device.group(block);
    }

    @Override
    public BlockExtras extras(int block) {
      return index.extras(device.node(block));
    }

    @Override
    public boolean wantedByQueue(int block, int windowRequests) {
      KvQueueView view = queue;
      if (view == null) {
        return false;
      }
      int node = device.node(block);
      int depth = index.depth(node);
      int end = Math.min(windowRequests, view.size());
      for (int i = 0; i < end; i++) {
        BlockKeyChain keys = view.keys(i);
        if (keys.blockTokens() == blockTokens
            && keys.blockCount() > depth
            && index.keyEquals(node, keys, depth)) {
          return true;
        }
      }
      return false;
    }
  }
}
