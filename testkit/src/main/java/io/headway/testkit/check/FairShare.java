package io.headway.testkit.check;

import io.headway.api.Invariant;
import io.headway.testkit.trace.TraceEvent;
import java.util.HashMap;
import java.util.HashSet;
import java.util.Map;
import java.util.Set;
import org.jspecify.annotations.Nullable;

/**
 * INV-37: over any interval in which two tenants both have requests in the queue, the service they
 * get differs by at most {@code serviceDifference}. Service is {@code inputWeight} (1) per prompt
 * token at admission and {@code outputWeight} (2) per output token. For each pair that is
 * backlogged together the checker keeps the extremes of the difference since they both are; whoever
 * comes back from idleness starts anew. At most {@value #MAX_TENANTS} tenants are compared at once.
 */
final class FairShare extends Checker {
  private static final int MAX_TENANTS = 64;

  /** Two tenants, the smaller name first. */
  private record Pair(String a, String b) {}

  /** Extremes of what {@code a} got more than {@code b} since both are backlogged. */
  private static final class Difference {
    double now;
    double low;
    double high;
  }

  private final Map<Pair, Difference> pairs = new HashMap<>();
  private final Map<String, Integer> queued = new HashMap<>();

  FairShare() {
    super(Invariant.INV_37);
  }

  @Override
  protected void check(TraceEvent event, TraceState before) {
    Double bound = before.claim("serviceDifference");
    if (bound == null) {
      return;
    }
    if (event instanceof TraceEvent.Step e) {
      backlog(before);
      Map<String, Double> service = new HashMap<>();
      for (TraceEvent.Row row : e.batch()) {
        RequestState r = before.request(row.r());
        if (r != null && r.phase == RequestState.Phase.WAITING && r.prompt() >= 0) {
          service.merge(tenant(r), weight("inputWeight", 1, before) * r.prompt(), Double::sum);
        }
      }
      serve(service, bound);
      for (TraceEvent.Row row : e.batch()) {
        leaves(before.request(row.r()));
      }
    } else if (event instanceof TraceEvent.Ended
        || event instanceof TraceEvent.Reject
        || event instanceof TraceEvent.Defer) {
      backlog(before);
      leaves(before.request(event.r()));
    } else if (event instanceof TraceEvent.Output e) {
      RequestState r = before.request(e.r());
      if (r != null) {
        double amount = weight("outputWeight", 2, before) * TraceState.orZero(e.accepted());
        serve(Map.of(tenant(r), amount), bound);
      }
    }
  }

  private static double weight(String claim, double otherwise, TraceState state) {
    Double weight = state.claim(claim);
    return weight == null ? otherwise : weight;
  }

  private static String tenant(@Nullable RequestState r) {
    TraceEvent.Arrive arrive = r == null ? null : r.arrive;
    String tenant = arrive == null ? null : arrive.tenant();
    return tenant == null ? "" : tenant;
  }

  /** Finds who is backlogged at this decision; pairs of which one is not start anew. */
  private void backlog(TraceState before) {
    queued.clear();
    for (RequestState r : before.requests()) {
      if (r.phase.queued()) {
        String tenant = tenant(r);
        if (queued.containsKey(tenant) || queued.size() < MAX_TENANTS) {
          queued.merge(tenant, 1, Integer::sum);
        }
      }
    }
    pairs.keySet().removeIf(pair -> !queued.containsKey(pair.a()) || !queued.containsKey(pair.b()));
    Set<String> names = new HashSet<>(queued.keySet());
    for (String a : names) {
      for (String b : names) {
        if (a.compareTo(b) < 0) {
          pairs.computeIfAbsent(new Pair(a, b), pair -> new Difference());
        }
      }
    }
  }

  /**
   * A request leaves the queue; if it was its tenant's last, what comes later is a new interval.
   */
  private void leaves(@Nullable RequestState r) {
    if (r == null || !r.phase.queued()) {
      return;
    }
    String tenant = tenant(r);
    Integer left = queued.computeIfPresent(tenant, (name, count) -> count == 1 ? null : count - 1);
    if (left == null) {
      pairs.keySet().removeIf(pair -> pair.a().equals(tenant) || pair.b().equals(tenant));
    }
  }

  private void serve(Map<String, Double> service, double bound) {
    pairs.forEach(
        (pair, difference) -> {
          double change = service.getOrDefault(pair.a(), 0.0) - service.getOrDefault(pair.b(), 0.0);
          if (change == 0) {
            return;
          }
          exercised();
          difference.now += change;
          difference.low = Math.min(difference.low, difference.now);
          difference.high = Math.max(difference.high, difference.now);
          if (difference.high - difference.low > bound) {
            violated(
                "while tenants '"
                    + pair.a()
                    + "' and '"
                    + pair.b()
                    + "' both wait, their service comes to differ by "
                    + Figures.text(difference.high - difference.low)
                    + "; at most "
                    + Figures.text(bound)
                    + " is promised");
          }
        });
  }

  @Override
  protected void end(TraceState last) {
    if (last.claim("serviceDifference") == null) {
      missing("CONFIG.claims.serviceDifference");
    }
  }
}
