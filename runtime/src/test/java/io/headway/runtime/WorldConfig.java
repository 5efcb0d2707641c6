package io.headway.runtime;

import io.headway.api.Request;
import io.headway.api.batching.BatchingPolicy;
import io.headway.api.memory.KvBlockPool;
import io.headway.memory.pool.PagedKvBlockPool;
import io.headway.memory.pool.PagedKvConfig;
import java.util.Random;

/**
 * A small world: small worlds find the bugs.
 *
 * @param seed of everything that happens
 * @param blockTokens tokens a block
 * @param blocks device blocks
 * @param hostBlocks host blocks
 * @param slots sequences at once
 * @param tokens tokens in one iteration
 * @param depth plans in flight
 * @param adapters distinct adapters at once
 * @param maxNewTokens longest output
 * @param keys what requests carry for prefix caching
 * @param deadlines percentage of requests with a deadline
 * @param handOvers percentage of requests that are handed over
 * @param stepFailures percentage of plans that are lost
 * @param rowFailures percentage of rows that fail
 * @param recomputeIncoming whether failed transfers are completed by computing
 * @param throwingSinks whether event sinks throw
 * @param strict whether the scheduler throws violations
 */
record WorldConfig(
    long seed,
    int blockTokens,
    int blocks,
    int hostBlocks,
    int slots,
    int tokens,
    int depth,
    int adapters,
    int maxNewTokens,
    Keys keys,
    int deadlines,
    int handOvers,
    int stepFailures,
    int rowFailures,
    boolean recomputeIncoming,
    boolean throwingSinks,
    boolean strict) {
  static final long LEASE_NANOS = 200_000;

  enum Keys {
    NONE,
    TOKENS,
    BLOCK_KEYS
  }

  /** Draws a world. */
  static WorldConfig draw(long seed) {
    Random random = new Random(seed);
    int blockTokens = 1 + random.nextInt(4);
    int maxNew = 1 + random.nextInt(7);
    int largest = (3 * blockTokens + 2 + maxNew) / blockTokens + 1;
    boolean calm = random.nextInt(3) == 0;
    return new WorldConfig(
        seed,
        blockTokens,
        largest + random.nextInt(2 * largest) - 1,
        random.nextBoolean() ? 0 : random.nextInt(2 * largest),
        1 + random.nextInt(4),
        random.nextInt(3) == 0 ? 1_000 : 1 + random.nextInt(4 * blockTokens + 4),
        1 + random.nextInt(3),
        random.nextInt(3) == 0 ? 1 : 4,
        maxNew,
        Keys.values()[random.nextInt(3)],
        calm ? 0 : random.nextInt(20),
        calm ? 0 : random.nextInt(30),
        calm ? 0 : random.nextInt(12),
        calm ? 0 : random.nextInt(8),
        random.nextBoolean(),
        random.nextInt(4) == 0,
        true);
  }

  KvBlockPool pool() {
    return PagedKvBlockPool.of(
        PagedKvConfig.of(blockTokens, blocks).withHostBlocks(hostBlocks).withEvents(true));
  }

  EngineScheduler.Builder scheduler(KvBlockPool pool, BatchingPolicy<?> policy) {
    EngineScheduler.Builder builder =
        EngineScheduler.builder()
            .policy(policy)
            .pool(pool)
            .limits(Limits.of(slots, tokens).maxAdapters(adapters))
            .depth(depth)
            .leaseNanos(LEASE_NANOS)
            .maxPinnedBlocks(Math.max(1, blocks / 2));
    if (recomputeIncoming) {
      builder.recomputeIncoming();
    }
    return strict ? builder.strict() : builder;
  }

  Request.Builder keyed(Request.Builder request, ToyModel.Text text) {
    int[] prompt = text.prompt();
    switch (keys) {
      case NONE -> {}
      case TOKENS -> request.tokenIds(prompt);
      case BLOCK_KEYS -> {
        long[] given = new long[prompt.length / blockTokens];
        long hash = 1;
        for (int i = 0; i < given.length * blockTokens; i++) {
          hash = (hash + prompt[i]) * 0x9e3779b97f4a7c15L;
          given[i / blockTokens] = hash;
        }
        request.blockKeys(given);
      }
    }
    return request;
  }
}
