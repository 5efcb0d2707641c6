package io.headway.executor;

import static org.assertj.core.api.Assertions.assertThatThrownBy;

import io.headway.api.Request;
import io.headway.api.Stateless;
import io.headway.api.batching.BatchDraft;
import io.headway.api.batching.BatchView;
import io.headway.api.batching.BatchingPolicy;
import io.headway.api.memory.KvBlockPool;
import io.headway.api.memory.KvMoveKind;
import io.headway.api.memory.KvMoveSink;
import io.headway.api.memory.KvTier;
import io.headway.api.model.DecoderShape;
import io.headway.executor.cpu.CpuExecutorProvider;
import io.headway.executor.weights.SeededWeights;
import io.headway.memory.pool.PagedKvBlockPool;
import io.headway.memory.pool.PagedKvConfig;
import io.headway.runtime.BatchPlan;
import io.headway.runtime.EngineScheduler;
import io.headway.runtime.Limits;
import io.headway.runtime.StepResult;
import java.lang.reflect.Proxy;
import java.nio.ByteBuffer;
import java.util.function.Consumer;
import java.util.function.IntUnaryOperator;
import org.junit.jupiter.api.Test;

/** A plan that does not fit the executor is refused before anything is done. */
class PlanCheckTest {
  private static final int[] TOKENS = {1, 2, 3, 4, 5, 6};

  @Test
  void aSlotMustBePrepared() {
    refused(
        2, b -> b, null, e -> {}, "(PREFILL, slot 0, positions 0+6): the slot must be prepared");
    refused(2, b -> b, null, e -> {}, "but is empty");
    refused(
        2,
        b -> b,
        null,
        e -> prepare(e, 0, 99, TOKENS.length),
        "for handle 0, but holds handle 99");
    refused(
        1,
        b -> b,
        null,
        e -> prepare(e, 0, 0, TOKENS.length),
        "row 1 of step 0 (PREFILL, slot 1, positions 0+6): the slot must be from 0 to 0");
  }

  @Test
  void inputTokensMustBeKnown() {
    refused(
        2, b -> b, null, e -> prepare(e, 0, 0, 5), "the input tokens must be known, but only 5");
  }

  @Test
  void blocksMustBeThereAndBelongToOneWriter() {
    refused(2, b -> b + 100, null, PlanCheckTest::prepareBoth, "block 0 of its table must be from");
    refused(2, b -> 3, null, PlanCheckTest::prepareBoth, "stands in its table twice");
    refused(2, b -> b % 2, null, PlanCheckTest::prepareBoth, "but is written by row 0");
  }

  @Test
  void movesMustBeWholeBlocksBetweenTiersThatAreThere() {
    refusedMove(KvMoveKind.COPY, 0, 99, "the target of move 0 (COPY) of step 0 must be a block");
    refusedMove(KvMoveKind.SWAP_OUT, 0, 0, "must be a block from 0 to -1 on the host");
    refusedMove(KvMoveKind.SWAP_IN, 5, 0, "the source of move 0 (SWAP_IN)");
    refusedMove(KvMoveKind.RECODE, 0, 1, "must copy whole blocks, but is RECODE");
  }

  @Test
  void whatIsReadMustHaveBeenWritten() {
    // The copy of a block that was never written arrives under the second chunk's context.
    EngineScheduler scheduler = scheduler(b -> b, null, 3, 4);
    Executor executor = open(2);
    BatchPlan plan = scheduler.next(0);
    prepareBoth(executor);
    StepResult result = new StepResult();
    executor.execute(plan, result);
    executor.writeBlock(KvTier.DEVICE, plan.block(0, 0), 2, ByteBuffer.allocate(1 << 12));
    scheduler.complete(result, 0);
    BatchPlan next = scheduler.next(0);
    assertThatThrownBy(() -> executor.execute(next, new StepResult()))
        .isInstanceOf(IllegalArgumentException.class)
        .hasMessageContaining("positions 0 to 2 must have been written to block")
        .hasMessageContaining("but only 2 of them were");
  }

  @Test
  void slotsAndOptionsAreChecked() {
    Executor executor = open(2);
    refusedPrepare(executor, 2, TOKENS, 6, "slot must be from 0 to 1, but was 2");
    refusedPrepare(executor, 0, TOKENS, 7, "count must be from 1 to the 6 tokens given");
    refusedPrepare(executor, 0, new int[] {96}, 1, "token 0 of slot 0 must be from 0 to 95");
    refusedPrepare(executor, 0, new int[5_000], 5_000, "at most maxPositions = 4096 tokens");
    assertThatThrownBy(() -> ExecutorOptions.of(0, 1, 1))
        .hasMessage("blockTokens must be at least 1 token, but was 0");
    assertThatThrownBy(() -> ExecutorOptions.of(1, 1, 1).withThreads(0))
        .hasMessage("threads must be at least 1 thread, but was 0");
    assertThatThrownBy(() -> executor.writeBlock(KvTier.DEVICE, 9, 0, ByteBuffer.allocate(9999)))
        .hasMessageContaining("block must be from 0 to 8 in tier DEVICE, but was 9");
    assertThatThrownBy(() -> executor.readBlock(KvTier.DEVICE, 0, ByteBuffer.allocate(8)))
        .hasMessageContaining("must have kvBlockBytes = 2048 bytes remaining, but has 8");
  }

