package io.headway.routing.instance;

import static java.util.Objects.requireNonNull;

import io.headway.api.Claims;
import io.headway.api.Request;
import io.headway.api.Role;
import io.headway.api.routing.ClusterView;
import io.headway.api.routing.RejectCode;
import io.headway.api.routing.RouteDraft;
import io.headway.api.routing.RouteOutcome;
import io.headway.api.routing.RoutingPolicy;

/**
 * Sends the prompt to one instance and the decodes to another, each chosen by a policy of its own
 * among the instances of that role; {@link Role#MIXED} ones belong to both.
 *
 * <p>DistServe's dispatch is {@code least-requests} for both. If both choices are one mixed
 * instance it serves the whole request, rule {@code together}; otherwise {@code split}. Without an
 * instance for either role: REJECT with NO_CANDIDATE. A QUEUE or REJECT of either policy is the
 * answer. Cost: O(M) plus both policies, no allocation. Ties: those of the two policies.
 *
 * @param <P> state of the policy for prompts
 * @param <D> state of the policy for decodes
 */
public final class DisaggregatedRouting<P, D>
    implements RoutingPolicy<DisaggregatedRouting.State<P, D>> {
  private final RoutingPolicy<P> prefill;
  private final RoutingPolicy<D> decode;

  /**
   * Makes the policy.
   *
   * @param prefill chooses where prompts run; one that does not split roles itself
   * @param decode chooses where decodes run; one that does not split roles itself
   * @throws IllegalArgumentException if a part splits roles itself
   */
  public DisaggregatedRouting(RoutingPolicy<P> prefill, RoutingPolicy<D> decode) {
    this.prefill = requireWhole("prefill", prefill);
    this.decode = requireWhole("decode", decode);
  }

  private static <S> RoutingPolicy<S> requireWhole(String name, RoutingPolicy<S> policy) {
    requireNonNull(policy, name);
    if (policy.splitsRoles()) {
      throw new IllegalArgumentException(
          name + " must choose one instance, but '" + policy.id() + "' splits roles itself");
    }
    return policy;
  }

  @Override
  public String id() {
    return "disaggregated";
  }

  @Override
  public State<P, D> newState() {
    return new State<>(prefill.newState(), decode.newState());
  }

  @Override
  public State<P, D> copyOf(State<P, D> state) {
    return new State<>(prefill.copyOf(state.prefill), decode.copyOf(state.decode));
  }

  @Override
  public Claims claims() {
    return prefill.claims().and(decode.claims());
  }

  @Override
  public boolean splitsRoles() {
    return true;
  }

  @Override
  public void onFinished(State<P, D> state, Request request, RouteOutcome outcome) {
    prefill.onFinished(state.prefill, request, outcome);
    decode.onFinished(state.decode, request, outcome);
  }

  @Override
  public void onInstance(State<P, D> state, String instanceId, int incarnation, boolean up) {
    prefill.onInstance(state.prefill, instanceId, incarnation, up);
    decode.onInstance(state.decode, instanceId, incarnation, up);
  }

  @Override
  public void route(State<P, D> state, Request request, ClusterView view, RouteDraft draft) {
    SubsetView pool = state.pool;
    select(pool, view, Role.PREFILL);
    if (pool.size() == 0) {
      draft.reject(RejectCode.NO_CANDIDATE, "no instance takes prompts", 0);
      return;
    }
    Choice choice = state.choice;
    choice.reset(draft);
    prefill.route(state.prefill, request, pool, choice);
    if (!choice.accepted()) {
      return;
    }
    int promptAt = pool.positionInWhole(choice.position());
    select(pool, view, Role.DECODE);
    if (pool.size() == 0) {
      draft.reject(RejectCode.NO_CANDIDATE, "no instance takes decodes", 0);
      return;
    }
    choice.reset(draft);
    decode.route(state.decode, request, pool, choice);
    if (!choice.accepted()) {
      return;
    }
    int decodesAt = pool.positionInWhole(choice.position());
    if (promptAt == decodesAt) {
      draft.accept(promptAt);
      draft.rule("together");
    } else {
      draft.accept(promptAt, decodesAt);
      draft.rule("split");
    }
  }

  private static void select(SubsetView pool, ClusterView view, Role role) {
    pool.reset(view);
    for (int i = 0; i < view.size(); i++) {
      Role own = view.instance(i).role();
      if (own == role || own == Role.MIXED) {
        pool.add(i);
      }
    }
  }

  /**
   * The states of both policies and scratch space. Not thread-safe.
   *
   * @param <P> state of the policy for prompts
   * @param <D> state of the policy for decodes
   */
  public static final class State<P, D> {
    private final P prefill;
    private final D decode;
    private final SubsetView pool = new SubsetView();
    private final Choice choice = new Choice();

    private State(P prefill, D decode) {
      this.prefill = prefill;
      this.decode = decode;
    }
  }
}
