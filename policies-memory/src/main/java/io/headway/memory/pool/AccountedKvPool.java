package io.headway.memory.pool;

import static java.util.Objects.requireNonNull;

import io.headway.api.Request;
import io.headway.api.memory.BlockKeyChain;
import io.headway.api.memory.BlockState;
import io.headway.api.memory.KeepSet;
import io.headway.api.memory.KvBlockPool;
import io.headway.api.memory.KvDemand;
import io.headway.api.memory.KvEventSink;
import io.headway.api.memory.KvFootprint;
import io.headway.api.memory.KvGeometry;
import io.headway.api.memory.KvMode;
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
import java.util.Arrays;
import java.util.EnumMap;
import java.util.Map;

/**
 * A pool for engines that own their KV memory: it counts units by one formula and hands out no
 * block ids. Admission, growth, preemption and swapping work as with a paged pool; there is no
 * sharing and no prefix cache, so a fork is charged in full, lookups find nothing and {@link
 * #publish} only raises the length.
 *
 * <p>A sequence of {@code n} tokens holds {@link KvFootprint#blocks blocks(n)} units. A footprint
 * may shrink as a sequence grows; every grant therefore covers the {@linkplain
 * KvFootprint#peakBlocks peak} on the way, and what is not needed at the new length is given back.
 *
 * <p>The host tier counts units of swapped owners, so that swapped sequences stay bounded. Moves
 * and events are never emitted: which sequences swap is in the plan.
 *
 * <p>O(1) per call, plus the cost of the footprint. Not thread-safe.
 */
public final class AccountedKvPool implements KvBlockPool {
  private static final int DEVICE = 0;
  private static final int HOST = 1;

  private final KvFootprint footprint;
  private final double watermarkFraction;
  private final KvGeometry geometry = KvGeometry.uniform(1);
  private final UndoLog log = new UndoLog();
  private final Owners owners = new Owners(log, 0);
  private final Counter[] tiers;

  private int[] savepoints = {};
  private int savepointCount;

  /** Units of one tier; every change is recorded in the undo log. */
  private static final class Counter {
    int capacity;
    int used;

    Counter(int capacity) {
      this.capacity = capacity;
    }

    int free() {
      return capacity - used;
    }
  }

  private static final int OP_USED = Owners.END_OP;
  private static final int OP_CAPACITY = OP_USED + 1;

  private AccountedKvPool(
      KvFootprint footprint, int units, int hostUnits, double watermarkFraction) {
    atLeast("units", units, "unit");
    atLeast("hostUnits", hostUnits, "unit");
    if (!(watermarkFraction >= 0 && watermarkFraction <= 1)) {
      throw new IllegalArgumentException(
          "watermarkFraction must be between 0 and 1, but was " + watermarkFraction);
    }
    this.footprint = requireNonNull(footprint, "footprint");
    this.watermarkFraction = watermarkFraction;
    tiers = new Counter[] {new Counter(units), new Counter(hostUnits)};
  }

  /**
   * Makes a pool without a host tier and without a watermark.
   *
   * @param footprint units by length
   * @param units capacity, at least 0
   * @return a new pool, all units free
   * @throws IllegalArgumentException if {@code units} is negative
   */
  public static AccountedKvPool of(KvFootprint footprint, int units) {
    return of(footprint, units, 0, 0);
  }

  /**
   * Makes a pool.
   *
   * @param footprint units by length
   * @param units capacity, at least 0
   * @param hostUnits capacity for swapped owners, at least 0
   * @param watermarkFraction share of the units that admissions leave free, 0 to 1
   * @return a new pool, all units free
   * @throws IllegalArgumentException if a number is out of range
   */
  public static AccountedKvPool of(
      KvFootprint footprint, int units, int hostUnits, double watermarkFraction) {
    return new AccountedKvPool(footprint, units, hostUnits, watermarkFraction);
  }

  // View.

  @Override
  public KvMode mode() {
    return KvMode.ACCOUNTED;
  }

  /**
   * Returns a nominal layout: one group, one token and one byte per unit. Sizes come from {@link
   * #footprint}.
   */
  @Override
  public KvGeometry geometry() {
    return geometry;
  }

  @Override
  public KvFootprint footprint() {
    return footprint;
  }

