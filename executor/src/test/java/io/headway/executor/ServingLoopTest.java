package io.headway.executor;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import com.sun.management.ThreadMXBean;
import io.headway.api.Decision;
import io.headway.api.Request;
import io.headway.api.batching.BatchingPolicy;
import io.headway.api.batching.End;
import io.headway.api.config.PolicyRegistry;
import io.headway.api.model.DecoderShape;
import io.headway.executor.cpu.CpuExecutorProvider;
import io.headway.executor.weights.SeededWeights;
import io.headway.executor.weights.WeightTensor;
import io.headway.executor.weights.Weights;
import io.headway.memory.pool.PagedKvBlockPool;
import io.headway.memory.pool.PagedKvConfig;
import io.headway.runtime.BatchPlan;
import io.headway.runtime.EngineEvents;
import io.headway.runtime.EngineScheduler;
import io.headway.runtime.Limits;
import io.headway.runtime.StepResult;
import java.lang.management.ManagementFactory;
import java.lang.reflect.InvocationTargetException;
import java.lang.reflect.Proxy;
import java.util.ArrayList;
import java.util.List;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

class ServingLoopTest {
  private static final PolicyRegistry POLICIES =
      PolicyRegistry.discover(ServingLoopTest.class.getClassLoader());

  @Test
  void aRequestIsServedTheSameWhateverElseRuns() {
    Served alone = served();
    alone.submit(ask("a", 17, 12));
    alone.run();
    Served together = served();
    together.submit(ask("b", 9, 20));
    together.submit(ask("a", 17, 12));
    together.submit(ask("c", 30, 5));
    together.run();
    assertThat(together.output("a").tokens).isEqualTo(alone.output("a").tokens).hasSize(12);
  }

  @ParameterizedTest
  @ValueSource(ints = {1, 2, 3})
  void aLostStepIsComputedAgain(int depth) {
    for (int lost = 0; lost < 12; lost += 3) {
      List<Long> failed = new ArrayList<>();
      List<Integer> tokens = new ArrayList<>();
      List<String> ends = new ArrayList<>();
      ServingLoop.Sink sink =
          new ServingLoop.Sink() {
            @Override
            public void token(long handle, int token, long nowNanos) {
              tokens.add(token);
            }

            @Override
            public void ended(long handle, End end, String detail, long nowNanos) {
              ends.add(end.toString());
            }

            @Override
            public void stepFailed(long stepId, RuntimeException cause) {
              failed.add(stepId);
            }
          };
      Executor cpu = open(new SeededWeights(DecoderShape.TINY, 7), 64);
      ServingLoop loop = loop(failingAt(lost, cpu), depth, sink, 64);
      Served.Ask ask = ask("a", 17, 12);
      loop.submit(ask.request(), ask.sampling());
      while (loop.step()) {
        assertThat(failed.size()).isLessThan(3);
      }
      Served alone = served();
      alone.submit(ask);
      alone.run();
      assertThat(tokens).isEqualTo(alone.output("a").tokens);
      assertThat(ends).containsExactly("LENGTH");
      assertThat(failed).hasSize(1);
    }
  }

  @Test
  void aLostStepIsThrownUnlessTheSinkTakesIt() {
    Executor cpu = open(new SeededWeights(DecoderShape.TINY, 7), 64);
    ServingLoop loop = loop(failingAt(0, cpu), 1, ServingLoop.Sink.NONE, 64);
    loop.submit(ask("a", 5, 2).request(), SamplingParameters.GREEDY);
    assertThatThrownBy(loop::step).isInstanceOf(IllegalStateException.class).hasMessage("lost");
    while (loop.step()) {
      assertThat(loop.scheduler().stats().steps()).isLessThan(20);
    }
    assertThat(loop.scheduler().isIdle()).isTrue();
  }

  @Test
  void rowsWhoseLogitsAreNotFiniteFail() {
    SeededWeights inner = new SeededWeights(DecoderShape.TINY, 7);
    Weights broken =
        new Weights() {
          @Override
          public DecoderShape shape() {
            return inner.shape();
          }

          @Override
          public String description() {
            return "broken";
          }

          @Override
          public void read(WeightTensor tensor, long from, float[] into, int at, int count) {
            inner.read(tensor, from, into, at, count);
            if (tensor.name().equals("model.norm.weight")) {
              into[at] = Float.NaN;
            }
          }

          @Override
          public void close() {}
        };
    List<String> ends = new ArrayList<>();
    ServingLoop.Sink sink =
        new ServingLoop.Sink() {
          @Override
          public void ended(long handle, End end, String detail, long nowNanos) {
            ends.add(end + " " + detail);
          }
        };
    ServingLoop loop = loop(open(broken, 64), 1, sink, 64);
    loop.submit(ask("a", 5, 2).request(), SamplingParameters.GREEDY);
    while (loop.step()) {
      assertThat(ends).hasSizeLessThan(2);
    }
    // Computed again once, as every failed row.
    assertThat(ends).hasSize(1);
    assertThat(ends.get(0)).startsWith("FAILED").contains("NaN or infinite");
  }

  @Test
  void aCancelledRequestGivesEverythingBack() {
    Served served = served();
    long a = served.submit(ask("a", 17, 12));
    served.submit(ask("b", 9, 20));
    for (int i = 0; i < 6; i++) {
      served.step();
    }
    assertThat(served.loop.cancel(a)).isTrue();
    assertThat(served.loop.cancel(a)).isFalse();
    served.run();
    assertThat(served.output("a").end).isEqualTo("CANCELLED");
    assertThat(served.output("b").tokens).hasSize(20);
    assertThat(served.pool.availableBlocks()).isEqualTo(served.pool.usableBlocks());
  }

