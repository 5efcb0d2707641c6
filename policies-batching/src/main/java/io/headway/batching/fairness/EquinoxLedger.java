package io.headway.batching.fairness;

import static java.util.Objects.requireNonNull;

import io.headway.api.Claims;
import io.headway.api.ImplementedByUsers;
import io.headway.api.batching.BatchView;
import io.headway.api.batching.End;
import io.headway.api.batching.FairnessLedger;
import io.headway.api.batching.ServedSequences;
import io.headway.batching.internal.Arguments;
import java.util.Arrays;

/**
 * Keeps two counters per tenant, as Equinox does: what the tenant's users received, and what it
 * took of the machine; the tenant with the least holistic fairness is next.
 *
 * <ol>
 *   <li>{@code HF_u = alpha * UFC_u / max UFC + beta * RFC_u / max RFC}, the maxima over all
 *       tenants seen; a maximum of 0 counts as 1.
 *   <li>Arrival of a request of a tenant without other waiting requests: each counter is lifted, as
 *       by {@link VtcLedger.Lift#LAST_LEAVER}, to the least one of those who wait, or to that of
 *       the tenant whose last waiting request was admitted last.
 *   <li>Admission: both counters grow by the cost of the prompt and the predicted output. Without a
 *       prediction, or beyond it, output tokens are charged as they are produced.
 *   <li>End: both are corrected to what the request really took.
 * </ol>
 *
 * <p>The costs are functions, {@link UserCost} and {@link ResourceCost}. The exact formulas of the
 * paper could not be verified; the defaults are ours: weighted tokens that are worth less the later
 * they come, {@code (inputPrice * p + outputPrice * n) / (1 + latencyWeight * latency)}, and
 * seconds of the device. Latency is that since arrival, at admission with the predicted service
 * time on top. With {@code alpha = 1, beta = 0} and a latency weight of 0 the order is that of
 * {@link VtcLedger} with a linear cost.
 *
 * <p>A preempted request is not charged again; one that ends while it waits is never charged. Cost:
 * O(1) per event, O(waiting tenants) for an arrival that lifts, O(tenants) for the first key after
 * a charge. Thread-safe; the state is single-threaded.
 *
 * <p>Source: Equinox: Holistic Fair Scheduling in Serving Large Language Models, arXiv 2508.16646.
 * Departure: predictions come from the scheduler's predictor, not from a mixture of experts.
 */
public final class EquinoxLedger implements FairnessLedger<EquinoxLedger.State> {
  private static final Claims CLAIMS = Claims.builder().needs(Claims.Need.TENANT).build();
  private static final Claims PREDICTING =
      Claims.builder().needs(Claims.Need.TENANT).needs(Claims.Need.PREDICTED_LENGTH).build();
  private static final int NOT_CHARGED = -1;

  private final Parameters parameters;

  /**
   * Makes the ledger.
   *
   * @param parameters its configuration
   */
  public EquinoxLedger(Parameters parameters) {
    this.parameters = requireNonNull(parameters, "parameters");
  }

  /** What a request was worth to its user. */
  @ImplementedByUsers
  @FunctionalInterface
  public interface UserCost {
    /**
     * Returns what has been received.
     *
     * @param promptTokens p
     * @param outputTokens n, a prediction or what was produced
     * @param latencySeconds from arrival to end, predicted or real
     * @return weighted tokens or any other unit, at least 0; not less for more tokens
     */
    double of(int promptTokens, double outputTokens, double latencySeconds);
  }

  /** What a request took of the machine. */
  @ImplementedByUsers
  @FunctionalInterface
  public interface ResourceCost {
    /**
     * Returns what has been taken.
     *
     * @param promptTokens p
     * @param outputTokens n, a prediction or what was produced
     * @return device seconds or any other unit, at least 0; not less for more tokens
     */
    double of(int promptTokens, double outputTokens);
  }

