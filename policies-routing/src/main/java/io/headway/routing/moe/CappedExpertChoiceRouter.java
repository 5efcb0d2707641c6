package io.headway.routing.moe;

import static java.util.Objects.requireNonNull;

import io.headway.api.Stateless;
import io.headway.api.moe.CapacityRule;
import io.headway.api.moe.ExpertAssignments;
import io.headway.api.moe.ExpertRouter;
import io.headway.api.moe.MoeInputException;
import io.headway.api.moe.RouterInput;
import io.headway.api.moe.RouterTrait;
import io.headway.api.moe.RoutingSignals;
import io.headway.api.moe.SignalLevel;
import io.headway.api.moe.Workspace;
import io.headway.routing.internal.Selection;
import java.util.Arrays;
import java.util.Set;

/**
 * Lets each expert take {@code k} tokens while no token gets more than {@code b} experts.
 *
 * <p>With affinities {@code S = softmax} over experts, {@link Solver#ENTROPY} maximises {@code
 * <S^T, A> + lambda * entropy(A)} over allocations {@code 0 <= A <= 1} with row sums {@code k} and
 * column sums at most {@code b}, by Dykstra's alternating projections in the log domain (set order:
 * rows, columns, box); every expert then keeps the {@code k} tokens with its largest allocations,
 * ties to the lower token. Rounding may break the cap; {@link MoeSignals#CAP_VIOLATIONS} counts
 * that. {@link Solver#EXACT} maximises the sum of affinities itself by minimum-cost flow, whose
 * optimum is integral, so the cap always holds. The gate is the affinity. Pairs have no slots.
 *
 * <p>If {@code b * tokens < k * experts} there is no solution, which is refused. Otherwise as
 * {@link ExpertChoiceRouter}: every expert is equally busy, nothing is dropped, tokens depend on
 * each other.
 *
 * <p>Cost: ENTROPY O(iterations x tokens x experts) exponentials; EXACT O(k x experts x (experts +
 * tokens)^2), for small batches and as a reference. Neither is made for a serving path. Safe for
 * any number of threads.
 *
 * <p>Zhou et al.: Mixture-of-Experts with Expert Choice Routing, NeurIPS 2022 (arXiv 2202.09368),
 * Section 3.3, which runs at most 100 iterations at lambda 0.001. Departures: the geometry and the
 * order of the projections, which the paper leaves open; the test of convergence is on the
 * constraints (1e-6), because the allocation can stall before it is feasible.
 */
public final class CappedExpertChoiceRouter implements ExpertRouter<Stateless> {
  /** Most experts per token unless configured otherwise. */
  public static final int DEFAULT_TOKEN_CAP = 2;

  /** Entropy weight of the paper. */
  public static final double DEFAULT_LAMBDA = 0.001;

  /** Iteration limit of the paper. */
  public static final int DEFAULT_ITERATIONS = 100;

  private static final double FEASIBLE = 1e-6;
  private static final int AFFINITY = TokenChoice.OWN;
  private static final int LOG = TokenChoice.OWN + 1;
  private static final int CORRECTION = TokenChoice.OWN + 2;
  private static final int COLUMN = TokenChoice.OWN + 5;
  private static final int LIST_SCORE = TokenChoice.OWN + 6;
  private static final int FLOOR = TokenChoice.OWN + 7;
  private static final int WRITE = TokenChoice.OWN + 8;
  private static final int FLOW = TokenChoice.OWN + 10;

  /** How the allocation is found. */
  public enum Solver {
    /** Entropy-regularised allocation by alternating projections, then rounding. */
    ENTROPY,
    /** Exact optimum by minimum-cost flow. */
    EXACT
  }

  /**
   * Settings.
   *
   * @param capacity tokens per expert, before the limit of the batch; by default {@code max(1,
   *     ceil(2 T / E))}
   * @param tokenCap most experts per token, at least 1; 2 by default
   * @param solver how the allocation is found; ENTROPY by default
   * @param lambda weight of the entropy, finite and above 0; 0.001 by default
   * @param iterations most iterations over all three sets, at least 1; 100 by default
   * @param stopWhenFeasible whether to stop as soon as the constraints hold; true by default
   */
  public record Config(
      CapacityRule capacity,
      int tokenCap,
      Solver solver,
      double lambda,
      int iterations,
      boolean stopWhenFeasible) {
    /** The settings of the paper. */
    public static final Config DEFAULT =
        new Config(
            ExpertChoiceRouter.Config.DEFAULT.capacity(),
            DEFAULT_TOKEN_CAP,
            Solver.ENTROPY,
            DEFAULT_LAMBDA,
            DEFAULT_ITERATIONS,
            true);

    /** Checks the settings. */
    public Config {
      requireNonNull(capacity, "capacity");
      Checks.atLeast("tokenCap", 1, tokenCap, "expert");
      requireNonNull(solver, "solver");
      Checks.positive("lambda", lambda);
      Checks.atLeast("iterations", 1, iterations, "iteration");
    }
  }

  private final Config config;

