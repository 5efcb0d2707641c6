package io.headway.benchmarks;

import io.headway.api.Request;
import io.headway.api.model.DecoderShape;
import io.headway.executor.Executor;
import io.headway.executor.ExecutorOptions;
import io.headway.executor.Precision;
import io.headway.executor.SamplingParameters;
import io.headway.executor.ServingLoop;
import io.headway.executor.cpu.CpuExecutorProvider;
import io.headway.executor.weights.SeededWeights;
import io.headway.memory.pool.PagedKvBlockPool;
import io.headway.memory.pool.PagedKvConfig;
import io.headway.runtime.EngineScheduler;
import io.headway.runtime.Limits;
import java.util.Locale;
import java.util.concurrent.TimeUnit;
import org.openjdk.jmh.annotations.Benchmark;
import org.openjdk.jmh.annotations.BenchmarkMode;
import org.openjdk.jmh.annotations.Fork;
import org.openjdk.jmh.annotations.Measurement;
import org.openjdk.jmh.annotations.Mode;
import org.openjdk.jmh.annotations.OutputTimeUnit;
import org.openjdk.jmh.annotations.Param;
import org.openjdk.jmh.annotations.Scope;
import org.openjdk.jmh.annotations.Setup;
import org.openjdk.jmh.annotations.State;
import org.openjdk.jmh.annotations.TearDown;
import org.openjdk.jmh.annotations.Warmup;

/**
 * What the reference executor takes for one step on one core of the CPU, scheduler and loop
 * included. Reference, not engine: compare it with itself.
 */
@State(Scope.Thread)
@BenchmarkMode(Mode.AverageTime)
@OutputTimeUnit(TimeUnit.MICROSECONDS)
@Fork(1)
@Warmup(iterations = 5, time = 2)
@Measurement(iterations = 5, time = 2)
public class ExecutorBenchmark {
  private static final int BLOCK_TOKENS = 16;
  private static final int SEQUENCES = 8;
  private static final int PROMPT_TOKENS = 128;
  private static final int OUTPUT_TOKENS = 512;
  private static final int BLOCKS =
      SEQUENCES * ((PROMPT_TOKENS + OUTPUT_TOKENS) / BLOCK_TOKENS + 1);

  /** The model's shape, with seeded random weights. */
  @Param({"tiny", "small", "small-moe"})
  public String model;

  /** How numbers are held and added. */
  @Param({"float", "double"})
  public String precision;

  private Executor executor;
  private ServingLoop loop;
  private int[] prompt;
  private int requests;

  /** Loads the model. */
  @Setup
  public void load() {
    DecoderShape shape = DecoderShape.named(model);
    executor =
        new CpuExecutorProvider()
            .open(
                new SeededWeights(shape, 1),
                ExecutorOptions.of(BLOCK_TOKENS, BLOCKS, SEQUENCES)
                    .withPrecision(Precision.valueOf(precision.toUpperCase(Locale.ROOT))));
    PagedKvBlockPool pool =
        PagedKvBlockPool.of(PagedKvConfig.of(BLOCK_TOKENS, BLOCKS).withPrefixCaching(false));
    EngineScheduler scheduler =
        EngineScheduler.builder()
            .policy("sarathi-serve:tokenBudget=1024")
            .limits(Limits.of(SEQUENCES, Integer.MAX_VALUE))
            .pool(pool)
            .build();
    loop = new ServingLoop(scheduler, pool, executor, System::nanoTime, ServingLoop.Sink.NONE);
    prompt = new int[PROMPT_TOKENS];
    for (int i = 0; i < PROMPT_TOKENS; i++) {
      prompt[i] = i % shape.vocabularySize();
    }
  }

  /** Closes the executor. */
  @TearDown
  public void close() {
    executor.close();
  }

  private void submit(int outputTokens) {
    Request request =
        Request.builder("r" + requests++, PROMPT_TOKENS, outputTokens).tokenIds(prompt).build();
    if (!loop.submit(request, SamplingParameters.GREEDY).accepted()) {
      throw new IllegalStateException(request + " was not accepted");
    }
  }

  /** Computes one prompt of 128 tokens and its first token. */
  @Benchmark
  public void prefill() {
    submit(1);
    if (!loop.step()) {
      throw new IllegalStateException("nothing was computed");
    }
  }

  /**
   * Decodes one token of each of 8 sequences, at contexts of 128 to 640 tokens; one step in 512
   * computes their prompts instead.
   */
  @Benchmark
  public void decode() {
    if (!loop.step()) {
      for (int i = 0; i < SEQUENCES; i++) {
        submit(OUTPUT_TOKENS);
      }
      loop.step();
    }
  }
}