  @Override
  public int count(KvTier tier, BlockState state) {
    if (tier != KvTier.DEVICE && tier != KvTier.HOST) {
      return 0;
    }
    Counter counter = tiers[tier == KvTier.DEVICE ? DEVICE : HOST];
    return switch (state) {
      case FREE -> counter.free();
      case ACTIVE -> counter.used;
      case CACHED, LOADING, STORING, NULL -> 0;
    };
  }

  @Override
  public int usableBlocks() {
    return tiers[DEVICE].capacity;
  }

  @Override
  public int availableBlocks() {
    return tiers[DEVICE].free();
  }

  @Override
  public boolean evictsTailFirst() {
    return true;
  }

  @Override
  public int watermarkBlocks() {
    return (int) (watermarkFraction * tiers[DEVICE].capacity);
  }

  @Override
  public void probe(BlockKeyChain keys, int limitTokens, KvProbe into) {
    requireNonNull(keys, "keys");
    atLeast("limitTokens", limitTokens, "token");
    into.set(0, 0, 0);
  }

  @Override
  public KvOutcome check(BlockKeyChain keys, KvDemand demand) {
    requireNonNull(keys, "keys");
    return admission(
        footprint.peakBlocks(demand.lengthTokens(), demand.totalTokens()),
        demand.watermarkBlocks(),
        demand.reservedBlocks());
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
    return owners.get(Owners.TIER, o) == DEVICE
        ? footprint.reachTokens(length, owners.get(Owners.UNITS, o))
        : length;
  }

  @Override
  public int hitTokens(long owner) {
    owners.require(owner);
    return 0;
  }

  @Override
  public int publishedTokens(long owner) {
    owners.require(owner);
    return 0;
  }

  @Override
  public int blockCount(long owner, int groupId) {
    requireGroup(groupId);
    return owners.get(Owners.UNITS, owners.require(owner));
  }

