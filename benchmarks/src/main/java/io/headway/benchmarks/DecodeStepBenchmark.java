package io.headway.benchmarks;

import io.headway.api.Decision;
import io.headway.api.Request;
import io.headway.api.Stateless;
import io.headway.api.batching.BatchDraft;
import io.headway.api.batching.BatchView;
import io.headway.api.batching.BatchingPolicy;
import io.headway.api.config.PolicyRegistry;
import io.headway.batching.systems.BatchingPolicies;
import io.headway.memory.pool.PagedKvBlockPool;
import io.headway.memory.pool.PagedKvConfig;
import io.headway.runtime.BatchPlan;
import io.headway.runtime.EngineScheduler;
import io.headway.runtime.Limits;
import io.headway.runtime.StepResult;
import java.util.concurrent.TimeUnit;
import org.openjdk.jmh.annotations.Benchmark;
import org.openjdk.jmh.annotations.BenchmarkMode;
import org.openjdk.jmh.annotations.Fork;
import org.openjdk.jmh.annotations.Measurement;
import org.openjdk.jmh.annotations.Mode;
import org.openjdk.jmh.annotations.OperationsPerInvocation;
import org.openjdk.jmh.annotations.OutputTimeUnit;
import org.openjdk.jmh.annotations.Param;
import org.openjdk.jmh.annotations.Scope;
import org.openjdk.jmh.annotations.Setup;
import org.openjdk.jmh.annotations.State;
import org.openjdk.jmh.annotations.TearDown;
import org.openjdk.jmh.annotations.Warmup;

/**
 * One decode step, {@code next} and {@code complete}, with everybody running and some waiting.
 *
 * <p>Single shots of {@value #STEPS} steps, because every step makes the sequences longer: after
 * the warm-up they hold 17,000 tokens, and the measured steps stay below the 32,768 at which block
 * tables grow again. Before that, two schedulers live through as many steps and are thrown away:
 * the compiler was seen to need up to 50,000 steps to settle. {@code -prof gc} divides what the
 * harness itself allocates in a single shot by the steps as well: {@link #nothing} shows that
 * share.
 *
 * <p>{@code prefix} says what requests carry for prefix caching: {@code off}, nothing, and caching
 * is off; {@code keys}, block keys of the prompt; {@code tokens}, token ids, so that every
 * generated block is hashed and becomes matchable.
 */
@State(Scope.Thread)
@BenchmarkMode(Mode.SingleShotTime)
@OutputTimeUnit(TimeUnit.MICROSECONDS)
@Fork(2)
@Warmup(iterations = 17)
@Measurement(iterations = 10)
public class DecodeStepBenchmark {
  private static final int STEPS = 1000;
  private static final int EARLIER_LIVES = 2;
  private static final int BLOCK_TOKENS = 16;
  private static final int OUTPUT_TOKENS = 30_000;
  private static final int WAITING = 64;
  private static final int PROMPT_TOKENS = BLOCK_TOKENS;

  /** Sequences that decode. */
  @Param({"64", "256", "1024"})
  public int running;

  /** What requests carry for prefix caching. */
  @Param({"off", "keys", "tokens"})
  public String prefix;

  /** The policy by name; {@code plain} is a loop over what runs, without any of the SDK's parts. */
  @Param({
    "plain",
    "sarathi-serve:tokenBudget=2048",
    "vllm-v1",
    "orca",
    "sarathi:chunkTokens=2048",
    "vtc",
    "isrtf",
    "scls:sliceTokens=30000",
    "bucketserve",
    "qlm:pullSequences=1024",
    "fineinfer:deferMillis=0",
    "uellm:maxBatch=1024,threshold=1e18",
    "sorted-f",
    "mc-sf",
    "batch-lane",
    "fastserve",
    "dlpm",
    "ltr",
    "alise",
    "past-future",
    "autellix",
    "lamps",
    "andes",
    "tokenflow",
    "fairbatching",
    "slos-serve",
    "equinox",
    "shepherd",
    "batchllm",
    "blendserve",
    "conserve"
  })
  public String policy;

