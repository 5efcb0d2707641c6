package io.headway.routing.moe;

import static java.util.Objects.requireNonNull;

import io.headway.api.Stateless;
import io.headway.api.moe.CapacityRule;
import io.headway.api.moe.DropReason;
import io.headway.api.moe.ExpertAssignments;
import io.headway.api.moe.ExpertRouter;
import io.headway.api.moe.RouterInput;
import io.headway.api.moe.RouterTrait;
import io.headway.api.moe.Workspace;
import java.util.Arrays;
import java.util.Set;

/**
 * Sends each token to its most probable expert with room, trying its first {@code stages} choices
 * one stage after another.
 *
 * <p>At stage {@code i} every token that is still unrouted, in token order, tries its {@code i}-th
 * choice; slots continue after those taken before. The gate is the softmax probability of the
 * expert really used, undivided. A token that finds no room in any stage is dropped with the rank
 * and expert of its last try. Losses are those of {@link SwitchRouter} on first choices.
 *
 * <p>Ties go to the lower expert. Cost: O(tokens x (experts + stages)). Safe for any number of
 * threads.
 *
 * <p>The no-token-left-behind variant of Fedus, Zoph, Shazeer: Switch Transformers, JMLR 2022
 * (arXiv 2101.03961), after the authors' code.
 */
public final class NoTokenLeftBehindRouter implements ExpertRouter<Stateless> {
  /** Stages unless configured otherwise. */
  public static final int DEFAULT_STAGES = 2;

  /**
   * Settings.
   *
   * @param capacity slots per expert; by default a factor of 1.25 of the tokens, rounded up
   * @param stages choices a token tries, at least 1, at most the number of experts; 2 by default
   * @param lossCoefficient weight of the balance loss, finite and at least 0; 0.01 by default
   */
  public record Config(CapacityRule capacity, int stages, double lossCoefficient) {
    /** The default settings. */
    public static final Config DEFAULT =
        new Config(
            CapacityRule.factor(SwitchRouter.DEFAULT_CAPACITY_FACTOR),
            DEFAULT_STAGES,
            SwitchRouter.DEFAULT_LOSS_COEFFICIENT);

    /** Checks the settings. */
    public Config {
      requireNonNull(capacity, "capacity");
      Checks.atLeast("stages", 1, stages, "stage");
      Checks.coefficient("lossCoefficient", lossCoefficient);
    }
  }

  private final Config config;

  /**
   * Creates the router.
   *
   * @param config its settings
   */
  public NoTokenLeftBehindRouter(Config config) {
    this.config = requireNonNull(config, "config");
  }

  @Override
  public String id() {
    return "switch-no-token-left-behind";
  }

  @Override
  public Stateless newState() {
    return Stateless.STATE;
  }

  @Override
  public Set<RouterTrait> traits() {
    return Traits.of(RouterTrait.ROW_SHIFT_INVARIANT);
  }

  @Override
  public void route(RouterInput input, Stateless state, ExpertAssignments out) {
    Workspace work = out.workspace();
    int tokens = input.tokens();
    int experts = input.experts();
    int stages = config.stages();
    TokenChoice.requireTopK("stages", stages, 1, experts);
    int entries = Math.multiplyExact(tokens, stages);
    int[] expert = work.ints(TokenChoice.EXPERT, entries);
    double[] probability = work.doubles(TokenChoice.PROBABILITY, entries);
    double[] sums = TokenChoice.sumsIfAsked(input, out);
    double squares =
        TokenChoice.choose(
            input,
            work,
            0,
            tokens,
            stages,
            TieBreak.LOWEST_EXPERT,
            false,
            false,
            expert,
            probability,
            sums);
    int[] used = work.ints(TokenChoice.COUNT, experts);
    countFirst(expert, tokens, stages, experts, used);
    int capacity = config.capacity().slots(tokens, experts, 1, TokenChoice.largest(used, experts));
    out.begin(input, capacity, 1);
    if (sums != null) {
      Losses.switchBalance(input, out, used, input.realTokens(), sums, config.lossCoefficient());
      Losses.zLoss(input, out, squares);
    }
    int[] slot = work.ints(TokenChoice.SLOT, tokens);
    int[] stageUsed = work.ints(TokenChoice.ORDER, tokens);
    Arrays.fill(slot, 0, tokens, TokenChoice.DROPPED_CAPACITY);
    Arrays.fill(used, 0, experts, 0);
    for (int i = 0; i < stages; i++) {
      for (int t = 0; t < tokens; t++) {
        int e = expert[t * stages + i];
        if (slot[t] == TokenChoice.DROPPED_CAPACITY && e != TokenChoice.NONE) {
          if (capacity == CapacityRule.UNLIMITED_SLOTS) {
            slot[t] = ExpertAssignments.NO_SLOT;
          } else if (used[e] < capacity) {
            slot[t] = used[e]++;
          }
          stageUsed[t] = i;
        }
      }
    }
    out.reserve(tokens, tokens);
    for (int t = 0; t < tokens; t++) {
      if (input.isPadding(t)) {
        continue;
      }
      int rank = stageUsed[t];
      int entry = t * stages + rank;
      if (slot[t] == TokenChoice.DROPPED_CAPACITY) {
        out.drop(t, rank, expert[entry], DropReason.CAPACITY);
      } else {
        out.assign(t, rank, expert[entry], slot[t], probability[entry]);
      }
    }
    out.end();
  }

  private static void countFirst(int[] expert, int tokens, int stages, int experts, int[] count) {
    Arrays.fill(count, 0, experts, 0);
    for (int t = 0; t < tokens; t++) {
      if (expert[t * stages] != TokenChoice.NONE) {
        count[expert[t * stages]]++;
      }
    }
  }
}
