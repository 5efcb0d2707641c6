package io.headway.memory.pool;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import com.sun.management.ThreadMXBean;
import io.headway.api.memory.BlockKeyChain;
import io.headway.api.memory.BlockState;
import io.headway.api.memory.KeepSet;
import io.headway.api.memory.KvDemand;
import io.headway.api.memory.KvGeometry;
import io.headway.api.memory.KvGroup;
import io.headway.api.memory.KvMode;
import io.headway.api.memory.KvPoolSnapshot;
import io.headway.api.memory.KvTier;
import io.headway.api.memory.OwnerKind;
import io.headway.api.memory.PrefixAttributes;
import io.headway.api.memory.ReleaseOrder;
import java.lang.management.ManagementFactory;
import java.util.List;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

class PagedKvBlockPoolTest {
  private final PagedKvBlockPool pool = PagedKvBlockPool.of(PagedKvConfig.of(4, 8));

  @Test
  void messagesNameParameterRuleAndValue() {
    assertThatThrownBy(() -> PagedKvConfig.of(0, 8))
        .hasMessage("blockTokens must be at least 1 token, but was 0");
    assertThatThrownBy(() -> PagedKvConfig.of(4, -1))
        .hasMessage("deviceBlocks must be between 0 and 268435456 blocks, but was -1");
    assertThatThrownBy(() -> PagedKvConfig.of(4, 0).withNullBlock(true))
        .hasMessage("deviceBlocks must be at least 1 block for the null block, but was 0");
    assertThatThrownBy(() -> PagedKvConfig.of(4, 8).withWatermarkFraction(1.5))
        .hasMessage("watermarkFraction must be between 0 and 1, but was 1.5");
    assertThatThrownBy(
            () ->
                PagedKvConfig.of(4, 8)
                    .withGeometry(
                        new KvGeometry(
                            1, List.of(new KvGroup(0, KvGroup.Kind.STATE, 512, 4, 1, 1)))))
        .hasMessage("kind of group 0 must be FULL or SLIDING in a paged pool, but was STATE");
    long owner = pool.open(OwnerKind.SEQUENCE);
    assertThatThrownBy(() -> pool.growTo(owner, -1))
        .isInstanceOf(IllegalArgumentException.class)
        .hasMessage("lengthTokens must be at least 0 tokens, but was -1");
    assertThat(pool.growTo(owner, 5).ok()).isTrue();
    assertThatThrownBy(() -> pool.publish(owner, 9))
        .hasMessage("upToTokens must be between 0 and the owner's room of 8 tokens, but was 9");
    assertThatThrownBy(() -> pool.tryAllocate(owner, KvDemand.uncached(1)))
        .isInstanceOf(IllegalStateException.class)
        .hasMessage("owner must have no blocks yet, but 0 of epoch 0 has some");
    assertThatThrownBy(() -> pool.unpin(owner))
        .isInstanceOf(IllegalStateException.class)
        .hasMessage("owner must be pinned, but 0 of epoch 0 is not");
    assertThatThrownBy(() -> pool.swapIn(new long[] {owner}, 1))
        .hasMessage("owner must be swapped out, but 0 of epoch 0 is not");
    assertThatThrownBy(
            () ->
                pool.open(
                    OwnerKind.SEQUENCE,
                    BlockKeyChain.precomputed(new long[0], 1, 3, PrefixAttributes.NONE)))
        .hasMessage("keys must have the pool's block size of 4 tokens, but has 3");
    assertThatThrownBy(() -> pool.endTransfer(3, true))
        .hasMessage("transferId must name a running transfer, but was 3");
    assertThatThrownBy(() -> pool.rollbackTo(0))
        .hasMessage("savepoint must be one of the 0 made since the last commit, but was 0");
    pool.savepoint();
    assertThatThrownBy(() -> pool.drainMoves((kind, source, target, group, id) -> {}))
        .isInstanceOf(IllegalStateException.class)
        .hasMessage("drainMoves must not come between savepoint and commit: changes are not final");
    pool.commit();
    pool.release(owner, ReleaseOrder.DEEPEST_FIRST);
    assertThatThrownBy(() -> pool.release(owner, ReleaseOrder.DEEPEST_FIRST))
        .isInstanceOf(IllegalArgumentException.class)
        .hasMessage("owner must be a live owner of this pool, but was 0 of epoch 0");
    KeepSet keep = new KeepSet(1);
    keep.add(3);
    assertThatThrownBy(() -> keep.add(3)).hasMessage("position must be at least 4, but was 3");
  }

  @Test
  void theHandleOfAReleasedOwnerNeverNamesAnother() {
    long first = pool.open(OwnerKind.SEQUENCE);
    pool.release(first, ReleaseOrder.DEEPEST_FIRST);
    long second = pool.open(OwnerKind.ADAPTER);
    assertThat((int) second).as("the index is used again").isEqualTo((int) first);
    assertThat(pool.isLive(first)).isFalse();
    assertThat(pool.isLive(second)).isTrue();
    assertThat(pool.isLive(-1)).isFalse();
    assertThat(pool.kind(second)).isEqualTo(OwnerKind.ADAPTER);
  }

