package io.headway.examples.toyengine;

import static org.assertj.core.api.Assertions.assertThat;

import io.headway.api.Request;
import io.headway.api.Role;
import io.headway.runtime.ClusterScheduler;
import io.headway.runtime.InstanceProfile;
import io.headway.runtime.RoutePlan;
import java.util.Set;
import org.junit.jupiter.api.Test;

class TieredGatewayTest {
  private final ClusterScheduler cluster =
      ClusterScheduler.builder().policy("round-robin").strict().build();
  private final TieredGateway gateway = new TieredGateway(cluster);

  private void up(String id, String model) {
    InstanceProfile profile = InstanceProfile.of(Role.MIXED, 8, 1_000, 16);
    cluster.up(id, 0, profile.models(Set.of(model)).maxInFlight(1), 0);
  }

  private RoutePlan route(String id) {
    return gateway.route(Request.builder(id, 100, 50), 1).orElseThrow();
  }

  @Test
  void aFullTierEscalatesAndThenRequestsWait() {
    assertThat(gateway.route(Request.builder("r", 100, 50), 1)).isEmpty();
    up("t", "turbo");
    up("p", "plus");
    assertThat(route("a").ticket().primary()).isEqualTo("t");
    assertThat(route("b").ticket().primary()).isEqualTo("p");
    assertThat(route("c").kind()).isEqualTo(RoutePlan.Kind.QUEUE);
    assertThat(cluster.stats().queued()).isEqualTo(1);
  }
}
