package io.headway.testkit.check;

import io.headway.api.Invariant;
import io.headway.testkit.trace.TraceEvent;
import java.util.HashMap;
import java.util.Map;
import org.jspecify.annotations.Nullable;

/**
 * INV-33: a request goes to an instance that is known, ready, not draining, in the life that the
 * decision saw, and of a role that fits: whoever decodes is not a prefill instance, whoever
 * computes the prompt for another is not a decode instance.
 */
final class RoutableTarget extends Checker {
  private final Map<String, TraceEvent.InstanceState> instances = new HashMap<>();

  RoutableTarget() {
    super(Invariant.INV_33);
  }

  @Override
  protected void check(TraceEvent event, TraceState before) {
    if (event instanceof TraceEvent.InstanceState e && e.instance() != null) {
      TraceEvent.InstanceState known = instances.get(e.instance());
      boolean older =
          known != null
              && known.incarnation() != null
              && e.incarnation() != null
              && e.incarnation() < known.incarnation();
      if (!older) {
        instances.put(e.instance(), e);
      }
    } else if (event instanceof TraceEvent.Route e) {
      if (instances.isEmpty()) {
        missing("INSTANCE");
        return;
      }
      if (e.instance() == null) {
        missing("ROUTE.instance");
        return;
      }
      exercised();
      target(e, e.instance(), e.incarnation(), "prefill");
      if (e.prefill() != null) {
        target(e, e.prefill(), null, "decode");
      }
    }
  }

  private void target(
      TraceEvent.Route e, String name, @Nullable Long incarnation, String wrongRole) {
    TraceEvent.InstanceState instance = instances.get(name);
    if (instance == null) {
      violated(e.r() + " is routed to " + name + ", which is not known", e.r());
    } else if (!"ready".equals(instance.state())) {
      violated(e.r() + " is routed to " + name + ", which is " + instance.state(), e.r());
    } else if (incarnation != null
        && instance.incarnation() != null
        && !incarnation.equals(instance.incarnation())) {
      violated(
          e.r()
              + " is routed to life "
              + incarnation
              + " of "
              + name
              + ", which lives its life "
              + instance.incarnation(),
          e.r());
    } else if (wrongRole.equals(instance.role())) {
      violated(e.r() + " is routed to " + name + ", whose role is " + wrongRole, e.r());
    }
  }

  @Override
  protected void end(TraceState last) {
    if (!last.seen("ROUTE")) {
      missing("ROUTE");
    }
  }
}
