package io.headway.memory.pool;

import static org.assertj.core.api.Assertions.assertThat;

import io.headway.api.memory.BlockKeyChain;
import io.headway.api.memory.KvDemand;
import io.headway.api.memory.KvProbe;
import io.headway.api.memory.KvTier;
import io.headway.api.memory.OwnerKind;
import io.headway.api.memory.PrefixAttributes;
import io.headway.api.memory.ReleaseOrder;
import java.util.stream.IntStream;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.EnumSource;

/** The worked example of automatic prefix caching, in both free orders. */
class PrefixCacheExampleTest {
  private final int[] a = IntStream.rangeClosed(1, 10).toArray();

  private static final class Run {
    final PagedKvBlockPool pool;

    Run(FreeOrder order) {
      pool = PagedKvBlockPool.of(PagedKvConfig.of(4, 8).withNullBlock(true).withFreeOrder(order));
    }

    BlockKeyChain chain(int... tokens) {
      BlockKeyChain chain = pool.newKeys(PrefixAttributes.NONE);
      chain.append(tokens, 0, tokens.length);
      return chain;
    }

    long start(BlockKeyChain chain, int hitTokens, int... table) {
      long owner = pool.open(OwnerKind.SEQUENCE, chain);
      int n = chain.tokenCount();
      assertThat(pool.tryAllocate(owner, KvDemand.prompt(n)).ok()).isTrue();
      assertThat(pool.hitTokens(owner)).isEqualTo(hitTokens);
      pool.publish(owner, n);
      assertThat(
              IntStream.range(0, pool.blockCount(owner, 0))
                  .map(i -> pool.block(owner, 0, i))
                  .toArray())
          .containsExactly(table);
      return owner;
    }

    void free(long owner) {
      pool.release(owner, ReleaseOrder.DEEPEST_FIRST);
    }

    void queue(int... expected) {
      assertThat(pool.availableOrder(KvTier.DEVICE)).containsExactly(expected);
    }
  }

  @ParameterizedTest
  @EnumSource(
      value = FreeOrder.class,
      names = {"APPEND", "UNCACHED_FIRST"})
  void sheetExample(FreeOrder order) {
    boolean append = order == FreeOrder.APPEND;
    Run run = new Run(order);
    BlockKeyChain keysA = run.chain(a);
    long ownerA = run.start(keysA, 0, 1, 2, 3);
    run.queue(4, 5, 6, 7);
    assertThat(run.pool.growTo(ownerA, 12).ok()).isTrue();
    keysA.append(new int[] {11, 12}, 0, 2);
    run.pool.publish(ownerA, 12);
    assertThat(run.pool.isKeyed(KvTier.DEVICE, 3)).isTrue();
    long ownerB = run.start(run.chain(1, 2, 3, 4, 5, 6, 7, 8, 20, 21, 22), 8, 1, 2, 4);
    run.queue(5, 6, 7);
    run.free(ownerA);
    run.queue(5, 6, 7, 3);
    run.free(ownerB);
    if (append) {
      run.queue(5, 6, 7, 3, 4, 2, 1);
    } else {
      run.queue(4, 5, 6, 7, 3, 2, 1);
    }
    long ownerD =
        run.start(
            run.chain(1, 2, 3, 4, 5, 6, 7, 8), 4, append ? new int[] {1, 5} : new int[] {1, 4});
    run.free(ownerD);
    if (append) {
      run.queue(6, 7, 3, 4, 2, 5, 1);
    } else {
      run.queue(5, 6, 7, 3, 2, 4, 1);
    }
    long ownerC =
        run.start(
            run.chain(IntStream.rangeClosed(30, 38).toArray()),
            0,
            append ? new int[] {6, 7, 3} : new int[] {5, 6, 7});
    assertThat(run.pool.isKeyed(KvTier.DEVICE, 3)).isEqualTo(!append);
    run.free(ownerC);
    if (append) {
      run.queue(4, 2, 5, 1, 3, 7, 6);
    } else {
      run.queue(7, 3, 2, 4, 1, 6, 5);
    }
    run.start(run.chain(a), 8, append ? new int[] {1, 2, 4} : new int[] {1, 2, 7});
    if (append) {
      run.queue(5, 3, 7, 6);
    } else {
      run.queue(3, 4, 6, 5);
    }
  }

  @Test
  void probeIsPure() {
    Run run = new Run(FreeOrder.APPEND);
    long owner = run.start(run.chain(a), 0, 1, 2, 3);
    run.free(owner);
    KvProbe probe = new KvProbe();
    run.pool.probe(run.chain(a), 9, probe);
    assertThat(probe.deviceTokens()).isEqualTo(8);
    assertThat(probe.idleBlocks()).isEqualTo(2);
    run.queue(4, 5, 6, 7, 3, 2, 1);
  }
}
