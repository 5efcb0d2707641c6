package io.headway.api.moe;

import io.headway.api.ImplementedByUsers;
import io.headway.api.SchedulingPolicy;

/**
 * Decides which device hosts which expert and how many replicas each expert gets, from an estimate
 * of the load per expert. Runs every few minutes, off the request path; the caller replaces the
 * plan atomically and keeps the old one until the weights are copied.
 *
 * @param <S> what the planner remembers between plans; {@link io.headway.api.Stateless} if nothing
 */
@ImplementedByUsers
public interface ExpertPlacementPlanner<S> extends SchedulingPolicy<S> {
  /**
   * Plans all layers.
   *
   * @param load expected load per layer and expert
   * @param topology slots, groups, nodes and devices
   * @param state the planner's state
   * @param out receives the plan
   * @throws IllegalArgumentException if the topology has too few slots for the experts
   * @throws MoeInputException with {@link MoeInputException.Rule#NOT_DIVISIBLE} if counts that must
   *     divide each other do not
   */
  void plan(ExpertLoad load, ExpertTopology topology, S state, ExpertPlacement out);
}
