package io.headway.benchmarks;

import io.headway.api.memory.BlockHash;
import io.headway.api.memory.BlockKeyChain;
import io.headway.api.memory.KvDemand;
import io.headway.api.memory.KvProbe;
import io.headway.api.memory.OwnerKind;
import io.headway.api.memory.PrefixAttributes;
import io.headway.api.memory.ReleaseOrder;
import io.headway.memory.eviction.LruEviction;
import io.headway.memory.pool.PagedKvBlockPool;
import io.headway.memory.pool.PagedKvConfig;
import io.headway.memory.prefix.BlockEncoding;
import io.headway.memory.prefix.Sha256BlockHash;
import io.headway.memory.prefix.SipBlockHash;
import java.util.concurrent.TimeUnit;
import org.openjdk.jmh.annotations.Benchmark;
import org.openjdk.jmh.annotations.BenchmarkMode;
import org.openjdk.jmh.annotations.Fork;
import org.openjdk.jmh.annotations.Level;
import org.openjdk.jmh.annotations.Measurement;
import org.openjdk.jmh.annotations.Mode;
import org.openjdk.jmh.annotations.OutputTimeUnit;
import org.openjdk.jmh.annotations.Param;
import org.openjdk.jmh.annotations.Scope;
import org.openjdk.jmh.annotations.Setup;
import org.openjdk.jmh.annotations.State;
import org.openjdk.jmh.annotations.TearDown;
import org.openjdk.jmh.annotations.Warmup;

/**
 * What prefix caching costs per request of 1,024 tokens, 64 blocks of 16. Keys are known except in
 * the two that compute them.
 */
@State(Scope.Thread)
@BenchmarkMode(Mode.AverageTime)
@OutputTimeUnit(TimeUnit.NANOSECONDS)
@Warmup(iterations = 5, time = 1)
@Measurement(iterations = 5, time = 1)
@Fork(2)
public class PrefixCacheBenchmark {
  private static final int BLOCK_TOKENS = 16;
  private static final int PROMPT_TOKENS = 1024;
  private static final int PROMPT_BLOCKS = PROMPT_TOKENS / BLOCK_TOKENS;
  private static final KvDemand CACHED = new KvDemand(PROMPT_TOKENS, 0, PROMPT_TOKENS - 1, 0, 0);
  private static final KvDemand UNCACHED = KvDemand.uncached(PROMPT_TOKENS);

  /** How many prompts the cache holds: 8 fit the processor's caches, 512 do not. */
  @Param({"8", "512"})
  private int cachedPrompts;

  private PagedKvBlockPool pool;
  private BlockKeyChain[] chains;
  private BlockHash[] hashes;
  private int[] tokens;
  private final KvProbe probe = new KvProbe();
  private long resident;
  private BlockKeyChain residentKeys;
  private int[] residentBlocks;
  private int next;

  /** Fills the cache; one more prompt than it holds is rotated through it. */
  @Setup
  public void fill() {
    pool =
        PagedKvBlockPool.of(
            PagedKvConfig.of(BLOCK_TOKENS, (cachedPrompts + 1) * PROMPT_BLOCKS),
            new Sha256BlockHash(),
            new LruEviction());
    chains = new BlockKeyChain[cachedPrompts + 1];
    for (int i = 0; i < chains.length; i++) {
      chains[i] = chain(pool, i);
      if (i < cachedPrompts) {
        insert(pool, chains[i]);
      }
    }
    residentKeys = chain(pool, chains.length);
    resident = pool.open(OwnerKind.SEQUENCE, residentKeys);
    pool.tryAllocate(resident, UNCACHED);
    residentBlocks = new int[PROMPT_BLOCKS];
    for (int i = 0; i < PROMPT_BLOCKS; i++) {
      residentBlocks[i] = pool.block(resident, 0, i);
    }
    tokens = new int[PROMPT_TOKENS];
    for (int i = 0; i < PROMPT_TOKENS; i++) {
      tokens[i] = i * 31;
    }
    hashes =
        new BlockHash[] {
          new Sha256BlockHash("0", BlockEncoding.PLAIN), new SipBlockHash(1, 2),
        };
  }

  private static BlockKeyChain chain(PagedKvBlockPool pool, int seed) {
    BlockKeyChain chain = pool.newKeys(PrefixAttributes.NONE);
    for (int t = 0; t < PROMPT_TOKENS; t++) {
      chain.append(seed * PROMPT_TOKENS + t);
    }
    return chain;
  }

  private static void insert(PagedKvBlockPool pool, BlockKeyChain keys) {
    long owner = pool.open(OwnerKind.SEQUENCE, keys);
    pool.tryAllocate(owner, UNCACHED);
    pool.publish(owner, PROMPT_TOKENS);
    pool.release(owner, ReleaseOrder.DEEPEST_FIRST);
  }

  /**
   * Finds all 64 blocks of a cached prompt, another prompt each time.
   *
   * @return tokens found
   */
  @Benchmark
  public int match() {
    next = next + 1 == cachedPrompts ? 0 : next + 1;
    pool.probe(chains[next], PROMPT_TOKENS, probe);
    return probe.deviceTokens();
  }

