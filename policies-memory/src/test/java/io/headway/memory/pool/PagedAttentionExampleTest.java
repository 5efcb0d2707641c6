package io.headway.memory.pool;

import static org.assertj.core.api.Assertions.assertThat;

import io.headway.api.memory.KvDemand;
import io.headway.api.memory.KvMoveKind;
import io.headway.api.memory.KvOutcome;
import io.headway.api.memory.KvTier;
import io.headway.api.memory.OwnerKind;
import io.headway.api.memory.ReleaseOrder;
import java.util.ArrayList;
import java.util.List;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

/** The worked examples of PagedAttention: copy-on-write over a shared prompt, and the watermark. */
class PagedAttentionExampleTest {
  private static int[] table(PagedKvBlockPool pool, long owner) {
    int[] table = new int[pool.blockCount(owner, 0)];
    for (int i = 0; i < table.length; i++) {
      table[i] = pool.block(owner, 0, i);
    }
    return table;
  }

  private static List<String> drain(PagedKvBlockPool pool) {
    List<String> moves = new ArrayList<>();
    pool.drainMoves((kind, from, to, group, id) -> moves.add(kind + " " + from + "->" + to));
    return moves;
  }

  @Test
  void forkedPromptIsCopiedOnWriteAndTheLastOwnerWritesInPlace() {
    PagedKvBlockPool pool = PagedKvBlockPool.of(PagedKvConfig.of(4, 8));
    long p = pool.open(OwnerKind.SEQUENCE);
    assertThat(pool.tryAllocate(p, KvDemand.prompt(7))).isEqualTo(KvOutcome.OK);
    assertThat(table(pool, p)).containsExactly(0, 1);
    assertThat(pool.availableOrder(KvTier.DEVICE)).containsExactly(2, 3, 4, 5, 6, 7);

    long q = pool.open(OwnerKind.SEQUENCE);
    assertThat(pool.fork(p, q).ok()).isTrue();
    assertThat(pool.referenceCount(KvTier.DEVICE, 0)).isEqualTo(2);
    assertThat(pool.writableTokens(p)).isEqualTo(7);

    assertThat(pool.growTo(p, 8).ok()).isTrue();
    assertThat(table(pool, p)).containsExactly(0, 2);
    assertThat(drain(pool)).containsExactly(KvMoveKind.COPY + " 1->2");
    assertThat(pool.growTo(q, 8).ok()).isTrue();
    assertThat(table(pool, q)).containsExactly(0, 1);
    assertThat(pool.growTo(p, 9).ok()).isTrue();
    assertThat(table(pool, p)).containsExactly(0, 2, 3);
    assertThat(pool.writableTokens(p)).isEqualTo(12);
    assertThat(pool.growTo(q, 9).ok()).isTrue();
    assertThat(table(pool, q)).containsExactly(0, 1, 4);
    assertThat(pool.availableOrder(KvTier.DEVICE)).containsExactly(5, 6, 7);

    pool.release(p, ReleaseOrder.DEEPEST_FIRST);
    assertThat(pool.availableOrder(KvTier.DEVICE)).containsExactly(5, 6, 7, 3, 2);
    assertThat(pool.growTo(q, 10).ok()).isTrue();
    pool.release(q, ReleaseOrder.DEEPEST_FIRST);
    assertThat(pool.availableOrder(KvTier.DEVICE)).containsExactly(5, 6, 7, 3, 2, 4, 1, 0);
    assertThat(drain(pool)).isEmpty();
  }

  @ParameterizedTest
  @CsvSource({
    "1000, 500, 490, OK",
    "1000, 500, 491, LATER",
    "1000, 1000, 990, OK",
    "1000, 1000, 991, NEVER",
    "50, 3, 3, OK",
    "200, 10, 8, OK",
    "200, 10, 9, LATER",
    "200, 200, 199, NEVER"
  })
  void watermarkOfOnePercent(int total, int free, int need, KvOutcome.Verdict verdict) {
    PagedKvBlockPool pool =
        PagedKvBlockPool.of(PagedKvConfig.of(16, total).withWatermarkFraction(0.01));
    // Growth ignores the watermark, so it can leave exactly the free blocks of the example.
    long filler = pool.open(OwnerKind.SEQUENCE);
    assertThat(pool.growTo(filler, 16 * (total - free)).ok()).isTrue();
    long owner = pool.open(OwnerKind.SEQUENCE);
    assertThat(pool.tryAllocate(owner, KvDemand.uncached(16 * need)).verdict()).isEqualTo(verdict);
  }
}
