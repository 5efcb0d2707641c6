package io.headway.simulator.cluster;

import io.headway.api.batching.BatchingPolicy;
import io.headway.api.prediction.Calibrator;
import io.headway.api.prediction.LengthPredictor;
import io.headway.api.prediction.ServiceTimePredictor;
import io.headway.api.routing.RoutingPolicy;
import java.util.Objects;
import org.jspecify.annotations.Nullable;

/**
 * The policies of one cluster: where requests go, how every instance forms its batches, and what
 * predicts for them.
 *
 * @param routing request to instance
 * @param batching batch of each iteration
 * @param lengths predictor that batching policies ask; null for none
 * @param serviceTimes predictor that routing policies ask; null for none
 * @param calibrator correction of {@code serviceTimes} by its errors; null for none
 */
public record ClusterPolicies(
    RoutingPolicy<?> routing,
    BatchingPolicy<?> batching,
    @Nullable LengthPredictor<?> lengths,
    @Nullable ServiceTimePredictor<?> serviceTimes,
    @Nullable Calibrator<?> calibrator) {
  public ClusterPolicies {
    Objects.requireNonNull(routing, "routing");
    Objects.requireNonNull(batching, "batching");
  }

  /**
   * Makes policies that need no predictor.
   *
   * @param routing request to instance
   * @param batching batch of each iteration
   * @return the policies
   */
  public static ClusterPolicies of(RoutingPolicy<?> routing, BatchingPolicy<?> batching) {
    return new ClusterPolicies(routing, batching, null, null, null);
  }
}
