package io.headway.testkit.check;

import io.headway.api.Invariant;
import io.headway.testkit.trace.TraceEvent;
import io.headway.testkit.trace.TraceEvent.Row;
import java.util.HashMap;
import java.util.HashSet;
import java.util.Map;
import java.util.Set;
import org.jspecify.annotations.Nullable;

/**
 * INV-28: what is counted as outstanding is what is in flight, and every result counts once. An
 * iteration completes or fails once, its tokens come from its own rows, a row planned before a
 * request was preempted yields nothing afterwards that is applied twice, no more iterations are in
 * flight than the depth, and messages of an older life of an instance change nothing.
 */
final class InFlightEpochs extends Checker {
  private TraceState.@Nullable Flight last;
  private final Set<String> delivered = new HashSet<>();
  private final Map<String, Long> incarnations = new HashMap<>();
  private long lastStep = -1;

  InFlightEpochs() {
    super(Invariant.INV_28);
  }

  @Override
  protected void check(TraceEvent event, TraceState before) {
    if (event instanceof TraceEvent.Step e) {
      step(e, before);
    } else if (event instanceof TraceEvent.Complete e) {
      lands(e.step(), e.type(), before);
    } else if (event instanceof TraceEvent.Fail e) {
      lands(e.step(), e.type(), before);
      last = null;
    } else if (event instanceof TraceEvent.Output e) {
      output(e, before);
    } else if (event instanceof TraceEvent.InstanceState e) {
      instance(e);
    }
  }

  private void step(TraceEvent.Step e, TraceState before) {
    Long number = e.step();
    if (number == null) {
      missing("STEP.step");
      return;
    }
    exercised();
    if (number <= lastStep) {
      violated("step " + number + " is planned after step " + lastStep);
    }
    lastStep = number;
    Long depth = before.config().depth();
    if (depth != null && before.flights().size() >= depth) {
      violated(
          "step "
              + number
              + " is planned while "
              + before.flights().size()
              + " iterations are in flight; the depth is "
              + depth);
    }
    for (Row row : e.batch()) {
      RequestState r = before.request(row.r());
      Long pending = row.pending();
      if (r == null || pending == null) {
        continue;
      }
      boolean emits = TraceState.orZero(row.start()) + TraceState.orZero(row.n()) >= r.known();
      // A token that was yielded and not shown has landed all the same.
      long outstanding = r.outstanding - (r.awaitsOutput ? 1L : 0L) + (emits ? 1L : 0L);
      if (pending != outstanding) {
        violated(
            row.r() + " counts " + pending + " results as outstanding, but " + outstanding + " are",
            row.r());
      }
    }
  }

  private void lands(@Nullable Long step, String type, TraceState before) {
    if (step == null) {
      missing(type + ".step");
      return;
    }
    exercised();
    last = before.flight(step);
    delivered.clear();
    if (last == null) {
      violated(type + " is about step " + step + ", which is not in flight");
    }
  }

  private void output(TraceEvent.Output e, TraceState before) {
    Long step = e.step();
    if (step == null) {
      missing("OUTPUT.step");
      return;
    }
    exercised();
    TraceState.Flight flight = last != null && last.step == step ? last : before.flight(step);
    if (flight == null) {
      violated(
          "OUTPUT of "
              + e.r()
              + " is from step "
              + step
              + ", which is neither in flight nor the last to complete",
          e.r());
      return;
    }
    if (flight.rows.stream().noneMatch(row -> row.r().equals(e.r()))) {
      violated("OUTPUT of " + e.r() + " is from step " + step + ", which has no row of it", e.r());
    } else if (flight == last && !delivered.add(e.r())) {
      violated("the result of step " + step + " is applied to " + e.r() + " twice", e.r());
    } else if (flight.voided) {
      violated("OUTPUT of " + e.r() + " is from step " + step + ", which is void", e.r());
    }
    for (int i = 0; i < flight.rows.size(); i++) {
      RequestState r = before.request(e.r());
      if (r != null
          && flight.rows.get(i).r().equals(e.r())
          && flight.epochs.get(i) != r.preemptions
          && before.declares("drops-late-results")) {
        violated(
            e.r() + " was preempted since step " + step + " was planned; its result is late",
            e.r());
      }
    }
  }

  private void instance(TraceEvent.InstanceState e) {
    String name = e.instance();
    Long incarnation = e.incarnation();
    if (name == null || incarnation == null) {
      return;
    }
    Long newest = incarnations.merge(name, incarnation, Math::max);
    exercised();
    if (newest > incarnation) {
      violated(
          "a message of life "
              + incarnation
              + " of instance "
              + name
              + " changes its state to "
              + e.state()
              + ", but life "
              + newest
              + " has begun");
    }
  }

  @Override
  protected void end(TraceState last) {
    if (!last.seen("COMPLETE") && !last.seen("OUTPUT")) {
      missing("COMPLETE");
    }
  }
}
