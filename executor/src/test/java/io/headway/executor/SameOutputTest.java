package io.headway.executor;

import static org.assertj.core.api.Assertions.assertThat;

import io.headway.api.Decision;
import io.headway.api.Request;
import io.headway.api.batching.BatchingPolicy;
import io.headway.api.config.PolicyProvider;
import io.headway.api.config.PolicyRegistry;
import io.headway.api.model.DecoderShape;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Random;
import java.util.stream.Stream;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.TestInstance;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.MethodSource;

/**
 * The oracle: whatever a policy does to a request, its output is the one it has when it runs alone.
 * In double the logits are equal to the last bit; in float, too, and they differ from those in
 * double by at most {@link #FLOAT_BOUND}.
 */
@TestInstance(TestInstance.Lifecycle.PER_CLASS)
class SameOutputTest {
  private static final PolicyRegistry POLICIES =
      PolicyRegistry.discover(SameOutputTest.class.getClassLoader());

  private static final int SCHEDULES_PER_POLICY = 10;
  private static final int SCHEDULES_AT_RANDOM = 100;

  /**
   * Largest difference of a float logit from the double one. Logits of these models have a standard
   * deviation near 1 (near 6 with tied embeddings); 2 layers of sums over at most 64 terms of
   * relative error 2^-24 each stay far below.
   */
  private static final double FLOAT_BOUND = 2e-4;

  private final Map<String, Served.Output> alone = new HashMap<>();

  private int moves;
  private int accepted;
  private int refused;
  private int preemptions;
  private int relocations;
  private long hitTokens;
  private int compared;

  static Stream<String> policies() {
    return POLICIES.providers(Decision.BATCHING).stream().map(PolicyProvider::id);
  }

  @ParameterizedTest
  @MethodSource("policies")
  void anOutputDoesNotDependOnThePolicy(String id) {
    for (int seed = 0; seed < SCHEDULES_PER_POLICY; seed++) {
      Random random = new Random(31L * id.hashCode() + seed);
      BatchingPolicy<?> policy = POLICIES.create(Decision.BATCHING, id, BatchingPolicy.class);
      check(Meddling.with(policy, seed, seed % 2 == 1, true), random, id + ", seed " + seed);
    }
  }

  @Test
  void anOutputDoesNotDependOnAnyDecision() {
    for (int seed = 0; seed < SCHEDULES_AT_RANDOM; seed++) {
      check(new AnyDecisions(seed), new Random(seed), "any decisions, seed " + seed);
    }
  }

  @AfterAll
  void everythingHappened() {
    assertThat(compared).as("outputs compared").isGreaterThan(500);
    assertThat(moves).as("copies and swaps").isGreaterThan(200);
    assertThat(relocations).as("blocks copied elsewhere").isGreaterThan(200);
    assertThat(accepted).as("drafts accepted").isGreaterThan(200);
    assertThat(refused).as("drafts refused").isGreaterThan(200);
    assertThat(preemptions).as("preemptions").isGreaterThan(100);
    assertThat(hitTokens).as("tokens found in the prefix cache").isGreaterThan(500);
  }

  private void check(BatchingPolicy<?> policy, Random random, String what) {
    DecoderShape shape =
        List.of(DecoderShape.TINY, DecoderShape.TINY_BIAS, DecoderShape.TINY_MOE)
            .get(random.nextInt(3));
    Precision precision = random.nextInt(4) == 0 ? Precision.FLOAT : Precision.DOUBLE;
    List<Served.Ask> asks = asks(random, shape.vocabularySize());
    int largest = 0;
    TreeDrafter drafter = new TreeDrafter(random.nextLong(), shape.vocabularySize());
    for (Served.Ask ask : asks) {
      largest = Math.max(largest, ask.request().maxKvTokens());
      teach(drafter, ask, shape, precision);
    }
    int blocks = largest / Served.BLOCK_TOKENS + 2 + random.nextInt(12);
    int spares = 4;
    ExecutorOptions options =
        Served.options(blocks + spares, 2 + random.nextInt(5))
            .withPrecision(precision)
            .withHostBlocks(random.nextInt(3) * 8)
            .withDrafter(random.nextBoolean() ? drafter : PromptLookupDrafter.DEFAULT)
            .withThreads(random.nextInt(8) == 0 ? 2 : 1);
    int maxTokens = random.nextInt(3) == 0 ? 8 + random.nextInt(40) : 1 << 20;
    Served served =
        new Served(
            policy, shape, options, spares, 1 + random.nextInt(3), maxTokens, random.nextLong());
    int next = 0;
    int rounds = 0;
    while (next < asks.size() || !served.scheduler.isIdle()) {
      if (next < asks.size() && (served.scheduler.isIdle() || random.nextInt(3) == 0)) {
        served.submit(asks.get(next++));
      }
      served.step();
      assertThat(++rounds).as("%s: steps", what).isLessThan(20_000);
    }
    served.close();
    for (Served.Ask ask : asks) {
      compare(ask, shape, precision, served.output(ask.request().id()), what);
    }
    moves += served.moves;
    accepted += served.accepted;
    refused += served.verified - served.accepted;
    preemptions += (int) served.scheduler.stats().preemptions();
    relocations += served.relocations();
    hitTokens += served.scheduler.stats().prefixHitTokens();
  }

