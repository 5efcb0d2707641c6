package io.headway.executor;

import static org.assertj.core.api.Assertions.assertThat;

import io.headway.api.Decision;
import io.headway.api.Request;
import io.headway.api.batching.BatchingPolicy;
import io.headway.api.config.PolicyRegistry;
import io.headway.api.model.DecoderShape;
import org.junit.jupiter.api.Test;

class ServingLoopTest {
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

  private static Served served() {
    return new Served(
        PolicyRegistry.discover(ServingLoopTest.class.getClassLoader())
            .create(Decision.BATCHING, "sarathi-serve:tokenBudget=8", BatchingPolicy.class),
        DecoderShape.TINY,
        Served.options(64, 4));
  }

  static Served.Ask ask(String id, int prompt, int output) {
    int[] tokens = new int[prompt];
    for (int i = 0; i < prompt; i++) {
      tokens[i] = (i * 31 + id.hashCode()) % 96;
    }
    return new Served.Ask(
        Request.builder(id, prompt, output).tokenIds(tokens).build(), SamplingParameters.GREEDY);
  }
}