  /**
   * Weighted tokens, discounted by latency: {@code (inputPrice * p + outputPrice * n) / (1 +
   * latencyWeight * latency)}.
   *
   * @param inputPrice weighted tokens per prompt token, at least 0
   * @param outputPrice weighted tokens per output token, at least 0
   * @param latencyWeight how much a second of latency takes of the worth, per second, at least 0
   */
  public record DiscountedTokens(double inputPrice, double outputPrice, double latencyWeight)
      implements UserCost {
    /** VTC's prices of 1 and 2; a request of ten seconds is worth half. */
    public static final DiscountedTokens DEFAULT = new DiscountedTokens(1, 2, 0.1);

    public DiscountedTokens {
      Arguments.notNegative("inputPrice", inputPrice, "weighted tokens per token");
      Arguments.notNegative("outputPrice", outputPrice, "weighted tokens per token");
      Arguments.notNegative("latencyWeight", latencyWeight, "per second");
    }

    @Override
    public double of(int promptTokens, double outputTokens, double latencySeconds) {
      return (inputPrice * promptTokens + outputPrice * outputTokens)
          / (1 + latencyWeight * Math.max(0, latencySeconds));
    }
  }

  /**
   * Seconds of the device: {@code prefillSeconds * p + decodeSeconds * n}, each the share of an
   * iteration that a token takes, so that throughput and use of the device are both in it.
   *
   * @param prefillSeconds seconds per prompt token, at least 0
   * @param decodeSeconds seconds per output token, at least 0
   */
  public record DeviceSeconds(double prefillSeconds, double decodeSeconds) implements ResourceCost {
    /** 75 us per prompt token and 300 us per output token; ours, fit your own. */
    public static final DeviceSeconds DEFAULT = new DeviceSeconds(75e-6, 300e-6);

    public DeviceSeconds {
      Arguments.notNegative("prefillSeconds", prefillSeconds, "seconds per token");
      Arguments.notNegative("decodeSeconds", decodeSeconds, "seconds per token");
    }

    @Override
    public double of(int promptTokens, double outputTokens) {
      return prefillSeconds * promptTokens + decodeSeconds * outputTokens;
    }
  }

  /**
   * Configuration of an {@link EquinoxLedger}.
   *
   * @param alpha weight of what users received, at least 0
   * @param beta weight of what was taken of the machine, at least 0; not both 0
   * @param userCost what a request was worth to its user
   * @param resourceCost what it took of the machine
   * @param serviceSecondsPerToken predicted time per output token, for the latency at admission, at
   *     least 0
   * @param predicts whether predicted lengths are charged at admission
   */
  public record Parameters(
      double alpha,
      double beta,
      UserCost userCost,
      ResourceCost resourceCost,
      double serviceSecondsPerToken,
      boolean predicts) {
    /** Both counters weigh the same; predictions are charged. The paper's weights are not known. */
    public static final Parameters DEFAULT =
        new Parameters(0.5, 0.5, DiscountedTokens.DEFAULT, DeviceSeconds.DEFAULT, 0.02, true);

    public Parameters {
      Arguments.notNegative("alpha", alpha, "shares");
      Arguments.notNegative("beta", beta, "shares");
      if (alpha + beta == 0) {
        throw new IllegalArgumentException(
            "alpha and beta must not both be 0, or every tenant is alike; use order fcfs then");
      }
      requireNonNull(userCost, "userCost");
      requireNonNull(resourceCost, "resourceCost");
      Arguments.notNegative("serviceSecondsPerToken", serviceSecondsPerToken, "s per token");
    }
  }

  /**
   * Returns the holistic fairness of a tenant.
   *
   * @param alpha weight of the first counter
   * @param beta weight of the second counter
   * @param userFairness UFC as a share of the greatest, 0 to 1
   * @param resourceFairness RFC as a share of the greatest, 0 to 1
   * @return {@code alpha * userFairness + beta * resourceFairness}; the least goes first
   */
  public static double holisticFairness(
      double alpha, double beta, double userFairness, double resourceFairness) {
    return alpha * userFairness + beta * resourceFairness;
  }

  /** Counters of tenants and charges of live sequences. Single-threaded. */
  public static final class State {
    private double[] user = new double[8];
    private double[] resource = new double[8];
    private int[] waiting = new int[8];
    private int tenants;

    private double greatestUser;
    private double greatestResource;
    private boolean greatestKnown = true;

