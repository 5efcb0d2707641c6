package io.headway.routing.model;

import static java.util.Objects.requireNonNull;

import io.headway.api.Claims;
import io.headway.api.Request;
import io.headway.api.routing.ModelSelector;
import io.headway.api.routing.RejectCode;
import java.util.LinkedHashMap;
import java.util.Map;

/**
 * Takes the largest model that the tenant's compute budget and the request's deadline allow, by the
 * parameters that a token activates.
 *
 * <p>A request costs {@code 2 * activatedParameters * (p + t)} FLOPs for {@code p} prompt and
 * {@code t} output tokens; {@code t} is the predicted output if the request carries one, else its
 * cap. Each tenant has a token bucket in FLOPs: it starts full with {@code burstFlops} and fills at
 * {@code flopsPerSecond}. Of the usable models (context, capabilities, entitlement) the one with
 * the most FLOPs within both the bucket and the latency bound is taken, equal FLOPs go to the
 * first. The latency bound is what {@code servingFlopsPerSecond} computes until the deadline; none
 * without either. If no model is within both, the one with the fewest FLOPs is taken and flagged by
 * the rule {@code over-budget}, or the request is turned away with {@link RejectCode#OVERLOAD}, as
 * {@link OverBudget} says. The bucket pays for what is taken; flagged requests never push it below
 * 0.
 *
 * <p>Spending that is not flagged never exceeds {@code burst + rate * time} per tenant. Rules named
 * in the draft: {@code within-budget}, {@code over-budget}. The {@value #MAX_TENANTS} tenants seen
 * last are remembered; a forgotten one starts with a full bucket. Cost: O(models). A state belongs
 * to one thread at a time.
 *
 * <p>Activated rather than total parameters decide compute: Sun et al., Hunyuan-Large, 2024 (arXiv
 * 2411.02265) has 389B in total and 52B activated. Memory follows the total and is not looked at
 * here. The bucket and the deadline rule are this library's.
 */