  private EngineScheduler scheduler;
  private final StepResult result = new StepResult();
  private long now;

  /** Has the compiler settle, and starts every sequence anew. */
  @Setup
  public void start() {
    for (int life = 0; life < EARLIER_LIVES; life++) {
      admit();
      for (int shot = 0; shot < OUTPUT_TOKENS / STEPS - 1; shot++) {
        step();
      }
    }
    admit();
  }

  private void admit() {
    int blocks = running * ((OUTPUT_TOKENS + BLOCK_TOKENS) / BLOCK_TOKENS + 1);
    scheduler =
        EngineScheduler.builder()
            .policy(
                policy.equals("plain")
                    ? new Plain()
                    : PolicyRegistry.of(new BatchingPolicies())
                        .create(Decision.BATCHING, policy, BatchingPolicy.class))
            .limits(Limits.of(running, Integer.MAX_VALUE))
            .pool(
                PagedKvBlockPool.of(
                    PagedKvConfig.of(BLOCK_TOKENS, blocks)
                        .withPrefixCaching(!prefix.equals("off"))))
            .strict()
            .build();
    for (int i = 0; i < running + WAITING; i++) {
      Request request =
          keyed(Request.builder("r" + i, PROMPT_TOKENS, OUTPUT_TOKENS), i)
              .arrivalNanos(i)
              .tenant("t" + i % 16)
              .predictedOutputTokens(OUTPUT_TOKENS)
              .build();
      if (!scheduler.submit(request, i).accepted()) {
        throw new IllegalStateException(request + " was not accepted");
      }
    }
    now = (long) running + WAITING;
  }

  private Request.Builder keyed(Request.Builder request, int i) {
    return switch (prefix) {
      case "off" -> request;
      case "keys" -> request.blockKeys(new long[] {i});
      case "tokens" -> {
        int[] tokens = new int[PROMPT_TOKENS];
        tokens[0] = i;
        yield request.tokenIds(tokens);
      }
      default ->
          throw new IllegalArgumentException(
              "prefix must be off, keys or tokens, but was " + prefix);
    };
  }

  /**
   * Plans and completes.
   *
   * @return the rows planned
   */
  @Benchmark
  @OperationsPerInvocation(STEPS)
  public long step() {
    long rows = 0;
    for (int i = 0; i < STEPS; i++) {
      BatchPlan plan = scheduler.next(now);
      result.begin(plan);
      for (int row = 0; row < plan.rows(); row++) {
        if (plan.emits(row)) {
          result.token(row, row);
        }
      }
      scheduler.complete(result, now++);
      rows += plan.rows();
    }
    return rows;
  }

  /** Makes sure that nobody had ended, so that no shorter batch was timed. */
  @TearDown
  public void nobodyHasEnded() {
    if (scheduler.stats().ended() > 0) {
      throw new IllegalStateException(
          "sequences end after "
              + OUTPUT_TOKENS
              + " tokens: warm-up and measurement must be at most "
              + (OUTPUT_TOKENS / STEPS - 1)
              + " shots together");
    }
  }

  /**
   * Does nothing, for what the harness allocates in one shot, divided by the steps.
   *
   * @return the clock
   */
  @Benchmark
  @OperationsPerInvocation(STEPS)
  public long nothing() {
    return now;
  }

  /** Everything that runs runs; whoever fits is admitted. */
  private static final class Plain implements BatchingPolicy<Stateless> {
    @Override
    public String id() {
      return "plain";
    }

    @Override
    public Stateless newState() {
      return Stateless.STATE;
    }

    @Override
    public void plan(Stateless state, BatchView view, BatchDraft draft) {
      for (int i = 0, count = view.runningCount(); i < count; i++) {
        i = draft.scheduleDecodes(i, count);
        if (i == count) {
          break;
        }
        int sequence = view.running(i);
        int need = view.needTokens(sequence);
        if (need > 0) {
          draft.schedule(sequence, need);
        }
      }
      int head = view.firstWaiting();
      while (head != BatchView.NONE && draft.admit(head, Integer.MAX_VALUE, 0, 0).done()) {
        head = view.firstWaiting();
      }
    }
  }
}
