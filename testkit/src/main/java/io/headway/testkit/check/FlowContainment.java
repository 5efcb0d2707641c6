package io.headway.testkit.check;

import io.headway.api.Invariant;
import io.headway.testkit.trace.TraceEvent;
import java.util.HashMap;
import java.util.Map;
import org.jspecify.annotations.Nullable;

/**
 * INV-38: a flow with a request in it is not collected, its limits and the cap of the queue are
 * enforced, its counts are true, and nobody is refused as if a queue were full that is not.
 */
final class FlowContainment extends Checker {
  private static final class Band {
    long count;
    long bytes;
    @Nullable Long limitCount;
    @Nullable Long limitBytes;
  }

  /** Where a request waits. */
  private record Place(Band band, long bytes) {}

  private final Map<String, Band> bands = new HashMap<>();
  private final Map<String, Place> places = new HashMap<>();
  private TraceEvent.@Nullable Arrive arrived;
  private long queuedBefore;

  FlowContainment() {
    super(Invariant.INV_38);
  }

  @Override
  protected void check(TraceEvent event, TraceState before) {
    capped(event, before);
    if (event instanceof TraceEvent.Arrive e) {
      arrives(e, before);
    } else if (event instanceof TraceEvent.Step e) {
      for (TraceEvent.Row row : e.batch()) {
        leaves(row.r());
      }
    } else if (event instanceof TraceEvent.Ended || event instanceof TraceEvent.Route) {
      leaves(event.r());
    } else if (event instanceof TraceEvent.Reject e) {
      rejects(e, before);
    } else if (event instanceof TraceEvent.Flow e && e.flow() != null) {
      flow(e, e.flow());
    }
  }

  /** Judges an arrival by the record behind it: one that comes by transfer never queues. */
  private void capped(TraceEvent event, TraceState before) {
    TraceEvent.Arrive last = arrived;
    arrived = null;
    Long cap = before.config().queueCap();
    if (last != null && cap != null && !(event instanceof TraceEvent.XferBegin)) {
      exercised();
      if (queuedBefore >= cap) {
        violated(
            last.r()
                + " is accepted although "
                + queuedBefore
                + " requests wait and the cap is "
                + cap,
            last.r());
      }
    }
  }

  private void arrives(TraceEvent.Arrive e, TraceState before) {
    arrived = e;
    queuedBefore = before.queued();
    String flow = e.flow();
    if (flow == null) {
      return;
    }
    exercised();
    Band band = bands.computeIfAbsent(flow, name -> new Band());
    leaves(e.r());
    places.put(e.r(), new Place(band, TraceState.orZero(e.bytes())));
    band.count++;
    band.bytes += TraceState.orZero(e.bytes());
    if (band.limitCount != null && band.count > band.limitCount) {
      violated(
          e.r()
              + " makes "
              + band.count
              + " requests in "
              + flow
              + "; its limit is "
              + band.limitCount,
          e.r());
    }
    if (band.limitBytes != null && band.bytes > band.limitBytes) {
      violated(
          e.r()
              + " makes "
              + band.bytes
              + " bytes in "
              + flow
              + "; its limit is "
              + band.limitBytes,
          e.r());
    }
  }

  /** A request leaves its flow when it starts, is routed or ends, whatever comes first. */
  private void leaves(@Nullable String r) {
    Place place = places.remove(String.valueOf(r));
    if (place != null) {
      place.band().count--;
      place.band().bytes -= place.bytes();
    }
  }

  private void rejects(TraceEvent.Reject e, TraceState before) {
    Long cap = before.config().queueCap();
    if ("queue-full".equals(e.reason()) && cap != null && e.flow() == null) {
      exercised();
      if (before.queued() < cap) {
        violated(
            e.r()
                + " is refused because the queue is full, but "
                + before.queued()
                + " of "
                + cap
                + " wait",
            e.r());
      }
    }
    leaves(e.r());
  }

  private void flow(TraceEvent.Flow e, String name) {
    Band band = bands.computeIfAbsent(name, flow -> new Band());
    exercised();
    band.limitCount = e.limitCount() == null ? band.limitCount : e.limitCount();
    band.limitBytes = e.limitBytes() == null ? band.limitBytes : e.limitBytes();
    if ("collect".equals(e.action())) {
      if (band.count > 0) {
        violated("flow " + name + " is collected while " + band.count + " requests wait in it");
      }
      bands.remove(name);
      return;
    }
    if (e.count() != null && e.count() != band.count) {
      violated("flow " + name + " counts " + e.count() + " requests, but " + band.count + " wait");
    }
    if (e.bytes() != null && e.bytes() != band.bytes) {
      violated("flow " + name + " counts " + e.bytes() + " bytes, but it holds " + band.bytes);
    }
  }

  @Override
  protected void end(TraceState last) {
    if (last.config().queueCap() == null && !last.seen("FLOW")) {
      missing("CONFIG.queueCap");
    }
  }
}