    private int lastLeaver = BatchView.NONE;
    private double lastUserFloor;
    private double lastResourceFloor;

    // By sequence: output tokens charged for, and what was charged; NOT_CHARGED before admission.
    private double[] chargedOutput = new double[16];
    private double[] chargedUser = new double[16];
    private double[] chargedResource = new double[16];
    private double[] latencySeconds = new double[16];
    private int[] outputTokens = new int[16];
    private boolean[] queued = new boolean[16];

    private State() {
      Arrays.fill(chargedOutput, NOT_CHARGED);
    }

    /**
     * Returns a tenant's user fairness counter.
     *
     * @param tenant a tenant number
     * @return UFC; 0 for a tenant never seen
     */
    public double userCounter(int tenant) {
      return tenant < user.length ? user[tenant] : 0;
    }

    /**
     * Returns a tenant's resource fairness counter.
     *
     * @param tenant a tenant number
     * @return RFC; 0 for a tenant never seen
     */
    public double resourceCounter(int tenant) {
      return tenant < resource.length ? resource[tenant] : 0;
    }

    private void ensureTenant(int tenant) {
      if (tenant >= user.length) {
        int length = Math.max(tenant + 1, user.length * 2);
        user = Arrays.copyOf(user, length);
        resource = Arrays.copyOf(resource, length);
        waiting = Arrays.copyOf(waiting, length);
      }
      tenants = Math.max(tenants, tenant + 1);
    }

    private void ensureSequence(int sequence) {
      int known = chargedOutput.length;
      if (sequence >= known) {
        int length = Math.max(sequence + 1, known * 2);
        chargedOutput = Arrays.copyOf(chargedOutput, length);
        Arrays.fill(chargedOutput, known, length, NOT_CHARGED);
        chargedUser = Arrays.copyOf(chargedUser, length);
        chargedResource = Arrays.copyOf(chargedResource, length);
        latencySeconds = Arrays.copyOf(latencySeconds, length);
        outputTokens = Arrays.copyOf(outputTokens, length);
        queued = Arrays.copyOf(queued, length);
      }
    }

    private void find() {
      greatestUser = 0;
      greatestResource = 0;
      for (int i = 0; i < tenants; i++) {
        greatestUser = Math.max(greatestUser, user[i]);
        greatestResource = Math.max(greatestResource, resource[i]);
      }
      greatestKnown = true;
    }

    private void charge(int tenant, double userCost, double resourceCost) {
      user[tenant] += userCost;
      resource[tenant] += resourceCost;
      greatestKnown = false;
    }
  }

  @Override
  public String id() {
    return "equinox";
  }

  @Override
  public State newState() {
    return new State();
  }

  @Override
  public Claims claims() {
    return parameters.predicts ? PREDICTING : CLAIMS;
  }

  @Override
  public boolean movesTogether() {
    return true;
  }

  @Override
  public double key(State state, int tenant) {
    if (!state.greatestKnown) {
      state.find();
    }
    return holisticFairness(
        parameters.alpha,
        parameters.beta,
        share(state.user[tenant], state.greatestUser),
        share(state.resource[tenant], state.greatestResource));
  }

  private static double share(double counter, double greatest) {
    return greatest == 0 ? counter : counter / greatest;
  }

  @Override
  public void onQueued(State state, BatchView view, int sequence) {
    int tenant = view.tenant(sequence);
    state.ensureTenant(tenant);
    state.ensureSequence(sequence);
    boolean arrived = state.chargedOutput[sequence] == NOT_CHARGED;
    if (arrived && state.waiting[tenant] == 0) {
      lift(state, tenant);
    }
    state.waiting[tenant]++;
    state.queued[sequence] = true;
  }

