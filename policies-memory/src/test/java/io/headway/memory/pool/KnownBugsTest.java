package io.headway.memory.pool;

import static org.assertj.core.api.Assertions.assertThat;

import io.headway.api.memory.BlockKey;
import io.headway.api.memory.BlockKeyChain;
import io.headway.api.memory.BlockState;
import io.headway.api.memory.KvDemand;
import io.headway.api.memory.KvEventSink;
import io.headway.api.memory.KvGeometry;
import io.headway.api.memory.KvGroup;
import io.headway.api.memory.KvOutcome;
import io.headway.api.memory.KvOutcome.Reason;
import io.headway.api.memory.KvProbe;
import io.headway.api.memory.KvTier;
import io.headway.api.memory.MediaItem;
import io.headway.api.memory.OwnerKind;
import io.headway.api.memory.PrefixAttributes;
import io.headway.api.memory.ReleaseOrder;
import io.headway.memory.eviction.LruEviction;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.stream.IntStream;
import org.junit.jupiter.api.Test;

/** Defects that were really reported against block pools and prefix caches of public engines. */
class KnownBugsTest {
  private static PagedKvBlockPool pool(int blockTokens, int blocks) {
    return PagedKvBlockPool.of(PagedKvConfig.of(blockTokens, blocks).withEvents(true));
  }

  private static BlockKeyChain keys(
      PagedKvBlockPool pool, PrefixAttributes attributes, int... tokens) {
    BlockKeyChain keys = pool.newKeys(attributes);
    keys.append(tokens, 0, tokens.length);
    return keys;
  }

  private static BlockKeyChain keys(PagedKvBlockPool pool, int... tokens) {
    return keys(pool, PrefixAttributes.NONE, tokens);
  }

  private static int[] range(int from, int to) {
    return IntStream.range(from, to).toArray();
  }

  private static long start(PagedKvBlockPool pool, BlockKeyChain keys) {
    long owner = pool.open(OwnerKind.SEQUENCE, keys);
    assertThat(pool.tryAllocate(owner, KvDemand.prompt(keys.tokenCount())).ok()).isTrue();
    return owner;
  }

  private static long computed(PagedKvBlockPool pool, BlockKeyChain keys) {
    long owner = start(pool, keys);
    pool.publish(owner, keys.tokenCount());
    return owner;
  }

  private static void free(PagedKvBlockPool pool, long owner) {
    pool.release(owner, ReleaseOrder.DEEPEST_FIRST);
  }

  private static int hit(PagedKvBlockPool pool, BlockKeyChain keys) {
    KvProbe probe = new KvProbe();
    pool.probe(keys, keys.tokenCount() - 1, probe);
    return probe.deviceTokens();
  }

  private static void fill(PagedKvBlockPool pool, int blocks) {
    long owner = pool.open(OwnerKind.SEQUENCE);
    assertThat(pool.growTo(owner, blocks * pool.geometry().groups().get(0).blockTokens()).ok())
        .isTrue();
  }

  @Test
  void b26WindowBlocksAreReleasedOnce() {
    KvGroup full = KvGroup.full(4, 1, 1);
    KvGroup window = new KvGroup(1, KvGroup.Kind.SLIDING, 8, 4, 1, 1);
    PagedKvBlockPool pool =
        PagedKvBlockPool.of(
            PagedKvConfig.of(4, 20)
                .withNullBlock(true)
                .withGeometry(new KvGeometry(1, List.of(full, window))));
    long owner = computed(pool, keys(pool, range(0, 32)));
    assertThat(pool.count(KvTier.DEVICE, BlockState.ACTIVE)).isEqualTo(8 + 2);
    assertThat(IntStream.range(0, 8).map(i -> pool.block(owner, 1, i)).filter(b -> b == 0))
        .hasSize(6);
    free(pool, owner);
    assertThat(pool.availableOrder(KvTier.DEVICE)).hasSize(19).doesNotHaveDuplicates();
  }