public final class ActivatedBudgetSelector
    implements ModelSelector<ActivatedBudgetSelector.Buckets> {
  /** Fills a bucket in a second unless configured otherwise: a tenth of a full bucket. */
  public static final double DEFAULT_FLOPS_PER_SECOND = 1e14;

  /** What a full bucket holds unless configured otherwise. */
  public static final double DEFAULT_BURST_FLOPS = 1e15;

  /** Tenants whose buckets are remembered. */
  public static final int MAX_TENANTS = 65_536;

  private static final double FLOPS_PER_PARAMETER = 2;
  private static final double NANOS_PER_SECOND = 1e9;

  /** What happens to a request that no model can serve within the limits. */
  public enum OverBudget {
    /** The model with the fewest FLOPs serves it, flagged. */
    CHEAPEST,
    /** It is turned away. */
    REJECT
  }

  /**
   * Settings.
   *
   * @param flopsPerSecond FLOPs a tenant's bucket gains per second, finite and at least 0; 1e14 by
   *     default
   * @param burstFlops FLOPs a full bucket holds, finite and at least 0; 1e15 by default
   * @param servingFlopsPerSecond speed that deadlines are judged by, finite and at least 0; 0, the
   *     default, to ignore deadlines
   * @param overBudget what happens beyond the limits; CHEAPEST by default
   */
  public record Config(
      double flopsPerSecond,
      double burstFlops,
      double servingFlopsPerSecond,
      OverBudget overBudget) {
    /** The defaults. */
    public static final Config DEFAULT =
        new Config(DEFAULT_FLOPS_PER_SECOND, DEFAULT_BURST_FLOPS, 0, OverBudget.CHEAPEST);

    /** Checks the settings. */
    public Config {
      requireRate("flopsPerSecond", flopsPerSecond);
      requireRate("burstFlops", burstFlops);
      requireRate("servingFlopsPerSecond", servingFlopsPerSecond);
      requireNonNull(overBudget, "overBudget");
    }

    private static void requireRate(String name, double value) {
      if (!(value >= 0) || Double.isInfinite(value)) {
        throw new IllegalArgumentException(
            name + " must be finite and at least 0 FLOPs, but was " + value);
      }
    }
  }

  /** The buckets of all tenants. Not thread-safe. */
  public static final class Buckets {
    private final Map<String, Bucket> byTenant =
        new LinkedHashMap<>(16, 0.75f, true) {
          private static final long serialVersionUID = 1L;

          @Override
          protected boolean removeEldestEntry(Map.Entry<String, Bucket> eldest) {
            return size() > MAX_TENANTS;
          }
        };

    private double[] flops = {};

    private Buckets() {}

    /**
     * Returns what a tenant may spend as of its last request.
     *
     * @param tenant its name
     * @return FLOPs, at least 0; negative for a tenant that is not remembered
     */
    public double flops(String tenant) {
      Bucket bucket = byTenant.get(tenant);
      return bucket == null ? -1 : bucket.flops;
    }
  }

  private static final class Bucket {
    private double flops;
    private long filledNanos;
  }

  private final Config config;

  /**
   * Creates the policy.
   *
   * @param config its settings
   */
  public ActivatedBudgetSelector(Config config) {
    this.config = requireNonNull(config, "config");
  }

  /**
   * Returns what a request costs on a model.
   *
   * @param promptTokens prompt tokens p, at least 0
   * @param outputTokens output tokens t, at least 0
   * @param activatedParameters parameters that one token activates
   * @return {@code 2 * activatedParameters * (p + t)} FLOPs
   */
  public static double flops(long promptTokens, long outputTokens, long activatedParameters) {
    return FLOPS_PER_PARAMETER * activatedParameters * ((double) promptTokens + outputTokens);
  }

  /**
   * Picks the model with the most FLOPs within a limit, the first of equal ones.
   *
   * @param flops cost on every model; NaN for models that cannot serve the request
   * @param models number of models
   * @param limit most FLOPs
   * @return a model within the limit; the complement {@code ~m} of the one with the fewest FLOPs
   *     (the first of equal ones) if none is; {@code models} if none can serve the request
   */
  public static int pick(double[] flops, int models, double limit) {
    int largest = NONE;
    int cheapest = NONE;
    for (int m = 0; m < models; m++) {
      if (Double.isNaN(flops[m])) {
        continue;
      }
      if (cheapest == NONE || flops[m] < flops[cheapest]) {
        cheapest = m;
      }
      if (flops[m] <= limit && (largest == NONE || flops[m] > flops[largest])) {
        largest = m;
      }
    }
    if (cheapest == NONE) {
      return models;
    }
    return largest == NONE ? ~cheapest : largest;
  }

  @Override
  public String id() {
    return "activated-budget";
  }

  @Override
  public Buckets newState() {
    return new Buckets();
  }

  @Override
  public Claims claims() {
    return Claims.builder().needs(Claims.Need.TENANT).build();
  }

  @Override
  public void choose(Buckets state, Request request, ModelView view, ModelDraft draft) {
    Bucket bucket = filled(state, request.tenant(), view.nowNanos());
    double limit = Math.min(bucket.flops, latencyBound(request, view.nowNanos()));
    if (state.flops.length < view.size()) {
      state.flops = new double[view.size()];
    }
    int output =
        request.hasPredictedOutput() ? request.predictedOutputTokens() : request.maxNewTokens();
    for (int m = 0; m < view.size(); m++) {
      state.flops[m] =
          Models.usable(request, view, m)
              ? flops(request.promptTokens(), output, view.activatedParameters(m))
              : Double.NaN;
    }
    int picked = pick(state.flops, view.size(), limit);
    if (picked == view.size()) {
      Models.rejectUnusable(request, view, draft);
    } else if (picked >= 0) {
      bucket.flops -= state.flops[picked];
      draft.rule("within-budget");
      draft.accept(picked);
    } else {
      draft.rule("over-budget");
      if (config.overBudget() == OverBudget.REJECT) {
        draft.reject(RejectCode.OVERLOAD);
      } else {
        bucket.flops = Math.max(0, bucket.flops - state.flops[~picked]);
        draft.accept(~picked);
      }
    }
  }

  private Bucket filled(Buckets state, String tenant, long nowNanos) {
    Bucket bucket = state.byTenant.get(tenant);
    boolean known = bucket != null;
    if (bucket == null) {
      bucket = new Bucket();
      bucket.flops = config.burstFlops();
      state.byTenant.put(tenant, bucket);
    } else {
      double seconds = Math.max(0, nowNanos - bucket.filledNanos) / NANOS_PER_SECOND;
      bucket.flops =
          Math.min(config.burstFlops(), bucket.flops + seconds * config.flopsPerSecond());
    }
    // A clock that is set back must not fill the same span twice.
    bucket.filledNanos = known ? Math.max(bucket.filledNanos, nowNanos) : nowNanos;
    return bucket;
  }

  private double latencyBound(Request request, long nowNanos) {
    if (config.servingFlopsPerSecond() == 0 || !request.hasDeadline()) {
      return Double.POSITIVE_INFINITY;
    }
    double seconds = Math.max(0, request.deadlineNanos() - nowNanos) / NANOS_PER_SECOND;
    return seconds * config.servingFlopsPerSecond();
  }
}
