package io.headway.executor.gpu;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import io.headway.api.Request;
import io.headway.api.memory.KvTier;
import io.headway.api.model.DecoderShape;
import io.headway.executor.Executor;
import io.headway.executor.ExecutorOptions;
import io.headway.executor.ExecutorProvider;
import io.headway.executor.Executors;
import io.headway.executor.Precision;
import io.headway.executor.SamplingParameters;
import io.headway.executor.cpu.CpuExecutorProvider;
import io.headway.executor.weights.SeededWeights;
import io.headway.memory.pool.PagedKvBlockPool;
import io.headway.memory.pool.PagedKvConfig;
import io.headway.runtime.BatchPlan;
import io.headway.runtime.EngineEvents;
import io.headway.runtime.EngineScheduler;
import io.headway.runtime.Limits;
import io.headway.runtime.StepResult;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.util.SplittableRandom;
import org.junit.jupiter.api.Test;

class GpuExecutorTest {
  private static final int BLOCKS = 16;
  private static final ExecutorOptions OPTIONS = ExecutorOptions.of(4, BLOCKS, 2);

  /** Prefills one prompt on an executor and returns the logits behind it. */
  private static double[] prefill(Executor executor, int[] prompt) {
    EngineScheduler scheduler =
        EngineScheduler.builder()
            .policy("vllm-v1")
            .pool(PagedKvBlockPool.of(PagedKvConfig.of(4, BLOCKS)))
            .limits(Limits.of(2, 64))
            .build();
    scheduler.submit(Request.builder("a", prompt.length, 3).tokenIds(prompt).build(), 0);
    BatchPlan plan = scheduler.next(0);
    scheduler.events(
        new EngineEvents() {
          @Override
          public void granted(int slot, long handle) {
            executor.prepare(slot, handle, prompt, prompt.length, SamplingParameters.GREEDY);
          }
        });
    StepResult result = new StepResult();
    executor.execute(plan, result);
    double[] logits = new double[executor.shape().vocabularySize()];
    executor.logits(0, 0, logits);
    return logits;
  }

  private static int[] prompt(DecoderShape shape, int length) {
    return new SplittableRandom(9).ints(length, 0, shape.vocabularySize()).toArray();
  }

  @Test
  void logitsAndCacheAgreeWithTheReference() {
    OpenClPresent.assume();
    for (DecoderShape shape :
        new DecoderShape[] {DecoderShape.TINY, DecoderShape.TINY_BIAS, DecoderShape.TINY_MOE}) {
      int[] prompt = prompt(shape, 21);
      try (Executor cpu = new CpuExecutorProvider().open(new SeededWeights(shape, 4), OPTIONS);
          Executor gpu =
              new GpuExecutorProvider.OpenCl().open(new SeededWeights(shape, 4), OPTIONS)) {
        double[] want = prefill(cpu, prompt);
        double[] got = prefill(gpu, prompt);
        double most = 0;
        for (double value : want) {
          most = Math.max(most, Math.abs(value));
        }
        for (int i = 0; i < want.length; i++) {
          assertThat(Math.abs(got[i] - want[i])).isLessThan(1e-5 * most);
        }
        // Blocks have one layout on every executor, so that sequences can be handed over.
        assertThat(gpu.kvBlockBytes()).isEqualTo(cpu.kvBlockBytes());
        float[] wantBlock = block(cpu, 1);
        float[] gotBlock = block(gpu, 1);
        for (int i = 0; i < wantBlock.length; i++) {
          assertThat(gotBlock[i])
              .isCloseTo(wantBlock[i], org.assertj.core.data.Offset.offset(2e-5f));
        }
      }
    }
  }

  private static float[] block(Executor executor, int block) {
    ByteBuffer bytes =
        ByteBuffer.allocate((int) executor.kvBlockBytes()).order(ByteOrder.LITTLE_ENDIAN);
    executor.readBlock(KvTier.DEVICE, block, bytes);
    bytes.flip();
    float[] values = new float[bytes.remaining() / Float.BYTES];
    bytes.asFloatBuffer().get(values);
    return values;
  }

  @Test
  void blocksComeBackAsTheyWereWritten() {
    OpenClPresent.assume();
    try (Executor gpu =
        new GpuExecutorProvider.OpenCl()
            .open(new SeededWeights(DecoderShape.TINY, 4), OPTIONS.withHostBlocks(2))) {
      byte[] content = new byte[(int) gpu.kvBlockBytes()];
      new SplittableRandom(3).nextBytes(content);
      for (KvTier tier : new KvTier[] {KvTier.DEVICE, KvTier.HOST}) {
        gpu.writeBlock(tier, 1, 4, ByteBuffer.wrap(content));
        ByteBuffer back = ByteBuffer.allocate(content.length);
        gpu.readBlock(tier, 1, back);
        assertThat(back.array()).isEqualTo(content);
      }
      assertThatThrownBy(
              () -> gpu.readBlock(KvTier.DEVICE, BLOCKS, ByteBuffer.allocate(content.length)))
          .isInstanceOf(IllegalArgumentException.class)
          .hasMessageContaining("block must be from 0 to " + (BLOCKS - 1));
      assertThatThrownBy(() -> gpu.readBlock(KvTier.HOST, 0, ByteBuffer.allocate(3)))
          .isInstanceOf(IllegalArgumentException.class)
          .hasMessageContaining("bytes left for one block, but has 3");
    }
  }

  @Test
  void doubleIsRefusedByName() {
    for (ExecutorProvider provider :
        new ExecutorProvider[] {new GpuExecutorProvider.OpenCl(), new GpuExecutorProvider.Cuda()}) {
      assertThatThrownBy(
              () ->
                  provider.open(
                      new SeededWeights(DecoderShape.TINY, 1),
                      OPTIONS.withPrecision(Precision.DOUBLE)))
          .isInstanceOf(IllegalArgumentException.class)
          .hasMessage(
              "precision must be FLOAT or BFLOAT16 on a GPU, but was DOUBLE; the executor 'cpu' computes in double");
    }
  }

  @Test
  void bothProvidersAreFoundAndSayWhatIsThere() {
    Executors found = Executors.discover(GpuExecutorTest.class.getClassLoader());
    assertThat(found.broken()).isEmpty();
    assertThat(found.providers())
        .extracting(ExecutorProvider::id)
        .contains("cpu", "cuda", "opencl");
    for (ExecutorProvider provider : found.providers()) {
      assertThat(provider.availability().description()).isNotBlank().doesNotContain("\n");
    }
    ExecutorProvider cuda = found.named("cuda");
    if (!cuda.availability().available()) {
      assertThatThrownBy(() -> cuda.open(new SeededWeights(DecoderShape.TINY, 1), OPTIONS))
          .isInstanceOf(IllegalStateException.class)
          .hasMessage(cuda.availability().description());
    }
  }

  @Test
  void theContextIsCutByTheSameRuleOnHostAndDevice() {
    assertThat(GpuExecutor.splits(1)).isEqualTo(1);
    assertThat(GpuExecutor.splits(128)).isEqualTo(1);
    assertThat(GpuExecutor.splits(129)).isEqualTo(2);
    assertThat(GpuExecutor.splits(4096)).isEqualTo(32);
    // A context of 5,000 needs 10 parts, but one of 4,096 in the same batch 32.
    assertThat(GpuExecutor.splits(5000)).isEqualTo(32);
    assertThat(GpuExecutor.splits(65_536)).isEqualTo(128);
  }
}