  @Test
  void b27AndB29FailedAdmissionTakesNothingAndIdleHitsAreNotSupply() {
    PagedKvBlockPool six = pool(4, 6);
    free(six, computed(six, keys(six, range(0, 12))));
    long held = six.open(OwnerKind.SEQUENCE);
    assertThat(six.growTo(held, 4).ok()).isTrue();
    int[] order = six.availableOrder(KvTier.DEVICE);
    BlockKeyChain keys = keys(six, range(0, 24));
    assertThat(hit(six, keys)).isEqualTo(12);
    long owner = six.open(OwnerKind.SEQUENCE, keys);
    assertThat(six.tryAllocate(owner, KvDemand.prompt(24)))
        .isEqualTo(KvOutcome.later(Reason.DEVICE_BLOCKS, 1));
    assertThat(six.availableOrder(KvTier.DEVICE)).containsExactly(order);

    PagedKvBlockPool ten = pool(4, 10);
    free(ten, computed(ten, keys(ten, range(0, 16))));
    fill(ten, 4);
    assertThat(ten.count(KvTier.DEVICE, BlockState.CACHED)).isEqualTo(4);
    assertThat(ten.check(keys(ten, range(0, 32)), KvDemand.prompt(32)))
        .isEqualTo(KvOutcome.later(Reason.DEVICE_BLOCKS, 2));
  }

  @Test
  void b30BlockThatFillsUpAfterAPauseHasOneKey() {
    PagedKvBlockPool pool = pool(4, 8);
    BlockKeyChain keys = keys(pool, range(0, 6));
    long owner = computed(pool, keys);
    free(pool, owner);
    long again = start(pool, keys);
    assertThat(pool.growTo(again, 8).ok()).isTrue();
    keys.append(new int[] {6, 7}, 0, 2);
    pool.publish(again, 8);
    free(pool, again);
    assertThat(pool.count(KvTier.DEVICE, BlockState.CACHED)).isEqualTo(2);
    assertThat(pool.contentNodes()).isEqualTo(2);
  }

  @Test
  void b31PressureNeverTakesABlockInUseAndFailedPrefillsLeakNothing() {
    PagedKvBlockPool pool = pool(4, 4);
    BlockKeyChain keys = keys(pool, range(0, 8));
    long one = computed(pool, keys);
    fill(pool, 2);
    long pressing = pool.open(OwnerKind.SEQUENCE);
    assertThat(pool.growTo(pressing, 4)).isEqualTo(KvOutcome.later(Reason.DEVICE_BLOCKS, 1));
    assertThat(pool.block(one, 0, 0)).isZero();
    for (int i = 0; i < 10; i++) {
      long warm = pool.open(OwnerKind.SEQUENCE, keys(pool, range(0, 12)));
      assertThat(pool.tryAllocate(warm, KvDemand.prompt(12)).ok()).isFalse();
      free(pool, warm);
    }
    free(pool, one);
    assertThat(pool.count(KvTier.DEVICE, BlockState.CACHED)).isEqualTo(2);
  }

  @Test
  void b32DeferredReleaseKeepsTheOrderOfEachGroup() {
    int[][] orders = new int[2][];
    for (int deferred = 0; deferred < 2; deferred++) {
      KvGroup a = KvGroup.full(4, 1, 1);
      KvGroup b = new KvGroup(1, KvGroup.Kind.FULL, 0, 4, 1, 1);
      PagedKvBlockPool pool =
          PagedKvBlockPool.of(
              PagedKvConfig.of(4, 6).withGeometry(new KvGeometry(1, List.of(a, b))));
      long owner = start(pool, keys(pool, range(0, 12)));
      if (deferred == 1) {
        pool.pin(owner);
        free(pool, owner);
        assertThat(pool.availableBlocks()).isZero();
        pool.unpin(owner);
      } else {
        free(pool, owner);
      }
      orders[deferred] = pool.availableOrder(KvTier.DEVICE);
    }
    assertThat(orders[0]).containsExactly(2, 1, 0, 5, 4, 3);
    assertThat(orders[1]).containsExactly(orders[0]);
  }

