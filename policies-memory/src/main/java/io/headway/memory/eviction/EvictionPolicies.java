package io.headway.memory.eviction;

import io.headway.api.Decision;
import io.headway.api.config.ParameterSet;
import io.headway.api.config.PolicyCatalog;
import io.headway.api.config.PolicyProvider;
import io.headway.api.memory.EvictionPolicy;
import java.util.List;
import java.util.function.Supplier;

/** Offers the eviction policies of this module by name. */
public final class EvictionPolicies implements PolicyCatalog {
  /** Makes the catalogue; {@link java.util.ServiceLoader} calls this. */
  public EvictionPolicies() {}

  @Override
  public List<PolicyProvider> providers() {
    return List.of(
        plain(
            LruEviction::new,
            "Evicts the least recently released cached block",
            "vLLM, version 1 block pool"),
        plain(
            LfuEviction::new, "Evicts the cached block with the fewest hits", "SGLang radix cache"),
        plain(
            FifoEviction::new,
            "Evicts the cached block that became matchable first",
            "SGLang radix cache"),
        plain(
            SegmentedLruEviction::new,
            "Evicts blocks hit less than twice before others, each least recent first",
            "SGLang radix cache"),
        plain(
            LengthAwareEviction::new,
            "Evicts the block with the fewest hits, nearest the start of its prompt first",
            "Mooncake, FAST 2025"),
        new PolicyProvider(
            "queue-aware",
            Decision.EVICTION,
            "Evicts blocks that no request near the head of the queue will ask for",
            "CachedAttention, USENIX ATC 2024",
            ParameterSet.builder()
                .intValue(
                    "windowRequests",
                    QueueAwareEviction.DEFAULT_WINDOW_REQUESTS,
                    1,
                    Integer.MAX_VALUE,
                    "requests",
                    "waiting requests to look at, nearest first")
                .build(),
            config -> new QueueAwareEviction(config.intValue("windowRequests"))));
  }

  private static PolicyProvider plain(
      Supplier<EvictionPolicy<?>> maker, String summary, String source) {
    return new PolicyProvider(
        maker.get().id(),
        Decision.EVICTION,
        summary,
        source,
        ParameterSet.NONE,
        config -> maker.get());
  }
}
