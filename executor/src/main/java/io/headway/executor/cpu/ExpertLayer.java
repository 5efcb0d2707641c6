package io.headway.executor.cpu;

import io.headway.api.moe.ExpertAssignments;
import io.headway.api.moe.ExpertRouter;
import io.headway.api.moe.RouterInput;
import io.headway.api.moe.SignalLevel;

/** The router of one layer with its state, whose type nobody else needs to know. */
final class ExpertLayer<S> {
  private final ExpertRouter<S> router;
  private final S state;
  final ExpertAssignments assignments = new ExpertAssignments().signalLevel(SignalLevel.NONE);

  ExpertLayer(ExpertRouter<S> router) {
    this.router = router;
    state = router.newState();
  }

  /** Routes one batch; the result is valid until the next call. */
  void route(RouterInput input) {
    router.route(input, state, assignments);
    assignments.indexByExpert();
  }
}