  @Test
  void b37CollidingKeysAreNotEqualContent() {
    PagedKvBlockPool pool =
        PagedKvBlockPool.of(PagedKvConfig.of(4, 16), new PoorHash(1), new LruEviction());
    free(pool, computed(pool, keys(pool, 1, 2, 3, 4, 5)));
    assertThat(hit(pool, keys(pool, 5, 6, 7, 8, 9))).isZero();
    free(pool, computed(pool, keys(pool, 5, 6, 7, 8, 9, 9, 9, 9, 9)));
    // Same second block and same key, but after another first block.
    assertThat(hit(pool, keys(pool, 1, 2, 3, 4, 9, 9, 9, 9, 9))).isEqualTo(4);
    assertThat(hit(pool, keys(pool, 5, 6, 7, 8, 9, 9, 9, 9, 9))).isEqualTo(8);
  }

  @Test
  void b38DifferentMediaNeverShare() {
    PagedKvBlockPool pool = pool(4, 16);
    int[] tokens = {1, 2, 3, 4, 9, 9, 9, 9, 9, 9, 9, 9, 5};
    PrefixAttributes x = PrefixAttributes.NONE.withMedia(List.of(new MediaItem("x", 4, 8)));
    PrefixAttributes y = PrefixAttributes.NONE.withMedia(List.of(new MediaItem("y", 4, 8)));
    free(pool, computed(pool, keys(pool, x, tokens)));
    assertThat(hit(pool, keys(pool, y, tokens))).isEqualTo(4);
    assertThat(hit(pool, keys(pool, x, tokens))).isEqualTo(12);
  }

  @Test
  void attributesOfOneNameFromDifferentSourcesNeverShare() {
    PagedKvBlockPool pool = pool(4, 16);
    int[] tokens = range(0, 9);
    free(pool, computed(pool, keys(pool, PrefixAttributes.NONE.withAdapter("x"), tokens)));
    for (PrefixAttributes other :
        List.of(
            PrefixAttributes.NONE,
            PrefixAttributes.NONE.withSalt("x"),
            PrefixAttributes.NONE.withTenant("x"),
            PrefixAttributes.NONE.withKvFormat("x"),
            PrefixAttributes.NONE.withEmbeddingDigests(List.of("x")))) {
      assertThat(hit(pool, keys(pool, other, tokens))).as(other.toString()).isZero();
    }
    assertThat(hit(pool, keys(pool, PrefixAttributes.NONE.withAdapter("x"), tokens))).isEqualTo(8);
  }

  @Test
  void callersKeysMatchOnlyUnderEqualAttributesAndNeverTokens() {
    PagedKvBlockPool pool = pool(4, 16);
    long[] given = {11, 12};
    PrefixAttributes tenant = PrefixAttributes.NONE.withTenant("t");
    BlockKeyChain own = BlockKeyChain.precomputed(given, 1, 4, tenant);
    long owner = pool.open(OwnerKind.SEQUENCE, own);
    assertThat(pool.tryAllocate(owner, KvDemand.prompt(9)).ok()).isTrue();
    pool.publish(owner, 9);
    KvProbe probe = new KvProbe();
    pool.probe(BlockKeyChain.precomputed(given, 1, 4, tenant), 8, probe);
    assertThat(probe.deviceTokens()).isEqualTo(8);
    pool.probe(BlockKeyChain.precomputed(given, 1, 4, PrefixAttributes.NONE), 8, probe);
    assertThat(probe.deviceTokens()).isZero();
    assertThat(hit(pool, keys(pool, tenant, range(0, 9)))).isZero();
  }

  @Test
  void b39EvictedContentIsNotFound() {
    PagedKvBlockPool pool = pool(4, 3);
    BlockKeyChain first = keys(pool, range(0, 5));
    free(pool, computed(pool, first));
    long second = computed(pool, keys(pool, range(50, 62)));
    assertThat(pool.blockCount(second, 0)).isEqualTo(3);
    assertThat(hit(pool, first)).isZero();
    assertThat(pool.check(first, KvDemand.prompt(5)))
        .isEqualTo(KvOutcome.later(Reason.DEVICE_BLOCKS, 2));
  }