  /**
   * Creates the router.
   *
   * @param config its settings
   */
  public CappedExpertChoiceRouter(Config config) {
    this.config = requireNonNull(config, "config");
  }

  @Override
  public String id() {
    return "expert-choice-capped";
  }

  @Override
  public Stateless newState() {
    return Stateless.STATE;
  }

  @Override
  public Set<RouterTrait> traits() {
    return Traits.of(
        RouterTrait.DROPLESS, RouterTrait.EXACT_BALANCE, RouterTrait.VARIABLE_EXPERTS_PER_TOKEN);
  }

  @Override
  public void route(RouterInput input, Stateless state, ExpertAssignments out) {
    Workspace work = out.workspace();
    int experts = input.experts();
    int k = ExpertChoiceRouter.tokensPerExpert(config.capacity(), input);
    int[] real = work.ints(TokenChoice.ORDER, input.tokens());
    int n = TokenChoice.order(input, work, FillOrder.TOKEN, 0, work.doubles(FLOOR, 0), real);
    if ((long) config.tokenCap() * n < (long) experts * k) {
      throw new MoeInputException(
          MoeInputException.Rule.INFEASIBLE,
          "tokenCap must be at least "
              + ((long) experts * k + n - 1) / n
              + " experts for "
              + experts
              + " experts x "
              + k
              + " tokens, but was "
              + config.tokenCap());
    }
    int size = Math.multiplyExact(experts, n);
    double[] affinity = work.doubles(AFFINITY, size);
    affinities(input, work, real, n, affinity);
    int stride = ExpertLists.stride(k);
    double[] gate = work.doubles(LIST_SCORE, Math.multiplyExact(stride, experts));
    int[] listToken = work.ints(TokenChoice.OWN, stride * experts);
    int[] count = work.ints(TokenChoice.COUNT, experts);
    out.begin(input, k, 1);
    if (config.solver() == Solver.EXACT) {
      chooseExactly(work, affinity, experts, n, k, real, gate, listToken, count);
    } else {
      double[] log = work.doubles(LOG, size);
      allocate(out, work, affinity, experts, n, k, log);
      chooseBest(work, affinity, log, experts, n, k, real, gate, listToken, count);
    }
    ExpertLists.write(
        out, input.tokens(), experts, k, gate, listToken, count, false, false, work, WRITE);
    out.end();
    if (out.signalLevel() == SignalLevel.ALL) {
      explain(out, input);
    }
  }

  private static void affinities(
      RouterInput in, Workspace work, int[] real, int n, double[] affinity) {
    int experts = in.experts();
    double[] row = work.doubles(TokenChoice.ROW, experts);
    double[] score = work.doubles(TokenChoice.EXPONENTIAL, experts);
    double[] scale = work.doubles(TokenChoice.SCALE, experts);
    for (int i = 0; i < n; i++) {
      int best = in.loadRow(real[i], row);
      double sum = Exponentials.of(row, 1, row[best], score, scale, experts);
      for (int e = 0; e < experts; e++) {
        affinity[e * n + i] =
            row[e] == Double.NEGATIVE_INFINITY ? Double.NEGATIVE_INFINITY : score[e] / sum;
      }
    }
  }

  private void chooseExactly(
      Workspace work,
      double[] affinity,
      int experts,
      int n,
      int k,
      int[] real,
      double[] gate,
      int[] listToken,
      int[] count) {
    boolean[] chosen = work.booleans(0, experts * n);
    Transport.maximise(affinity, experts, n, k, config.tokenCap(), chosen, work, FLOW);
    int stride = ExpertLists.stride(k);
    for (int e = 0; e < experts; e++) {
      count[e] = 0;
      for (int i = 0; i < n; i++) {
        if (chosen[e * n + i]) {
          int at = e * stride + count[e]++;
          listToken[at] = real[i];
          gate[at] = affinity[e * n + i];
        }
      }
    }
  }

  /** Runs the projections and leaves the logarithm of the allocation in {@code log}. */
  private void allocate(
      ExpertAssignments out,
      Workspace work,
      double[] affinity,
      int experts,
      int n,
      int k,
      double[] log) {
    int size = experts * n;
    double[] ofRows = work.doubles(CORRECTION, size);
    double[] ofColumns = work.doubles(CORRECTION + 1, size);
    double[] ofBox = work.doubles(CORRECTION + 2, size);
    Arrays.fill(ofRows, 0, size, 0);
    Arrays.fill(ofColumns, 0, size, 0);
    Arrays.fill(ofBox, 0, size, 0);
    double[] column = work.doubles(COLUMN, n);
    for (int i = 0; i < size; i++) {
      log[i] = affinity[i] / config.lambda();
    }
    boolean feasible = k == 0;
    int done = 0;
    while (k > 0 && done < config.iterations() && !(feasible && config.stopWhenFeasible())) {
      projectRows(log, ofRows, experts, n, k);
      projectColumns(log, ofColumns, experts, n, config.tokenCap(), column);
      for (int i = 0; i < size; i++) {
        double z = log[i] + ofBox[i];
        log[i] = Math.min(z, 0);
        // A masked pair stays at minus infinity, where the difference would be undefined.
        ofBox[i] = z == Double.NEGATIVE_INFINITY ? 0 : z - log[i];
      }
      done++;
      if (config.stopWhenFeasible() || done == config.iterations()) {
        feasible = isFeasible(log, experts, n, k, config.tokenCap(), column);
      }
    }
    if (out.signalLevel() == SignalLevel.ALL) {
      RoutingSignals signals = out.signals();
      double[] allocation = signals.add(MoeSignals.ALLOCATION, experts, n);
      double objective = 0;
      for (int i = 0; i < size; i++) {
        allocation[i] = StrictMath.exp(log[i]);
        objective += allocation[i] > 0 ? affinity[i] * allocation[i] : 0;
      }
      signals.add(MoeSignals.CONVERGED, feasible ? 1 : 0);
      signals.add(MoeSignals.ITERATIONS, done);
      signals.add(MoeSignals.OBJECTIVE, objective);
    }
  }