  /**
   * Makes 64 blocks matchable and removes their keys again.
   *
   * @return tokens published
   */
  @Benchmark
  public int publishAndRemove() {
    long owner = pool.open(OwnerKind.SEQUENCE, residentKeys);
    pool.fork(resident, owner);
    pool.publish(owner, PROMPT_TOKENS);
    int published = pool.publishedTokens(owner);
    pool.evictKeys(residentBlocks, PROMPT_BLOCKS);
    pool.release(owner, ReleaseOrder.DEEPEST_FIRST);
    return published;
  }

  /**
   * Admits and releases a prompt of which all blocks but the last are hit, another one each time.
   *
   * @return tokens that were hit
   */
  @Benchmark
  public int admitWithHits() {
    next = next + 1 == cachedPrompts ? 0 : next + 1;
    long owner = pool.open(OwnerKind.SEQUENCE, chains[next]);
    pool.tryAllocate(owner, CACHED);
    int hits = pool.publishedTokens(owner);
    pool.release(owner, ReleaseOrder.DEEPEST_FIRST);
    return hits;
  }

  /**
   * Makes the 64 blocks of an owner matchable. The owner is made anew before each call, so that
   * nothing but publishing is timed.
   *
   * @param prompt an owner whose blocks are not matchable
   * @return tokens published
   */
  @Benchmark
  public int insert(Unpublished prompt) {
    prompt.own.pool.publish(prompt.owner, PROMPT_TOKENS);
    return prompt.own.pool.publishedTokens(prompt.owner);
  }

  /**
   * Takes 64 blocks from a pool in which every block that is not held is cached: 64 evictions. The
   * cache is filled again before each call, so that nothing but allocating and evicting is timed;
   * divide by 64 for one block.
   *
   * @param full a pool without a free block
   * @return blocks available afterwards
   */
  @Benchmark
  public int evict(Full full) {
    long owner = full.pool.open(OwnerKind.SEQUENCE);
    full.pool.tryAllocate(owner, UNCACHED);
    full.owner = owner;
    return full.pool.availableBlocks();
  }

  /**
   * A pool of its own with an owner of 64 computed blocks and keys that nobody else has published.
   * The harness gives a state that asks for the benchmark another one than the method's own.
   */
  @State(Scope.Thread)
  public static class Unpublished {
    private final PrefixCacheBenchmark own = new PrefixCacheBenchmark();
    private long owner;

    /**
     * Fills the pool.
     *
     * @param benchmark how many prompts it holds
     */
    @Setup
    public void fill(PrefixCacheBenchmark benchmark) {
      own.cachedPrompts = benchmark.cachedPrompts;
      own.fill();
    }

    /** Makes the owner. */
    @Setup(Level.Invocation)
    public void open() {
      owner = own.pool.open(OwnerKind.SEQUENCE, own.residentKeys);
      own.pool.fork(own.resident, owner);
    }

    /** Takes the keys away again. */
    @TearDown(Level.Invocation)
    public void close() {
      own.pool.evictKeys(own.residentBlocks, PROMPT_BLOCKS);
      own.pool.release(owner, ReleaseOrder.DEEPEST_FIRST);
    }
  }

  /** A pool that is filled with cached prompts before each call. */
  @State(Scope.Thread)
  public static class Full {
    private PagedKvBlockPool pool;
    private BlockKeyChain[] chains;
    private long owner;
    private int next;

    /**
     * Makes the pool.
     *
     * @param benchmark how many prompts it holds
     */
    @Setup
    public void make(PrefixCacheBenchmark benchmark) {
      int prompts = benchmark.cachedPrompts;
      pool =
          PagedKvBlockPool.of(
              PagedKvConfig.of(BLOCK_TOKENS, prompts * PROMPT_BLOCKS),
              new Sha256BlockHash(),
              new LruEviction());
      chains = new BlockKeyChain[prompts + 1];
      for (int i = 0; i < chains.length; i++) {
        chains[i] = chain(pool, i);
        if (i < prompts) {
          insert(pool, chains[i]);
        }
      }
      next = prompts;
    }

    /** Publishes another prompt in the blocks that the call before has taken. */
    @TearDown(Level.Invocation)
    public void refill() {
      pool.release(owner, ReleaseOrder.DEEPEST_FIRST);
      insert(pool, chains[next]);
      next = next + 1 == chains.length ? 0 : next + 1;
    }
  }

  /**
   * Admits, publishes and releases a prompt that is not cached, in a full cache: 64 blocks are
   * evicted, taken, published and given back.
   *
   * @return blocks available afterwards
   */
  @Benchmark
  public int insertEvicting() {
    next = next + 1 == chains.length ? 0 : next + 1;
    insert(pool, chains[next]);
    return pool.availableBlocks();
  }

  /**
   * Computes 64 chained SHA-256 keys.
   *
   * @return blocks keyed
   */
  @Benchmark
  public int hashSha256() {
    return hash(hashes[0]);
  }

  /**
   * Computes 64 chained SipHash keys.
   *
   * @return blocks keyed
   */
  @Benchmark
  public int hashSip() {
    return hash(hashes[1]);
  }

  private int hash(BlockHash hash) {
    BlockKeyChain chain = BlockKeyChain.of(hash, BLOCK_TOKENS, PrefixAttributes.NONE);
    chain.append(tokens, 0, PROMPT_TOKENS);
    return chain.blockCount();
  }
}
