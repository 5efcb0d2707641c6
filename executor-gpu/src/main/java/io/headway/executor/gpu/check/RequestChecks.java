package io.headway.executor.gpu.check;

import io.headway.api.Request;
import io.headway.api.batching.BatchingPolicy;
import io.headway.api.model.DecoderShape;
import io.headway.executor.Executor;
import io.headway.executor.ExecutorOptions;
import io.headway.executor.ExecutorProvider;
import io.headway.executor.Precision;
import io.headway.executor.SamplingParameters;
import io.headway.executor.ServingLoop;
import io.headway.executor.cpu.CpuExecutorProvider;
import io.headway.executor.weights.SeededWeights;
import io.headway.memory.pool.PagedKvBlockPool;
import io.headway.memory.pool.PagedKvConfig;
import io.headway.runtime.EngineScheduler;
import io.headway.runtime.Limits;
import io.headway.runtime.SubmitResult;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.SplittableRandom;
import java.util.TreeMap;
import java.util.function.Function;

/**
 * Runs the same requests under many schedules and compares their tokens: batched, chunked,
 * pipelined, preempted, swapped, with prefix hits, speculated. In float the reference is the CPU
 * executor in double, in bfloat16 the device itself running one request after the other.
 */
public final class RequestChecks {
  private static final int BLOCK_TOKENS = 4;
  private static final int SLOTS = 8;
  private static final int REQUESTS = 12;
  private static final int BUDGET_TOKENS = 24;
  private static final int MOST_STEPS = 20_000;

  /** One way to schedule the requests. */
  private record Schedule(
      String name,
      Function<EngineScheduler.Builder, EngineScheduler.Builder> policy,
      int depth,
      int blocks,
      int slots) {}

  private RequestChecks() {}

  private static List<Schedule> schedules() {
    List<Schedule> all = new ArrayList<>();
    for (String policy : List.of("sarathi-serve:tokenBudget=24", "vllm-v1", "orca")) {
      for (int depth = 1; depth <= 3; depth++) {
        all.add(
            new Schedule(policy + ", depth " + depth, b -> b.policy(policy), depth, 200, SLOTS));
      }
    }
    all.add(
        new Schedule("vllm-v1, short of memory, depth 2", b -> b.policy("vllm-v1"), 2, 20, SLOTS));
    BatchingPolicy<?> speculative = new SpeculativeFcfs();
    all.add(new Schedule("speculated", b -> b.policy(speculative), 1, 200, SLOTS));
    all.add(
        new Schedule(
            "speculated, short of memory, swapped", b -> b.policy(speculative), 1, 22, SLOTS));
    return all;
  }

  /**
   * Runs all schedules for one model.
   *
   * @param provider opens executors on the device
   * @param shape a small model
   * @param precision FLOAT or BFLOAT16
   * @param seed of weights and requests
   * @return one entry per schedule and temperature
   */
  public static List<RequestCheck> run(
      ExecutorProvider provider, DecoderShape shape, Precision precision, long seed) {
    List<RequestCheck> checks = new ArrayList<>();
    for (double temperature : new double[] {0, 0.8}) {
      Schedule alone = new Schedule("one by one", b -> b.policy("vllm-v1"), 1, 200, 1);
      Map<String, List<Integer>> reference =
          precision == Precision.FLOAT
              ? serve(new CpuExecutorProvider(), shape, Precision.DOUBLE, seed, alone, temperature)
              : serve(provider, shape, precision, seed, alone, temperature);
      int tokens = reference.values().stream().mapToInt(List::size).sum();
      for (Schedule schedule : schedules()) {
        Map<String, List<Integer>> got =
            serve(provider, shape, precision, seed, schedule, temperature);
        int different = 0;
        for (Map.Entry<String, List<Integer>> entry : reference.entrySet()) {
          different += entry.getValue().equals(got.get(entry.getKey())) ? 0 : 1;
        }
        checks.add(
            new RequestCheck(
                shape.name() + " in " + precision,
                schedule.name() + (temperature == 0 ? ", greedy" : ", sampled"),
                reference.size(),
                tokens,
                different));
      }
    }
    return checks;
  }

  private static Map<String, List<Integer>> serve(
      ExecutorProvider provider,
      DecoderShape shape,
      Precision precision,
      long seed,
      Schedule schedule,
      double temperature) {
    ExecutorOptions options =
        ExecutorOptions.of(BLOCK_TOKENS, schedule.blocks(), SLOTS)
            .withPrecision(precision)
            .withHostBlocks(64);
    try (SeededWeights weights = new SeededWeights(shape, seed);
        Executor executor = provider.open(weights, options)) {
      PagedKvBlockPool pool =
          PagedKvBlockPool.of(PagedKvConfig.of(BLOCK_TOKENS, schedule.blocks()).withHostBlocks(64));
      EngineScheduler scheduler =
          schedule
              .policy()
              .apply(
                  EngineScheduler.builder()
                      .pool(pool)
                      .strict()
                      .depth(schedule.depth())
                      .limits(Limits.of(schedule.slots(), BUDGET_TOKENS)))
              .build();
      Map<Long, String> ids = new HashMap<>();
      Map<String, List<Integer>> outputs = new TreeMap<>();
      long[] nowNanos = {0};
      ServingLoop loop =
          new ServingLoop(
              scheduler,
              pool,
              executor,
              () -> nowNanos[0] += 1_000_000,
              new ServingLoop.Sink() {
                @Override
                public void token(long handle, int token, long now) {
                  outputs.computeIfAbsent(ids.get(handle), id -> new ArrayList<>()).add(token);
                }
              });
      SplittableRandom random = new SplittableRandom(seed);
      int[] shared = random.ints(11, 0, shape.vocabularySize()).toArray();
      for (int i = 0; i < REQUESTS; i++) {
        int prompt = 1 + random.nextInt(20);
        int[] tokens = random.ints(prompt, 0, shape.vocabularySize()).toArray();
        if (i % 3 == 0) {
          // A third share a beginning, so that blocks are found in the cache.
          System.arraycopy(shared, 0, tokens, 0, Math.min(shared.length, prompt));
        }
        String id = "request-" + i;
        SubmitResult answer =
            loop.submit(
                Request.builder(id, prompt, 1 + random.nextInt(20)).tokenIds(tokens).build(),
                temperature == 0
                    ? SamplingParameters.GREEDY
                    : SamplingParameters.seeded(temperature, i));
        if (!answer.accepted()) {
          throw new IllegalStateException(id + " must be accepted, but was answered " + answer);
        }
        ids.put(answer.handle(), id);
      }
      for (int step = 0; !scheduler.isIdle(); step++) {
        if (step > MOST_STEPS) {
          throw new IllegalStateException("requests must end, but did not: " + scheduler.stats());
        }
        loop.step();
      }
      return outputs;
    }
  }
}
