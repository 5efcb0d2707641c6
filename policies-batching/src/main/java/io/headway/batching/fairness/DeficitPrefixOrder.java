package io.headway.batching.fairness;

import static java.util.Objects.requireNonNull;

import io.headway.api.Claims;
import io.headway.api.batching.BatchView;
import io.headway.api.batching.End;
import io.headway.api.batching.QueueOrder;
import io.headway.api.batching.RankChanges;
import io.headway.api.batching.ServedSequences;
import io.headway.batching.internal.Arguments;
import java.util.Arrays;
import java.util.Collections;
import java.util.LinkedHashMap;
import java.util.Map;

/**
 * Orders the queue by deficit longest prefix match (DLPM): among the tenants that have credit left,
 * the sequence with the longest cached prefix first; ties by (arrival, id). Locality and fairness
 * are traded by the quantum: small ones approach VTC, large ones plain longest prefix match.
 *
 * <ol>
 *   <li>A tenant starts with deficit 0. Admission: {@code q_u -= extendPrice * (prompt - cached)};
 *       output token: {@code q_u -= outputPrice}. Cached tokens cost nothing; a preempted sequence
 *       is not charged for what is recomputed.
 *   <li>When the queue is looked at and no waiting tenant has {@code q > 0}, every known tenant
 *       with {@code q <= 0}, waiting or not, gets its quantum, again and again until one that waits
 *       has credit.
 * </ol>
 *
 * <p>Prefixes count as the cache holds them now; those of prefills in flight do not. Prefix lengths
 * are looked up anew when an iteration has completed, O(waiting) lookups if the queue is then
 * looked at. O(tenants without credit) per refill. Thread-safe; the state is single-threaded.
 *
 * <p>Properties: {@code q_u <= Q_u} always; nobody without credit is admitted; two tenants
 * backlogged throughout an interval get the same number of refills, so that, without preemption,
 * their weighted service differs by at most {@link #serviceBound}; with an infinite quantum this is
 * longest prefix match.
 *
 * <p>Source: Cao et al., Locality-aware Fair Scheduling in LLM Serving, arXiv 2501.14312. The
 * service bound is the safe form of this library's derivation. The distributed form, D2LPM, runs
 * this on every worker; its dispatcher is the routing policy {@code d2lpm}.
 */
public final class DeficitPrefixOrder implements QueueOrder<DeficitPrefixOrder.State> {
  private static final Claims CLAIMS =
      Claims.builder().needs(Claims.Need.TENANT).needs(Claims.Need.PREFIX_KEYS).build();

  /**
   * Configuration of a {@link DeficitPrefixOrder}.
   *
   * @param quantum weighted tokens of one refill, above 0
   * @param extendPrice weighted tokens per prompt token that is not cached, at least 0
   * @param outputPrice weighted tokens per output token, at least 0
   * @param weights factor of the quantum of each tenant by name, above 0; 1 for tenants not named
   */
  public record Parameters(
      double quantum, double extendPrice, double outputPrice, Map<String, Double> weights) {
    /**
     * Prices 1 and 2, as in VTC, and a quantum of 1,000 weighted tokens, which is this library's
     * choice: about one request of a conversation.
     */
    public static final Parameters DEFAULT = new Parameters(1000, 1, 2, Collections.emptyMap());

    public Parameters {
      Arguments.positive("quantum", quantum, "weighted tokens");
      Arguments.notNegative("extendPrice", extendPrice, "weighted tokens per token");
      Arguments.notNegative("outputPrice", outputPrice, "weighted tokens per token");
      weights =
          Collections.unmodifiableMap(new LinkedHashMap<>(requireNonNull(weights, "weights")));
      weights.forEach(
          (tenant, weight) ->
              Arguments.positive("weight of tenant '" + tenant + "'", weight, "quanta"));
    }
  }

  /** Deficits of tenants. Single-threaded. */
  public static final class State {
    private double[] deficits = new double[8];
    // 0 for tenants not seen yet.
    private double[] quanta = new double[8];
    private long[] refills = new long[8];
    private int[] waiting = new int[8];

    // Tenants without credit, in no order, and where each stands, plus 1.
    private int[] poor = new int[8];
    private int[] poorPlace = new int[8];
    private int poorCount;
    // How many tenants wait, and how many of them have credit.
    private int waitingTenants;
    private int waitingWithCredit;

