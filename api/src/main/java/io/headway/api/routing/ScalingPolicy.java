package io.headway.api.routing;

import io.headway.api.ImplementedByUsers;
import io.headway.api.ProvidedByRuntime;
import io.headway.api.Role;
import io.headway.api.SchedulingPolicy;

/**
 * Decides the size and shape of the fleet.
 *
 * @param <S> the policy's state
 */
@ImplementedByUsers
public interface ScalingPolicy<S> extends SchedulingPolicy<S> {
  /** A cluster together with what scaling needs to know. */
  @ProvidedByRuntime
  interface ScalingView extends ClusterView {
    /**
     * Returns the forecast arrival rate.
     *
     * @param horizonNanos how far ahead
     * @return requests a second; negative if there is no forecast
     */
    double forecastRequestsPerSecond(long horizonNanos);

    /**
     * Returns how many kinds of instance can be started.
     *
     * @return a count
     */
    int typeCount();

    /**
     * Returns the price of a kind.
     *
     * @param type 0 to {@code typeCount - 1}
     * @return price per instance and hour, in the operator's currency
     */
    double pricePerHour(int type);

    /**
     * Returns how long a new instance of a kind takes until it is ready.
     *
     * @param type 0 to {@code typeCount - 1}
     * @return nanoseconds
     */
    long startNanos(int type);
  }

  /** Receives the changes. */
  @ProvidedByRuntime
  interface ScalingDraft {
    /**
     * Starts instances.
     *
     * @param type which kind
     * @param role their role
     * @param count how many, at least 1
     */
    void start(int type, Role role, int count);

    /**
     * Drains an instance and stops it when it is idle.
     *
     * @param position the instance
     */
    void drain(int position);

    /**
     * Restarts an instance with another parallelism once it is drained.
     *
     * @param position the instance
     * @param tensorParallel devices per stage
     * @param pipelineParallel stages
     */
    void reparallelise(int position, int tensorParallel, int pipelineParallel);
  }

  /**
   * Decides one round.
   *
   * @param state the policy's state
   * @param view the cluster
   * @param draft where changes are written
   */
  void scale(S state, ScalingView view, ScalingDraft draft);

  /**
   * Returns the time between rounds.
   *
   * @return nanoseconds
   */
  long periodNanos();
}
