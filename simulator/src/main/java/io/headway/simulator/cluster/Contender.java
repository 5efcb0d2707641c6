package io.headway.simulator.cluster;

import io.headway.api.batching.BatchingPolicy;
import io.headway.api.prediction.LengthPredictor;
import io.headway.api.routing.RoutingPolicy;
import java.util.Objects;
import org.jspecify.annotations.Nullable;

/**
 * What is compared: a routing policy, a batching policy for every instance, and what predicts
 * output lengths.
 *
 * @param name what reports call it
 * @param routing request to instance
 * @param batching batch of each iteration
 * @param lengths predictor that the batching policies ask; null for none
 */
public record Contender(
    String name,
    RoutingPolicy<?> routing,
    BatchingPolicy<?> batching,
    @Nullable LengthPredictor<?> lengths) {
  public Contender {
    Objects.requireNonNull(name, "name");
    Objects.requireNonNull(routing, "routing");
    Objects.requireNonNull(batching, "batching");
  }
}