    private boolean[] charged = new boolean[16];
    private boolean[] queued = new boolean[16];
    private int[] matchedTokens = new int[16];
    private boolean matchesStale = true;

    private State() {}

    /**
     * Returns a tenant's deficit.
     *
     * @param tenant a tenant number
     * @return weighted tokens; 0 for a tenant never seen
     */
    public double deficit(int tenant) {
      return tenant < deficits.length ? deficits[tenant] : 0;
    }

    /**
     * Returns how often a tenant was refilled.
     *
     * @param tenant a tenant number
     * @return a count; 0 for a tenant never seen
     */
    public long refills(int tenant) {
      return tenant < refills.length ? refills[tenant] : 0;
    }

    private void ensureTenant(int tenant) {
      if (tenant >= deficits.length) {
        int length = Math.max(tenant + 1, deficits.length * 2);
        deficits = Arrays.copyOf(deficits, length);
        quanta = Arrays.copyOf(quanta, length);
        refills = Arrays.copyOf(refills, length);
        waiting = Arrays.copyOf(waiting, length);
        poor = Arrays.copyOf(poor, length);
        poorPlace = Arrays.copyOf(poorPlace, length);
      }
    }

    private void ensureSequence(int sequence) {
      if (sequence >= charged.length) {
        int length = Math.max(sequence + 1, charged.length * 2);
        charged = Arrays.copyOf(charged, length);
        queued = Arrays.copyOf(queued, length);
        matchedTokens = Arrays.copyOf(matchedTokens, length);
      }
    }

    private boolean hasCredit(int tenant) {
      return poorPlace[tenant] == 0;
    }

    private void addPoor(int tenant) {
      poor[poorCount] = tenant;
      poorPlace[tenant] = ++poorCount;
    }

    private void removePoor(int tenant) {
      int place = poorPlace[tenant] - 1;
      int last = poor[--poorCount];
      poor[place] = last;
      poorPlace[last] = place + 1;
      poorPlace[tenant] = 0;
    }

    private void charge(int tenant, double cost) {
      deficits[tenant] -= cost;
      if (deficits[tenant] <= 0 && hasCredit(tenant)) {
        addPoor(tenant);
        if (waiting[tenant] > 0) {
          waitingWithCredit--;
        }
      }
    }

    private void startWaiting(int sequence, int tenant) {
      queued[sequence] = true;
      if (waiting[tenant]++ == 0) {
        waitingTenants++;
        waitingWithCredit += hasCredit(tenant) ? 1 : 0;
      }
    }

    private void stopWaiting(int sequence, int tenant) {
      queued[sequence] = false;
      if (--waiting[tenant] == 0) {
        waitingTenants--;
        waitingWithCredit -= hasCredit(tenant) ? 1 : 0;
      }
    }

    /** Refills everybody without credit as often as it takes until a waiting tenant has some. */
    private void refill() {
      double rounds = Double.POSITIVE_INFINITY;
      for (int i = 0; i < poorCount; i++) {
        if (waiting[poor[i]] > 0) {
          rounds = Math.min(rounds, roundsToCredit(poor[i]));
        }
      }
      int i = 0;
      while (i < poorCount) {
        int tenant = poor[i];
        double given = Math.min(rounds, roundsToCredit(tenant));
        deficits[tenant] += given * quanta[tenant];
        refills[tenant] += (long) given;
        if (deficits[tenant] > 0) {
          removePoor(tenant);
          waitingWithCredit += waiting[tenant] > 0 ? 1 : 0;
        } else {
          i++;
        }
      }
    }

    private double roundsToCredit(int tenant) {
      return Math.floor(-deficits[tenant] / quanta[tenant]) + 1;
    }
  }

  private final Parameters parameters;

  /**
   * Makes the order.
   *
   * @param parameters its configuration
   */
  public DeficitPrefixOrder(Parameters parameters) {
    this.parameters = requireNonNull(parameters, "parameters");
  }