  @Override
  public int block(long owner, int groupId, int index) {
    owners.require(owner);
    throw new IllegalStateException(
        "block ids need a paged pool, but this one only counts units of the engine's own memory");
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
        kinds.merge(owners.kind(o), owners.get(Owners.UNITS, o), Integer::sum);
      }
    }
    return new KvPoolSnapshot(KvMode.ACCOUNTED, 1, onDevice, onHost, pinned, kinds);
  }

  // Owners.

  @Override
  public BlockKeyChain newKeys(PrefixAttributes attributes) {
    return BlockKeyChain.precomputed(new long[0], 1, 1, attributes);
  }

  /** Returns a chain without blocks: this pool never matches anything. */
  @Override
  public BlockKeyChain newKeys(Request request) {
    return newKeys(PrefixAttributes.of(request));
  }

  @Override
  public long open(OwnerKind kind) {
    return owners.open(requireNonNull(kind, "kind"), null);
  }

  @Override
  public long open(OwnerKind kind, BlockKeyChain keys) {
    requireNonNull(keys, "keys");
    return open(kind);
  }

  @Override
  public KvOutcome tryAllocate(long owner, KvDemand demand) {
    int o = owners.requireOnDevice(owner);
    requireEmpty(o, owner);
    int need = footprint.peakBlocks(demand.lengthTokens(), demand.totalTokens());
    KvOutcome outcome = admission(need, demand.watermarkBlocks(), demand.reservedBlocks());
    if (outcome.ok()) {
      charge(o, DEVICE, need);
      owners.set(Owners.LENGTH, o, demand.lengthTokens());
    }
    return outcome;
  }

  @Override
  public KvOutcome growTo(long owner, int lengthTokens) {
    int o = owners.requireOnDevice(owner);
    atLeast("lengthTokens", lengthTokens, "token");
    int length = owners.get(Owners.LENGTH, o);
    if (lengthTokens <= length) {
      return KvOutcome.OK;
    }
    int held = owners.get(Owners.UNITS, o);
    int peak = footprint.peakBlocks(length + 1, lengthTokens);
    if (peak > tiers[DEVICE].capacity) {
      return KvOutcome.never(peak - tiers[DEVICE].capacity);
    }
    if (peak - held > tiers[DEVICE].free()) {
      return KvOutcome.later(Reason.DEVICE_BLOCKS, peak - held - tiers[DEVICE].free());
    }
    charge(o, DEVICE, footprint.blocks(lengthTokens) - held);
    owners.set(Owners.LENGTH, o, lengthTokens);
    return KvOutcome.OK;
  }

  @Override
  public KvOutcome fork(long parent, long child) {
    int p = owners.requireOnDevice(parent);
    int c = owners.requireOnDevice(child);
    requireEmpty(c, child);
    int need = owners.get(Owners.UNITS, p);
    Counter device = tiers[DEVICE];
    if (need > device.capacity) {
      return KvOutcome.never(need - device.capacity);
    }
    if (need > device.free()) {
      return KvOutcome.later(Reason.DEVICE_BLOCKS, need - device.free());
    }
    charge(c, DEVICE, need);
    owners.set(Owners.LENGTH, c, owners.get(Owners.LENGTH, p));
    return KvOutcome.OK;
  }

  @Override
  public void truncate(long owner, int lengthTokens) {
    int o = owners.requireOnDevice(owner);
    atLeast("lengthTokens", lengthTokens, "token");
    shrink(o, lengthTokens);
  }

  @Override
  public void release(long owner, ReleaseOrder order) {
    int o = owners.requireOpen(owner);
    requireNonNull(order, "order");
    if (owners.get(Owners.PINS, o) > 0) {
      owners.set(Owners.STATE, o, Owners.RELEASING);
    } else {
      finish(o);
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
      finish(o);
    }
  }

  @Override
  public void publish(long owner, int upToTokens) {
    int o = owners.require(owner);
    owners.requireDeviceTier(o, owner);
    int room = writableTokens(owner);
    if (upToTokens < 0 || upToTokens > room) {
      throw new IllegalArgumentException(
          "upToTokens must be between 0 and the owner's room of "
              + room
              + " tokens, but was "
              + upToTokens);
    }
    if (upToTokens > owners.get(Owners.LENGTH, o)) {
      owners.set(Owners.LENGTH, o, upToTokens);
    }
  }

  @Override
  public KvOutcome compact(long owner, KeepSet keep) {
    int o = owners.requireOnDevice(owner);
    int room = writableTokens(owner);
    if (keep.size() > 0 && keep.position(keep.size() - 1) >= room) {
      throw new IllegalArgumentException(
          "keep must name positions below the owner's room of "
              + room
              + " tokens, but has "
              + keep.position(keep.size() - 1));
    }
    shrink(o, keep.size());
    return KvOutcome.OK;
  }

  // Swapping.

  @Override
  public KvOutcome swapOut(long[] swapped, int count) {
    owners.requireSwappable(swapped, count, DEVICE);
    long need = units(swapped, count);
    if (need > tiers[HOST].free()) {
      return KvOutcome.later(
          Reason.HOST_BLOCKS, (int) Math.min(Integer.MAX_VALUE, need - tiers[HOST].free()));
    }
    move(swapped, count, DEVICE, HOST);
    return KvOutcome.OK;
  }

  @Override
  public KvOutcome swapIn(long[] swapped, int count) {
    owners.requireSwappable(swapped, count, HOST);
    KvOutcome outcome = admission((int) Math.min(Integer.MAX_VALUE, units(swapped, count)), 0, 0);
    if (outcome.ok()) {
      move(swapped, count, HOST, DEVICE);
    }
    return outcome;
  }

  // What needs block ids or content: nothing to do here.

  @Override
  public KvOutcome demote(BlockKeyChain keys, int upToTokens) {
    requireNonNull(keys, "keys");
    return KvOutcome.OK;
  }

  @Override
  public KvOutcome promote(BlockKeyChain keys, int upToTokens) {
    requireNonNull(keys, "keys");
    return KvOutcome.OK;
  }

  @Override
  public void endTransfer(int transferId, boolean succeeded) {
    throw new IllegalArgumentException(
        "transferId must name a running transfer, but was " + transferId);
  }

  @Override
  public void evictKeys(int[] blocks, int count) {
    if (count > 0) {
      throw new IllegalArgumentException(
          "block must be one of the pool's 0 blocks, but was " + blocks[0]);
    }
  }

  @Override
  public boolean reset() {
    return tiers[DEVICE].used == 0 && tiers[HOST].used == 0;
  }

  @Override
  public KvOutcome resize(int deltaBlocks) {
    Counter device = tiers[DEVICE];
    if (-(long) deltaBlocks > device.free()) {
      return KvOutcome.later(
          Reason.DEVICE_BLOCKS,
          (int) Math.min(Integer.MAX_VALUE, -(long) deltaBlocks - device.free()));
    }
    int capacity = Math.addExact(device.capacity, deltaBlocks);
    log.record(OP_CAPACITY, 0, device.capacity, 0, 0);
    device.capacity = capacity;
    return KvOutcome.OK;
  }

  @Override
  public void observeQueue(KvQueueView queue) {
    requireNonNull(queue, "queue");
  }

  // Two-phase planning.

  @Override
  public int savepoint() {
    if (savepointCount == savepoints.length) {
      savepoints = Arrays.copyOf(savepoints, Math.max(4, 2 * savepointCount));
    }
    log.start();
    savepoints[savepointCount] = log.size();
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
    log.pause();
    for (int entry = log.size() - 1; entry >= savepoints[savepoint]; entry--) {
      switch (log.op(entry)) {
        case OP_USED -> tiers[log.a(entry)].used = log.b(entry);
        case OP_CAPACITY -> tiers[DEVICE].capacity = log.b(entry);
        default -> owners.undo(entry);
      }
    }
    log.truncate(savepoints[savepoint]);
    log.start();
    savepointCount = savepoint + 1;
  }

  @Override
  public void commit() {
    log.stop();
    savepointCount = 0;
    owners.commit();
  }

  @Override
  public void drainMoves(KvMoveSink sink) {
    requireFinal("drainMoves");
    requireNonNull(sink, "sink");
  }

  @Override
  public void drainEvents(KvEventSink sink) {
    requireFinal("drainEvents");
    requireNonNull(sink, "sink");
  }

  private KvOutcome admission(int need, int extraWatermark, int reserved) {
    int watermark = watermarkBlocks();
    long capacity = (long) tiers[DEVICE].capacity - watermark;
    if (need > capacity) {
      return KvOutcome.never((int) Math.min(Integer.MAX_VALUE, need - capacity));
    }
    long supply = (long) tiers[DEVICE].free() - reserved;
    long missing = (long) need + watermark + extraWatermark - supply;
    if (missing > 0) {
      return KvOutcome.later(
          need > supply ? Reason.DEVICE_BLOCKS : Reason.WATERMARK,
          (int) Math.min(Integer.MAX_VALUE, missing));
    }
    return KvOutcome.OK;
  }

  private void charge(int o, int tier, int units) {
    owners.set(Owners.UNITS, o, owners.get(Owners.UNITS, o) + units);
    setUsed(tier, tiers[tier].used + units);
  }

  private void setUsed(int tier, int used) {
    log.record(OP_USED, tier, tiers[tier].used, 0, 0);
    tiers[tier].used = used;
  }

  private void shrink(int o, int lengthTokens) {
    int held = owners.get(Owners.UNITS, o);
    charge(o, DEVICE, Math.min(held, footprint.blocks(lengthTokens)) - held);
    owners.set(Owners.LENGTH, o, Math.min(lengthTokens, owners.get(Owners.LENGTH, o)));
  }

  private void finish(int o) {
    charge(o, owners.get(Owners.TIER, o), -owners.get(Owners.UNITS, o));
    owners.close(o);
  }

  private long units(long[] list, int count) {
    long units = 0;
    for (int n = 0; n < count; n++) {
      units += owners.get(Owners.UNITS, (int) list[n]);
    }
    return units;
  }

  private void move(long[] list, int count, int from, int to) {
    for (int n = 0; n < count; n++) {
      int o = (int) list[n];
      int units = owners.get(Owners.UNITS, o);
      setUsed(from, tiers[from].used - units);
      setUsed(to, tiers[to].used + units);
      owners.set(Owners.TIER, o, to);
    }
  }

  private void requireEmpty(int o, long owner) {
    if (owners.get(Owners.UNITS, o) > 0) {
      throw new IllegalStateException(
          "owner must have no blocks yet, but " + Owners.describe(owner) + " has some");
    }
  }

  private void requireFinal(String call) {
    if (log.recording()) {
      throw new IllegalStateException(
          call + " must not come between savepoint and commit: changes are not final");
    }
  }

  private static void requireGroup(int groupId) {
    if (groupId != 0) {
      throw new IndexOutOfBoundsException("groupId must be 0, but was " + groupId);
    }
  }

  private static void atLeast(String name, int value, String unit) {
    if (value < 0) {
      throw new IllegalArgumentException(
          name + " must be at least 0 " + unit + "s, but was " + value);
    }
  }
}