  @Test
  void requestsThatCannotBeExecutedAreRefused() {
    ServingLoop loop =
        loop(open(new SeededWeights(DecoderShape.TINY, 7), 64), 1, ServingLoop.Sink.NONE, 64);
    assertThatThrownBy(() -> loop.submit(Request.of("a", 3, 4), SamplingParameters.GREEDY))
        .hasMessage("request 'a' must have token ids to be executed");
    Request adapted = Request.builder("a", 1, 1).tokenIds(new int[1]).adapter("lora").build();
    assertThatThrownBy(() -> loop.submit(adapted, SamplingParameters.GREEDY))
        .hasMessage("request 'a' must use the base model, but names the adapter 'lora'");
    Request endless = Request.builder("a", 1, 5_000).tokenIds(new int[1]).build();
    assertThatThrownBy(() -> loop.submit(endless, SamplingParameters.GREEDY))
        .hasMessage("request 'a' must fit maxPositions = 4096 tokens of tiny, but may reach 5000");
    assertThatThrownBy(
            () ->
                new ServingLoop(
                    loop.scheduler(),
                    PagedKvBlockPool.of(PagedKvConfig.of(8, 9)),
                    loop.executor(),
                    () -> 0,
                    ServingLoop.Sink.NONE))
        .hasMessageContaining("the pool must have one group of 4 tokens a block");
  }

  @ParameterizedTest
  @ValueSource(strings = {"tiny", "tiny-bias", "tiny-moe"})
  void aSteadyDecodeStepAllocatesNothing(String model) {
    int blockTokens = 64;
    int blocks = 64;
    PagedKvBlockPool pool =
        PagedKvBlockPool.of(PagedKvConfig.of(blockTokens, blocks).withPrefixCaching(false));
    try (Executor executor =
        new CpuExecutorProvider()
            .open(
                new SeededWeights(DecoderShape.named(model), 7),
                ExecutorOptions.of(blockTokens, blocks, 4))) {
      EngineScheduler scheduler = scheduler(pool, 1);
      int[] prompt = {1, 2, 3, 4, 5};
      EngineEvents events =
          new EngineEvents() {
            @Override
            public void granted(int slot, long handle) {
              executor.prepare(slot, handle, prompt, 5, SamplingParameters.seeded(0.9, slot));
            }
          };
      for (int i = 0; i < 3; i++) {
        scheduler.submit(Request.of("r" + i, 5, 1_000), 0);
      }
      ThreadMXBean threads = (ThreadMXBean) ManagementFactory.getThreadMXBean();
      StepResult result = new StepResult();
      int longest = 0;
      int stretch = 0;
      for (int i = 0; i < 760; i++) {
        BatchPlan plan = scheduler.next(0);
        scheduler.events(events);
        long before = threads.getCurrentThreadAllocatedBytes();
        executor.execute(plan, result);
        long step = threads.getCurrentThreadAllocatedBytes() - before;
        // Until 640 tokens all arrays have grown to what the next 120 need.
        stretch = i >= 640 && step == 0 ? stretch + 1 : 0;
        longest = Math.max(longest, stretch);
        scheduler.complete(result, 0);
      }
      // An expert may still meet more tokens than ever before, and compiled code allocate when it
      // is replaced; a step as such allocates nothing.
      assertThat(longest).as("steps in a row without an allocation").isGreaterThanOrEqualTo(20);
    }
  }

  private static Served served() {
    return new Served(
        POLICIES.create(Decision.BATCHING, "sarathi-serve:tokenBudget=8", BatchingPolicy.class),
        DecoderShape.TINY,
        Served.options(64, 4));
  }

  private static Executor open(Weights weights, int blocks) {
    return new CpuExecutorProvider().open(weights, Served.options(blocks, 4));
  }

  private static ServingLoop loop(Executor executor, int depth, ServingLoop.Sink sink, int blocks) {
    PagedKvBlockPool pool =
        PagedKvBlockPool.of(PagedKvConfig.of(Served.BLOCK_TOKENS, blocks).withPrefixCaching(false));
    return new ServingLoop(scheduler(pool, depth), pool, executor, () -> 0, sink);
  }

  private static EngineScheduler scheduler(PagedKvBlockPool pool, int depth) {
    return EngineScheduler.builder()
        .policy("sarathi-serve:tokenBudget=8")
        .pool(pool)
        .depth(depth)
        .limits(Limits.of(4, 1 << 20))
        .build();
  }

  /** Loses one step, after it was computed, as a device does that dies. */
  private static Executor failingAt(int step, Executor inner) {
    int[] enqueued = new int[1];
    return (Executor)
        Proxy.newProxyInstance(
            ServingLoopTest.class.getClassLoader(),
            new Class<?>[] {Executor.class},
            (proxy, method, args) -> {
              if (method.getName().equals("enqueue")) {
                inner.enqueue((BatchPlan) args[0], (StepResult) args[1]);
                if (enqueued[0]++ == step) {
                  throw new IllegalStateException("lost");
                }
                return null;
              }
              try {
                return method.invoke(inner, args);
              } catch (InvocationTargetException e) {
                throw e.getCause();
              }
            });
  }

  private static Served.Ask ask(String id, int prompt, int output) {
    int[] tokens = new int[prompt];
    for (int i = 0; i < prompt; i++) {
      tokens[i] = (i * 31 + id.hashCode()) % 96;
    }
    return new Served.Ask(
        Request.builder(id, prompt, output).tokenIds(tokens).build(), SamplingParameters.GREEDY);
  }
}
