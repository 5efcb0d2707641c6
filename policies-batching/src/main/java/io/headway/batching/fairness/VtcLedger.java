package io.headway.batching.fairness;

import static java.util.Objects.requireNonNull;

import io.headway.api.Claims;
import io.headway.api.batching.BatchView;
import io.headway.api.batching.End;
import io.headway.api.batching.FairnessLedger;
import io.headway.api.batching.ServedSequences;
import io.headway.batching.internal.Arguments;
import java.util.Arrays;
import java.util.BitSet;
import java.util.Collections;
import java.util.LinkedHashMap;
import java.util.Map;

/**
 * Keeps the virtual token counters of VTC: what each tenant has been served, weighted, with a
 * returning tenant lifted so that it cannot cash in idle time. With {@link FairShareOrder} the
 * tenant with the least counter is admitted next.
 *
 * <ol>
 *   <li>Arrival of a request of tenant u that has no other request waiting: if nobody waits, {@code
 *       c_u = max(c_u, c_l)} with l the tenant whose last waiting request was admitted last; else
 *       {@code c_u = max(c_u, min c_i)} over the tenants with waiting requests. See {@link Lift}.
 *   <li>Admission: {@code c_u += h(p, 0) / w_u}.
 *   <li>Output token n: {@code c_u += (h(p, n) - h(p, n - 1)) / w_u}.
 *   <li>With length prediction: {@code h(p, predicted)} at admission, outputs charged only beyond
 *       the prediction, and {@code h(p, predicted) - h(p, n)} given back when a request ends after
 *       {@code n < predicted} outputs.
 * </ol>
 *
 * <p>Cost {@code h} is linear by default: 1 per prompt token, 2 per output token. Cached prompt
 * tokens are charged like others. A preempted request is neither charged for what is recomputed nor
 * lifted again; one cancelled while it waits is never charged. The counter of an idle tenant stays
 * until the scheduler forgets the tenant. With U = max(inputPrice * longest prompt, outputPrice *
 * tokens of the largest batch), without preemption and prediction, two tenants backlogged
 * throughout an interval differ by at most 2U of weighted service, see {@link #serviceBound}.
 *
 * <p>Cost: O(1) per event, O(waiting tenants) for an arrival that finds no other request of its
 * tenant waiting. Thread-safe; the state is single-threaded.
 *
 * <p>Source: Sheng et al., Fairness in Serving Large Language Models, OSDI 2024, Algorithm 2; the
 * options are those of its artifact, github.com/Ying1123/VTC-artifact.
 */
public final class VtcLedger implements FairnessLedger<VtcLedger.State> {
  /** What an arrival of a tenant without waiting requests does to its counter. */
  public enum Lift {
    /** The paper: to the least counter of those who wait, else to that of the last to leave. */
    LAST_LEAVER,
    /** The artifact: to the least counter of those who wait, else nothing. */
    WAITING,
    /** Nothing: least counter first, which over-serves tenants that were idle. */
    NONE
  }

  /** Where predicted output lengths come from. */
  public enum Prediction {
    /** Nowhere: tokens are charged as they are produced. */
    NONE,
    /** The scheduler's predictor or the request. */
    REQUEST,
    /** The running mean of the tenant's finished outputs: {@code (4 * old + new) / 5}. */
    TENANT_AVERAGE
  }

  private static final Claims CLAIMS = Claims.builder().needs(Claims.Need.TENANT).build();
  private static final Claims PREDICTING =
      Claims.builder().needs(Claims.Need.TENANT).needs(Claims.Need.PREDICTED_LENGTH).build();
  private static final int NOT_CHARGED = -1;

  private final Parameters parameters;
  private final boolean linear;

  /**
   * Makes the ledger.
   *
   * @param parameters its configuration
   */
  public VtcLedger(Parameters parameters) {
    this.parameters = requireNonNull(parameters, "parameters");
    linear = parameters.cost.isLinear();
  }

