package io.headway.testkit.subject;

import io.headway.api.memory.BlockKeyChain;
import io.headway.api.memory.EvictionPolicy;
import io.headway.api.memory.KvBlockPool;
import io.headway.api.memory.KvDemand;
import io.headway.api.memory.KvProbe;
import io.headway.api.memory.OwnerKind;
import io.headway.api.memory.PrefixAttributes;
import io.headway.api.memory.ReleaseOrder;
import java.util.HashMap;
import java.util.Map;
import java.util.function.Function;

/** A pool of this library's SPI behind the testkit's interface. */
public final class KvPoolSubject implements PoolSubject {
  private record Holder(long owner, BlockKeyChain keys) {}

  private final KvBlockPool pool;
  private final Map<Integer, Holder> holders = new HashMap<>();

  private KvPoolSubject(KvBlockPool pool) {
    this.pool = pool;
  }

  /**
   * Makes a factory of pools.
   *
   * @param maker makes a paged pool for a world
   * @return the factory
   */
  public static PoolFactory of(Function<EngineConfig, KvBlockPool> maker) {
    return config -> new KvPoolSubject(maker.apply(config));
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

  private static PrefixAttributes attributes(String tenant, String adapter, String salt) {
    return PrefixAttributes.NONE.withTenant(tenant).withAdapter(adapter).withSalt(salt);
  }

  private BlockKeyChain keys(int[] tokens, String tenant, String adapter, String salt) {
    BlockKeyChain keys = pool.newKeys(attributes(tenant, adapter, salt));
    keys.append(tokens, 0, tokens.length);
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
  public boolean fits(int[] tokens, String tenant, String adapter, String salt) {
    return pool.check(keys(tokens, tenant, adapter, salt), KvDemand.prompt(tokens.length)).ok();
  }

  @Override
  public Allocation allocate(int holder, int[] tokens, String tenant, String adapter, String salt) {
    BlockKeyChain keys = keys(tokens, tenant, adapter, salt);
    long owner = pool.open(OwnerKind.SEQUENCE, keys);
    if (!pool.tryAllocate(owner, KvDemand.prompt(tokens.length)).ok()) {
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
  public int[] table(int holder) {
    long owner = holder(holder).owner();
    int[] table = new int[pool.blockCount(owner, 0)];
    for (int i = 0; i < table.length; i++) {
      table[i] = pool.block(owner, 0, i);
    }
    return table;
  }

  @Override
  public int freeBlocks() {
    return pool.availableBlocks();
  }

  private int savepoint;

  @Override
  public void begin() {
    savepoint = pool.savepoint();
  }

  @Override
  public void rollBack() {
    pool.rollbackTo(savepoint);
    pool.commit();
    holders.values().removeIf(holder -> !pool.isLive(holder.owner()));
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
