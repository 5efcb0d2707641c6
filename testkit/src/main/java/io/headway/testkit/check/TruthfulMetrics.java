package io.headway.testkit.check;

import io.headway.api.Invariant;
import io.headway.testkit.trace.TraceEvent;
import java.util.HashMap;
import java.util.Map;
import org.jspecify.annotations.Nullable;

/**
 * INV-40: published figures are true whenever they are read. Gauges ({@code waiting}, {@code
 * running}, {@code deferred}, {@code swapped}, {@code transferring}, {@code live}, {@code
 * inFlight}, {@code held}, {@code free}) equal the state; counters ({@code arrivedTotal}, {@code
 * endedTotal}, {@code rejectedTotal}, {@code preemptionsTotal}, {@code stepsTotal}, {@code
 * outputTotal}, {@code routedTotal}) equal the number of records; anything else whose name ends in
 * {@code Total} never falls.
 */
final class TruthfulMetrics extends Checker {
  private final Map<String, Long> counts = new HashMap<>();
  private final Map<String, Double> totals = new HashMap<>();

  TruthfulMetrics() {
    super(Invariant.INV_40);
  }

  @Override
  protected void check(TraceEvent event, TraceState before) {
    if (event instanceof TraceEvent.Gauge e) {
      if (!Boolean.TRUE.equals(e.used())) {
        gauge(e, before);
      }
      return;
    }
    if (event instanceof TraceEvent.Arrive) {
      count("arrivedTotal", 1);
    } else if (event instanceof TraceEvent.Ended) {
      count("endedTotal", 1);
    } else if (event instanceof TraceEvent.Reject e) {
      count(e.output() == null ? "rejectedTotal" : "endedTotal", 1);
    } else if (event instanceof TraceEvent.Preempt) {
      count("preemptionsTotal", 1);
    } else if (event instanceof TraceEvent.Step) {
      count("stepsTotal", 1);
    } else if (event instanceof TraceEvent.Route) {
      count("routedTotal", 1);
    } else if (event instanceof TraceEvent.Output e) {
      count("outputTotal", TraceState.orZero(e.accepted()));
    }
  }

  private void count(String name, long more) {
    counts.merge(name, more, Long::sum);
  }

  private void gauge(TraceEvent.Gauge e, TraceState before) {
    String name = e.name();
    Double value = e.value();
    if (name == null || value == null) {
      missing(name == null ? "GAUGE.name" : "GAUGE.value");
      return;
    }
    Double earlier = name.endsWith("Total") ? totals.put(name, value) : null;
    if (earlier != null && value < earlier) {
      violated(
          "the counter "
              + name
              + " falls from "
              + Figures.text(earlier)
              + " to "
              + Figures.text(value));
    }
    Double truth = truth(name, before);
    if (truth == null) {
      return;
    }
    exercised();
    if (!truth.equals(value)) {
      violated(
          name + " is published as " + Figures.text(value) + ", but it is " + Figures.text(truth));
    }
  }

  private @Nullable Double truth(String name, TraceState before) {
    return switch (name) {
      case "arrivedTotal",
          "endedTotal",
          "rejectedTotal",
          "preemptionsTotal",
          "stepsTotal",
          "outputTotal",
          "routedTotal" ->
          (double) counts.getOrDefault(name, 0L);
      default -> Figures.of(name, before);
    };
  }

  @Override
  protected void end(TraceState last) {
    if (!last.seen("GAUGE")) {
      missing("GAUGE");
    }
  }
}