  /**
   * Configuration of a {@link VtcLedger}.
   *
   * @param cost what tokens cost
   * @param weights share of each tenant by name, above 0; 1 for tenants not named
   * @param chargePrefillToken whether the first output token, which comes from the prefill, is
   *     charged; the artifact does not. Without effect with prediction
   * @param prediction where predicted lengths come from
   * @param lift what a returning tenant's counter is lifted to
   */
  public record Parameters(
      ServiceCost cost,
      Map<String, Double> weights,
      boolean chargePrefillToken,
      Prediction prediction,
      Lift lift) {
    /** The paper: prices 1 and 2, equal weights, every token charged as it is produced. */
    public static final Parameters DEFAULT =
        new Parameters(
            ServiceCost.DEFAULT, Collections.emptyMap(), true, Prediction.NONE, Lift.LAST_LEAVER);

    public Parameters {
      requireNonNull(cost, "cost");
      requireNonNull(prediction, "prediction");
      requireNonNull(lift, "lift");
      weights =
          Collections.unmodifiableMap(new LinkedHashMap<>(requireNonNull(weights, "weights")));
      weights.forEach(
          (tenant, weight) ->
              Arguments.positive("weight of tenant '" + tenant + "'", weight, "shares"));
    }

    /**
     * Returns a copy with another cost.
     *
     * @param other what tokens cost
     * @return changed copy
     */
    public Parameters withCost(ServiceCost other) {
      return new Parameters(other, weights, chargePrefillToken, prediction, lift);
    }

    /**
     * Returns a copy with other weights.
     *
     * @param other share of each tenant by name, above 0
     * @return changed copy
     */
    public Parameters withWeights(Map<String, Double> other) {
      return new Parameters(cost, other, chargePrefillToken, prediction, lift);
    }

    /**
     * Returns a copy that charges the first token or not.
     *
     * @param charge whether the token that the prefill yields is charged
     * @return changed copy
     */
    public Parameters withChargePrefillToken(boolean charge) {
      return new Parameters(cost, weights, charge, prediction, lift);
    }

    /**
     * Returns a copy with another source of predictions.
     *
     * @param other where predicted lengths come from
     * @return changed copy
     */
    public Parameters withPrediction(Prediction other) {
      return new Parameters(cost, weights, chargePrefillToken, other, lift);
    }

    /**
     * Returns a copy with another lift.
     *
     * @param other what a returning tenant's counter is lifted to
     * @return changed copy
     */
    public Parameters withLift(Lift other) {
      return new Parameters(cost, weights, chargePrefillToken, prediction, other);
    }
  }

  /**
   * How far service can differ, in weighted tokens.
   *
   * @param unit U = max(inputPrice * L, outputPrice * M)
   * @param backloggedPair bound for two tenants backlogged throughout: 2U
   * @param backloggedAgainstAny bound for a backlogged tenant against any other: 4U
   * @param lowerBound no work-conserving policy without preemption can promise less: outputPrice *
   *     M
   */
  public record ServiceBound(
      double unit, double backloggedPair, double backloggedAgainstAny, double lowerBound) {}

  /**
   * Returns the bounds that the paper proves for a linear cost, without preemption and prediction.
   *
   * @param inputPrice weighted tokens per prompt token, at least 0
   * @param outputPrice weighted tokens per output token, at least 0
   * @param longestPromptTokens L, at least 0
   * @param batchTokens M, tokens held by the largest running batch, at least 0
   * @return the bounds
   * @throws IllegalArgumentException if a number is negative
   */
  public static ServiceBound serviceBound(
      double inputPrice, double outputPrice, long longestPromptTokens, long batchTokens) {
    Arguments.notNegative("inputPrice", inputPrice, "weighted tokens per token");
    Arguments.notNegative("outputPrice", outputPrice, "weighted tokens per token");
    Arguments.atLeast("longestPromptTokens", longestPromptTokens, 0L, "tokens");
    Arguments.atLeast("batchTokens", batchTokens, 0L, "tokens");
    double lower = outputPrice * batchTokens;
    double unit = Math.max(inputPrice * longestPromptTokens, lower);
    return new ServiceBound(unit, 2 * unit, 4 * unit, lower);
  }

  /**
   * Returns a tenant's average output length after one more observation.
   *
   * @param average the average so far; NaN if there is none
   * @param observedTokens a finished output length
   * @return {@code (4 * average + observed) / 5}, or the first observation
   */
  public static double updatedAverage(double average, int observedTokens) {
    return Double.isNaN(average) ? observedTokens : (4 * average + observedTokens) / 5;
  }

