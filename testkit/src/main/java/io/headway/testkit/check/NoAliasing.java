package io.headway.testkit.check;

import io.headway.api.Invariant;
import io.headway.testkit.check.RequestState.Phase;
import io.headway.testkit.trace.TraceEvent;
import io.headway.testkit.trace.TraceEvent.Blocks;
import java.util.ArrayDeque;
import java.util.ArrayList;
import java.util.Deque;
import java.util.HashMap;
import java.util.List;
import java.util.Map;

/**
 * INV-10: a block that somebody holds, has pinned or is transferring is not handed out as new, and
 * none is given back while an iteration in flight reads or writes it. An engine whose device runs
 * iterations and writes strictly in order may declare {@code in-order} and release earlier. Units
 * of another pool, such as encoder outputs, are kept until the iteration that they were taken for
 * has completed, unless their holder is preempted or over; of one holder the first taken are the
 * first given back.
 */
final class NoAliasing extends Checker {
  /** Units that were taken for one iteration. */
  private static final class Taken {
    private final long decision;
    private long units;
    private boolean used;

    Taken(long decision, long units) {
      this.decision = decision;
      this.units = units;
    }
  }

  /** By pool and holder, what was taken and not given back, the first taken first. */
  private final Map<String, Map<String, Deque<Taken>>> taken = new HashMap<>();

  /** Which decision each iteration in flight is, by its step. */
  private final Map<Long, Long> planned = new HashMap<>();

  NoAliasing() {
    super(Invariant.INV_10);
  }

  @Override
  protected void check(TraceEvent event, TraceState before) {
    if (event instanceof TraceEvent.Step e && e.step() != null) {
      planned.put(e.step(), before.decisions());
    } else if (event instanceof TraceEvent.Complete e && e.step() != null) {
      completed(e.step(), before);
    } else if (event instanceof TraceEvent.Fail e && e.step() != null) {
      planned.remove(e.step());
    } else if (event instanceof TraceEvent.Ended e) {
      taken.values().forEach(holders -> holders.remove(e.r()));
    }
    if (event instanceof Blocks e) {
      List<Long> list = e.blocks();
      Long units = e.units();
      if (units != null && e.kind() == Blocks.Kind.ALLOC) {
        holding(e).add(new Taken(before.decisions(), units));
      } else if (units != null && e.kind() == Blocks.Kind.RELEASE) {
        givesBack(e, units, before);
      }
      if (list != null && e.kind() == Blocks.Kind.ALLOC) {
        allocates(e, list, before);
      } else if (list != null && e.kind() == Blocks.Kind.RELEASE) {
        releases(e, list, before);
      }
    } else if (event instanceof TraceEvent.Keyed e
        && e.kind() == TraceEvent.Keyed.Kind.EVICT
        && e.block() != null) {
      String tier = TraceState.tierOf(e.tier());
      String pool = tier.equals("device") ? TraceState.DEVICE : tier;
      BlockState state = before.block(pool, e.block());
      exercised();
      if (state != null && (!state.pins.isEmpty() || state.transfers > 0)) {
        violated(
            "block " + e.block() + " is evicted while it is pinned or in a transfer",
            new ArrayList<>(state.pins.keySet()),
            List.of(e.block()));
      }
    }
  }

  /** What was taken for an iteration, or for one before it, has been used. */
  private void completed(long step, TraceState before) {
    Long decision = planned.remove(step);
    TraceState.Flight flight = before.flight(step);
    if (decision == null || flight == null || taken.isEmpty()) {
      return;
    }
    for (TraceEvent.Row row : flight.rows) {
      for (Map<String, Deque<Taken>> holders : taken.values()) {
        for (Taken each : holders.getOrDefault(row.r(), new ArrayDeque<>())) {
          each.used |= each.decision <= decision;
        }
      }
    }
  }

  private Deque<Taken> holding(Blocks e) {
    return taken
        .computeIfAbsent(TraceState.poolOf(e), pool -> new HashMap<>())
        .computeIfAbsent(e.r(), r -> new ArrayDeque<>());
  }

  /** Units taken ahead of a decision are used by its iteration, which must have completed. */
  private void givesBack(Blocks e, long units, TraceState before) {
    Deque<Taken> holding = holding(e);
    RequestState r = before.request(e.r());
    boolean keeps = r != null && r.phase == Phase.RUNNING && !r.reset;
    long left = units;
    while (left > 0 && !holding.isEmpty()) {
      Taken first = holding.element();
      exercised();
      if (keeps && !first.used && !before.declares("in-order")) {
        violated(
            e.r()
                + " gives back units of "
                + TraceState.poolOf(e)
                + " before the iteration that they were taken for has completed",
            e.r());
      }
      long now = Math.min(left, first.units);
      left -= now;
      first.units -= now;
      if (first.units == 0) {
        holding.remove();
      }
    }
    if (holding.isEmpty()) {
      taken.getOrDefault(TraceState.poolOf(e), new HashMap<>()).remove(e.r());
    }
  }

  private void allocates(Blocks e, List<Long> list, TraceState before) {
    String pool = TraceState.poolOf(e);
    for (long block : list) {
      exercised();
      BlockState state = before.block(pool, block);
      Long nullBlock = before.config().nullBlock();
      if (nullBlock != null && block == nullBlock && pool.equals(TraceState.DEVICE)) {
        violated(
            e.r() + " is given block " + block + ", which stands for nothing",
            List.of(e.r()),
            List.of(block));
      }
      if (state != null && state.held()) {
        List<String> requests = new ArrayList<>(List.of(e.r()));
        requests.addAll(state.holders.keySet());
        requests.addAll(state.pins.keySet());
        violated(
            "block "
                + block
                + " is handed to "
                + e.r()
                + " as new while it is "
                + (state.holders.isEmpty()
                    ? "pinned or in a transfer"
                    : "held by " + String.join(", ", state.holders.keySet())),
            requests,
            List.of(block));
      }
    }
  }

  private void releases(Blocks e, List<Long> list, TraceState before) {
    RequestState r = before.request(e.r());
    if (r == null || before.declares("in-order") || e.pool() != null) {
      return;
    }
    exercised();
    boolean over = r.phase == Phase.ENDED || r.phase.queued();
    if (r.inFlight > 0 && over) {
      violated(
          e.r() + " gives blocks back while " + r.inFlight + " iterations in flight use them",
          List.of(e.r()),
          list);
    }
  }

  @Override
  protected void end(TraceState last) {
    if (!last.seen("ALLOC")) {
      missing("ALLOC");
    }
  }
}
