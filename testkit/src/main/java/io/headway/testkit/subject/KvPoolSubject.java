package io.headway.testkit.subject;

import io.headway.api.memory.BlockKeyChain;
import io.headway.api.memory.BlockState;
import io.headway.api.memory.EvictionPolicy;
import io.headway.api.memory.KvBlockPool;
import io.headway.api.memory.KvDemand;
import io.headway.api.memory.KvProbe;
import io.headway.api.memory.KvTier;
import io.headway.api.memory.MediaItem;
import io.headway.api.memory.OwnerKind;
import io.headway.api.memory.PrefixAttributes;
import io.headway.api.memory.ReleaseOrder;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.TreeMap;
import java.util.function.Function;

/** A pool of this library's SPI behind the testkit's interface. */
public final class KvPoolSubject implements PoolSubject {
  private record Holder(long owner, BlockKeyChain keys) {}

  private final KvBlockPool pool;
  private final Map<Integer, Holder> holders = new TreeMap<>();

  private KvPoolSubject(KvBlockPool pool) {
    this.pool = pool;
  }

  /**
   * Makes a factory of pools, which claims what every paged pool of this library can do.
   *
   * @param maker makes a paged pool for a world
   * @return the factory
   */
  public static PoolFactory of(Function<PoolConfig, KvBlockPool> maker) {
    return PoolFactory.of(
        Features.of(
            Feature.MEDIA,
            Feature.CACHE_GROUPS,
            Feature.REPORTS_COPIES,
            Feature.TIERS,
            Feature.STABLE_KEYS),
        config -> new KvPoolSubject(maker.apply(config)));
  }

  /**
   * Makes a factory of this library's paged pools with an eviction policy, whose comparisons are
   * checked for consistency as they are made.
   *
   * @param eviction the policy
   * @return the factory
   */
  public static PoolFactory evictingBy(EvictionPolicy<?> eviction) {
    return of(config -> config.newBlockPool(new LawfulEviction<>(eviction)));
  }

  private static PrefixAttributes attributes(Content content) {
    return PrefixAttributes.NONE
        .withTenant(content.tenant())
        .withAdapter(content.adapter())
        .withSalt(content.salt())
        .withMedia(
            content.media().stream()
                .map(medium -> new MediaItem(medium.id(), medium.from(), medium.count()))
                .toList());
  }

  private BlockKeyChain chain(Content content) {
    BlockKeyChain keys = pool.newKeys(attributes(content));
    keys.append(content.tokens(), 0, content.length());
    return keys;
  }

  private Holder holder(int number) {
    Holder holder = holders.get(number);
    if (holder == null) {
      throw new IllegalArgumentException("holder must be live, but was " + number);
    }
    return holder;
  }

  @Override
  public boolean fits(Content content) {
    return pool.check(chain(content), KvDemand.prompt(content.length())).ok();
  }

  @Override
  public Allocation allocate(int holder, Content content) {
    BlockKeyChain keys = chain(content);
    long owner = pool.open(OwnerKind.SEQUENCE, keys);
    if (!pool.tryAllocate(owner, KvDemand.prompt(content.length())).ok()) {
      pool.release(owner, ReleaseOrder.DEEPEST_FIRST);
      return Allocation.REFUSED;
    }
    holders.put(holder, new Holder(owner, keys));
    return Allocation.granted(pool.hitTokens(owner));
  }

  @Override
  public boolean grow(int holder, int[] tokens) {
    Holder h = holder(holder);
    int length = h.keys().tokenCount() + tokens.length;
    if (!pool.growTo(h.owner(), length).ok()) {
      return false;
    }
    h.keys().append(tokens, 0, tokens.length);
    return true;
  }

  @Override
  public void publish(int holder, int upToTokens) {
    pool.publish(holder(holder).owner(), upToTokens);
  }

  @Override
  public void release(int holder) {
    pool.release(holder(holder).owner(), ReleaseOrder.DEEPEST_FIRST);
  }

  @Override
  public void pin(int holder) {
    pool.pin(holder(holder).owner());
  }

  @Override
  public void unpin(int holder) {
    pool.unpin(holder(holder).owner());
  }

  @Override
  public boolean swapOut(int holder) {
    return pool.swapOut(new long[] {holder(holder).owner()}, 1).ok();
  }

  @Override
  public boolean swapIn(int holder) {
    return pool.swapIn(new long[] {holder(holder).owner()}, 1).ok();
  }

  @Override
  public boolean clear() {
    return pool.reset();
  }

  @Override
  public int[] table(int holder, int group) {
    long owner = holder(holder).owner();
    int[] table = new int[pool.blockCount(owner, group)];
    int nullBlock = pool.count(KvTier.DEVICE, BlockState.NULL) > 0 ? 0 : HOLE;
    for (int i = 0; i < table.length; i++) {
      int block = pool.block(owner, group, i);
      table[i] = block == nullBlock && pool.tier(owner) == KvTier.DEVICE ? HOLE : block;
    }
    return table;
  }

  @Override
  public int freeBlocks() {
    return pool.availableBlocks();
  }

  @Override
  public int freeHostBlocks() {
    return pool.count(KvTier.HOST, BlockState.FREE) + pool.count(KvTier.HOST, BlockState.CACHED);
  }

  @Override
  public boolean store(Content content) {
    return pool.demote(chain(content), content.length()).ok();
  }

  @Override
  public boolean load(Content content) {
    return pool.promote(chain(content), content.length()).ok();
  }

  @Override
  public List<Copy> copies() {
    List<Copy> copies = new ArrayList<>();
    pool.drainMoves(
        (kind, source, target, group, transfer) ->
            copies.add(new Copy(Copy.Kind.valueOf(kind.name()), source, target, transfer)));
    return copies;
  }

  @Override
  public void copied(Copy copy, boolean succeeded) {
    pool.endTransfer(copy.id(), succeeded);
  }

  @Override
  public List<String> keys(Content content) {
    BlockKeyChain chain = chain(content);
    List<String> keys = new ArrayList<>();
    for (int i = 0; i < chain.blockCount(); i++) {
      keys.add(chain.key(i).toString());
    }
    return keys;
  }

  private int savepoint;
  private final Map<Integer, Integer> lengths = new HashMap<>();

  @Override
  public void begin() {
    savepoint = pool.savepoint();
    lengths.clear();
    holders.forEach((number, holder) -> lengths.put(number, holder.keys().tokenCount()));
  }

  @Override
  public void rollBack() {
    pool.rollbackTo(savepoint);
    pool.commit();
    holders.values().removeIf(holder -> !pool.isLive(holder.owner()));
    holders.forEach((number, holder) -> holder.keys().truncate(lengths.getOrDefault(number, 0)));
  }

  @Override
  public void commit() {
    pool.commit();
  }

  @Override
  public String picture() {
    StringBuilder picture = new StringBuilder(pool.snapshot().toString());
    KvProbe probe = new KvProbe();
    holders.forEach(
        (number, holder) -> {
          if (pool.isLive(holder.owner())) {
            pool.probe(holder.keys(), holder.keys().tokenCount(), probe);
            picture.append(' ').append(number).append(':').append(probe);
          }
        });
    return picture.toString();
  }
}
