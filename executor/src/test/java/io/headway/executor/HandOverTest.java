package io.headway.executor;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import io.headway.api.Decision;
import io.headway.api.Request;
import io.headway.api.batching.BatchingPolicy;
import io.headway.api.config.PolicyRegistry;
import io.headway.api.model.DecoderShape;
import io.headway.runtime.Reservation;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.Random;
import org.junit.jupiter.api.Test;

/** Prompts computed on one executor and continued on another. */
class HandOverTest {
  private static final PolicyRegistry POLICIES =
      PolicyRegistry.discover(HandOverTest.class.getClassLoader());

  @Test
  void anOutputGoesOnElsewhereAsIfItHadNeverMoved() {
    for (int seed = 0; seed < 20; seed++) {
      Random random = new Random(seed);
      DecoderShape shape = seed % 2 == 0 ? DecoderShape.TINY : DecoderShape.TINY_MOE;
      Served prefill = served(shape, "sarathi-serve:tokenBudget=8", 40);
      Served decode = served(shape, "vllm-v1", 14 + random.nextInt(20));
      List<Served.Ask> asks = new ArrayList<>();
      for (int i = 0; i < 4; i++) {
        asks.add(ask("r" + i, 1 + random.nextInt(20), 2 + random.nextInt(10), random));
        prefill.submitPrefill(asks.get(i));
      }
      List<Long> waiting = new ArrayList<>();
      for (int rounds = 0; !prefill.scheduler.isIdle() || !decode.scheduler.isIdle(); rounds++) {
        prefill.step();
        waiting.addAll(prefill.handedOver);
        prefill.handedOver.clear();
        waiting.removeIf(handle -> move(prefill, decode, handle));
        decode.step();
        assertThat(rounds).isLessThan(2_000);
      }
      for (Served.Ask ask : asks) {
        Served alone = served(shape, "vllm-v1", 40);
        alone.submit(ask);
        alone.run();
        String id = ask.request().id();
        Served.Output expected = alone.output(id);
        Served.Output here = prefill.output(id);
        Served.Output there = decode.output(id);
        assertThat(here.tokens).isEqualTo(expected.tokens.subList(0, 1));
        assertThat(there.tokens).isEqualTo(expected.tokens.subList(1, expected.tokens.size()));
        for (int i = 0; i < there.logits.size(); i++) {
          assertThat(Arrays.equals(there.logits.get(i), expected.logits.get(i + 1))).isTrue();
        }
        assertThat(here.end).isEqualTo("HANDED_OVER");
        assertThat(there.end).isEqualTo(expected.end);
        alone.close();
      }
      prefill.close();
      decode.close();
    }
  }

  private static boolean move(Served from, Served to, long handle) {
    String id = from.scheduler.request(handle).id();
    Reservation reservation = from.loop.handOver(handle, to.loop, granted -> to.know(granted, id));
    return reservation.granted();
  }

  @Test
  void executorsThatDifferExchangeNoBlocks() {
    Served a = served(DecoderShape.TINY, "vllm-v1", 20);
    Served b = served(DecoderShape.TINY_BIAS, "vllm-v1", 20);
    assertThatThrownBy(() -> KvTransfer.copy(a.executor, new int[1], b.executor, new int[1], 1))
        .isInstanceOf(IllegalArgumentException.class)
        .hasMessage(
            "source and target must have the same model, precision and blockTokens, but are tiny in"
                + " DOUBLE with blocks of 4 tokens and tiny-bias in DOUBLE with blocks of 4"
                + " tokens");
    assertThatThrownBy(() -> KvTransfer.copy(a.executor, new int[1], a.executor, new int[2], 5))
        .isInstanceOf(IllegalArgumentException.class)
        .hasMessageContaining("both block tables must hold 5 tokens in blocks of 4");
  }

  private static Served.Ask ask(String id, int prompt, int output, Random random) {
    return new Served.Ask(
        Request.builder(id, prompt, output).tokenIds(random.ints(prompt, 0, 96).toArray()).build(),
        SamplingParameters.seeded(0.7, random.nextLong()));
  }

  private static Served served(DecoderShape shape, String policy, int blocks) {
    return new Served(
        POLICIES.create(Decision.BATCHING, policy, BatchingPolicy.class),
        shape,
        Served.options(blocks, 4));
  }
}
