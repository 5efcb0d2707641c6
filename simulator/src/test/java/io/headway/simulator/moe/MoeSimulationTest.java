package io.headway.simulator.moe;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;
import static org.assertj.core.api.Assertions.within;

import io.headway.api.Stateless;
import io.headway.api.moe.CapacityRule;
import io.headway.api.moe.DropReason;
import io.headway.api.moe.ExpertAssignments;
import io.headway.api.moe.ExpertLoad;
import io.headway.api.moe.ExpertPlacement;
import io.headway.api.moe.ExpertRouter;
import io.headway.api.moe.RouterInput;
import io.headway.api.moe.RouterTrait;
import java.util.Arrays;
import java.util.List;
import java.util.Set;
import net.jqwik.api.ForAll;
import net.jqwik.api.Property;
import net.jqwik.api.constraints.IntRange;
import org.junit.jupiter.api.Test;

/** Layer times by hand, popularity by counting, and whole runs with a router of four lines. */
class MoeSimulationTest {
  private static final String SEED = "20261130";
  private static final MoeSimulation.ReplicaRule FIRST =
      (pairs, placement, layer, home, slots) -> {
        for (int i = 0; i < pairs.pairCount(); i++) {
          slots[i] = placement.slot(layer, pairs.expert(i), 0);
        }
      };

  /** Every token to its best expert as far as there is room. */
  private record Best(int slots) implements ExpertRouter<Stateless> {
    @Override
    public String id() {
      return "best";
    }

    @Override
    public Stateless newState() {
      return Stateless.STATE;
    }

    @Override
    public Set<RouterTrait> traits() {
      return Set.of();
    }

    @Override
    public void route(RouterInput input, Stateless state, ExpertAssignments out) {
      double[] row = new double[input.experts()];
      int[] used = new int[input.experts()];
      out.begin(input, slots, 1);
      for (int t = 0; t < input.tokens(); t++) {
        int best = input.loadRow(t, row);
        if (slots == CapacityRule.UNLIMITED_SLOTS || used[best] < slots) {
          out.assign(t, 0, best, slots < 0 ? ExpertAssignments.NO_SLOT : used[best]++, 1);
        } else {
          out.drop(t, 0, best, DropReason.CAPACITY);
        }
      }
      out.end();
    }
  }

  private static ExpertPlacement contiguous(int layers, int experts, int devices) {
    ExpertPlacement placement = new ExpertPlacement();
    placement.begin(layers, experts, experts, devices);
    for (int layer = 0; layer < layers; layer++) {
      for (int e = 0; e < experts; e++) {
        placement.place(layer, e, e, 0);
      }
    }
    placement.end();
    return placement;
  }

  private static ExpertAssignments assigned(int experts, int[]... expertsByToken) {
    ExpertAssignments out = new ExpertAssignments();
    out.begin(
        new RouterInput().tokens(expertsByToken.length, experts), CapacityRule.UNLIMITED_SLOTS, 1);
    for (int t = 0; t < expertsByToken.length; t++) {
      for (int i = 0; i < expertsByToken[t].length; i++) {
        out.assign(t, i, expertsByToken[t][i], ExpertAssignments.NO_SLOT, 1);
      }
    }
    out.end();
    return out;
  }

  private static MoeLayerModel.Scratch measure(
      MoeLayerModel model, ExpertAssignments pairs, ExpertPlacement placement) {
    int[] slots = new int[pairs.pairCount()];
    FIRST.select(pairs, placement, 0, new int[pairs.tokens()], slots);
    MoeLayerModel.Scratch scratch = new MoeLayerModel.Scratch();
    model.measure(pairs, placement, slots, scratch);
    return scratch;
  }

  @Test
  void aLayerWaitsForItsSlowestDeviceAndItsBusiestLink() {
    // Tokens 0, 1 live on device 0, tokens 2, 3 on device 1; experts 0, 1 and 2, 3 likewise.
    ExpertAssignments pairs =
        assigned(4, new int[] {0, 1}, new int[] {2, 3}, new int[] {0, 2}, new int[] {1});
    MoeLayerModel.Scratch result =
        measure(new MoeLayerModel(2, 0, 100, 50, 3), pairs, contiguous(1, 4, 2));
    assertThat(result.devicePairs()).containsExactly(4, 3);
    assertThat(result.computeSeconds()).isEqualTo(8);
    // Token 1 goes to device 1 once for two experts; tokens 2 and 3 go to device 0.
    assertThat(result.transfers()).isEqualTo(3);
    assertThat(result.exchangeSeconds()).isEqualTo(3 + 2 * 100 / 50.0);
    assertThat(result.seconds()).isEqualTo(8 + 2 * 7);
  }

