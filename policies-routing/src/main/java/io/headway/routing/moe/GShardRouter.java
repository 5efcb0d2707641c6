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
 * Sends each token to its two most probable experts; the second one at random in proportion to its
 * gate.
 *
 * <p>Tokens are split into equal groups with buffers of their own. Gates are {@code p1 / (p1 + p2)}
 * and {@code p2 / (p1 + p2)}, not rescaled after a drop. First choices take positions in token
 * order, then second choices; one whose position is at or above the capacity is dropped, and a
 * second choice is also dropped (reason RANDOM, whatever the capacity says) unless {@code 2 g2 >
 * draw}. Rejected choices take positions too, so slots may have gaps. Without a {@link
 * RouterInput#random()} every draw is 0: second choices go wherever there is room.
 *
 * <p>Loss per group, from first choices before dropping: {@code (1/E) sum_e (c_e / S) m_e} with
 * mean probabilities {@code m}, and the same times {@code E^2}, which is 1 for uniform routing.
 *
 * <p>Ties go to the lower expert. With one expert there is no second choice and the gate is 1.
 * Cost: O(tokens x experts). Draws one number per token. Safe for any number of threads.
 *
 * <p>Lepikhin et al.: GShard, ICLR 2021 (arXiv 2006.16668), Algorithm 1. {@link #glam} is the
 * routing of Du et al.: GLaM, ICML 2022 (arXiv 2112.06905) in serving: the same without draws.
 */
public final class GShardRouter implements ExpertRouter<Stateless> {
  /** Groups unless configured otherwise. */
  public static final int DEFAULT_GROUPS = 1;

  /** Most groups: a batch without tokens is divisible by any number, and each has its loss. */
  public static final int MAX_GROUPS = 65_536;

  /**
   * Settings.
   *
   * @param capacity slots per group and expert; by default {@code ceil(2 S / E)} for {@code S}
   *     tokens in the group, as published
   * @param groups equal groups of consecutive tokens, from 1 to {@value #MAX_GROUPS}; 1 by default
   */
  public record Config(CapacityRule capacity, int groups) {
    /** The settings of the paper. */
    public static final Config DEFAULT =
        new Config(CapacityRule.factor(1).demand(CapacityRule.Demand.CHOICES), DEFAULT_GROUPS);

    /** Checks the settings. */
    public Config {
      requireNonNull(capacity, "capacity");
      TopTwo.requireGroups(groups);
    }
  }

  private final Config config;
  private final boolean draws;

  /**
   * Creates the router with random dispatch of second choices.
   *
   * @param config its settings
   */
  public GShardRouter(Config config) {
    this(config, true);
  }

  private GShardRouter(Config config, boolean draws) {
    this.config = requireNonNull(config, "config");
    this.draws = draws;
  }

  /**
   * Returns GLaM's router: every second choice is dispatched where there is room, nothing is drawn.
   *
   * @param config its settings
   * @return the router
   */
  public static GShardRouter glam(Config config) {
    return new GShardRouter(config, false);
  }

  @Override
  public String id() {
    return draws ? "gshard-top2" : "glam";
  }

  @Override
  public Stateless newState() {
    return Stateless.STATE;
  }

  @Override
  public Set<RouterTrait> traits() {
    return Traits.of(
        RouterTrait.ROW_SHIFT_INVARIANT, RouterTrait.SLOT_GAPS, RouterTrait.CAPACITY_MONOTONE);
  }

  @Override
  public void route(RouterInput input, Stateless state, ExpertAssignments out) {
    TopTwo.route(
        input,
        out,
        config.groups(),
        config.capacity(),
        draws ? (gate, draw) -> 2 * gate > draw : (gate, draw) -> gate > 0,
        true);
  }
}
