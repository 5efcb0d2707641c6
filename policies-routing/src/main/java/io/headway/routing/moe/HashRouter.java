package io.headway.routing.moe;

import static java.util.Objects.requireNonNull;

import io.headway.api.Stateless;
import io.headway.api.moe.CapacityRule;
import io.headway.api.moe.ExpertAssignments;
import io.headway.api.moe.ExpertRouter;
import io.headway.api.moe.RouterInput;
import io.headway.api.moe.RouterTrait;
import io.headway.routing.internal.Selection;
import java.util.Set;
import org.jspecify.annotations.Nullable;

/**
 * Sends each token to the expert that a fixed function of its vocabulary index names; no logits, no
 * state, gate 1.
 *
 * <p>{@link #random}: {@code splitmix64(tokenId + seed) mod experts}, unsigned. {@link #balanced}:
 * a table made from token frequencies, each token by descending frequency (ties to the lower id)
 * into the currently lightest expert (ties to the lower one); the heaviest and lightest experts
 * then differ by at most the largest frequency. Needs {@link RouterInput#tokenIds}.
 *
 * <p>Cost: O(1) per token. Batch-invariant; experts can be prefetched as soon as tokens are known.
 * Safe for any number of threads.
 *
 * <p>Roller et al.: Hash Layers For Large Sparse Models, NeurIPS 2021 (arXiv 2106.04426). The hash
 * function is this library's choice.
 */
public final class HashRouter implements ExpertRouter<Stateless> {
  private final String id;
  private final long seed;
  private final int @Nullable [] table;
  private final int tableExperts;

  private HashRouter(String id, long seed, int @Nullable [] table, int tableExperts) {
    this.id = id;
    this.seed = seed;
    this.table = table;
    this.tableExperts = tableExperts;
  }

  /**
   * Returns a router that spreads token ids pseudo-randomly.
   *
   * @param seed selects the function
   * @return the router
   */
  public static HashRouter random(long seed) {
    return new HashRouter("hash-random", seed, null, 0);
  }

  /**
   * Returns a router that balances token frequencies.
   *
   * @param frequencies how often each token id occurs, each at least 0
   * @param experts number of experts, at least 1; the batches must have as many
   * @return the router
   * @throws IllegalArgumentException if a frequency is negative or {@code experts} below 1
   */
  public static HashRouter balanced(long[] frequencies, int experts) {
    Checks.atLeast("experts", 1, experts, "expert");
    int vocabulary = requireNonNull(frequencies, "frequencies").length;
    int[] order = new int[vocabulary];
    double[] key = new double[vocabulary];
    for (int v = 0; v < vocabulary; v++) {
      if (frequencies[v] < 0 || frequencies[v] > 1L << 53) {
        throw new IllegalArgumentException(
            "frequencies[" + v + "] must lie in 0..2^53, but was " + frequencies[v]);
      }
      order[v] = v;
      key[v] = frequencies[v];
    }
    Selection.sortDescending(order, 0, vocabulary, key, new int[vocabulary]);
    int[] table = new int[vocabulary];
    long[] load = new long[experts];
    for (int v : order) {
      int lightest = 0;
      for (int e = 1; e < experts; e++) {
        lightest = load[e] < load[lightest] ? e : lightest;
      }
      table[v] = lightest;
      load[lightest] = Math.addExact(load[lightest], frequencies[v]);
    }
    return new HashRouter("hash-balanced", 0, table, experts);
  }

  @Override
  public String id() {
    return id;
  }

  @Override
  public Stateless newState() {
    return Stateless.STATE;
  }

  @Override
  public Set<RouterTrait> traits() {
    return Traits.of(
        RouterTrait.BATCH_INVARIANT,
        RouterTrait.PREFIX_STABLE,
        RouterTrait.DROPLESS,
        RouterTrait.PERMUTATION_EQUIVARIANT);
  }

  /**
   * Returns the expert of a token id.
   *
   * @param tokenId vocabulary index; for a balanced router from 0 to the vocabulary size minus 1
   * @param experts number of experts, at least 1
   * @return expert index
   * @throws IllegalArgumentException if the id or the number of experts does not fit the table
   */
  public int expert(long tokenId, int experts) {
    if (table == null) {
      return (int) Long.remainderUnsigned(mixed(tokenId + seed), experts);
    }
    if (experts != tableExperts) {
      throw new IllegalArgumentException(
          "experts must be " + tableExperts + " as in the table, but was " + experts);
    }
    if (tokenId < 0 || tokenId >= table.length) {
      throw new IllegalArgumentException(
          "tokenId must lie in 0.." + (table.length - 1) + ", but was " + tokenId);
    }
    return table[(int) tokenId];
  }

  // SplitMix64 (Steele, Lea, Flood, OOPSLA 2014).
  private static long mixed(long value) {
    long x = value + 0x9E3779B97F4A7C15L;
    x = (x ^ (x >>> 30)) * 0xBF58476D1CE4E5B9L;
    x = (x ^ (x >>> 27)) * 0x94D049BB133111EBL;
    return x ^ (x >>> 31);
  }

  @Override
  public void route(RouterInput input, Stateless state, ExpertAssignments out) {
    long[] tokenIds = input.tokenIds();
    if (tokenIds == null) {
      throw new IllegalArgumentException("tokenIds must be given for hash routing, but were not");
    }
    out.begin(input, CapacityRule.UNLIMITED_SLOTS, 1);
    out.reserve(input.tokens(), 0);
    for (int t = 0; t < input.tokens(); t++) {
      if (!input.isPadding(t)) {
        out.assign(t, 0, expert(tokenIds[t], input.experts()), ExpertAssignments.NO_SLOT, 1);
      }
    }
    out.end();
  }
}