  @Test
  void readingWeightsBoundsExpertsWithFewPairs() {
    ExpertAssignments pairs =
        assigned(2, new int[] {0}, new int[] {0}, new int[] {0}, new int[] {1});
    MoeLayerModel.Scratch result =
        measure(new MoeLayerModel(1, 2.5, 0, 1, 0), pairs, contiguous(1, 2, 1));
    assertThat(result.computeSeconds()).isEqualTo(3 + 2.5);
    assertThat(result.exchangeSeconds()).as("one device sends nothing").isZero();
    assertThat(
            measure(new MoeLayerModel(1, 2.5, 0, 1, 0), assigned(2), contiguous(1, 2, 1))
                .computeSeconds())
        .as("an expert nobody asks for is not read")
        .isZero();
  }

  @Test
  void constantsFollowFromShapeAndDevice() {
    MoeLayerModel model = MoeLayerModel.of(2048, 1408, 2, 1e12, 1e11, 1e9, 0);
    assertThat(model.secondsPerPair()).isCloseTo(2 * 8_650_752 / 1e12, within(1e-15));
    assertThat(model.secondsPerExpert()).isCloseTo(2 * 8_650_752 / 1e11, within(1e-15));
    assertThat(model.hiddenStateBytes()).isEqualTo(4096);
  }

  @Property(tries = 300, seed = SEED)
  void evenLoadIsNeverSlowerThanAnyOtherOfTheSameSize(
      @ForAll long seed, @ForAll @IntRange(min = 1, max = 6) int devices) {
    int experts = 2 * devices;
    java.util.Random random = new java.util.Random(seed);
    int tokens = experts * 3;
    int[][] even = new int[tokens][];
    int[][] skewed = new int[tokens][];
    for (int t = 0; t < tokens; t++) {
      even[t] = new int[] {t % experts};
      skewed[t] = new int[] {random.nextInt(experts)};
    }
    MoeLayerModel model = new MoeLayerModel(1, 0, 0, 1, 0);
    ExpertPlacement placement = contiguous(1, experts, devices);
    double best = measure(model, assigned(experts, even), placement).computeSeconds();
    MoeLayerModel.Scratch other = measure(model, assigned(experts, skewed), placement);
    assertThat(other.computeSeconds()).isGreaterThanOrEqualTo(best);
    assertThat(Arrays.stream(other.devicePairs()).sum()).isEqualTo(tokens);
  }

  @Test
  void firstChoicesFollowThePopularityExactly() {
    TokenSkew zipf = TokenSkew.parse("zipf:1");
    int tokens = 40_000;
    float[] logits = new float[tokens * 4];
    double[] weight = new double[4];
    zipf.weights(7, 0, 0, weight);
    zipf.generate(7, 0, 0, tokens, 4, logits);
    int[] count = new int[4];
    double[] row = new double[4];
    RouterInput input = new RouterInput().logits(logits, tokens, 4);
    for (int t = 0; t < tokens; t++) {
      count[input.loadRow(t, row)]++;
    }
    double sum = Arrays.stream(weight).sum();
    assertThat(sum).isCloseTo(1 + 1 / 2.0 + 1 / 3.0 + 1 / 4.0, within(1e-12));
    for (int e = 0; e < 4; e++) {
      double p = weight[e] / sum;
      assertThat((double) count[e] / tokens)
          .isCloseTo(p, within(5 * Math.sqrt(p * (1 - p) / tokens)));
    }
  }

  @Test
  void aHotSetMovesOnByOneExpertABatch() {
    TokenSkew hot = TokenSkew.parse("hot-set:3:8");
    double[] now = new double[10];
    double[] next = new double[10];
    hot.weights(1, 0, 4, now);
    hot.weights(1, 0, 5, next);
    assertThat(Arrays.stream(now).filter(w -> w == 8).count()).isEqualTo(3);
    int kept = 0;
    for (int e = 0; e < 10; e++) {
      kept += now[e] == 8 && next[e] == 8 ? 1 : 0;
    }
    assertThat(kept).isEqualTo(2);
    hot.weights(1, 0, 14, next);
    assertThat(next).as("round after as many batches as experts").isEqualTo(now);
  }

