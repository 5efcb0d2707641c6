package io.headway.batching.speculation.verification;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;
import static org.assertj.core.api.Assertions.within;

import io.headway.api.RandomSource;
import java.util.Arrays;
import net.jqwik.api.ForAll;
import net.jqwik.api.Property;
import net.jqwik.api.constraints.IntRange;
import org.junit.jupiter.api.Test;

class ChainVerificationTest {
  private static final double[][] P = {{.5, .3, .2, 0}, {.1, .6, .2, .1}, {.25, .25, .25, .25}};
  private static final double[][] Q = {{.4, .4, .1, .1}, {.3, .2, .4, .1}};

  private static double[] simplex(RandomSource random, int size) {
    double[] p = new double[size];
    double sum = 0;
    for (int x = 0; x < size; x++) {
      p[x] = random.nextInt(4) == 0 ? 0 : random.nextDouble();
      sum += p[x];
    }
    if (sum == 0) {
      p[0] = 1;
      return p;
    }
    for (int x = 0; x < size; x++) {
      p[x] /= sum;
    }
    return p;
  }

  @Property(seed = "42", tries = 500)
  void theTargetIsReproducedExactly(
      @ForAll long seed, @ForAll @IntRange(min = 2, max = 50) int size) {
    RandomSource random = RandomSource.seeded(seed);
    double[] p = simplex(random, size);
    double[] q = simplex(random, size);
    OutputLaw law = OutputLaw.firstToken(p, q);
    assertThat(law.distribution()).containsExactly(p, within(1e-12));
    assertThat(law.lossless()).isTrue();
    double beta = SpeculativeSampling.acceptance(p, q);
    assertThat(beta).isBetween(0.0, 1 + 1e-12);
    assertThat(SpeculativeSampling.acceptance(q, p)).isCloseTo(beta, within(1e-12));
    assertThat(SpeculativeSampling.distance(p, q)).isCloseTo(1 - beta, within(1e-12));
    assertThat(SpeculativeSampling.acceptance(p, p)).isCloseTo(1, within(1e-12));
  }

  @Test
  void theVerifierFollowsTheLawOnAnEvenGrid() {
    // Even grids of both uniforms stand for their distributions; the draft is weighted by q.
    int n = 400;
    double[] law = new double[4];
    for (int x = 0; x < 4; x++) {
      for (int i = 0; i < n; i++) {
        for (int j = 0; j < n; j++) {
          ChainVerification result =
              ChainVerification.verify(
                  new int[] {x},
                  new double[][] {P[0], P[2]},
                  new double[][] {Q[0]},
                  new double[] {(i + 0.5) / n},
                  (j + 0.5) / n,
                  ChainVerification.NO_END);
          law[result.emitted()[0]] += Q[0][x] / n / n;
        }
      }
    }
    assertThat(law).containsExactly(P[0], within(2.0 / n));
  }

  private static int[] emitted(int a, int b, double r1, double r2, double u) {
    return ChainVerification.verify(
            new int[] {a, b}, P, Q, new double[] {r1, r2}, u, ChainVerification.NO_END)
        .emitted();
  }

  @Test
  void publishedTable() {
    assertThat(emitted(0, 2, .9, .4, .5)).containsExactly(0, 2, 2);
    assertThat(emitted(0, 2, .9, .6, .5)).containsExactly(0, 1);
    assertThat(emitted(1, 1, .8, .2, .3)).containsExactly(0);
    assertThat(emitted(1, 1, .7, .9, .99)).containsExactly(1, 1, 3);
    assertThat(emitted(3, 0, 0, .1, .4)).as("p = 0 is refused even at r = 0").containsExactly(0);
  }

  @Property(seed = "42")
  void whatIsEmittedIsAPrefixAndOneTokenMore(
      @ForAll long seed, @ForAll @IntRange(min = 0, max = 6) int gamma) {
    RandomSource random = RandomSource.seeded(seed);
    double[][] p = new double[gamma + 1][];
    double[][] q = new double[gamma][];
    int[] drafts = new int[gamma];
    double[] uniforms = new double[gamma];
    for (int i = 0; i <= gamma; i++) {
      p[i] = simplex(random, 5);
      if (i < gamma) {
        q[i] = simplex(random, 5);
        drafts[i] = SpeculativeSampling.draw(q[i], random.nextDouble());
        uniforms[i] = random.nextDouble();
      }
    }
    ChainVerification result =
        ChainVerification.verify(
            drafts, p, q, uniforms, random.nextDouble(), ChainVerification.NO_END);
    int n = result.acceptedDrafts();
    int[] emitted = result.emitted();
    assertThat(emitted).hasSize(n + 1);
    assertThat(Arrays.copyOf(emitted, n)).containsExactly(Arrays.copyOf(drafts, n));
    assertThat(result.uniformsUsed()).isEqualTo(n < gamma ? n + 2 : n + 1);
    assertThat(p[n][emitted[n]]).as("the target can emit it").isPositive();
    assertThat(Arrays.stream(result.finalDistribution()).sum()).isCloseTo(1, within(1e-9));
  }

  @Test
  void anAcceptedEndTokenEndsTheOutput() {
    ChainVerification result =
        ChainVerification.verify(new int[] {0, 2}, P, Q, new double[] {.9, .4}, .5, 0);
    assertThat(result.emitted()).containsExactly(0);
    assertThat(result.acceptedDrafts()).isEqualTo(1);
    assertThat(result.finalDistribution()).isNull();
    assertThat(result.uniformsUsed()).isEqualTo(1);
  }

  @Test
  void acceptedLengthsHaveTheStatedMean() {
    double[] lengths = OutputLaw.acceptedLengths(new double[] {.8, .6});
    assertThat(lengths).containsExactly(new double[] {.2, .32, .48}, within(1e-12));
    assertThat(OutputLaw.meanEmitted(lengths)).isCloseTo(2.28, within(1e-12));
  }

  @Test
  void refusesWhatCannotBe() {
    assertThatThrownBy(() -> emitted(0, 9, 0, 0, 0))
        .isInstanceOf(IllegalArgumentException.class)
        .hasMessage("draft 1 must be a token of both rows, but is 9 with rows of 4 and 4 entries");
    assertThatThrownBy(
            () ->
                ChainVerification.verify(
                    new int[] {2},
                    new double[][] {P[2], P[2]},
                    new double[][] {{.5, .5, 0, 0}},
                    new double[] {.1},
                    0,
                    ChainVerification.NO_END))
        .isInstanceOf(ZeroDraftProbabilityException.class)
        .hasMessage(
            "the draft probability of every drafted token must be above 0, but that of draft 0,"
                + " token 2, is 0");
    assertThatThrownBy(
            () ->
                ChainVerification.verify(
                    new int[] {1}, new double[][] {P[0]}, Q, new double[] {0}, 0, -1))
        .hasMessage(
            "1 drafted tokens need 2 target rows, 1 draft rows and as many uniforms, but there are"
                + " 1, 2 and 1");
    assertThatThrownBy(
            () -> SpeculativeSampling.acceptance(new double[] {.5, .4}, new double[] {.5, .5}))
        .hasMessageStartingWith("target must sum to 1, but sums to 0.9");
    assertThatThrownBy(() -> SpeculativeSampling.draw(new double[2], 0))
        .hasMessage("weights must have an entry above 1e-12, but were [0.0, 0.0]");
    assertThatThrownBy(() -> SpeculativeSampling.draw(new double[] {1}, 1))
        .hasMessage("uniform must be in [0, 1), but was 1.0");
  }
}