  private static void lift(State state, int tenant) {
    double userFloor = Double.POSITIVE_INFINITY;
    double resourceFloor = Double.POSITIVE_INFINITY;
    for (int i = 0; i < state.tenants; i++) {
      if (state.waiting[i] > 0) {
        userFloor = Math.min(userFloor, state.user[i]);
        resourceFloor = Math.min(resourceFloor, state.resource[i]);
      }
    }
    if (userFloor == Double.POSITIVE_INFINITY) {
      boolean gone = state.lastLeaver == BatchView.NONE;
      userFloor = gone ? state.lastUserFloor : state.user[state.lastLeaver];
      resourceFloor = gone ? state.lastResourceFloor : state.resource[state.lastLeaver];
    }
    state.user[tenant] = Math.max(state.user[tenant], userFloor);
    state.resource[tenant] = Math.max(state.resource[tenant], resourceFloor);
    state.greatestKnown = false;
  }

  @Override
  public void onAdmitted(State state, BatchView view, int sequence, int cachedTokens) {
    int tenant = view.tenant(sequence);
    leave(state, tenant, sequence, true);
    if (state.chargedOutput[sequence] != NOT_CHARGED) {
      return;
    }
    int promptTokens = view.promptTokens(sequence);
    double predicted =
        parameters.predicts && view.hasPrediction(sequence)
            ? view.predictedRemainingTokens(sequence)
            : 0;
    state.outputTokens[sequence] = 0;
    state.chargedOutput[sequence] = predicted;
    state.latencySeconds[sequence] =
        (view.nowNanos() - view.arrivalNanos(sequence)) / 1e9
            + predicted * parameters.serviceSecondsPerToken;
    state.chargedUser[sequence] = 0;
    state.chargedResource[sequence] = 0;
    settle(state, tenant, sequence, promptTokens, predicted);
  }

  /** Brings what a sequence was charged to the cost of so many output tokens. */
  private void settle(
      State state, int tenant, int sequence, int promptTokens, double outputTokens) {
    double user =
        parameters.userCost.of(promptTokens, outputTokens, state.latencySeconds[sequence]);
    double resource = parameters.resourceCost.of(promptTokens, outputTokens);
    state.charge(
        tenant, user - state.chargedUser[sequence], resource - state.chargedResource[sequence]);
    state.chargedUser[sequence] = user;
    state.chargedResource[sequence] = resource;
  }

  private static void leave(State state, int tenant, int sequence, boolean admitted) {
    if (state.queued[sequence]) {
      state.queued[sequence] = false;
      if (--state.waiting[tenant] == 0 && admitted) {
        state.lastLeaver = tenant;
      }
    }
  }

  @Override
  public void onServed(State state, BatchView view, ServedSequences served) {
    for (int k = 0, count = served.count(); k < count; k++) {
      int sequence = served.sequence(k);
      if (served.outputTokens(k) == 0) {
        continue;
      }
      state.outputTokens[sequence] += served.outputTokens(k);
      if (state.outputTokens[sequence] > state.chargedOutput[sequence]) {
        state.chargedOutput[sequence] = state.outputTokens[sequence];
        settle(
            state,
            view.tenant(sequence),
            sequence,
            view.promptTokens(sequence),
            state.chargedOutput[sequence]);
      }
    }
  }

  @Override
  public void onEnded(State state, BatchView view, int sequence, End end) {
    if (sequence >= state.chargedOutput.length) {
      return;
    }
    int tenant = view.tenant(sequence);
    leave(state, tenant, sequence, false);
    if (state.chargedOutput[sequence] != NOT_CHARGED) {
      state.latencySeconds[sequence] = (view.nowNanos() - view.arrivalNanos(sequence)) / 1e9;
      settle(state, tenant, sequence, view.promptTokens(sequence), state.outputTokens[sequence]);
      state.chargedOutput[sequence] = NOT_CHARGED;
    }
  }

  @Override
  public void onTenantForgotten(State state, int tenant) {
    if (tenant >= state.tenants) {
      return;
    }
    if (state.lastLeaver == tenant) {
      state.lastLeaver = BatchView.NONE;
      state.lastUserFloor = state.user[tenant];
      state.lastResourceFloor = state.resource[tenant];
    }
    state.user[tenant] = 0;
    state.resource[tenant] = 0;
    state.greatestKnown = false;
  }

  @Override
  public int bulkIterations(State state, BatchView view) {
    // Costs may be any functions, so that two charges need not add up to one of both.
    return 0;
  }
}
