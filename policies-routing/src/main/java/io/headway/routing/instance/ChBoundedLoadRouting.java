package io.headway.routing.instance;

import static java.util.Objects.requireNonNull;

import io.headway.api.Instance;
import io.headway.api.Request;
import io.headway.api.routing.ClusterView;
import io.headway.api.routing.RouteDraft;
import io.headway.api.routing.RoutingPolicy;
import java.math.BigDecimal;
import java.math.RoundingMode;

/**
 * Consistent hashing with bounded loads: sends requests of one key to one instance unless that has
 * more than its share already.
 *
 * <p>With m requests of this router in flight, the new one included, and M candidates, the capacity
 * is {@code C = ceil((1 + ε) m / M)}, computed exactly for the decimal ε. From the first ring node
 * at or after the key, clockwise, the first instance with {@code inFlight + 1 <= C} takes the
 * request. Since {@code M C >= m} there is one; none ever exceeds C; and an instance that leaves
 * moves only the keys that were on it or that its load displaces.
 *
 * <p>Equal ring positions: lowest id. Cost O(M + log V + probes) for V nodes, no allocation while
 * membership stands. Paper: Mirrokni, Thorup, Zadimoghaddam, Consistent hashing with bounded loads,
 * SODA 2018 (arXiv 1608.01350). Departure: ε = 0.25 by default is our choice.
 */
public final class ChBoundedLoadRouting implements RoutingPolicy<HashRing> {
  /** Default for ε. */
  public static final double DEFAULT_EPSILON = 0.25;

  /** Default for the leading blocks that make a {@link AffinityKey#PREFIX} key. */
  public static final int DEFAULT_PREFIX_BLOCKS = 16;

  private final BigDecimal onePlusEpsilon;
  private final long scaledOnePlusEpsilon;
  private final long scale;
  private final AffinityKey key;
  private final int prefixBlocks;
  private final RingHash hash;

  /**
   * Makes the policy.
   *
   * @param epsilon ε, above 0 and at most 1000, read as the shortest decimal that is this double
   * @param key what requests of one place share
   * @param prefixBlocks leading blocks of a {@link AffinityKey#PREFIX} key, at least 1
   * @param hash where instances and keys fall on the ring
   * @throws IllegalArgumentException if a number is out of range
   */
  public ChBoundedLoadRouting(double epsilon, AffinityKey key, int prefixBlocks, RingHash hash) {
    if (!(epsilon > 0 && epsilon <= 1000)) {
      throw new IllegalArgumentException(
          "epsilon must be above 0 and at most 1000, but was " + epsilon);
    }
    onePlusEpsilon = BigDecimal.valueOf(epsilon).add(BigDecimal.ONE).stripTrailingZeros();
    int digits = Math.max(0, onePlusEpsilon.scale());
    boolean small = digits <= 6;
    scale = small ? BigDecimal.TEN.pow(digits).longValueExact() : 0;
    scaledOnePlusEpsilon = small ? onePlusEpsilon.scaleByPowerOfTen(digits).longValueExact() : 0;
    this.key = requireNonNull(key, "key");
    this.prefixBlocks = Check.atLeast("prefixBlocks", prefixBlocks, 1, "block");
    this.hash = requireNonNull(hash, "hash");
  }

  @Override
  public String id() {
    return "ch-bounded-load";
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
  public void onInstance(HashRing state, String instanceId, int incarnation, boolean up) {
    if (!up) {
      state.forget(instanceId);
    }
  }

  @Override
  public void route(HashRing state, Request request, ClusterView view, RouteDraft draft) {
    state.learn(view);
    int size = view.size();
    long total = 1;
    for (int i = 0; i < size; i++) {
      total += view.inFlight(i);
    }
    long capacity = capacity(total, size);
    int node =
        state.first(
            key.position(request, prefixBlocks, Math.max(1, view.instance(0).blockTokens()), hash));
    int chosen = -1;
    for (int i = 0; i < state.nodes() && chosen < 0; i++, node = state.next(node)) {
      int position = view.position(state.owner(node));
      if (position >= 0 && view.inFlight(position) < capacity) {
        chosen = position;
      }
    }
    draft.accept(chosen >= 0 ? chosen : leastInFlight(view));
    if (draft.explaining()) {
      draft.detail("capacity", (double) capacity);
      draft.detail("inFlightTotal", (double) total);
      for (int i = 0; i < size; i++) {
        draft.score(i, "inFlight", view.inFlight(i));
      }
    }
  }

  /** Returns ceil((1 + ε) total / instances). */
  private long capacity(long total, int instances) {
    if (scale > 0 && total <= Integer.MAX_VALUE) {
      long numerator = scaledOnePlusEpsilon * total;
      long denominator = scale * instances;
      return (numerator + denominator - 1) / denominator;
    }
    return onePlusEpsilon
        .multiply(BigDecimal.valueOf(total))
        .divide(BigDecimal.valueOf(instances), 0, RoundingMode.CEILING)
        .longValueExact();
  }

  /** For a {@link RingHash} that gives some candidates no node at all. */
  private static int leastInFlight(ClusterView view) {
    int best = 0;
    for (int i = 1; i < view.size(); i++) {
      Instance instance = view.instance(i);
      if (instance.inFlight() < view.inFlight(best)) {
        best = i;
      }
    }
    return best;
  }
}
