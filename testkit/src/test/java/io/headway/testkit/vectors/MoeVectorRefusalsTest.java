package io.headway.testkit.vectors;

import static org.assertj.core.api.Assertions.assertThat;

import com.fasterxml.jackson.core.JsonProcessingException;
import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectMapper;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

/** Malformed vectors of experts are refused by name. */
class MoeVectorRefusalsTest {
  private static final ObjectMapper JSON = new ObjectMapper();

  @ParameterizedTest
  @CsvSource(
      delimiter = '|',
      quoteCharacter = '~',
      value = {
        "moe.route|switch|{`capacityRule`:{`slots`:1},`order`:`PRIORTY`,`alpha`:0}|{`experts`:1,`logits`:[[0]]}|order must be TOKEN or PRIORITY, but was 'PRIORTY'",
        "moe.route|base|{}|{`experts`:-3,`scores`:[[0]]}|experts must lie in 0..1000000, but was -3",
        "moe.route|base|{}|{`experts`:2147483647,`scores`:[]}|experts must lie in 0..1000000, but was 2147483647",
        "moe.route|switch|{`capacityRule`:{`slots`:1},`order`:`TOKEN`,`alpha`:0}|{`experts`:1,`logits`:[[0]],`padding`:[1]}|padding must be true or false, but one was 1",
        "moe.route|deepseek-moe|{`topK`:1,`alphas`:{`expert`:0,`device`:0},`deviceExperts`:[[0,1],[1]]}|{`experts`:2,`logits`:[]}|deviceExperts must name each of 2 experts once, but one was 1",
        "moe.route|deepseek-moe|{`topK`:1,`alphas`:{`expert`:0,`device`:0},`deviceExperts`:[[0,5]]}|{`experts`:2,`logits`:[]}|deviceExperts must name each of 2 experts once, but one was 5",
        "moe.route|deepseek-v2|{`topK`:1,`devices`:1,`maxDevices`:1,`routeScale`:1,`alphas`:{`expert`:0,`device`:0,`communication`:0}}|{`experts`:1,`logits`:[[0]],`protectedTokens`:[1]}|protectedTokens must lie below the number of tokens = 1, but one was 1",
        "moe.route|expert-choice-capped|{`capacityRule`:{`slots`:1},`tokenCap`:1,`lambda`:1,`iterations`:2147483647}|{`experts`:1,`logits`:[[0]]}|iterations must be at most 100000, but was 2147483647",
        "moe.route|hunyuan-recycle|{`capacityRule`:{`slots`:2147483646}}|{`experts`:2,`logits`:[],`permutation`:[]}|capacityRule must give at most 1000000 slots over all experts, as free ones are listed, but gave 4294967292",
        "moe.capacity|tutel-capacity|{`topK`:1,`capacityFactor`:1}|{`tokensByRank`:[1],`demandByRank`:[]}|demandByRank must have a rank and an expert, but was empty",
        "moe.capacity|tutel-capacity|{`topK`:1,`capacityFactor`:1}|{`tokensByRank`:[1,1],`demandByRank`:[[1,0],[1]]}|demandByRank must have an entry for each of 2 experts, but had 1",
        "moe.observe|deepseek-v3-bias|{`gamma`:0}|{`experts`:2,`steps`:[{`load`:[1]}]}|load must have an entry for each of 2 experts, but had 1",
        "moe.place|eplb|{`replicas`:2,`groups`:1,`nodes`:1,`gpus`:1}|{`load`:[[1,2],[1]]}|load must have an entry for each of 2 experts, but had 1",
        "moe.signals|layer-time|{`devices`:1,`secondsPerToken`:1,`allToAllSeconds`:0}|{`layers`:[{`device`:[0],`load`:[1,2]}]}|device must have an entry for each of 2 experts, but had 1",
        "moe.signals|devices-per-token|{`deviceByExpert`:[0]}|{`tokens`:1,`assignments`:[[0]]}|assignments must be rows of a token and an expert, but one had 1 entries"
      })
  void whatIsMalformedIsNamed(
      String kind, String algorithm, String params, String input, String message)
      throws JsonProcessingException {
    VectorOutcome outcome =
        VectorRunner.standard()
            .run(
                new ConformanceVector(
                    "moe-routing",
                    algorithm + "/malformed",
                    kind,
                    algorithm,
                    "moe-routing.md#0",
                    json(params),
                    json(input),
                    json("{`capacity`:1}"),
                    0,
                    0,
                    null));
    assertThat(outcome.status()).isEqualTo(VectorOutcome.Status.FAILED);
    assertThat(outcome.difference()).contains(message).doesNotContain("unexpected");
  }

  private static JsonNode json(String text) throws JsonProcessingException {
    return JSON.readTree(text.replace('`', '"'));
  }
}