  @Test
  void logitsAreThoseOfTheLastStepOnly() {
    EngineScheduler scheduler = scheduler(b -> b, null, 6, 4);
    Executor executor = open(2);
    prepareBoth(executor);
    executor.execute(scheduler.next(0), new StepResult());
    double[] into = new double[96];
    executor.logits(1, 0, into);
    assertThatThrownBy(() -> executor.logits(2, 0, into))
        .hasMessage("row must be from 0 to 1 of step 0, the last one executed, but was 2");
    assertThatThrownBy(() -> executor.logits(0, 1, into))
        .hasMessage("index must be below the 1 tokens that row 0 reported, but was 1");
    assertThatThrownBy(() -> executor.logits(0, 0, new double[3]))
        .hasMessage("into must have room for vocabularySize = 96 logits, but has 3");
    executor.close();
    assertThatThrownBy(() -> executor.execute(scheduler.next(0), new StepResult()))
        .isInstanceOf(IllegalStateException.class);
  }

  // ---- help

  private static void refused(
      int slots,
      IntUnaryOperator block,
      KvMoveKind move,
      Consumer<Executor> before,
      String message) {
    EngineScheduler scheduler = scheduler(block, move == null ? null : new Move(move, 0, 0), 6, 4);
    Executor executor = open(slots);
    BatchPlan plan = scheduler.next(0);
    before.accept(executor);
    assertThatThrownBy(() -> executor.execute(plan, new StepResult()))
        .isInstanceOf(IllegalArgumentException.class)
        .hasMessageContaining(message);
  }

  private static void refusedMove(KvMoveKind kind, int source, int target, String message) {
    EngineScheduler scheduler = scheduler(b -> b, new Move(kind, source, target), 6, 4);
    Executor executor = open(2);
    prepareBoth(executor);
    BatchPlan plan = scheduler.next(0);
    assertThatThrownBy(() -> executor.execute(plan, new StepResult()))
        .isInstanceOf(IllegalArgumentException.class)
        .hasMessageContaining(message);
  }

  private static void refusedPrepare(
      Executor executor, int slot, int[] tokens, int count, String message) {
    assertThatThrownBy(() -> executor.prepare(slot, 0, tokens, count, SamplingParameters.GREEDY))
        .isInstanceOf(IllegalArgumentException.class)
        .hasMessageContaining(message);
  }

  private static void prepareBoth(Executor executor) {
    prepare(executor, 0, 0, TOKENS.length);
    prepare(executor, 1, 1, TOKENS.length);
  }

  private static void prepare(Executor executor, int slot, long handle, int count) {
    executor.prepare(slot, handle, TOKENS, count, SamplingParameters.GREEDY);
  }

  private static Executor open(int slots) {
    return new CpuExecutorProvider()
        .open(
            new SeededWeights(DecoderShape.TINY, 1),
            ExecutorOptions.of(4, 9, slots).withPrecision(Precision.DOUBLE));
  }

  private record Move(KvMoveKind kind, int source, int target) {}

  /** A scheduler with two requests whose tables and moves are not what its pool says. */
  private static EngineScheduler scheduler(
      IntUnaryOperator block, Move move, int chunk, int blockTokens) {
    KvBlockPool inner =
        PagedKvBlockPool.of(PagedKvConfig.of(blockTokens, 9).withPrefixCaching(false));
    KvBlockPool pool =
        (KvBlockPool)
            Proxy.newProxyInstance(
                PlanCheckTest.class.getClassLoader(),
                new Class<?>[] {KvBlockPool.class},
                (proxy, method, args) -> {
                  Object answer = method.invoke(inner, args);
                  if (method.getName().equals("drainMoves") && move != null) {
                    ((KvMoveSink) args[0]).move(move.kind(), move.source(), move.target(), 0, -1);
                  }
                  return method.getName().equals("block")
                      ? (Object) block.applyAsInt((Integer) answer)
                      : answer;
                });
    EngineScheduler scheduler =
        EngineScheduler.builder()
            .policy(new Chunks(chunk))
            .limits(Limits.of(2, 100))
            .pool(pool)
            .build();
    for (String id : new String[] {"a", "b"}) {
      scheduler.submit(
          Request.builder(id, TOKENS.length, 3).tokenIds(TOKENS).arrivalNanos(0).build(), 0);
    }
    return scheduler;
  }

  /** Everybody at once, in chunks of one size. */
  private record Chunks(int tokens) implements BatchingPolicy<Stateless> {
    @Override
    public String id() {
      return "chunks";
    }

    @Override
    public Stateless newState() {
      return Stateless.STATE;
    }

    @Override
    public void plan(Stateless state, BatchView view, BatchDraft draft) {
      for (int i = 0; i < view.runningCount(); i++) {
        int s = view.running(i);
        draft.schedule(s, Math.min(tokens, view.needTokens(s)));
      }
      while (view.firstWaiting() != BatchView.NONE) {
        draft.admit(view.firstWaiting(), tokens, 0, 0);
      }
    }
  }
}
