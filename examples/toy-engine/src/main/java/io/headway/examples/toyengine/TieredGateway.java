package io.headway.examples.toyengine;

import io.headway.api.RandomSource;
import io.headway.api.Request;
import io.headway.routing.model.TierModelSelector;
import io.headway.runtime.ClusterScheduler;
import io.headway.runtime.ModelChoice;
import io.headway.runtime.ModelChooser;
import io.headway.runtime.ModelJudge;
import io.headway.runtime.ModelOffer;
import io.headway.runtime.RoutePlan;
import java.util.List;
import java.util.Optional;

/** A gateway that chooses the model first and then the instance. */
public final class TieredGateway {
  private final ClusterScheduler cluster;
  private final ModelChooser chooser;

  /**
   * Makes a gateway of two tiers.
   *
   * @param cluster whose instances serve {@code turbo} and {@code plus}
   */
  public TieredGateway(ClusterScheduler cluster) {
    this.cluster = cluster;
    List<ModelOffer> offers =
        List.of( // name, activated parameters, context, price; cheapest first
            new ModelOffer("turbo", 3_000_000_000L, 131_072, 1),
            new ModelOffer("plus", 22_000_000_000L, 131_072, 4));
    chooser =
        new ModelChooser(
            new TierModelSelector(), cluster, offers, ModelJudge.NONE, RandomSource.seeded(0));
  }

  /**
   * Routes a request to an instance of the model that is chosen for it.
   *
   * @param request what is known of it
   * @param nowNanos the cluster's clock
   * @return where to go, or to wait, or why not; empty if no model will do
   */
  public Optional<RoutePlan> route(Request.Builder request, long nowNanos) {
    ModelChoice choice = chooser.choose(request.build(), nowNanos);
    if (choice.kind() == RoutePlan.Kind.REJECT) {
      return Optional.empty(); // choice.code() says why
    }
    return Optional.of(cluster.route(request.model(choice.model()).build(), nowNanos));
  }
}
