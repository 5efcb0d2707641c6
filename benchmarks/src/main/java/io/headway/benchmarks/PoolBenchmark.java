package io.headway.benchmarks;

import io.headway.api.memory.KvDemand;
import io.headway.api.memory.OwnerKind;
import io.headway.api.memory.ReleaseOrder;
import io.headway.memory.pool.PagedKvBlockPool;
import io.headway.memory.pool.PagedKvConfig;
import java.util.concurrent.TimeUnit;
import org.openjdk.jmh.annotations.Benchmark;
import org.openjdk.jmh.annotations.BenchmarkMode;
import org.openjdk.jmh.annotations.Fork;
import org.openjdk.jmh.annotations.Measurement;
import org.openjdk.jmh.annotations.Mode;
import org.openjdk.jmh.annotations.OperationsPerInvocation;
import org.openjdk.jmh.annotations.OutputTimeUnit;
import org.openjdk.jmh.annotations.Scope;
import org.openjdk.jmh.annotations.Setup;
import org.openjdk.jmh.annotations.State;
import org.openjdk.jmh.annotations.Warmup;

/** What the paged pool costs without prefix caching, per block and per call. */
@State(Scope.Thread)
@BenchmarkMode(Mode.AverageTime)
@OutputTimeUnit(TimeUnit.NANOSECONDS)
@Warmup(iterations = 5, time = 1)
@Measurement(iterations = 5, time = 1)
@Fork(2)
public class PoolBenchmark {
  private static final int BLOCK_TOKENS = 16;
  private static final int OWNERS = 256;
  private static final int OWNER_BLOCKS = 64;
  private static final int LENGTH = OWNER_BLOCKS * BLOCK_TOKENS;

  private PagedKvBlockPool pool;
  private long[] owners;

  /** Makes 256 owners of 64 full blocks, with as many blocks free. */
  @Setup
  public void fill() {
    pool =
        PagedKvBlockPool.of(
            PagedKvConfig.of(BLOCK_TOKENS, 2 * OWNERS * OWNER_BLOCKS).withPrefixCaching(false));
    owners = new long[OWNERS];
    for (int i = 0; i < OWNERS; i++) {
      owners[i] = pool.open(OwnerKind.SEQUENCE);
      pool.tryAllocate(owners[i], KvDemand.uncached(LENGTH));
    }
  }

  /**
   * Crosses into a new block and gives it back; per owner.
   *
   * @return blocks available
   */
  @Benchmark
  @OperationsPerInvocation(OWNERS)
  public int growAndTruncate() {
    for (long owner : owners) {
      pool.growTo(owner, LENGTH + 1);
    }
    for (long owner : owners) {
      pool.truncate(owner, LENGTH);
    }
    return pool.availableBlocks();
  }

  /**
   * As {@link #growAndTruncate}, recorded in one planning step and committed; per owner.
   *
   * @return blocks available
   */
  @Benchmark
  @OperationsPerInvocation(OWNERS)
  public int growAndTruncateRecorded() {
    pool.savepoint();
    for (long owner : owners) {
      pool.growTo(owner, LENGTH + 1);
    }
    for (long owner : owners) {
      pool.truncate(owner, LENGTH);
    }
    pool.commit();
    return pool.availableBlocks();
  }

  /**
   * Crosses into a new block and rolls the step back; per owner.
   *
   * @return blocks available
   */
  @Benchmark
  @OperationsPerInvocation(OWNERS)
  public int growAndRollBack() {
    int savepoint = pool.savepoint();
    for (long owner : owners) {
      pool.growTo(owner, LENGTH + 1);
    }
    pool.rollbackTo(savepoint);
    pool.commit();
    return pool.availableBlocks();
  }

  /**
   * Admits and releases a sequence of 64 blocks.
   *
   * @return blocks available
   */
  @Benchmark
  public int admitAndRelease() {
    long owner = pool.open(OwnerKind.SEQUENCE);
    pool.tryAllocate(owner, KvDemand.uncached(LENGTH));
    pool.release(owner, ReleaseOrder.DEEPEST_FIRST);
    return pool.availableBlocks();
  }

  /**
   * Asks up to where an owner may write without calling the pool; per owner.
   *
   * @return the sum
   */
  @Benchmark
  @OperationsPerInvocation(OWNERS)
  public long writableTokens() {
    long sum = 0;
    for (long owner : owners) {
      sum += pool.writableTokens(owner);
    }
    return sum;
  }
}