  @Test
  void b40HitsAreFoundAnewAtEveryAttempt() {
    PagedKvBlockPool pool = pool(4, 4);
    BlockKeyChain keys = keys(pool, range(0, 9));
    free(pool, computed(pool, keys));
    long waiting = pool.open(OwnerKind.SEQUENCE, keys);
    assertThat(hit(pool, keys)).isEqualTo(8);
    assertThat(pool.tryAllocate(waiting, KvDemand.prompt(9).withReservedBlocks(4)).ok()).isFalse();
    free(pool, computed(pool, keys(pool, range(50, 66))));
    assertThat(pool.tryAllocate(waiting, KvDemand.prompt(9)).ok()).isTrue();
    assertThat(pool.hitTokens(waiting)).isZero();
  }

  @Test
  void b41NothingIsMatchableBeforeItWasPublished() {
    PagedKvBlockPool pool = pool(4, 8);
    long dropped = start(pool, keys(pool, range(0, 8)));
    free(pool, dropped);
    assertThat(hit(pool, keys(pool, range(0, 9)))).isZero();
  }

  @Test
  void b44EqualConfigurationGivesEqualKeys() {
    BlockKeyChain one = keys(pool(4, 1), range(0, 8));
    BlockKeyChain other = keys(pool(4, 1), range(0, 8));
    assertThat(one.key(1)).isEqualTo(other.key(1));
  }

  @Test
  void b45AMatchInTheMiddleIsNoPrefix() {
    PagedKvBlockPool pool = pool(4, 16);
    free(pool, computed(pool, keys(pool, 1, 1, 1, 1, 0)));
    assertThat(hit(pool, keys(pool, 2, 2, 2, 2, 1, 1, 1, 1, 0))).isZero();
    long owner = computed(pool, keys(pool, 3, 3, 3, 3, 4, 4, 4, 4, 5, 5, 5, 5, 0));
    pool.evictKeys(new int[] {pool.block(owner, 0, 1)}, 1);
    assertThat(hit(pool, keys(pool, 3, 3, 3, 3, 4, 4, 4, 4, 5, 5, 5, 5, 0))).isEqualTo(4);
  }

  private static Map<Integer, KvTier> transfers(PagedKvBlockPool pool) {
    Map<Integer, KvTier> running = new LinkedHashMap<>();
    pool.drainMoves(
        (kind, source, target, group, id) -> {
          if (id >= 0) {
            running.put(id, kind.name().equals("LOAD") ? KvTier.DEVICE : KvTier.HOST);
          }
        });
    return running;
  }

  private static PagedKvBlockPool tiered(int device, int host) {
    return PagedKvBlockPool.of(PagedKvConfig.of(4, device).withHostBlocks(host).withEvents(true));
  }

  @Test
  void b49AndB51LoadsArePinnedAndMatchableOnlyAfterSuccess() {
    PagedKvBlockPool pool = tiered(2, 4);
    BlockKeyChain keys = keys(pool, range(0, 8));
    BlockKeyChain longer = keys(pool, range(0, 9));
    long owner = computed(pool, keys);
    assertThat(pool.demote(keys, 8).ok()).isTrue();
    transfers(pool).keySet().forEach(id -> pool.endTransfer(id, true));
    free(pool, owner);
    pool.evictKeys(new int[] {0, 1}, 2);
    KvProbe probe = new KvProbe();
    pool.probe(longer, 8, probe);
    assertThat(probe.deviceTokens()).isZero();
    assertThat(probe.hostTokens()).isEqualTo(8);

    assertThat(pool.promote(keys, 8).ok()).isTrue();
    assertThat(pool.promote(keys, 8).ok()).as("asking twice starts nothing twice").isTrue();
    Map<Integer, KvTier> loads = transfers(pool);
    assertThat(loads).hasSize(2);
    assertThat(pool.count(KvTier.DEVICE, BlockState.LOADING)).isEqualTo(2);
    assertThat(hit(pool, longer)).isZero();
    long other = pool.open(OwnerKind.SEQUENCE);
    assertThat(pool.growTo(other, 4).ok()).as("a running load keeps its blocks").isFalse();
    List<Integer> ids = new ArrayList<>(loads.keySet());
    pool.endTransfer(ids.get(0), true);
    pool.endTransfer(ids.get(1), false);
    assertThat(hit(pool, longer)).isEqualTo(4);
    assertThat(pool.availableBlocks()).isEqualTo(2);
  }