  @Test
  void logitsDependOnSeedLayerAndBatchOnly() {
    TokenSkew zipf = TokenSkew.parse("zipf:1.1");
    float[] one = new float[60];
    float[] two = new float[60];
    zipf.generate(3, 1, 2, 10, 6, one);
    zipf.generate(3, 1, 2, 10, 6, two);
    assertThat(two).isEqualTo(one);
    for (int[] other : new int[][] {{4, 1, 2}, {3, 0, 2}, {3, 1, 3}}) {
      zipf.generate(other[0], other[1], other[2], 10, 6, two);
      assertThat(two).isNotEqualTo(one);
    }
  }

  @Property(tries = 60, seed = SEED)
  void aRunCountsWhatItsBatchesDid(
      @ForAll long seed,
      @ForAll @IntRange(min = 1, max = 3) int layers,
      @ForAll @IntRange(min = 1, max = 4) int batches,
      @ForAll @IntRange(min = -1, max = 6) int slots) {
    MoeSimulation simulation =
        new MoeSimulation(
            new MoeSimulation.Config(8, 24, layers, TokenSkew.parse("zipf:1.5"), seed),
            new MoeLayerModel(1, 0, 1, 1, 0),
            FIRST);
    Best router = new Best(slots);
    ExpertPlacement placement = contiguous(layers, 8, 4);
    MoeRun run =
        simulation.run(
            simulation.start(router, MoeSimulation.AfterBatch.NOTHING),
            0,
            batches,
            List.of(placement, placement));
    assertThat(run.assignedPairs() + run.droppedPairs()).isEqualTo(24L * layers * batches);
    assertThat(run.unroutedTokens()).isEqualTo(run.droppedPairs());
    assertThat(run.placements().get(1)).isEqualTo(run.placements().get(0));
    assertThat(run.maxOverMean()).isGreaterThanOrEqualTo(1);
    assertThat(run.normalisedEntropy()).isBetween(0.0, 1 + 1e-12);
    assertThat(run.distinctExperts()).isBetween(0.0, 8.0);
    MoeRun.PlacedRun placed = run.placements().get(0);
    assertThat(placed.stepSeconds())
        .isCloseTo(placed.computeSeconds() + placed.exchangeSeconds(), within(1e-9));
    assertThat(placed.computeSeconds())
        .as("the slowest device has at least the mean load")
        .isGreaterThanOrEqualTo((double) run.assignedPairs() / batches / 4 - 1e-9);
    ExpertLoad load =
        simulation.observe(simulation.start(router, MoeSimulation.AfterBatch.NOTHING), 0, batches);
    double total = 0;
    for (int layer = 0; layer < layers; layer++) {
      for (int e = 0; e < 8; e++) {
        total += load.of(layer, e);
      }
    }
    assertThat(total * batches).isCloseTo(run.assignedPairs(), within(1e-6));
  }

  @Test
  void mistakesAreNamed() {
    for (String wrong : List.of("zipf", "zipf:x", "uniform:1", "hot-set:2", "", "zipf:1:2")) {
      assertThatThrownBy(() -> TokenSkew.parse(wrong))
          .hasMessage(
              "skew must be uniform, zipf:EXPONENT or hot-set:EXPERTS:FACTOR, such as zipf:1.1, but"
                  + " was '"
                  + wrong
                  + "'");
    }
    assertThatThrownBy(() -> TokenSkew.parse("zipf:-1"))
        .hasMessage("zipf exponent must lie in 0..10, but was -1.0");
    assertThatThrownBy(() -> TokenSkew.parse("hot-set:2:0.5"))
        .hasMessage("hot factor must lie in 1..1e6, but was 0.5");
    assertThatThrownBy(() -> new MoeSimulation.Config(4, 1, 1, TokenSkew.parse("hot-set:5:2"), 0))
        .hasMessage("hot experts must be at most 4 experts, but was 5");
    assertThatThrownBy(() -> new MoeSimulation.Config(1 << 20, 1 << 20, 1, TokenSkew.UNIFORM, 0))
        .hasMessageStartingWith("tokens x experts must be at most 268435456");
    assertThatThrownBy(() -> new MoeLayerModel(Double.NaN, 0, 0, 1, 0))
        .hasMessage("secondsPerPair must be finite and at least 0 seconds, but was NaN");
    assertThatThrownBy(() -> new MoeLayerModel(0, 0, 0, 0, 0))
        .hasMessage("linkBytesPerSecond must be above 0 bytes/s, but was 0.0");
    assertThatThrownBy(() -> MoeLayerModel.of(0, 1, 1, 1, 1, 1, 0))
        .hasMessage("hidden must be above 0 elements, but was 0.0");
  }
}