  private void compare(
      Served.Ask ask, DecoderShape shape, Precision precision, Served.Output output, String what) {
    Served.Output expected = alone(ask, shape, precision);
    String id = what + ", " + shape.name() + ", " + precision + ", " + ask.request();
    int length = output.tokens.size();
    if (output.end.equals("LENGTH") || output.end.equals("STOPPED")) {
      assertThat(output.end).as(id).isEqualTo(expected.end);
      assertThat(length).as(id).isEqualTo(expected.tokens.size());
      compared++;
    }
    assertThat(output.tokens).as(id).isEqualTo(expected.tokens.subList(0, length));
    for (int i = 0; i < length; i++) {
      assertThat(Arrays.equals(output.logits.get(i), expected.logits.get(i)))
          .as("%s: logits behind output token %d are equal to the last bit", id, i)
          .isTrue();
    }
    if (precision == Precision.FLOAT) {
      Served.Output exact = alone(ask, shape, Precision.DOUBLE);
      for (int i = 0; i < Math.min(length, exact.tokens.size()); i++) {
        if (i > 0 && !output.tokens.get(i - 1).equals(exact.tokens.get(i - 1))) {
          break;
        }
        for (int v = 0; v < shape.vocabularySize(); v++) {
          assertThat(Math.abs(output.logits.get(i)[v] - exact.logits.get(i)[v]))
              .as("%s: float and double at output token %d, logit %d", id, i, v)
              .isLessThanOrEqualTo(FLOAT_BOUND);
        }
      }
      assertThat(output.tokens).as(id).isEqualTo(exact.tokens.subList(0, length));
    }
  }

  /** The output of a request that has the instance to itself, in one chunk, cold. */
  private Served.Output alone(Served.Ask ask, DecoderShape shape, Precision precision) {
    String key = shape.name() + precision + ask.sampling() + ask.request() + hash(ask);
    return alone.computeIfAbsent(
        key,
        unused -> {
          Served served =
              new Served(
                  POLICIES.create(Decision.BATCHING, "vllm-v1", BatchingPolicy.class),
                  shape,
                  Served.options(32, 1).withPrecision(precision),
                  0,
                  1,
                  1 << 20,
                  0);
          served.submit(ask);
          served.run();
          served.close();
          return served.output(ask.request().id());
        });
  }

  private void teach(TreeDrafter drafter, Served.Ask ask, DecoderShape shape, Precision precision) {
    int prompt = ask.request().promptTokens();
    List<Integer> output = alone(ask, shape, precision).tokens;
    int[] whole = new int[prompt + output.size()];
    for (int i = 0; i < whole.length; i++) {
      whole[i] = i < prompt ? ask.request().tokenId(i) : output.get(i - prompt);
    }
    drafter.knows(Arrays.copyOf(whole, prompt), whole);
  }

  /** Requests of which many share the beginnings of their prompts. */
  private static List<Served.Ask> asks(Random random, int vocabularySize) {
    List<Served.Ask> asks = new ArrayList<>();
    int count = 2 + random.nextInt(5);
    for (int i = 0; i < count; i++) {
      int prompt = 1 + random.nextInt(28);
      int[] tokens = new int[prompt];
      int family = random.nextInt(2);
      int shared = random.nextInt(prompt + 1);
      int variant = random.nextInt(4);
      for (int p = 0; p < prompt; p++) {
        tokens[p] = ((p < shared ? family : 7 * variant + 3) * 37 + p * p * 5 + p) % vocabularySize;
      }
      SamplingParameters sampling =
          switch (random.nextInt(4)) {
            case 0 -> SamplingParameters.seeded(0.8, random.nextInt(3));
            case 1 -> new SamplingParameters(1.2, 10, 0.9, random.nextInt(3), List.of());
            default -> SamplingParameters.GREEDY;
          };
      if (random.nextInt(3) == 0) {
        sampling =
            sampling.withStopTokens(List.of(random.nextInt(96), random.nextInt(96), 5, 17, 41));
      }
      asks.add(
          new Served.Ask(
              Request.builder("r" + i, prompt, 1 + random.nextInt(14)).tokenIds(tokens).build(),
              sampling));
    }
    return asks;
  }

  private static int hash(Served.Ask ask) {
    int hash = 1;
    for (int i = 0; i < ask.request().promptTokens(); i++) {
      hash = 31 * hash + ask.request().tokenId(i);
    }
    return hash;
  }
}
