package io.headway.examples.serve;

import io.headway.api.Request;
import io.headway.api.batching.End;
import io.headway.api.memory.KvBlockPool;
import io.headway.executor.Executor;
import io.headway.executor.ExecutorOptions;
import io.headway.executor.Executors;
import io.headway.executor.SamplingParameters;
import io.headway.executor.ServingLoop;
import io.headway.executor.weights.Weights;
import io.headway.memory.pool.PagedKvBlockPool;
import io.headway.memory.pool.PagedKvConfig;
import io.headway.runtime.EngineScheduler;
import io.headway.runtime.Limits;
import io.headway.runtime.SubmitResult;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.TreeMap;

/** Serves prompts of token ids on one executor, under a policy given by name. */
final class Server implements ServingLoop.Sink, AutoCloseable {
  private static final int BLOCK_TOKENS = 16;
  private static final int BLOCKS = 16;
  private static final int SLOTS = 4;

  final Map<String, List<Integer>> outputs = new TreeMap<>();
  final Map<String, String> ends = new TreeMap<>();
  int steps;
  private final Map<Long, String> names = new HashMap<>();
  private final Executor executor;
  private final ServingLoop loop;

  Server(String policy, String device, Weights weights) {
    ExecutorOptions options = ExecutorOptions.of(BLOCK_TOKENS, BLOCKS, SLOTS);
    executor =
        Executors.discover(Server.class.getClassLoader()).named(device).open(weights, options);

    KvBlockPool pool = PagedKvBlockPool.of(PagedKvConfig.of(BLOCK_TOKENS, BLOCKS));
    EngineScheduler scheduler =
        EngineScheduler.builder()
            .policy(policy)
            .limits(Limits.of(SLOTS, Integer.MAX_VALUE))
            .pool(pool)
            .build();

    loop = new ServingLoop(scheduler, pool, executor, System::nanoTime, this);
  }

  /** Queues a prompt; what comes of it stands in {@link #outputs} and {@link #ends}. */
  void submit(String name, int[] prompt, int maxNewTokens) {
    Request request = Request.builder(name, prompt.length, maxNewTokens).tokenIds(prompt).build();
    SubmitResult answer = loop.submit(request, SamplingParameters.GREEDY);
    if (answer.accepted()) {
      names.put(answer.handle(), name);
    } else {
      ends.put(name, answer.kind().toString());
    }
  }

  /** Computes until nobody is left. */
  void run() {
    while (loop.step()) {
      steps++;
    }
  }

  @Override
  public void token(long handle, int token, long nowNanos) {
    outputs.computeIfAbsent(names.get(handle), name -> new ArrayList<>()).add(token);
  }

  @Override
  public void ended(long handle, End end, String detail, long nowNanos) {
    ends.put(names.get(handle), end.toString());
  }

  @Override
  public void close() {
    executor.close();
  }
}
