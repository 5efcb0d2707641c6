package io.headway.executor;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.data.Offset.offset;

import io.headway.api.Decision;
import io.headway.api.Request;
import io.headway.api.batching.BatchingPolicy;
import io.headway.api.config.PolicyRegistry;
import io.headway.api.model.DecoderShape;
import io.headway.executor.weights.SeededWeights;
import java.util.List;
import java.util.Random;
import java.util.stream.Stream;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.MethodSource;

/** The executor computes what the formulas say, whatever shape the model has. */
class FormulaTest {
  static Stream<DecoderShape> shapes() {
    return Stream.of(
        DecoderShape.TINY,
        DecoderShape.TINY_BIAS,
        DecoderShape.TINY_MOE,
        // One KV head for all, widths that fill no tile, odd sizes.
        new DecoderShape("odd", 71, 30, 67, 3, 5, 1, 6, 512, 5e5, 1e-6, true, false, 0, 0),
        // As many KV heads as query heads, wider than the stream, top 3 of 5 experts.
        new DecoderShape("wide", 130, 12, 20, 1, 4, 4, 10, 512, 1e4, 1e-5, false, true, 5, 3));
  }

  @ParameterizedTest
  @MethodSource("shapes")
  void logitsAgreeWithTheFormulas(DecoderShape shape) {
    FormulaModel formulas = new FormulaModel(new SeededWeights(shape, 7));
    Random random = new Random(3);
    for (int prompt : List.of(1, 2, 9, 33)) {
      int[] tokens = random.ints(prompt, 0, shape.vocabularySize()).toArray();
      Served served =
          new Served(
              PolicyRegistry.discover(getClass().getClassLoader())
                  .create(Decision.BATCHING, "sarathi-serve:tokenBudget=7", BatchingPolicy.class),
              shape,
              Served.options(16, 2));
      served.submit(
          new Served.Ask(
              Request.builder("r", prompt, 5).tokenIds(tokens).build(), SamplingParameters.GREEDY));
      served.run();
      served.close();
      Served.Output output = served.output("r");
      int[] whole = new int[prompt + 5];
      for (int i = 0; i < whole.length; i++) {
        whole[i] = i < prompt ? tokens[i] : output.tokens.get(i - prompt);
      }
      double[][] expected = formulas.logits(whole);
      for (int i = 0; i < 5; i++) {
        double[] logits = output.logits.get(i);
        double[] formula = expected[prompt - 1 + i];
        int best = 0;
        for (int v = 0; v < logits.length; v++) {
          assertThat(logits[v])
              .as("%s, prompt %d, output %d, logit %d", shape.name(), prompt, i, v)
              .isCloseTo(formula[v], offset(1e-10));
          best = formula[v] > formula[best] ? v : best;
        }
        assertThat(output.tokens.get(i)).isEqualTo(best);
      }
    }
  }
}
