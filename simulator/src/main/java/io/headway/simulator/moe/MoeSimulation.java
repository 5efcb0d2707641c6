package io.headway.simulator.moe;

import static java.util.Objects.requireNonNull;

import io.headway.api.RandomSource;
import io.headway.api.moe.ExpertAssignments;
import io.headway.api.moe.ExpertLoad;
import io.headway.api.moe.ExpertPlacement;
import io.headway.api.moe.ExpertRouter;
import io.headway.api.moe.LoadBalance;
import io.headway.api.moe.RouterInput;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;

/**
 * Runs a router over a stream of batches through several layers and measures balance, drops and
 * time. What routers decide does not depend on where experts are, so any number of placements is
 * measured on the same decisions. Immutable; a run keeps its own state.
 */
public final class MoeSimulation {
  /** Most logits of one batch at one layer. */
  public static final long MAX_LOGITS = 1L << 28;

  /**
   * What is simulated.
   *
   * @param experts routed experts per layer, at least 1
   * @param tokens tokens per batch, at least 1
   * @param layers mixture-of-experts layers, at least 1
   * @param skew popularity of the experts
   * @param seed of the logits and of everything that routers draw
   */
  public record Config(int experts, int tokens, int layers, TokenSkew skew, long seed) {
    /** Checks the sizes. */
    public Config {
      requireAtLeast("experts", experts);
      requireAtLeast("tokens", tokens);
      requireAtLeast("layers", layers);
      requireNonNull(skew, "skew");
      if ((long) experts * tokens > MAX_LOGITS) {
        throw new IllegalArgumentException(
            "tokens x experts must be at most "
                + MAX_LOGITS
                + ", but was "
                + (long) experts * tokens);
      }
      skew.weights(seed, 0, 0, new double[experts]);
    }

    private static void requireAtLeast(String name, int value) {
      if (value < 1) {
        throw new IllegalArgumentException(name + " must be at least 1, but was " + value);
      }
    }
  }

  /** Is told of every routed batch, for routers whose state is updated outside of routing. */
  @FunctionalInterface
  public interface AfterBatch {
    /** Does nothing. */
    AfterBatch NOTHING = (state, out) -> {};

    /**
     * A batch was routed at one layer.
     *
     * @param state the router's state of that layer
     * @param out the decision
     */
    void routed(Object state, ExpertAssignments out);
  }

  /** Chooses the replica of every pair. */
  @FunctionalInterface
  public interface ReplicaRule {
    /**
     * Chooses.
     *
     * @param pairs the pairs of one layer
     * @param placement a placement with the same experts
     * @param layer the layer within the placement
     * @param tokenDevice device of each token's activations
     * @param slotByPair receives one slot per pair
     */
    void select(
        ExpertAssignments pairs,
        ExpertPlacement placement,
        int layer,
        int[] tokenDevice,
        int[] slotByPair);
  }

  private final Config config;
  private final MoeLayerModel time;
  private final ReplicaRule replicas;

  /**
   * Makes a simulation.
   *
   * @param config what is simulated
   * @param time how long a layer takes
   * @param replicas which replica a pair goes to
   */
  public MoeSimulation(Config config, MoeLayerModel time, ReplicaRule replicas) {
    this.config = requireNonNull(config, "config");
    this.time = requireNonNull(time, "time");
    this.replicas = requireNonNull(replicas, "replicas");
  }

  /** A router with one state per layer. Not thread-safe. */
  public static final class Routed<S> {
    private final ExpertRouter<S> router;
    private final List<S> states = new ArrayList<>();
    private final RandomSource random;
    private final AfterBatch after;

    private Routed(ExpertRouter<S> router, int layers, long seed, AfterBatch after) {
      this.router = router;
      this.random = RandomSource.seeded(seed);
      this.after = after;
      for (int layer = 0; layer < layers; layer++) {
        states.add(router.newState());
      }
    }

    private void route(RouterInput input, int layer, ExpertAssignments out) {
      router.route(input.random(random), states.get(layer), out);
      after.routed(requireNonNull(states.get(layer), "state"), out);
    }
  }

  /**
   * Starts a router with fresh state.
   *
   * @param router the router
   * @param after is told of every batch
   * @param <S> its state
   * @return the router, to be run over batches
   */
  public <S> Routed<S> start(ExpertRouter<S> router, AfterBatch after) {
    return new Routed<>(
        requireNonNull(router, "router"),
        config.layers(),
        config.seed(),
        requireNonNull(after, "after"));
  }

  /**
   * Routes batches without measuring time and returns the mean load per layer and expert, which is
   * what placement planners ask for.
   *
   * @param routed the router
   * @param fromBatch first batch
   * @param batches how many, at least 1
   * @return pairs per batch
   */
  public ExpertLoad observe(Routed<?> routed, int fromBatch, int batches) {
    double[] load = new double[config.layers() * config.experts()];
    each(
        routed,
        fromBatch,
        batches,
        (layer, out) -> {
          for (int e = 0; e < config.experts(); e++) {
            load[layer * config.experts() + e] += out.load(e);
          }
        });
    for (int i = 0; i < load.length; i++) {
      load[i] /= batches;
    }
    return new ExpertLoad(load, config.layers(), config.experts());
  }

