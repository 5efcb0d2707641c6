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
import org.openjdk.jmh.annotations.Measurement;
import org.openjdk.jmh.annotations.Mode;
import org.openjdk.jmh.annotations.OutputTimeUnit;
import org.openjdk.jmh.annotations.Param;
import org.openjdk.jmh.annotations.Scope;
import org.openjdk.jmh.annotations.Setup;
import org.openjdk.jmh.annotations.State;
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
      chains[i] = chain(i);
      if (i < cachedPrompts) {
        insert(chains[i]);
      }
    }
    residentKeys = chain(chains.length);
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

  private BlockKeyChain chain(int seed) {
    BlockKeyChain chain = pool.newKeys(PrefixAttributes.NONE);
    for (int t = 0; t < PROMPT_TOKENS; t++) {
      chain.append(seed * PROMPT_TOKENS + t);
    }
    return chain;
  }

  private void insert(BlockKeyChain keys) {
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
   * Admits, publishes and releases a prompt that is not cached, in a full cache: 64 blocks are
   * evicted, taken, published and given back.
   *
   * @return blocks available afterwards
   */
  @Benchmark
  public int insertEvicting() {
    next = next + 1 == chains.length ? 0 : next + 1;
    insert(chains[next]);
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