  @Test
  void snapshotCountsByStateAndKind() {
    long adapter = pool.open(OwnerKind.ADAPTER);
    assertThat(pool.growTo(adapter, 9).ok()).isTrue();
    pool.pin(adapter);
    KvPoolSnapshot snapshot = pool.snapshot();
    assertThat(snapshot.mode()).isEqualTo(KvMode.PAGED);
    assertThat(snapshot.deviceBlocks())
        .containsEntry(BlockState.ACTIVE, 3)
        .containsEntry(BlockState.FREE, 5);
    assertThat(snapshot.blocksByOwnerKind())
        .containsEntry(OwnerKind.ADAPTER, 3)
        .containsEntry(OwnerKind.SEQUENCE, 0);
    assertThat(snapshot.pinnedOwners()).isEqualTo(1);
    assertThat(snapshot.usage()).isEqualTo(0.375);
  }

  @Test
  void compactionKeepsSharedContentAndEndsPublishing() {
    BlockKeyChain keys = pool.newKeys(PrefixAttributes.NONE);
    keys.append(new int[] {1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11}, 0, 11);
    long owner = pool.open(OwnerKind.SEQUENCE, keys);
    assertThat(pool.tryAllocate(owner, KvDemand.prompt(11)).ok()).isTrue();
    pool.publish(owner, 8);
    KeepSet keep = new KeepSet(8);
    for (int position : new int[] {0, 1, 7, 9, 10}) {
      keep.add(position);
    }
    assertThat(pool.compact(owner, keep).ok()).isTrue();
    StringBuilder moves = new StringBuilder();
    pool.drainMoves(
        (kind, from, to, g, id) -> moves.append(kind).append(from).append(to).append(' '));
    // Blocks 0 and 1 are cached and stay as they are; 2 was private and ends unused.
    assertThat(moves).hasToString("RECODE03 RECODE13 RECODE23 RECODE24 ");
    assertThat(pool.blockCount(owner, 0)).isEqualTo(2);
    assertThat(pool.lengthTokens(owner)).isEqualTo(5);
    assertThat(pool.isKeyed(KvTier.DEVICE, 0)).isTrue();
    assertThat(pool.isKeyed(KvTier.DEVICE, 1)).isTrue();
    keys.truncate(5);
    assertThat(pool.growTo(owner, 8).ok()).isTrue();
    keys.append(new int[] {1, 2, 3}, 0, 3);
    pool.publish(owner, 8);
    assertThat(pool.publishedTokens(owner)).isZero();
    assertThat(pool.isKeyed(KvTier.DEVICE, 3)).isFalse();
  }

  @Test
  void unreachableContentStaysBounded() {
    int blockTokens = 1;
    PagedKvBlockPool small =
        PagedKvBlockPool.of(PagedKvConfig.of(blockTokens, 64).withFreeOrder(FreeOrder.APPEND));
    // Each round caches a chain and then loses everything but its deepest block.
    for (int round = 0; round < 400; round++) {
      BlockKeyChain keys = small.newKeys(PrefixAttributes.NONE);
      for (int t = 0; t < 40; t++) {
        keys.append(1000 * round + t);
      }
      long owner = small.open(OwnerKind.SEQUENCE, keys);
      assertThat(small.tryAllocate(owner, KvDemand.prompt(40)).ok()).isTrue();
      small.publish(owner, 40);
      int[] shallow = new int[39];
      for (int i = 0; i < 39; i++) {
        shallow[i] = small.block(owner, 0, i);
      }
      small.release(owner, ReleaseOrder.SHALLOWEST_FIRST);
      small.evictKeys(shallow, 39);
      assertThat(small.contentNodes()).isLessThan(1024 + 64 + 64);
    }
  }

  @ParameterizedTest
  @ValueSource(booleans = {false, true})
  void steadyStateAllocatesNothing(boolean recorded) {
    int owners = 64;
    PagedKvBlockPool big = PagedKvBlockPool.of(PagedKvConfig.of(4, 4 * owners + 400));
    long[] handles = new long[owners];
    BlockKeyChain[] chains = new BlockKeyChain[owners];
    for (int i = 0; i < owners; i++) {
      chains[i] = big.newKeys(PrefixAttributes.NONE);
      for (int t = 0; t < 1024; t++) {
        chains[i].append(1000 * i + t);
      }
      handles[i] = big.open(OwnerKind.SEQUENCE, chains[i]);
    }
    ThreadMXBean threads = (ThreadMXBean) ManagementFactory.getThreadMXBean();
    long id = Thread.currentThread().getId();
    long allocated = Long.MAX_VALUE;
    // Growing, publishing, rolling back and shrinking, until one whole round allocates nothing.
    for (int round = 0; round < 40 && allocated > 0; round++) {
      long before = threads.getThreadAllocatedBytes(id);
      for (int length = 1; length <= 16; length++) {
        int savepoint = recorded ? big.savepoint() : 0;
        for (int i = 0; i < owners; i++) {
          big.growTo(handles[i], length);
          big.publish(handles[i], length);
        }
        if (recorded && length % 3 == 0) {
          big.rollbackTo(savepoint);
        }
        if (recorded) {
          big.commit();
        }
      }
      for (int i = 0; i < owners; i++) {
        big.truncate(handles[i], 0);
      }
      allocated = threads.getThreadAllocatedBytes(id) - before;
    }
    assertThat(allocated).isZero();
  }
}
