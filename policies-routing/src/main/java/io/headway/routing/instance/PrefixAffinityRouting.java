package io.headway.routing.instance;

import static java.util.Objects.requireNonNull;

import io.headway.api.Claims;
import io.headway.api.Request;
import io.headway.api.routing.ClusterView;
import io.headway.api.routing.RouteDraft;
import io.headway.api.routing.RouteOutcome;
import io.headway.api.routing.RoutingPolicy;
import java.util.OptionalDouble;

/**
 * Sends a request to the candidate that holds the longest cached prefix of its prompt.
 *
 * <p>Rules, named as in the explanation: {@code affinity} one candidate has the longest match;
 * {@code tie-fallback} several have it, and the fallback policy decides among them; {@code
 * fallback} the longest match is below {@code minMatchBlocks}, and the fallback policy decides
 * among all, so a cold miss looks at load; {@code load-gap} the instance that affinity would choose
 * has more than {@code maxLoadGap} requests above the least loaded candidate, and the fallback
 * policy decides among all. The gap keeps one hot prefix from drowning one instance; {@link
 * Integer#MAX_VALUE} switches it off, which is the rule as first published.
 *
 * <p>Cost O(M + prompt blocks) plus the fallback, no allocation. Ties: the fallback's.
 *
 * @param <F> the fallback's state
 */
public final class PrefixAffinityRouting<F>
    implements RoutingPolicy<PrefixAffinityRouting.State<F>> {
  /** Default for {@code minMatchBlocks}. */
  public static final int DEFAULT_MIN_MATCH_BLOCKS = 1;

  /** Default for {@code maxLoadGap}, the absolute threshold of SGLang's router. */
  public static final int DEFAULT_MAX_LOAD_GAP = 32;

  private final int minMatchBlocks;
  private final int maxLoadGap;
  private final RoutingPolicy<F> fallback;

  /**
   * Makes the policy.
   *
   * @param minMatchBlocks shortest match worth following, at least 0 blocks
   * @param maxLoadGap requests that the affine instance may have above the least loaded one, at
   *     least 0
   * @param fallback who decides otherwise; one that keeps prompt and decodes together
   * @throws IllegalArgumentException if a number is out of range or the fallback splits roles
   */
  public PrefixAffinityRouting(int minMatchBlocks, int maxLoadGap, RoutingPolicy<F> fallback) {
    this.minMatchBlocks = Check.atLeast("minMatchBlocks", minMatchBlocks, 0, "blocks");
    this.maxLoadGap = Check.atLeast("maxLoadGap", maxLoadGap, 0, "requests");
    this.fallback = requireNonNull(fallback, "fallback");
    if (fallback.splitsRoles()) {
      throw new IllegalArgumentException(
          "fallback must keep prompt and decodes on one instance, but '"
              + fallback.id()
              + "' splits them");
    }
  }

  @Override
  public String id() {
    return "prefix-affinity";
  }

  @Override
  public State<F> newState() {
    return new State<>(fallback.newState());
  }

  @Override
  public State<F> copyOf(State<F> state) {
    return new State<>(fallback.copyOf(state.fallback));
  }

  /** The load gap is this policy's or its fallback's, if that claims one, whichever is larger. */
  @Override
  public Claims claims() {
    Claims.Builder claims = Claims.builder().needs(Claims.Need.PREFIX_KEYS);
    OptionalDouble gap = fallback.claims().bound(Claims.Bound.LOAD_GAP_REQUESTS);
    if (gap.isPresent() && maxLoadGap < Integer.MAX_VALUE) {
      claims.bound(Claims.Bound.LOAD_GAP_REQUESTS, Math.max(maxLoadGap, gap.getAsDouble()));
    }
    return claims.build();
  }

  @Override
  public void onFinished(State<F> state, Request request, RouteOutcome outcome) {
    fallback.onFinished(state.fallback, request, outcome);
  }

  @Override
  public void onInstance(State<F> state, String instanceId, int incarnation, boolean up) {
    fallback.onInstance(state.fallback, instanceId, incarnation, up);
  }

  @Override
  public void route(State<F> state, Request request, ClusterView view, RouteDraft draft) {
    int longest = -1;
    int holder = -1;
    int holders = 0;
    int leastRequests = Integer.MAX_VALUE;
    for (int i = 0; i < view.size(); i++) {
      int matched = view.matchedBlocks(request, i);
      if (matched > longest) {
        longest = matched;
        holder = i;
        holders = 1;
      } else if (matched == longest) {
        holders++;
      }
      leastRequests = Math.min(leastRequests, view.instance(i).requests());
      if (draft.explaining()) {
        draft.score(i, "matchedBlocks", matched);
      }
    }
    if (longest < minMatchBlocks) {
      fallback.route(state.fallback, request, view, draft);
      draft.rule("fallback");
      return;
    }
    SubsetView tied = state.tied;
    tied.reset(view);
    for (int i = 0; i < view.size(); i++) {
      boolean near = view.instance(i).requests() - leastRequests <= maxLoadGap;
      if (near && view.matchedBlocks(request, i) == longest) {
        tied.add(i);
      }
    }
    if (tied.size() == 0) {
      fallback.route(state.fallback, request, view, draft);
      draft.rule("load-gap");
    } else if (holders == 1) {
      draft.accept(holder);
      draft.rule("affinity");
    } else if (tied.size() == 1) {
      draft.accept(tied.positionInWhole(0));
      draft.rule("tie-fallback");
    } else {
      fallback.route(state.fallback, request, tied, tied.translate(draft));
      draft.rule("tie-fallback");
    }
  }

  /**
   * The fallback's state and scratch space. Not thread-safe.
   *
   * @param <F> the fallback's state
   */
  public static final class State<F> {
    private final F fallback;
    private final SubsetView tied = new SubsetView();

    private State(F fallback) {
      this.fallback = fallback;
    }
  }
}
