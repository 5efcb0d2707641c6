package io.headway.routing.moe;

import io.headway.api.RandomSource;
import io.headway.api.moe.ExpertAssignments;
import io.headway.api.moe.ExpertRouter;
import io.headway.api.moe.RouterInput;
import io.headway.api.moe.SignalLevel;

/** Batches of logits for tests. */
final class Batches {
  /** Eight tokens by four experts, the running example of the documentation. */
  static final double[] A = {
    2.5, 2.4, -0.5, 0, 1.5, 1.8, 0.3, 0, 2.1, -0.3, 1.1, 0.8, 0.4, 0.6, 2.2, 0.3, 2, 1, 0.1, -1,
    1.2, 0.2, 0.7, 1.9, 3, 0.5, 0.2, 0.1, 0.9, 1.4, 0.5, 1.3
  };

  /** Six tokens by four experts with many equal scores. */
  static final double[] TIES = {
    1, 1, 0, 0, 0, 2, 2, 0, 1, 1, 0, 0, 0.5, 0.5, 0.5, 0.5, 0, 2, 2, 0, 1, 1, 0, 0
  };

  /** Six tokens by eight experts. */
  static final double[] D = {
    1.2, -0.4, 0.8, 0.3, -1, 0.5, 0.9, -0.2, 0.1, 0.7, -0.6, 1.5, 0.4, -0.3, 0.2, 1.1, 2, 0.3, 0.6,
    -0.5, 1.4, 0.9, -0.8, 0, -0.7, 1.6, 0.5, 1, -0.1, 0.8, 1.3, -1.2, 1.7, 0.2, 1.8, -0.9, 0.6,
    -0.4, 0.1, 0.7, 0.9, 1.1, -0.2, 0.4, 1.9, 0, -0.5, 1.3
  };

  private Batches() {}

  static RouterInput a() {
    return new RouterInput().logits(A, 8, 4);
  }

  static RouterInput ties() {
    return new RouterInput().logits(TIES, 6, 4);
  }

  static RouterInput d() {
    return new RouterInput().logits(D, 6, 8);
  }

  /** Distinct logits from a seeded source, roughly normal with a popularity skew per expert. */
  static double[] logits(long seed, int tokens, int experts) {
    RandomSource random = RandomSource.seeded(seed);
    double[] skew = new double[experts];
    for (int e = 0; e < experts; e++) {
      skew[e] = random.nextDouble() * 2 - 1;
    }
    double[] logits = new double[tokens * experts];
    for (int i = 0; i < logits.length; i++) {
      double sum = 0;
      for (int n = 0; n < 4; n++) {
        sum += random.nextDouble();
      }
      logits[i] = (sum - 2) * 1.7 + skew[i % experts];
    }
    return logits;
  }

  /** Logits that take few values, so that ties abound. */
  static double[] coarse(long seed, int tokens, int experts) {
    RandomSource random = RandomSource.seeded(seed);
    double[] logits = new double[tokens * experts];
    for (int i = 0; i < logits.length; i++) {
      logits[i] = random.nextInt(4) * 0.5;
    }
    return logits;
  }

  static <S> ExpertAssignments route(ExpertRouter<S> router, RouterInput input) {
    ExpertAssignments out = new ExpertAssignments().signalLevel(SignalLevel.ALL);
    router.route(input, router.newState(), out);
    return out;
  }

  /** Everything that was decided, as text that is easy to compare. */
  static String show(ExpertAssignments out) {
    StringBuilder text = new StringBuilder("capacity " + out.capacitySlots() + "\n");
    for (int i = 0; i < out.pairCount(); i++) {
      text.append(
          "t%d #%d -> e%d slot %d gate %s%n"
              .formatted(
                  out.token(i),
                  out.rank(i),
                  out.expert(i),
                  out.slot(i),
                  Double.toHexString(out.gate(i))));
    }
    for (int i = 0; i < out.dropCount(); i++) {
      text.append(
          "t%d #%d e%d dropped: %s%n"
              .formatted(out.dropToken(i), out.dropRank(i), out.dropExpert(i), out.dropReason(i)));
    }
    return text.toString();
  }
}
