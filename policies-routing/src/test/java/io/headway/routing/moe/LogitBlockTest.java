package io.headway.routing.moe;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import io.headway.api.RandomSource;
import io.headway.api.Stateless;
import io.headway.api.moe.CapacityRule;
import io.headway.api.moe.ExpertAssignments;
import io.headway.api.moe.ExpertRouter;
import io.headway.api.moe.MoeInputException;
import io.headway.api.moe.RouterInput;
import io.headway.api.moe.SignalLevel;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.Locale;
import org.junit.jupiter.api.Test;

/**
 * Single-precision logits are routed in blocks of tokens, double-precision ones token by token: the
 * same numbers must give the same decision, bit for bit, wherever a token stands in a block.
 */
class LogitBlockTest {
  private enum Kind {
    SMOOTH,
    TIES,
    NEARLY_EQUAL,
    MASKED,
    ZEROS,
    WIDE,
    OFFSET,
    SUBNORMAL;

    float logit(RandomSource random, int expert) {
      double u = 2 * random.nextDouble() - 1;
      return (float)
          switch (this) {
            case SMOOTH -> 3 * u;
            case TIES -> Math.rint(3 * u) / 2;
            case NEARLY_EQUAL -> 4e-15 * u;
            case MASKED ->
                expert > 0 && random.nextDouble() < 0.6 ? Double.NEGATIVE_INFINITY : 3 * u;
            case ZEROS -> u < -0.5 ? -0.0 : u < 0 ? 0.0 : -u;
            case WIDE -> 1e3 * u;
            case OFFSET -> 1e6 + u;
            case SUBNORMAL -> Float.MIN_VALUE * random.nextInt(4);
          };
    }
  }

  private static List<ExpertRouter<Stateless>> routers() {
    List<ExpertRouter<Stateless>> routers = new ArrayList<>();
    for (int k : new int[] {1, 2, 5, 8, 9}) {
      for (GateNormalisation gates :
          new GateNormalisation[] {GateNormalisation.NONE, GateNormalisation.CHOSEN}) {
        routers.add(
            new TopKRouter(
                new TopKRouter.Config(
                    k,
                    CapacityRule.factor(1.25),
                    FillOrder.TOKEN,
                    gates,
                    1,
                    TieBreak.LOWEST_EXPERT)));
      }
    }
    routers.add(new SwitchRouter(SwitchRouter.Config.DEFAULT));
    routers.add(GShardRouter.glam(new GShardRouter.Config(CapacityRule.factor(1.25), 1)));
    routers.add(new ExpertChoiceRouter(ExpertChoiceRouter.Config.DEFAULT));
    return routers;
  }

  private static String routed(ExpertRouter<Stateless> router, RouterInput input) {
    ExpertAssignments out = new ExpertAssignments().signalLevel(SignalLevel.NONE);
    router.route(input, Stateless.STATE, out);
    return Batches.show(out);
  }

  private static String firstDifference(String left, String right) {
    List<String> others = right.lines().toList();
    List<String> lines = left.lines().toList();
    for (int i = 0; i < Math.max(lines.size(), others.size()); i++) {
      String line = i < lines.size() ? lines.get(i) : "nothing";
      String other = i < others.size() ? others.get(i) : "nothing";
      if (!line.equals(other)) {
        return line + " instead of " + other;
      }
    }
    return "";
  }

  @Test
  void aBlockDecidesWhatTokenByTokenDecides() {
    for (Kind kind : Kind.values()) {
      for (int experts : new int[] {9, 16, 17, 64, 100, 256}) {
        RandomSource random = RandomSource.seeded(31L * experts + kind.ordinal());
        int tokens = 150;
        float[] single = new float[tokens * experts];
        double[] twice = new double[single.length];
        boolean[] padding = new boolean[tokens];
        for (int i = 0; i < single.length; i++) {
          single[i] = kind.logit(random, i % experts);
          twice[i] = single[i];
        }
        for (int t = 0; t < tokens; t++) {
          padding[t] = experts == 100 && random.nextInt(8) == 0;
        }
        for (ExpertRouter<Stateless> router : routers()) {
          String inBlocks =
              routed(router, new RouterInput().logits(single, tokens, experts).padding(padding));
          String oneByOne =
              routed(router, new RouterInput().logits(twice, tokens, experts).padding(padding));
          assertThat(firstDifference(inBlocks, oneByOne))
              .as("%s of %d experts, %s", router.id(), experts, kind)
              .isEmpty();
        }
      }
    }
  }

  @Test
  void aBlockRefusesWhatATokenRefuses() {
    int tokens = 64;
    int experts = 32;
    for (float bad : new float[] {Float.NaN, -Float.NaN, Float.POSITIVE_INFINITY}) {
      for (int at : new int[] {0, 31, 37 * experts + 5, tokens * experts - 1}) {
        float[] logits = new float[tokens * experts];
        logits[at] = bad;
        for (ExpertRouter<Stateless> router : routers()) {
          assertThatThrownBy(
                  () -> routed(router, new RouterInput().logits(logits, tokens, experts)))
              .as(router.id())
              .isInstanceOf(IllegalArgumentException.class)
              .hasMessage(
                  String.format(
                      Locale.ROOT,
                      "logits[%d][%d] must be finite or -Infinity, but was %s",
                      at / experts,
                      at % experts,
                      (double) bad));
        }
      }
    }
  }

  @Test
  void aBlockRefusesATokenThatMasksEveryExpert() {
    float[] logits = new float[64 * 32];
    Arrays.fill(logits, 20 * 32, 21 * 32, Float.NEGATIVE_INFINITY);
    for (ExpertRouter<Stateless> router : routers()) {
      assertThatThrownBy(() -> routed(router, new RouterInput().logits(logits, 64, 32)))
          .as(router.id())
          .isInstanceOf(MoeInputException.class)
          .hasMessageContaining("token 20");
    }
  }
}
