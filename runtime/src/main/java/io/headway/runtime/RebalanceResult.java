package io.headway.runtime;

import io.headway.api.Role;
import java.util.List;

/**
 * What one round of rebalancing asks for.
 *
 * @param migrations requests to move, in the order decided
 * @param flips instances to change role, in the order decided; tell the outcome with {@link
 *     ClusterScheduler#up}
 */
public record RebalanceResult(List<Migration> migrations, List<RoleFlip> flips) {
  /** Nothing to do. */
  public static final RebalanceResult NOTHING = new RebalanceResult(List.of(), List.of());

  /**
   * An instance to change role.
   *
   * @param instance which one
   * @param incarnation which life
   * @param role its new role
   */
  public record RoleFlip(String instance, int incarnation, Role role) {}

  /**
   * Copies the lists.
   *
   * @param migrations requests to move
   * @param flips instances to change role
   */
  public RebalanceResult {
    migrations = List.copyOf(migrations);
    flips = List.copyOf(flips);
  }
}
