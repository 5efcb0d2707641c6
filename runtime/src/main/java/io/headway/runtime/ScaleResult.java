package io.headway.runtime;

import io.headway.api.Role;
import java.util.List;

/**
 * What one round of scaling asks for.
 *
 * @param starts instances to start, in the order decided
 * @param drains ids of instances to drain and stop
 * @param reshapes instances to restart with another parallelism
 */
public record ScaleResult(List<Start> starts, List<String> drains, List<Reshape> reshapes) {
  /** Nothing to do. */
  public static final ScaleResult NOTHING = new ScaleResult(List.of(), List.of(), List.of());

  /**
   * Instances of one kind to start.
   *
   * @param type which kind
   * @param role their role
   * @param count how many
   */
  public record Start(InstanceType type, Role role, int count) {}

  /**
   * An instance to restart.
   *
   * @param instance its id
   * @param tensorParallel devices per stage
   * @param pipelineParallel stages
   */
  public record Reshape(String instance, int tensorParallel, int pipelineParallel) {}

  /**
   * Copies the lists.
   *
   * @param starts instances to start
   * @param drains ids of instances to drain
   * @param reshapes instances to restart
   */
  public ScaleResult {
    starts = List.copyOf(starts);
    drains = List.copyOf(drains);
    reshapes = List.copyOf(reshapes);
  }
}
