package io.headway.routing.instance;

import static java.util.Objects.requireNonNull;

import io.headway.api.Claims;
import io.headway.api.Request;
import io.headway.api.routing.ClusterView;
import io.headway.api.routing.RouteDraft;
import io.headway.api.routing.RoutingPolicy;

/**
 * Sends all requests of a session to one instance by consistent hashing; a request without session
 * goes where {@link LeastQpsRouting} says (vLLM production-stack router).
 *
 * <p>The instance is the owner of the first ring node at or after the hash of the session,
 * wrapping; nodes of instances that are no candidates are skipped, so a leaving instance moves its
 * own sessions only. If no node is left the request-rate rule decides. Does not look at load: a hot
 * session stays where it is; {@link ChBoundedLoadRouting} bounds that. Equal ring positions: lowest
 * id. Cost O(M) to notice new instances plus O(log V) for V nodes.
 */
public final class SessionHashRouting implements RoutingPolicy<HashRing> {
  /** Default for virtual nodes per instance. */
  public static final int DEFAULT_VIRTUAL_NODES = 128;

  private final RingHash hash;

  /**
   * Makes the policy.
   *
   * @param hash where instances and sessions fall on the ring
   */
  public SessionHashRouting(RingHash hash) {
    this.hash = requireNonNull(hash, "hash");
  }

  @Override
  public String id() {
    return "session-hash";
  }

  @Override
  public HashRing newState() {
    return new HashRing(hash);
  }

  @Override
  public HashRing copyOf(HashRing state) {
    return new HashRing(state);
  }

  @Override
  public Claims claims() {
    return Claims.builder().needs(Claims.Need.SESSION).build();
  }

  @Override
  public void onInstance(HashRing state, String instanceId, int incarnation, boolean up) {
    if (!up) {
      state.forget(instanceId);
    }
  }

  @Override
  public void route(HashRing state, Request request, ClusterView view, RouteDraft draft) {
    if (!request.session().isEmpty()) {
      state.learn(view);
      int node = state.first(hash.key(request.session()));
      for (int i = 0; i < state.nodes(); i++, node = state.next(node)) {
        int position = view.position(state.owner(node));
        if (position >= 0) {
          draft.rule("ring");
          draft.accept(position);
          return;
        }
      }
    }
    draft.rule("least-qps");
    draft.accept(LeastQpsRouting.least(view));
    if (draft.explaining()) {
      LeastQpsRouting.explain(view, draft);
    }
  }
}