  /** Counters of tenants and charges of live sequences. Single-threaded. */
  public static final class State {
    private double[] counters = new double[8];
    // 0 for tenants not seen yet.
    private double[] weights = new double[8];
    private double[] outputCharges = new double[8];
    private double[] averages = new double[8];
    private int[] waiting = new int[8];

    // Tenants with waiting requests, in no order, and where each stands.
    private int[] waitingTenants = new int[8];
    private int[] waitingPosition = new int[8];
    private int waitingTenantCount;

    private int lastLeaver = BatchView.NONE;
    private double lastLeaverFloor;

    private final BitSet queued = new BitSet();
    private double[] chargedOutput = new double[16];
    private int[] outputTokens = new int[16];

    private State() {
      Arrays.fill(chargedOutput, NOT_CHARGED);
    }

    /**
     * Returns a tenant's counter.
     *
     * @param tenant a tenant number
     * @return weighted tokens; 0 for a tenant never seen
     */
    public double counter(int tenant) {
      return tenant < counters.length ? counters[tenant] : 0;
    }

    private void ensureSequence(int sequence) {
      int known = outputTokens.length;
      if (sequence >= known) {
        int length = Math.max(sequence + 1, known * 2);
        chargedOutput = Arrays.copyOf(chargedOutput, length);
        Arrays.fill(chargedOutput, known, length, NOT_CHARGED);
        outputTokens = Arrays.copyOf(outputTokens, length);
      }
    }

    private void ensureTenant(int tenant) {
      if (tenant >= counters.length) {
        int length = Math.max(tenant + 1, counters.length * 2);
        counters = Arrays.copyOf(counters, length);
        weights = Arrays.copyOf(weights, length);
        outputCharges = Arrays.copyOf(outputCharges, length);
        averages = Arrays.copyOf(averages, length);
        waiting = Arrays.copyOf(waiting, length);
        waitingTenants = Arrays.copyOf(waitingTenants, length);
        waitingPosition = Arrays.copyOf(waitingPosition, length);
      }
    }

    private void startWaiting(int tenant) {
      if (waiting[tenant]++ == 0) {
        waitingPosition[tenant] = waitingTenantCount;
        waitingTenants[waitingTenantCount++] = tenant;
      }
    }

    /** Returns whether the tenant has no waiting request left. */
    private boolean stopWaiting(int tenant) {
      if (--waiting[tenant] > 0) {
        return false;
      }
      int last = waitingTenants[--waitingTenantCount];
      waitingTenants[waitingPosition[tenant]] = last;
      waitingPosition[last] = waitingPosition[tenant];
      return true;
    }

    private double leastWaiting() {
      double least = Double.POSITIVE_INFINITY;
      for (int i = 0; i < waitingTenantCount; i++) {
        least = Math.min(least, counters[waitingTenants[i]]);
      }
      return least;
    }
  }

  @Override
  public String id() {
    return "vtc";
  }

  @Override
  public State newState() {
    return new State();
  }

  @Override
  public Claims claims() {
    return parameters.prediction == Prediction.REQUEST ? PREDICTING : CLAIMS;
  }

  @Override
  public double key(State state, int tenant) {
    return state.counters[tenant];
  }

  @Override
  public void onQueued(State state, BatchView view, int sequence) {
    int tenant = view.tenant(sequence);
    know(state, view, tenant);
    state.ensureSequence(sequence);
    boolean arrived = state.chargedOutput[sequence] == NOT_CHARGED;
    if (arrived && state.waiting[tenant] == 0) {
      lift(state, tenant);
    }
    state.startWaiting(tenant);
    state.queued.set(sequence);
  }

  private void know(State state, BatchView view, int tenant) {
    state.ensureTenant(tenant);
    if (state.weights[tenant] == 0) {
      state.weights[tenant] = parameters.weights.getOrDefault(view.tenantName(tenant), 1.0);
      state.outputCharges[tenant] = parameters.cost.outputPrice() / state.weights[tenant];
      state.averages[tenant] = Double.NaN;
    }
  }

