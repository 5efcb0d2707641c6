package io.headway.routing.instance;

import static java.util.Objects.requireNonNull;

import io.headway.api.Claims;
import io.headway.api.Instance;
import io.headway.api.Request;
import io.headway.api.routing.ClusterView;
import io.headway.api.routing.RouteDraft;
import io.headway.api.routing.RouteOutcome;
import io.headway.api.routing.RoutingPolicy;
import java.util.Arrays;
import java.util.LinkedHashMap;
import java.util.Map;
import org.jspecify.annotations.Nullable;

/**
 * Sends a tenant's request to the instance with the longest cached prefix among those with which
 * the tenant has credit left: the dispatcher of D2LPM, in front of instances that run DLPM.
 *
 * <ol>
 *   <li>Every tenant has a deficit with every instance, 0 at first. If it has credit with no
 *       candidate, all its deficits get the quantum, again and again until one candidate's is above
 *       0. Those of other instances, which may hold credit already, are capped at the quantum.
 *   <li>Among the candidates with credit: longest cached prefix, then least load, then lowest id.
 *   <li>Dispatch: {@code q -= extendPrice * (prompt - match)}. End: {@code q -= outputPrice *
 *       output}, whatever the end; of unknown output the request's own prediction, if it has one.
 * </ol>
 *
 * <p>Rules, named as in the explanation: {@code credit} or {@code refill}.
 *
 * <p>Bound, with the same instances up and candidates throughout, for one tenant and any two of
 * them: the service charged differs by at most {@code Q + extendPrice * L + outputPrice * F * M}; Q
 * the quantum, L the longest uncached prompt, M the largest output, F the most requests of the
 * tenant outstanding at one instance.
 *
 * <p>Tenants beyond {@code maxTenants} are forgotten, least recently seen first, and begin anew; so
 * does an instance that begins another life. Cost O(candidates + prompt blocks) per request,
 * O(tenants) when an instance appears. Not thread-safe.
 *
 * <p>Source: Cao et al., Locality-aware Fair Scheduling in LLM Serving, arXiv 2501.14312.
 * Departure: a router hears of output when a request ends, so output is charged then and not token
 * by token, hence the factor F.
 */
public final class DeficitPrefixRouting implements RoutingPolicy<DeficitPrefixRouting.State> {
  private static final Claims CLAIMS =
      Claims.builder().needs(Claims.Need.TENANT).needs(Claims.Need.PREFIX_KEYS).build();

  /**
   * Configuration of a {@link DeficitPrefixRouting}.
   *
   * @param quantum weighted tokens of one refill, above 0: small for balance, large for locality
   * @param extendPrice weighted tokens per prompt token that is not cached, at least 0
   * @param outputPrice weighted tokens per output token, at least 0
   * @param load what breaks ties of the cached prefix
   * @param maxTenants tenants remembered, at least 1
   */
  public record Parameters(
      double quantum, double extendPrice, double outputPrice, LoadMetric load, int maxTenants) {
    /** Quantum 1,000 and 65,536 tenants, this library's choice; prices 1 and 2 as in VTC. */
    public static final Parameters DEFAULT =
        new Parameters(1_000, 1, 2, LoadMetric.TOKENS, 1 << 16);

    public Parameters {
      if (!(quantum > 0) || Double.isInfinite(quantum)) {
        throw new IllegalArgumentException(
            "quantum must be finite and above 0 weighted tokens, but was " + quantum);
      }
      Check.atLeast("extendPrice", extendPrice, 0, "weighted tokens");
      Check.atLeast("outputPrice", outputPrice, 0, "weighted tokens");
      requireNonNull(load, "load");
      Check.atLeast("maxTenants", maxTenants, 1, "tenant");
    }
  }

  private final Parameters parameters;

  /**
   * Makes the policy.
   *
   * @param parameters its configuration
   */
  public DeficitPrefixRouting(Parameters parameters) {
    this.parameters = requireNonNull(parameters, "parameters");
  }

  @Override
  public String id() {
    return "d2lpm";
  }

  @Override
  public State newState() {
    return new State(parameters.maxTenants);
  }

  @Override
  public State copyOf(State state) {
    return new State(state);
  }

  @Override
  public Claims claims() {
    return CLAIMS;
  }

