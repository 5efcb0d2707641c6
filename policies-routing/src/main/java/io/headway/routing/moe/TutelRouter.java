package io.headway.routing.moe;

import static java.util.Objects.requireNonNull;

import io.headway.api.Stateless;
import io.headway.api.moe.ExpertAssignments;
import io.headway.api.moe.ExpertRouter;
import io.headway.api.moe.RouterInput;
import io.headway.api.moe.RouterTrait;
import io.headway.api.moe.Workspace;
import java.util.Arrays;
import java.util.Set;

/**
 * Sends each token to its {@code k} most probable experts with buffers as large as the batch needs.
 *
 * <p>Capacity follows {@link TutelCapacity}. Filling is choice-major, in token order or, batch
 * prioritised, by descending top probability. Gates are divided by the sum over the {@code k}
 * choices if {@code k > 1}, before dropping. Loss: {@code E sum_e (share of first choices) * (mean
 * probability)}.
 *
 * <p>Ties go to the lower expert, equal priorities to the lower token. Cost: O(tokens x experts).
 * Safe for any number of threads.
 *
 * <p>Hwang et al.: Tutel, MLSys 2023 (arXiv 2206.03382). The switchable execution layouts of the
 * paper are not a routing decision and not part of this class.
 */
public final class TutelRouter implements ExpertRouter<Stateless> {
  /** Choices per token unless configured otherwise. */
  public static final int DEFAULT_TOP_K = 2;

  /**
   * Settings.
   *
   * @param topK choices per token, at least 1, at most the number of experts; 2 by default
   * @param capacity slots per expert; by default as many as the batch needs
   * @param batchPrioritized whether tokens with a larger top probability fill first; false by
   *     default
   */
  public record Config(int topK, TutelCapacity capacity, boolean batchPrioritized) {
    /** Dropless top-2. */
    public static final Config DEFAULT = new Config(DEFAULT_TOP_K, new TutelCapacity(0, 1), false);

    /** Checks the settings. */
    public Config {
      Checks.atLeast("topK", 1, topK, "expert");
      requireNonNull(capacity, "capacity");
    }
  }

  private final Config config;

  /**
   * Creates the router.
   *
   * @param config its settings
   */
  public TutelRouter(Config config) {
    this.config = requireNonNull(config, "config");
  }

  @Override
  public String id() {
    return "tutel";
  }

  @Override
  public Stateless newState() {
    return Stateless.STATE;
  }

  @Override
  public Set<RouterTrait> traits() {
    if (config.capacity().factor() == 0) {
      return Traits.of(
          RouterTrait.DROPLESS,
          RouterTrait.ROW_SHIFT_INVARIANT,
          RouterTrait.PERMUTATION_EQUIVARIANT);
    }
    return config.batchPrioritized()
        ? Traits.of(RouterTrait.ROW_SHIFT_INVARIANT, RouterTrait.PERMUTATION_EQUIVARIANT)
        : Traits.of(RouterTrait.ROW_SHIFT_INVARIANT);
  }

  @Override
  public void route(RouterInput input, Stateless state, ExpertAssignments out) {
    int k = config.topK();
    int experts = input.experts();
    TokenChoice.requireTopK("topK", k, 1, experts);
    double[] sums = TokenChoice.sumsIfAsked(input, out);
    TokenChoice.route(
        input,
        out,
        k,
        config.capacity(),
        config.batchPrioritized() ? FillOrder.PRIORITY_MAX : FillOrder.TOKEN,
        k > 1 ? GateNormalisation.CHOSEN : GateNormalisation.NONE,
        TieBreak.LOWEST_EXPERT,
        1,
        sums);
    if (sums != null) {
      Workspace work = out.workspace();
      int[] expert = work.ints(TokenChoice.EXPERT, input.tokens() * k);
      int[] first = work.ints(TokenChoice.COUNT, experts);
      Arrays.fill(first, 0, experts, 0);
      for (int t = 0; t < input.tokens(); t++) {
        if (!input.isPadding(t)) {
          first[expert[t * k]]++;
        }
      }
      Losses.switchBalance(input, out, first, input.realTokens(), sums, 1);
    }
  }
}