  private void lift(State state, int tenant) {
    if (parameters.lift == Lift.NONE) {
      return;
    }
    double floor;
    if (state.waitingTenantCount > 0) {
      floor = state.leastWaiting();
    } else if (parameters.lift == Lift.WAITING) {
      return;
    } else {
      floor =
          state.lastLeaver == BatchView.NONE
              ? state.lastLeaverFloor
              : state.counters[state.lastLeaver];
    }
    state.counters[tenant] = Math.max(state.counters[tenant], floor);
  }

  @Override
  public void onAdmitted(State state, BatchView view, int sequence, int cachedTokens) {
    int tenant = view.tenant(sequence);
    state.queued.clear(sequence);
    if (state.stopWaiting(tenant)) {
      state.lastLeaver = tenant;
    }
    if (state.chargedOutput[sequence] == NOT_CHARGED) {
      double predicted = predicted(state, view, sequence, tenant);
      state.chargedOutput[sequence] = predicted;
      state.outputTokens[sequence] = 0;
      charge(state, tenant, parameters.cost.of(view.promptTokens(sequence), predicted));
    }
  }

  private double predicted(State state, BatchView view, int sequence, int tenant) {
    return switch (parameters.prediction) {
      case NONE -> 0;
      case REQUEST -> view.hasPrediction(sequence) ? view.predictedRemainingTokens(sequence) : 0;
      case TENANT_AVERAGE -> Double.isNaN(state.averages[tenant]) ? 0 : state.averages[tenant];
    };
  }

  @Override
  public void onServed(State state, BatchView view, ServedSequences served) {
    boolean firstIsFree = !parameters.chargePrefillToken && !predicts();
    for (int k = 0, count = served.count(); k < count; k++) {
      int sequence = served.sequence(k);
      int tenant = view.tenant(sequence);
      for (int i = served.outputTokens(k); i > 0; i--) {
        int n = ++state.outputTokens[sequence];
        double beyond = n - state.chargedOutput[sequence];
        if (beyond <= 0 || (n == 1 && firstIsFree)) {
          continue;
        }
        if (linear && beyond >= 1) {
          state.counters[tenant] += state.outputCharges[tenant];
        } else {
          // An average may end within a token, whose rest is charged.
          double cost = parameters.cost.ofOutputToken(view.promptTokens(sequence), n);
          charge(state, tenant, cost * Math.min(1, beyond));
        }
      }
    }
  }

  private boolean predicts() {
    return parameters.prediction != Prediction.NONE;
  }

  private static void charge(State state, int tenant, double cost) {
    state.counters[tenant] += cost / state.weights[tenant];
  }

  @Override
  public int bulkIterations(State state, BatchView view) {
    // Equal charges add up to the same sum in any order; unequal ones may not, to the last bit.
    boolean equalCharges = linear && parameters.prediction != Prediction.TENANT_AVERAGE;
    return equalCharges ? Integer.MAX_VALUE : 0;
  }

  @Override
  public void onEnded(State state, BatchView view, int sequence, End end) {
    if (sequence >= state.outputTokens.length) {
      return;
    }
    int tenant = view.tenant(sequence);
    if (state.queued.get(sequence)) {
      state.queued.clear(sequence);
      state.stopWaiting(tenant);
    }
    double charged = state.chargedOutput[sequence];
    if (charged != NOT_CHARGED) {
      int produced = state.outputTokens[sequence];
      if (produced < charged) {
        int promptTokens = view.promptTokens(sequence);
        charge(
            state,
            tenant,
            parameters.cost.of(promptTokens, produced) - parameters.cost.of(promptTokens, charged));
      }
      if (end == End.STOPPED || end == End.LENGTH) {
        state.averages[tenant] = updatedAverage(state.averages[tenant], produced);
      }
      state.chargedOutput[sequence] = NOT_CHARGED;
    }
  }

  @Override
  public void onTenantForgotten(State state, int tenant) {
    if (tenant >= state.counters.length) {
      return;
    }
    if (state.lastLeaver == tenant) {
      state.lastLeaver = BatchView.NONE;
      state.lastLeaverFloor = state.counters[tenant];
    }
    state.counters[tenant] = 0;
    state.weights[tenant] = 0;
  }
}