  /**
   * Returns how far the weighted service of two tenants can differ that are backlogged throughout,
   * for equal quanta and without preemption.
   *
   * @param quantum Q, above 0
   * @param extendPrice w_e, at least 0
   * @param outputPrice w_q, at least 0
   * @param longestExtendTokens L, most uncached prompt tokens of a request, at least 0
   * @param batchTokens M, tokens held by the largest running batch, at least 0
   * @return {@code 2 (Q + w_e L + w_q M)} weighted tokens
   * @throws IllegalArgumentException if a number is out of range
   */
  public static double serviceBound(
      double quantum,
      double extendPrice,
      double outputPrice,
      long longestExtendTokens,
      long batchTokens) {
    Arguments.positive("quantum", quantum, "weighted tokens");
    Arguments.notNegative("extendPrice", extendPrice, "weighted tokens per token");
    Arguments.notNegative("outputPrice", outputPrice, "weighted tokens per token");
    Arguments.atLeast("longestExtendTokens", longestExtendTokens, 0L, "tokens");
    Arguments.atLeast("batchTokens", batchTokens, 0L, "tokens");
    return 2 * (quantum + extendPrice * longestExtendTokens + outputPrice * batchTokens);
  }

  @Override
  public String id() {
    return "dlpm";
  }

  @Override
  public State newState() {
    return new State();
  }

  @Override
  public Claims claims() {
    return CLAIMS;
  }

  @Override
  public KeyChange keyChange() {
    return KeyChange.ANY_TIME;
  }

  @Override
  public int compare(State state, BatchView view, int a, int b) {
    boolean creditA = state.hasCredit(view.tenant(a));
    boolean creditB = state.hasCredit(view.tenant(b));
    if (creditA != creditB) {
      return creditA ? -1 : 1;
    }
    int byMatch = Integer.compare(state.matchedTokens[b], state.matchedTokens[a]);
    return byMatch != 0 ? byMatch : view.compareArrival(a, b);
  }

  @Override
  public void refresh(State state, BatchView view, RankChanges changes) {
    if (state.matchesStale) {
      state.matchesStale = false;
      for (int s = view.firstWaiting(); s != BatchView.NONE; s = view.nextWaiting(s)) {
        state.matchedTokens[s] = view.cachedTokens(s);
      }
    }
    if (state.waitingTenants > 0 && state.waitingWithCredit == 0) {
      state.refill();
    }
  }

  @Override
  public void onQueued(State state, BatchView view, int sequence) {
    int tenant = view.tenant(sequence);
    state.ensureTenant(tenant);
    state.ensureSequence(sequence);
    if (state.quanta[tenant] == 0) {
      state.quanta[tenant] =
          parameters.quantum * parameters.weights.getOrDefault(view.tenantName(tenant), 1.0);
      state.addPoor(tenant);
    }
    state.matchedTokens[sequence] = view.cachedTokens(sequence);
    state.startWaiting(sequence, tenant);
  }

  @Override
  public void onAdmitted(State state, BatchView view, int sequence, int cachedTokens) {
    int tenant = view.tenant(sequence);
    state.stopWaiting(sequence, tenant);
    state.matchedTokens[sequence] = 0;
    if (!state.charged[sequence]) {
      state.charged[sequence] = true;
      int extend = Math.max(0, view.promptTokens(sequence) - cachedTokens);
      state.charge(tenant, parameters.extendPrice * extend);
    }
  }

  @Override
  public void onServed(State state, BatchView view, ServedSequences served) {
    state.matchesStale = true;
    for (int k = 0, count = served.count(); k < count; k++) {
      int tenant = view.tenant(served.sequence(k));
      for (int i = served.outputTokens(k); i > 0; i--) {
        state.charge(tenant, parameters.outputPrice);
      }
    }
  }

  @Override
  public int bulkIterations(State state, BatchView view) {
    // While somebody waits, credit and cached prefixes decide anew in every iteration.
    return state.waitingTenants == 0 ? Integer.MAX_VALUE : 0;
  }

  @Override
  public void onEnded(State state, BatchView view, int sequence, End end) {
    if (sequence >= state.charged.length) {
      return;
    }
    if (state.queued[sequence]) {
      state.stopWaiting(sequence, view.tenant(sequence));
    }
    state.charged[sequence] = false;
  }

  @Override
  public void onTenantForgotten(State state, int tenant) {
    if (tenant < state.quanta.length && state.quanta[tenant] > 0) {
      if (!state.hasCredit(tenant)) {
        state.removePoor(tenant);
      }
      state.deficits[tenant] = 0;
      state.refills[tenant] = 0;
      state.quanta[tenant] = 0;
    }
  }
}
