package io.headway.routing.moe;

import static java.util.Objects.requireNonNull;

import io.headway.api.Stateless;
import io.headway.api.moe.CapacityRule;
import io.headway.api.moe.ExpertAssignments;
import io.headway.api.moe.ExpertRouter;
import io.headway.api.moe.RouterInput;
import io.headway.api.moe.RouterTrait;
import io.headway.api.moe.SignalLevel;
import io.headway.api.moe.Workspace;
import io.headway.routing.internal.Selection;
import java.util.Arrays;
import java.util.Set;

/**
 * Chooses experts from a nearly balanced transport plan when training, and from the logits
 * themselves when serving.
 *
 * <p>{@link Mode#TRAINING}: with {@code K = exp(z)} and {@code d1 = 1}, repeat {@code d0 = (1/T) /
 * (K d1 + 1e-8)}, {@code d1 = (1/E) / (K^T d0 + 1e-8)} until {@code mean |change of d1| <= 1e-4};
 * the choices are the {@code k} largest entries of every row of {@code diag(d0) K diag(d1)}. {@link
 * Mode#INFERENCE}: the {@code k} largest logits. The gate is {@code sigmoid(z)} for {@code k = 1},
 * else the softmax over all experts, undivided. There is no loss, capacity or drop; the argmax of
 * the plan is only approximately balanced.
 *
 * <p>Rows are shifted by their maximum before exponentiation, which leaves the plan as it is up to
 * the guards of 1e-8 and cannot overflow. Ties go to the lower expert. Cost: O(iterations x T x E).
 * INFERENCE is batch-invariant. Safe for any number of threads.
 *
 * <p>Clark et al.: Unified Scaling Laws for Routed Language Models, ICML 2022 (arXiv 2202.01169),
 * S-BASE. Departure: at most {@code iterations} iterations.
 */
public final class SinkhornRouter implements ExpertRouter<Stateless> {
  /** Iteration limit unless configured otherwise. */
  public static final int DEFAULT_ITERATIONS = 1_000;

  private static final double GUARD = 1e-8;
  private static final double TOLERANCE = 1e-4;
  private static final int KERNEL = TokenChoice.OWN;
  private static final int ROW_FACTOR = TokenChoice.OWN + 1;
  private static final int COLUMN_FACTOR = TokenChoice.OWN + 2;
  private static final int COLUMN_SUM = TokenChoice.OWN + 3;

  /** What choices are made from. */
  public enum Mode {
    /** The transport plan. */
    TRAINING,
    /** The logits. */
    INFERENCE
  }

  /**
   * Settings.
   *
   * @param mode what choices are made from; TRAINING by default
   * @param topK choices per token, at least 1, at most the number of experts; 1 by default
   * @param iterations most iterations, at least 1; 1,000 by default
   */
  public record Config(Mode mode, int topK, int iterations) {
    /** Training of S-BASE. */
    public static final Config DEFAULT = new Config(Mode.TRAINING, 1, DEFAULT_ITERATIONS);

    /** Checks the settings. */
    public Config {
      requireNonNull(mode, "mode");
      Checks.atLeast("topK", 1, topK, "expert");
      Checks.atLeast("iterations", 1, iterations, "iteration");
    }
  }

  private final Config config;

  /**
   * Creates the router.
   *
   * @param config its settings
   */
  public SinkhornRouter(Config config) {
    this.config = requireNonNull(config, "config");
  }

  @Override
  public String id() {
    return "sinkhorn";
  }

  @Override
  public Stateless newState() {
    return Stateless.STATE;
  }

  @Override
  public Set<RouterTrait> traits() {
    return config.mode() == Mode.TRAINING
        ? Traits.of(RouterTrait.DROPLESS)
        : Traits.of(
            RouterTrait.BATCH_INVARIANT,
            RouterTrait.PREFIX_STABLE,
            RouterTrait.DROPLESS,
            RouterTrait.PERMUTATION_EQUIVARIANT);
  }