  /**
   * Routes batches and measures them under every placement.
   *
   * @param routed the router
   * @param fromBatch first batch
   * @param batches how many, at least 1
   * @param placements placements of all layers
   * @return what happened
   */
  public MoeRun run(
      Routed<?> routed, int fromBatch, int batches, List<ExpertPlacement> placements) {
    Tally tally = new Tally(config.experts());
    double[][] sums = new double[placements.size()][4];
    MoeLayerModel.Scratch scratch = new MoeLayerModel.Scratch();
    int[] home = new int[config.tokens()];
    int[][] slots = new int[1][0];
    double[] share = new double[config.experts()];
    each(
        routed,
        fromBatch,
        batches,
        (layer, out) -> {
          tally.add(out, share);
          if (slots[0].length < out.pairCount()) {
            slots[0] = new int[out.pairCount()];
          }
          for (int p = 0; p < sums.length; p++) {
            ExpertPlacement placement = placements.get(p);
            for (int t = 0; t < home.length; t++) {
              home[t] = MoeLayerModel.homeDevice(t, home.length, placement.devices());
            }
            replicas.select(out, placement, layer, home, slots[0]);
            time.measure(out, placement, slots[0], scratch);
            sums[p][0] += scratch.computeSeconds();
            sums[p][1] += 2 * scratch.exchangeSeconds();
            sums[p][2] += LoadBalance.of(scratch.devicePairs(), scratch.devices()).maxOverMean();
            sums[p][3] += scratch.transfers();
          }
        });
    long calls = (long) batches * config.layers();
    List<MoeRun.PlacedRun> placed = new ArrayList<>();
    for (double[] sum : sums) {
      placed.add(
          new MoeRun.PlacedRun(
              (sum[0] + sum[1]) / batches,
              sum[0] / batches,
              sum[1] / batches,
              sum[2] / calls,
              sum[3] / calls / config.tokens()));
    }
    return tally.run((long) batches * config.tokens(), config.layers(), calls, share, placed);
  }

  private interface PerLayer {
    void accept(int layer, ExpertAssignments out);
  }

  private void each(Routed<?> routed, int fromBatch, int batches, PerLayer use) {
    if (batches < 1) {
      throw new IllegalArgumentException("batches must be at least 1 batch, but was " + batches);
    }
    float[] logits = new float[config.tokens() * config.experts()];
    long[] ids = new long[config.tokens()];
    RouterInput input = new RouterInput();
    ExpertAssignments out = new ExpertAssignments();
    for (int batch = fromBatch; batch < fromBatch + batches; batch++) {
      // Vocabulary indices for routers that hash them: the same tokens at every layer.
      RandomSource vocabulary = RandomSource.seeded(config.seed() ^ ~(long) batch);
      for (int t = 0; t < ids.length; t++) {
        ids[t] = vocabulary.nextInt(1 << 17);
      }
      for (int layer = 0; layer < config.layers(); layer++) {
        config
            .skew()
            .generate(config.seed(), layer, batch, config.tokens(), config.experts(), logits);
        input.logits(logits, config.tokens(), config.experts()).tokenIds(ids);
        routed.route(input, layer, out);
        use.accept(layer, out);
      }
    }
  }

  private static final class Tally {
    private final int[] sorted;
    private long assigned;
    private long dropped;
    private long unrouted;
    private double maxOverMean;
    private double variation;
    private double entropy;
    private double distinct;

    Tally(int experts) {
      sorted = new int[experts];
    }

    void add(ExpertAssignments out, double[] share) {
      int experts = sorted.length;
      assigned += out.pairCount();
      dropped += out.dropCount();
      unrouted += out.unroutedCount();
      LoadBalance balance = LoadBalance.of(out.loads(), experts);
      maxOverMean += balance.maxOverMean();
      variation += balance.coefficientOfVariation();
      entropy += balance.normalisedEntropy();
      System.arraycopy(out.loads(), 0, sorted, 0, experts);
      Arrays.sort(sorted);
      for (int rank = 0; rank < experts; rank++) {
        int load = sorted[experts - 1 - rank];
        distinct += load > 0 ? 1 : 0;
        share[rank] += out.pairCount() == 0 ? 0 : (double) load / out.pairCount();
      }
    }

    MoeRun run(long tokens, int layers, long calls, double[] share, List<MoeRun.PlacedRun> placed) {
      List<Double> shares = new ArrayList<>();
      for (double s : share) {
        shares.add(s / calls);
      }
      return new MoeRun(
          tokens,
          layers,
          assigned,
          dropped,
          unrouted,
          maxOverMean / calls,
          variation / calls,
          entropy / calls,
          distinct / calls,
          shares,
          placed);
    }
  }
}