  @Test
  void b55WithoutRoomBelowNothingIsCalledStored() {
    PagedKvBlockPool pool = tiered(4, 2);
    BlockKeyChain held = keys(pool, range(20, 28));
    long owner = computed(pool, held);
    assertThat(pool.swapOut(new long[] {owner}, 1).ok()).isTrue();
    BlockKeyChain keys = keys(pool, range(0, 8));
    free(pool, computed(pool, keys));
    assertThat(pool.demote(keys, 8)).isEqualTo(KvOutcome.later(Reason.HOST_BLOCKS, 2));
    assertThat(pool.count(KvTier.HOST, BlockState.CACHED)).isZero();
    assertThat(pool.count(KvTier.DEVICE, BlockState.CACHED)).isEqualTo(4);
  }

  @Test
  void b56LookupsPinNothing() {
    PagedKvBlockPool pool = tiered(4, 4);
    BlockKeyChain keys = keys(pool, range(0, 9));
    free(pool, computed(pool, keys));
    pool.demote(keys, 8);
    transfers(pool).keySet().forEach(id -> pool.endTransfer(id, true));
    int[] before = pool.availableOrder(KvTier.HOST);
    for (int i = 0; i < 10; i++) {
      hit(pool, keys);
    }
    assertThat(pool.availableOrder(KvTier.HOST)).containsExactly(before);
    assertThat(pool.count(KvTier.HOST, BlockState.ACTIVE)).isZero();
  }

  @Test
  void b57AKeyIsGoneOnlyWithItsLastCopy() {
    PagedKvBlockPool pool = pool(4, 8);
    BlockKeyChain keys = keys(pool, range(0, 4));
    long one = computed(pool, keys);
    BlockKeyChain longer = keys(pool, range(0, 4));
    long twin = pool.open(OwnerKind.SEQUENCE, longer);
    assertThat(pool.tryAllocate(twin, KvDemand.uncached(4)).ok()).isTrue();
    pool.publish(twin, 4);
    pool.evictKeys(new int[] {pool.block(one, 0, 0)}, 1);
    assertThat(hit(pool, keys(pool, range(0, 5)))).isEqualTo(4);
    pool.evictKeys(new int[] {pool.block(twin, 0, 0)}, 1);
    List<Integer> copies = new ArrayList<>();
    pool.drainEvents(
        new KvEventSink() {
          @Override
          public void stored(
              BlockKey key, BlockKey parent, int block, int group, KvTier tier, int left) {
            assertThat(key).isEqualTo(keys.key(0));
            assertThat(parent).isEqualTo(BlockKey.NONE);
            copies.add(left);
          }

          @Override
          public void removed(BlockKey key, int block, int group, KvTier tier, int left) {
            assertThat(key).isEqualTo(keys.key(0));
            copies.add(left);
          }

          @Override
          public void cleared() {
            copies.add(-1);
          }
        });
    assertThat(copies).containsExactly(1, 2, 1, 0);
  }

  @Test
  void b74TheChainGoesOnAfterAFullHit() {
    PagedKvBlockPool pool = pool(4, 16);
    BlockKeyChain first = keys(pool, range(0, 8));
    free(pool, computed(pool, first));
    BlockKeyChain second = keys(pool, range(0, 8));
    long owner = start(pool, second);
    assertThat(pool.hitTokens(owner)).isEqualTo(4);
    assertThat(pool.growTo(owner, 15).ok()).isTrue();
    second.append(range(100, 107), 0, 7);
    pool.publish(owner, 15);
    int[] third = Arrays.copyOf(range(0, 8), 13);
    System.arraycopy(range(100, 105), 0, third, 8, 5);
    assertThat(hit(pool, keys(pool, third))).isEqualTo(12);
  }
}