  private static void projectRows(double[] log, double[] correction, int experts, int n, int k) {
    double target = StrictMath.log(k);
    for (int e = 0; e < experts; e++) {
      int at = e * n;
      double max = Double.NEGATIVE_INFINITY;
      for (int i = at; i < at + n; i++) {
        max = Math.max(max, log[i] + correction[i]);
      }
      if (max == Double.NEGATIVE_INFINITY) {
        continue;
      }
      double sum = 0;
      for (int i = at; i < at + n; i++) {
        sum += StrictMath.exp(log[i] + correction[i] - max);
      }
      double shift = target - (max + StrictMath.log(sum));
      for (int i = at; i < at + n; i++) {
        log[i] = log[i] + correction[i] + shift;
        correction[i] = -shift;
      }
    }
  }

  private static void projectColumns(
      double[] log, double[] correction, int experts, int n, int cap, double[] column) {
    double limit = StrictMath.log(cap);
    Arrays.fill(column, 0, n, Double.NEGATIVE_INFINITY);
    for (int i = 0; i < n; i++) {
      for (int e = 0; e < experts; e++) {
        column[i] = Math.max(column[i], log[e * n + i] + correction[e * n + i]);
      }
    }
    for (int i = 0; i < n; i++) {
      double sum = 0;
      for (int e = 0; e < experts; e++) {
        int at = e * n + i;
        sum += StrictMath.exp(log[at] + correction[at] - column[i]);
      }
      double shift = -Math.max(0, column[i] + StrictMath.log(sum) - limit);
      for (int e = 0; e < experts; e++) {
        int at = e * n + i;
        log[at] = log[at] + correction[at] + shift;
        correction[at] = -shift;
      }
    }
  }

  private static boolean isFeasible(
      double[] log, int experts, int n, int k, int cap, double[] column) {
    Arrays.fill(column, 0, n, 0);
    boolean feasible = true;
    for (int e = 0; e < experts; e++) {
      double sum = 0;
      for (int i = 0; i < n; i++) {
        double a = StrictMath.exp(log[e * n + i]);
        sum += a;
        column[i] += a;
      }
      feasible &= Math.abs(sum - k) <= FEASIBLE;
    }
    for (int i = 0; i < n; i++) {
      feasible &= column[i] <= cap + FEASIBLE;
    }
    return feasible;
  }

  private static void chooseBest(
      Workspace work,
      double[] affinity,
      double[] log,
      int experts,
      int n,
      int k,
      int[] real,
      double[] gate,
      int[] listToken,
      int[] count) {
    int stride = ExpertLists.stride(k);
    double[] key = work.doubles(FLOOR, n);
    int[] index = work.ints(TokenChoice.SLOT, n);
    for (int e = 0; e < experts; e++) {
      int candidates = 0;
      for (int i = 0; i < n; i++) {
        if (affinity[e * n + i] > Double.NEGATIVE_INFINITY) {
          key[candidates] = log[e * n + i];
          index[candidates++] = i;
        }
      }
      int keep = Math.min(k, candidates);
      if (keep > 0) {
        Selection.partition(key, index, 0, candidates, keep);
      }
      for (int i = 0; i < keep; i++) {
        listToken[e * stride + i] = real[index[i]];
        gate[e * stride + i] = affinity[e * n + index[i]];
      }
      count[e] = keep;
    }
  }

  private void explain(ExpertAssignments out, RouterInput in) {
    RoutingSignals signals = out.signals();
    double[] perToken = signals.add(MoeSignals.EXPERTS_PER_TOKEN, 1, in.tokens());
    double sum = 0;
    for (int pair = 0; pair < out.pairCount(); pair++) {
      perToken[out.token(pair)]++;
      sum += out.gate(pair);
    }
    int violations = 0;
    for (int t = 0; t < in.tokens(); t++) {
      violations += perToken[t] > config.tokenCap() ? 1 : 0;
    }
    signals.add(MoeSignals.CAP_VIOLATIONS, violations);
    signals.add(MoeSignals.AFFINITY_SUM, sum);
  }
}
