package io.headway.examples.serve;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import io.headway.api.model.DecoderShape;
import io.headway.executor.weights.SeededWeights;
import java.util.List;
import java.util.Map;
import org.junit.jupiter.api.Test;

class ServerTest {
  private static Server served(String policy) {
    SeededWeights weights = new SeededWeights(DecoderShape.TINY, 1);
    try (Server server = new Server(policy, "cpu", weights)) {
      for (int i = 1; i <= 6; i++) {
        server.submit("p" + i, Main.prompt(i, weights.shape().vocabularySize()), 5 * i);
      }
      server.submit("huge", Main.prompt(13, weights.shape().vocabularySize()), 5);
      server.run();
      return server;
    }
  }

  @Test
  void theSameTokensComeUnderEveryPolicy() {
    Map<String, List<Integer>> first = served("static-fcfs").outputs;
    assertThat(first).hasSize(6);
    first.forEach(
        (name, tokens) -> assertThat(tokens).hasSize(5 * Integer.parseInt(name.substring(1))));
    for (String policy : List.of("orca", "vllm-v1", "vtc", "sarathi-serve:tokenBudget=8")) {
      assertThat(served(policy).outputs).as(policy).isEqualTo(first);
    }
  }

  @Test
  void smallerBudgetsTakeMoreSteps() {
    assertThat(served("sarathi-serve:tokenBudget=8").steps)
        .isGreaterThan(served("sarathi-serve:tokenBudget=256").steps);
  }

  @Test
  void everybodyIsToldWhatCameOfIt() {
    Server server = served("orca");
    assertThat(server.ends)
        .hasSize(7)
        .containsEntry("p1", "LENGTH")
        .containsEntry("huge", "NEVER_FITS");
  }

  @Test
  void anUnknownDeviceIsNamed() {
    SeededWeights weights = new SeededWeights(DecoderShape.TINY, 1);
    assertThatThrownBy(() -> new Server("orca", "tpu", weights))
        .isInstanceOf(IllegalArgumentException.class)
        .hasMessageContaining("executor must be one of [cpu]")
        .hasMessageContaining("'tpu'");
  }
}