  @Override
  public void route(State state, Request request, ClusterView view, RouteDraft draft) {
    int count = view.size();
    state.ensure(count);
    for (int i = 0; i < count; i++) {
      state.own(view.instance(i));
    }
    double[] row = state.row(request.tenant());
    for (int i = 0; i < count; i++) {
      Instance instance = view.instance(i);
      state.deficits[i] = row[instance.index()];
      state.quanta[i] = parameters.quantum;
      long match = (long) view.matchedBlocks(request, i) * instance.blockTokens();
      state.matches[i] = (int) Math.min(match, request.promptTokens());
      state.loads[i] = parameters.load.of(instance);
    }
    double rounds = WorkerDeficits.refill(state.deficits, state.quanta, count);
    int chosen = WorkerDeficits.choose(state.deficits, state.matches, state.loads, count);
    if (rounds > 0) {
      for (int column = 0; column < row.length; column++) {
        row[column] = Math.min(parameters.quantum, row[column] + rounds * parameters.quantum);
      }
    }
    if (draft.explaining()) {
      for (int i = 0; i < count; i++) {
        draft.score(i, "deficit", state.deficits[i]);
        draft.score(i, "matchedTokens", state.matches[i]);
        draft.score(i, "load", state.loads[i]);
      }
      draft.detail("refills", rounds);
    }
    for (int i = 0; i < count; i++) {
      row[view.instance(i).index()] = state.deficits[i];
    }
    row[view.instance(chosen).index()] -=
        parameters.extendPrice * (request.promptTokens() - state.matches[chosen]);
    draft.accept(chosen);
    draft.rule(rounds > 0 ? "refill" : "credit");
  }

  @Override
  public void onFinished(State state, Request request, RouteOutcome outcome) {
    int column = state.column(outcome.instanceId(), outcome.incarnation());
    int tokens =
        outcome.outputTokens() >= 0
            ? outcome.outputTokens()
            : request.hasPredictedOutput() ? request.predictedOutputTokens() : 0;
    if (column >= 0) {
      state.row(request.tenant())[column] -= parameters.outputPrice * tokens;
    }
  }

  /** Deficits by tenant and instance. Not thread-safe. */
  public static final class State {
    private final int maxTenants;
    private final Map<String, double[]> rows;
    // Whose life a column is about, by the dense number of the instance.
    private @Nullable String[] owners = new String[8];
    private int[] incarnations = new int[8];

    private double[] deficits = new double[8];
    private double[] quanta = new double[8];
    private int[] matches = new int[8];
    private double[] loads = new double[8];

    private State(int maxTenants) {
      this.maxTenants = maxTenants;
      rows =
          new LinkedHashMap<>(16, 0.75f, true) {
            private static final long serialVersionUID = 1L;

            @Override
            protected boolean removeEldestEntry(Map.Entry<String, double[]> eldest) {
              return size() > State.this.maxTenants;
            }
          };
    }

    private State(State other) {
      this(other.maxTenants);
      other.rows.forEach((tenant, row) -> rows.put(tenant, row.clone()));
      owners = other.owners.clone();
      incarnations = other.incarnations.clone();
    }

    /**
     * Returns what a tenant has left with an instance.
     *
     * @param tenant name of the tenant
     * @param index {@link Instance#index()} of the instance
     * @return weighted tokens; 0 for a tenant or an instance not seen
     */
    public double deficit(String tenant, int index) {
      double[] row = rows.get(requireNonNull(tenant, "tenant"));
      return row == null || index >= row.length ? 0 : row[index];
    }

    /** Returns a tenant's deficits, as long as the table of instances. */
    private double[] row(String tenant) {
      double[] row = rows.get(tenant);
      if (row == null || row.length < owners.length) {
        row = row == null ? new double[owners.length] : Arrays.copyOf(row, owners.length);
        rows.put(tenant, row);
      }
      return row;
    }

    private int column(String instanceId, int incarnation) {
      for (int i = 0; i < owners.length; i++) {
        if (instanceId.equals(owners[i]) && incarnations[i] == incarnation) {
          return i;
        }
      }
      return -1;
    }

    /** Makes a column an instance's; one that was about another life begins at 0. */
    private void own(Instance instance) {
      int index = instance.index();
      if (index >= owners.length) {
        owners = Arrays.copyOf(owners, Math.max(index + 1, owners.length * 2));
        incarnations = Arrays.copyOf(incarnations, owners.length);
      }
      if (instance.id().equals(owners[index]) && instance.incarnation() == incarnations[index]) {
        return;
      }
      owners[index] = instance.id();
      incarnations[index] = instance.incarnation();
      for (double[] row : rows.values()) {
        if (index < row.length) {
          row[index] = 0;
        }
      }
    }

    private void ensure(int count) {
      if (count > deficits.length) {
        int length = Math.max(count, deficits.length * 2);
        deficits = new double[length];
        quanta = new double[length];
        matches = new int[length];
        loads = new double[length];
      }
    }
  }
}
