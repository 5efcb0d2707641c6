package io.headway.routing.moe;

import static java.util.Objects.requireNonNull;

import io.headway.api.Stateless;
import io.headway.api.moe.CapacityRule;
import io.headway.api.moe.ExpertAssignments;
import io.headway.api.moe.ExpertRouter;
import io.headway.api.moe.RouterInput;
import io.headway.api.moe.RouterTrait;
import java.util.Set;

/**
 * Sends each token to its two most probable experts, with a choice of tests for the second one.
 *
 * <p>As {@link GShardRouter}, but a second choice that the test refuses takes no position, second
 * choices start after the first choices that were kept, and the test is one of {@link
 * SecondPolicy}. A refusal has the reason RANDOM whatever the test. Gates {@code p1 / (p1 + p2)}
 * and {@code p2 / (p1 + p2)} are not rescaled after a drop. Losses as there.
 *
 * <p>Ties go to the lower expert. Cost: O(tokens x experts). Draws one number per token, 0 without
 * a {@link RouterInput#random()}. Safe for any number of threads.
 *
 * <p>After {@code mesh_tensorflow/transformer/moe.py} by the authors of GShard (ICLR 2021, arXiv
 * 2006.16668). Departure: the code adds 1e-9 to {@code p1 + p2}.
 */
public final class MeshTensorFlowTop2Router implements ExpertRouter<Stateless> {
  /** Threshold of the authors' code, training and evaluation alike. */
  public static final double DEFAULT_THRESHOLD = 0.2;

  /** Whether a second choice with gate {@code g2} is dispatched. */
  public enum SecondPolicy {
    /** Always. */
    ALL,
    /** Never. */
    NONE,
    /** If {@code g2 > threshold}. */
    THRESHOLD,
    /** With probability {@code min(1, g2 / threshold)}. */
    RANDOM
  }

  /**
   * Settings.
   *
   * @param capacity slots per group and expert; by default a factor of 1.25 of the tokens, rounded
   *     down, at least 4 and at most the tokens
   * @param groups equal groups of consecutive tokens, from 1 to {@link GShardRouter#MAX_GROUPS}; 1
   *     by default
   * @param secondPolicy test of second choices; RANDOM by default
   * @param threshold threshold of the test, from 0 to 1, above 0 for RANDOM; 0.2 by default
   */
  public record Config(
      CapacityRule capacity, int groups, SecondPolicy secondPolicy, double threshold) {
    /** The settings of the authors' code when training. */
    public static final Config DEFAULT =
        new Config(
            CapacityRule.factor(1.25)
                .rounding(CapacityRule.Rounding.FLOOR)
                .minCapacity(4)
                .capAtTokens(true),
            1,
            SecondPolicy.RANDOM,
            DEFAULT_THRESHOLD);

    /** Checks the settings. */
    public Config {
      requireNonNull(capacity, "capacity");
      requireNonNull(secondPolicy, "secondPolicy");
      TopTwo.requireGroups(groups);
      Checks.fraction("threshold", threshold);
      if (secondPolicy == SecondPolicy.RANDOM && threshold == 0) {
        throw new IllegalArgumentException(
            "threshold must be above 0 for RANDOM, but was " + threshold);
      }
    }
  }

  private final Config config;
  private final TopTwo.SecondChoice secondChoice;

  /**
   * Creates the router.
   *
   * @param config its settings
   */
  public MeshTensorFlowTop2Router(Config config) {
    this.config = requireNonNull(config, "config");
    this.secondChoice = this::dispatched;
  }

  @Override
  public String id() {
    return "gshard-top2-mesh-tf";
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
    TopTwo.route(input, out, config.groups(), config.capacity(), secondChoice, false);
  }

  private boolean dispatched(double gate, double draw) {
    return switch (config.secondPolicy()) {
      case ALL -> true;
      case NONE -> false;
      case THRESHOLD -> gate > config.threshold();
      case RANDOM -> draw < gate / config.threshold();
    };
  }
}
