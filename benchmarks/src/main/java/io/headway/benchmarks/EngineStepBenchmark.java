package io.headway.benchmarks;

import io.headway.api.Request;
import io.headway.api.Stateless;
import io.headway.api.batching.BatchDraft;
import io.headway.api.batching.BatchView;
import io.headway.api.batching.BatchingPolicy;
import io.headway.api.batching.End;
import io.headway.api.batching.SequenceState;
import io.headway.memory.pool.PagedKvBlockPool;
import io.headway.memory.pool.PagedKvConfig;
import io.headway.runtime.BatchPlan;
import io.headway.runtime.EngineEvents;
import io.headway.runtime.EngineScheduler;
import io.headway.runtime.Limits;
import io.headway.runtime.StepResult;
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
import org.openjdk.jmh.annotations.Warmup;

/**
 * One decode step of continuous batching: plan, report one token per row, complete, hand over
 * events. Sequences are long and end one after the other; an ended one is submitted again, so a
 * step contains its share of ends, admissions and prefills (one in several thousand rows).
 *
 * <p>{@code prefix}: {@code off} (lengths only), {@code keys} (block keys of the prompt given),
 * {@code tokens} (token ids given, so every generated block gets a key and becomes matchable).
 */
@State(Scope.Thread)
@BenchmarkMode(Mode.AverageTime)
@OutputTimeUnit(TimeUnit.MICROSECONDS)
@Warmup(iterations = 5, time = 1)
@Measurement(iterations = 5, time = 1)
@Fork(2)
public class EngineStepBenchmark implements EngineEvents {
  private static final int BLOCK_TOKENS = 16;
  private static final int PROMPT_TOKENS = 64;

  /** Output tokens of all sequences together; decides how rarely a sequence ends. */
  private static final int TOKENS = 1 << 23;

  /** Sequences that run at once. */
  @Param({"64", "256", "1024"})
  public int running;

  /** What the requests carry for prefix caching. */
  @Param({"off", "keys", "tokens"})
  public String prefix;

  /** {@code plain} (a loop without any of the SDK's parts) or a policy string. */
  @Param({"plain"})
  public String policy;

  private Request[] requests;
  private int[] requestOf;
  private int[] over;
  private int overCount;
  private EngineScheduler scheduler;
  private final StepResult result = new StepResult();
  private long nowNanos;
  private int token;

  /** Fills the running set. */
  @Setup
  public void start() {
    int outputTokens = TOKENS / running;
    requests = new Request[running];
    requestOf = new int[4 * running + 64];
    over = new int[running];
    int blocks = 0;
    for (int i = 0; i < running; i++) {
      int maxNew = outputTokens / 2 + (int) ((long) i * outputTokens / (2L * running)) + 1;
      Request.Builder builder =
          Request.builder("request-" + i, PROMPT_TOKENS, maxNew).arrivalNanos(i);
      if (prefix.equals("keys")) {
        long[] keys = new long[PROMPT_TOKENS / BLOCK_TOKENS];
        for (int k = 0; k < keys.length; k++) {
          keys[k] = 1_000_003L * i + k;
        }
        builder.blockKeys(keys);
      } else if (prefix.equals("tokens")) {
        int[] ids = new int[PROMPT_TOKENS];
        for (int k = 0; k < ids.length; k++) {
          ids[k] = 31 * i + k;
        }
        builder.tokenIds(ids);
      }
      requests[i] = builder.build();
      blocks += requests[i].maxKvTokens() / BLOCK_TOKENS + 1;
    }
    EngineScheduler.Builder builder =
        EngineScheduler.builder()
            .limits(Limits.of(running, 8_192))
            .pool(PagedKvBlockPool.of(PagedKvConfig.of(BLOCK_TOKENS, blocks)));
    scheduler =
        (policy.equals("plain") ? builder.policy(new Plain()) : builder.policy(policy)).build();
    for (int i = 0; i < running; i++) {
      submit(i);
    }
    while (scheduler.stats().waiting() > 0) {
      decodeStep();
    }
  }

  private void submit(int i) {
    requestOf[(int) scheduler.submit(requests[i], nowNanos).handle()] = i;
  }

  /**
   * Runs one iteration.
   *
   * @return its plan
   */
  @Benchmark
  public BatchPlan decodeStep() {
    nowNanos += 1_000;
    BatchPlan plan = scheduler.next(nowNanos);
    result.begin(plan);
    for (int i = 0, rows = plan.rows(); i < rows; i++) {
      if (plan.emits(i)) {
        result.token(i, token++ & 0xffff);
      }
    }
    scheduler.complete(result, nowNanos);
    scheduler.events(this);
    while (overCount > 0) {
      submit(over[--overCount]);
    }
    return plan;
  }

  @Override
  public void ended(long handle, End end, String detail) {
    over[overCount++] = requestOf[(int) handle];
  }

  /** First come, first served, whole prompts, nobody yields: the pool holds everyone. */
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
        int sequence = view.running(i);
        int need = view.needTokens(sequence);
        if (need > 0 && view.state(sequence) == SequenceState.RUNNING) {
          draft.schedule(sequence, need);
        }
      }
      int head = view.firstWaiting();
      while (head != BatchView.NONE && draft.admit(head, PROMPT_TOKENS, 0, 0).done()) {
        head = view.firstWaiting();
      }
    }
  }
}
