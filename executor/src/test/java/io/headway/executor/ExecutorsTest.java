package io.headway.executor;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import io.headway.api.model.DecoderShape;
import io.headway.executor.cpu.CpuExecutorProvider;
import io.headway.executor.weights.SeededWeights;
import io.headway.executor.weights.Weights;
import java.util.List;
import org.junit.jupiter.api.Test;

class ExecutorsTest {
  private record Other(String id) implements ExecutorProvider {
    @Override
    public Availability availability() {
      return new Availability(false, "tried libother.so");
    }

    @Override
    public Executor open(Weights weights, ExecutorOptions options) {
      throw new IllegalStateException("no device");
    }
  }

  @Test
  void theCpuIsAlwaysFoundAndTheOthersNamed() {
    Executors found = Executors.discover(getClass().getClassLoader());
    assertThat(found.named("cpu").availability().available()).isTrue();
    assertThat(found.named("cpu").availability().description()).contains("processors");
    assertThat(found.broken()).isEmpty();
    assertThat(found.leftOut()).containsKeys("cuda", "opencl");
    assertThatThrownBy(() -> found.named("cuda"))
        .hasMessage(
            "executor must be one of [cpu], but was 'cuda'; it comes with headway-executor-gpu,"
                + " which needs Java 25 and was left out");
    assertThatThrownBy(() -> found.named("tpu"))
        .hasMessage("executor must be one of [cpu], but was 'tpu'");
  }

  @Test
  void providersAreOrderedAndDistinct() {
    Executors executors =
        Executors.of(List.of(new Other("opencl"), new CpuExecutorProvider(), new Other("cuda")));
    assertThat(executors.providers())
        .extracting(ExecutorProvider::id)
        .containsExactly("cpu", "cuda", "opencl");
    assertThat(executors.leftOut()).isEmpty();
    assertThatThrownBy(() -> Executors.of(List.of(new Other("x"), new Other("x"))))
        .isInstanceOf(IllegalArgumentException.class)
        .hasMessageContaining("executor id 'x' is provided by both");
  }

  @Test
  void modelsThatDoNotFitAreRefusedBeforeTheyAreLoaded() {
    Weights large = new SeededWeights(DecoderShape.LLAMA2_70B, 1);
    assertThatThrownBy(
            () -> new CpuExecutorProvider().open(large, ExecutorOptions.of(16, 1_000, 8)))
        .isInstanceOf(IllegalArgumentException.class)
        .hasMessageContaining("llama2-70b in FLOAT with 1000 KV blocks needs")
        .hasMessageContaining("but the heap has");
    assertThatThrownBy(
            () ->
                new CpuExecutorProvider()
                    .open(
                        new SeededWeights(DecoderShape.TINY, 1),
                        ExecutorOptions.of(16, 8, 8).withPrecision(Precision.BFLOAT16)))
        .hasMessage("precision must be FLOAT or DOUBLE on the CPU, but was BFLOAT16");
  }

  @Test
  void draftsRepeatWhatFollowedBefore() {
    int[] tokens = {1, 2, 3, 9, 1, 2, 3, 4, 5, 2, 3};
    int[] nodes = new int[5];
    int[] parents = new int[5];
    PromptLookupDrafter drafter = PromptLookupDrafter.DEFAULT;
    assertThat(drafter.draft(tokens, tokens.length, 4, nodes, parents)).isEqualTo(4);
    assertThat(nodes).containsExactly(0, 4, 5, 2, 3);
    assertThat(parents).containsExactly(0, 0, 1, 2, 3);
    assertThat(drafter.draft(tokens, 4, 4, nodes, parents)).isZero();
    assertThat(drafter.draft(new int[] {7, 7}, 2, 4, nodes, parents)).isEqualTo(1);
    assertThatThrownBy(() -> new PromptLookupDrafter(2, 3))
        .hasMessage("minNgramTokens must be from 1 to maxNgramTokens = 2 tokens, but was 3");
  }
}