  @Override
  public void route(RouterInput input, Stateless state, ExpertAssignments out) {
    Workspace work = out.workspace();
    int experts = input.experts();
    int k = config.topK();
    TokenChoice.requireTopK("topK", k, 1, experts);
    int[] real = work.ints(TokenChoice.ORDER, input.tokens());
    int n = TokenChoice.order(input, work, FillOrder.TOKEN, 0, work.doubles(ROW_FACTOR, 0), real);
    double[] row = work.doubles(TokenChoice.ROW, experts);
    double[] exponential = work.doubles(TokenChoice.EXPONENTIAL, experts);
    double[] scale = work.doubles(TokenChoice.SCALE, experts);
    double[] value = work.doubles(TokenChoice.PROBABILITY, k);
    int[] chosen = work.ints(TokenChoice.EXPERT, k);
    boolean training = config.mode() == Mode.TRAINING;
    double[] plan = work.doubles(KERNEL, training ? Math.multiplyExact(n, experts) : 0);
    out.begin(input, CapacityRule.UNLIMITED_SLOTS, 1);
    if (training) {
      balance(input, out, real, n, row, plan);
    }
    out.reserve(Math.multiplyExact(n, k), 0);
    for (int i = 0; i < n; i++) {
      int best = input.loadRow(real[i], row);
      double sum = 0;
      if (k == 1) {
        Exponentials.sigmoids(row, exponential, scale, experts);
      } else {
        sum = Exponentials.of(row, 1, row[best], exponential, scale, experts);
      }
      if (training) {
        System.arraycopy(plan, i * experts, scale, 0, experts);
        for (int e = 0; e < experts; e++) {
          // Masked entries come after unmasked ones that underflowed to 0.
          scale[e] = row[e] == Double.NEGATIVE_INFINITY ? -1 : scale[e];
        }
      }
      Selection.addBest(training ? scale : row, 0, experts, k, 0, chosen, value, 0);
      for (int j = 0; j < k; j++) {
        double gate = k == 1 ? exponential[chosen[j]] : exponential[chosen[j]] / sum;
        out.assign(real[i], j, chosen[j], ExpertAssignments.NO_SLOT, gate);
      }
    }
    out.end();
  }

  private void balance(
      RouterInput in, ExpertAssignments out, int[] real, int n, double[] row, double[] plan) {
    Workspace work = out.workspace();
    int experts = in.experts();
    double[] exponential = work.doubles(TokenChoice.EXPONENTIAL, experts);
    double[] scale = work.doubles(TokenChoice.SCALE, experts);
    double[] rowFactor = work.doubles(ROW_FACTOR, n);
    double[] columnFactor = work.doubles(COLUMN_FACTOR, experts);
    double[] columnSum = work.doubles(COLUMN_SUM, experts);
    for (int i = 0; i < n; i++) {
      int best = in.loadRow(real[i], row);
      Exponentials.of(row, 1, row[best], exponential, scale, experts);
      System.arraycopy(exponential, 0, plan, i * experts, experts);
    }
    Arrays.fill(columnFactor, 0, experts, 1);
    int done = 0;
    double change = Double.POSITIVE_INFINITY;
    while (n > 0 && change > TOLERANCE && done < config.iterations()) {
      Arrays.fill(columnSum, 0, experts, 0);
      for (int i = 0; i < n; i++) {
        int at = i * experts;
        double sum = 0;
        for (int e = 0; e < experts; e++) {
          sum += columnFactor[e] * plan[at + e];
        }
        rowFactor[i] = 1.0 / n / (sum + GUARD);
        for (int e = 0; e < experts; e++) {
          columnSum[e] += rowFactor[i] * plan[at + e];
        }
      }
      change = 0;
      for (int e = 0; e < experts; e++) {
        double factor = 1.0 / experts / (columnSum[e] + GUARD);
        change += Math.abs(columnFactor[e] - factor) / experts;
        columnFactor[e] = factor;
      }
      done++;
    }
    for (int i = 0; i < n; i++) {
      for (int e = 0; e < experts; e++) {
        plan[i * experts + e] *= columnFactor[e] * rowFactor[i];
      }
    }
    if (out.signalLevel() == SignalLevel.ALL) {
      out.signals().add(MoeSignals.ITERATIONS, done);
      double[] reported = out.signals().add(MoeSignals.PLAN, n, experts);
      System.arraycopy(plan, 0, reported, 0, n * experts);
      double[] sums = out.signals().add(MoeSignals.PLAN_COLUMN_SUMS, 1, experts);
      for (int i = 0; i < n * experts; i++) {
        sums[i % experts] += plan[i];
      }
    }
  }
}
