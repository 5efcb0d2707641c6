package io.headway.api.routing;

import io.headway.api.ImplementedByUsers;
import io.headway.api.ProvidedByRuntime;
import io.headway.api.Request;
import io.headway.api.Role;
import io.headway.api.SchedulingPolicy;

/**
 * Decides which work moves between instances and which instances change role.
 *
 * @param <S> the policy's state
 */
@ImplementedByUsers
public interface RebalancingPolicy<S> extends SchedulingPolicy<S> {
  /** A cluster together with the requests on each instance. */
  @ProvidedByRuntime
  interface RebalancingView extends ClusterView {
    /**
     * Returns the number of requests queued or running on an instance.
     *
     * @param position the instance
     * @return a count
     */
    int requestCount(int position);

    /**
     * Returns one request's cluster-wide number.
     *
     * @param position the instance
     * @param rank 0 to {@code requestCount - 1}, in the instance's queue order, running ones first
     * @return a number for {@link RebalancingDraft#migrate}
     */
    int request(int position, int rank);

    /**
     * Returns whether a request is running rather than queued.
     *
     * @param request from {@link #request}
     * @return true if running
     */
    boolean isRunning(int request);

    /**
     * Returns the calibrated remaining service time.
     *
     * @param request from {@link #request}
     * @return nanoseconds
     */
    long remainingNanos(int request);

    /**
     * Returns the deadline.
     *
     * @param request from {@link #request}
     * @return nanoseconds on the caller's clock; {@link Long#MAX_VALUE} if none
     */
    long deadlineNanos(int request);

    /**
     * Returns the KV the request holds.
     *
     * @param request from {@link #request}
     * @return bytes; 0 if it never ran
     */
    long kvBytes(int request);

    /**
     * Returns what moving a request would cost, as far as the executor of moves knows.
     *
     * @param request from {@link #request}
     * @param toPosition the target instance
     * @return nanoseconds; -1 (the default) if only {@link #kvBytes} and {@link #transferNanos} are
     *     known
     */
    default long migrationNanos(int request, int toPosition) {
      return -1;
    }

    /**
     * Returns how often it was moved already.
     *
     * @param request from {@link #request}
     * @return a count
     */
    int migrations(int request);

    /**
     * Returns its id, for stable ties.
     *
     * @param request from {@link #request}
     * @return the id
     */
    String requestId(int request);
  }

  /** Receives the moves. A move that cannot be carried out is refused and changes nothing. */
  @ProvidedByRuntime
  interface RebalancingDraft {
    /**
     * Moves a request.
     *
     * @param request from {@link RebalancingView#request}
     * @param toPosition the target instance
     * @return false if it is over, on the move already, or the target cannot take it
     */
    boolean migrate(int request, int toPosition);

    /**
     * Changes an instance's role.
     *
     * @param position the instance
     * @param role its new role
     * @return false if the instance cannot change now
     */
    boolean flip(int position, Role role);

    /**
     * Returns whether somebody asked for an explanation, so that the methods below are worth
     * calling.
     *
     * @return false on ordinary rounds
     */
    default boolean explaining() {
      return false;
    }

    /**
     * Records a move that was weighed, for the explanation; ignored unless {@link #explaining}.
     *
     * @param request from {@link RebalancingView#request}
     * @param toPosition the best target
     * @param gainNanos what the move would gain
     * @param costNanos what it would cost
     * @param moves whether it is worth it
     */
    default void weighed(
        int request, int toPosition, double gainNanos, double costNanos, boolean moves) {}

    /**
     * Records a number about one instance, for the explanation; ignored unless {@link #explaining}.
     *
     * @param position the instance
     * @param part what it is
     * @param value its value
     */
    default void score(int position, String part, double value) {}

    /**
     * Records a number about the whole round, for the explanation; ignored unless {@link
     * #explaining}.
     *
     * @param name what it is
     * @param value its value
     */
    default void detail(String name, double value) {}
  }

  /**
   * Decides one round.
   *
   * @param state the policy's state
   * @param view the cluster
   * @param draft where moves are written
   */
  void rebalance(S state, RebalancingView view, RebalancingDraft draft);

  /**
   * Returns the time between rounds.
   *
   * @return nanoseconds
   */
  long periodNanos();

  /**
   * A routed request ended.
   *
   * @param state the policy's state
   * @param request which request
   * @param outcome where it ran and what was measured
   */
  default void onFinished(S state, Request request, RouteOutcome outcome) {}

  /**
   * An instance appeared, changed its state or went away.
   *
   * @param state the policy's state
   * @param instanceId which one
   * @param incarnation which life
   * @param up true if it takes requests now
   */
  default void onInstance(S state, String instanceId, int incarnation, boolean up) {}

  /**
   * Returns whether a round is due before the period is over, for policies that react to spikes.
   *
   * @param state the policy's state
   * @param view the cluster
   * @return false by default
   */
  default boolean urgent(S state, ClusterView view) {
    return false;
  }

  /**
   * Returns the least time between two rounds, urgent ones included.
   *
   * @return nanoseconds; the period by default
   */
  default long minimumGapNanos() {
    return periodNanos();
  }
}
