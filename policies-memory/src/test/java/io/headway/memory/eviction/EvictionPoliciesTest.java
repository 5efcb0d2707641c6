package io.headway.memory.eviction;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import io.headway.api.Decision;
import io.headway.api.config.PolicyProvider;
import io.headway.api.config.PolicySpec;
import io.headway.api.memory.BlockKeyChain;
import io.headway.api.memory.EvictionPolicy;
import io.headway.api.memory.KvDemand;
import io.headway.api.memory.KvQueueView;
import io.headway.api.memory.KvTier;
import io.headway.api.memory.OwnerKind;
import io.headway.api.memory.PrefixAttributes;
import io.headway.api.memory.ReleaseOrder;
import io.headway.memory.pool.PagedKvBlockPool;
import io.headway.memory.pool.PagedKvConfig;
import io.headway.memory.prefix.Sha256BlockHash;
import java.util.ArrayList;
import java.util.List;
import java.util.ServiceLoader;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

class EvictionPoliciesTest {
  /** A pool of single-token blocks: every prompt of two tokens caches blocks of its own. */
  private static final class Cache {
    final PagedKvBlockPool pool;

    Cache(EvictionPolicy<?> policy, int blocks) {
      pool = PagedKvBlockPool.of(PagedKvConfig.of(1, blocks), new Sha256BlockHash(), policy);
    }

    BlockKeyChain keys(int... tokens) {
      BlockKeyChain keys = pool.newKeys(PrefixAttributes.NONE);
      keys.append(tokens, 0, tokens.length);
      return keys;
    }

    void use(int... tokens) {
      BlockKeyChain keys = keys(tokens);
      long owner = pool.open(OwnerKind.SEQUENCE, keys);
      KvDemand demand = KvDemand.uncached(tokens.length).withHitLimitTokens(tokens.length);
      assertThat(pool.tryAllocate(owner, demand).ok()).isTrue();
      pool.publish(owner, tokens.length);
      pool.release(owner, ReleaseOrder.DEEPEST_FIRST);
    }

    /** Takes every block, one by one, and reports which content died first. */
    String deaths() {
      List<Integer> order = new ArrayList<>();
      long owner = pool.open(OwnerKind.SEQUENCE);
      for (int length = 1; length <= pool.usableBlocks(); length++) {
        assertThat(pool.growTo(owner, length).ok()).isTrue();
        order.add(pool.block(owner, 0, length - 1));
      }
      return order.toString();
    }
  }

  /**
   * Blocks 0 and 1 hold prompt (1, 2), 2 holds (3), 3 holds (4); (3) is used three times, (1, 2)
   * twice, (4) once and last.
   */
  @ParameterizedTest
  @CsvSource(
      delimiter = '|',
      value = {
        "lru | [2, 1, 0, 3]",
        "fifo | [1, 0, 2, 3]",
        "lfu | [3, 1, 0, 2]",
        "slru | [1, 0, 3, 2]",
        "length-aware | [3, 0, 1, 2]",
        "queue-aware | [2, 1, 0, 3]"
      })
  void orderOfDeath(String id, String expected) {
    Cache cache = new Cache(policy(id), 4);
    cache.use(1, 2);
    cache.use(3);
    cache.use(3);
    cache.use(3);
    cache.use(1, 2);
    cache.use(4);
    assertThat(cache.deaths()).isEqualTo(expected);
  }

  @Test
  void queueAwareKeepsWhatWaitingRequestsWillAskFor() {
    Cache cache = new Cache(policy("queue-aware"), 3);
    cache.use(1);
    cache.use(2);
    cache.use(3);
    List<BlockKeyChain> queue = List.of(cache.keys(1, 9), cache.keys(2, 9));
    cache.pool.observeQueue(
        new KvQueueView() {
          @Override
          public int size() {
            return queue.size();
          }

          @Override
          public BlockKeyChain keys(int position) {
            return queue.get(position);
          }
        });
    assertThat(cache.deaths()).isEqualTo("[2, 0, 1]");
    assertThatThrownBy(() -> new QueueAwareEviction(0))
        .hasMessage("windowRequests must be at least 1 request, but was 0");
  }

  @Test
  void blocksWithoutContentAreTakenFirst() {
    Cache cache = new Cache(policy("lfu"), 3);
    cache.use(1);
    cache.use(2);
    assertThat(cache.pool.availableOrder(KvTier.DEVICE)).containsExactly(2, 0, 1);
    assertThat(cache.deaths()).isEqualTo("[2, 0, 1]");
  }

  @Test
  void catalogueAndServiceAgree() {
    List<PolicyProvider> offered = new EvictionPolicies().providers();
    assertThat(offered).allMatch(each -> each.decision() == Decision.EVICTION);
    for (PolicyProvider each : offered) {
      EvictionPolicy<?> policy = (EvictionPolicy<?>) each.create(PolicySpec.parse(each.id()));
      assertThat(policy.id()).isEqualTo(each.id());
    }
    assertThat(ServiceLoader.load(io.headway.api.config.PolicyCatalog.class))
        .hasAtLeastOneElementOfType(EvictionPolicies.class);
  }

  private static EvictionPolicy<?> policy(String id) {
    for (PolicyProvider each : new EvictionPolicies().providers()) {
      if (each.id().equals(id)) {
        return (EvictionPolicy<?>) each.create(PolicySpec.parse(id));
      }
    }
    throw new AssertionError(id);
  }
}
