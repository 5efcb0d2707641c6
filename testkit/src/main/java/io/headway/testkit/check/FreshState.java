package io.headway.testkit.check;

import io.headway.api.Invariant;
import io.headway.testkit.check.RequestState.Phase;
import io.headway.testkit.trace.TraceEvent;
import io.headway.testkit.trace.TraceEvent.Row;
import java.util.ArrayList;
import java.util.List;

/**
 * INV-27: what a decision goes by is what is the case. A refusal must be true (no slot while one is
 * free, no blocks while the most it can need is there), figures that a decision used ({@code GAUGE}
 * with {@code used}) must equal the state, cached tokens must be matchable when they are granted,
 * and a scheduler rebuilt from primary state ({@code REBUILT}) must decide the same.
 */
final class FreshState extends Checker {
  private final List<List<Row>> rebuilt = new ArrayList<>();

  FreshState() {
    super(Invariant.INV_27);
  }

  @Override
  protected void check(TraceEvent event, TraceState before) {
    if (event instanceof TraceEvent.Attempt e) {
      attempt(e, before);
    } else if (event instanceof TraceEvent.Gauge e) {
      Double value = e.value();
      Double truth =
          Boolean.TRUE.equals(e.used()) ? Figures.of(String.valueOf(e.name()), before) : null;
      if (truth != null && value != null) {
        exercised();
        if (!truth.equals(value)) {
          violated(
              "a decision used "
                  + e.name()
                  + " = "
                  + Figures.text(value)
                  + ", but it is "
                  + Figures.text(truth));
        }
      }
    } else if (event instanceof TraceEvent.Hit e) {
      hit(e, before);
    } else if (event instanceof TraceEvent.Rebuilt e) {
      rebuilt.add(e.batch());
    } else if (event instanceof TraceEvent.Step e) {
      for (List<Row> other : rebuilt) {
        exercised();
        if (!work(other).equals(work(e.batch()))) {
          violated(
              "rebuilt from primary state the scheduler decides "
                  + work(other)
                  + ", but it decided "
                  + work(e.batch()),
              e.batch().stream().map(Row::r).limit(4).toList(),
              List.of());
        }
      }
      rebuilt.clear();
    }
  }

  /** What a batch does, whatever slots and drafts it names. */
  private static List<String> work(List<Row> batch) {
    return batch.stream().map(row -> row.r() + ":" + row.n()).sorted().toList();
  }

  private void attempt(TraceEvent.Attempt e, TraceState before) {
    if (!before.preemptedNow().isEmpty()) {
      // Something may have come free behind the attempt.
      return;
    }
    RequestState r = before.request(e.r());
    Long slots = before.config().slots();
    if ("no-slot".equals(e.outcome()) && slots != null) {
      exercised();
      long used =
          before.count(Phase.RUNNING)
              + before.count(Phase.TRANSFERRING)
              + before.startedNow()
              + before.endedWithSlot();
      if (used < slots) {
        violated(
            e.r()
                + " was refused for want of a slot: a stale count, "
                + used
                + " of "
                + slots
                + " are used",
            e.r());
      }
    } else if ("no-blocks".equals(e.outcome()) && r != null && !before.declares("pinned-cap")) {
      long available = before.available();
      if (available < 0 || before.blockTokens() == 0 || r.known() < 0 || r.phase == Phase.SWAPPED) {
        return;
      }
      exercised();
      long tokens = e.tokens() == null ? r.known() : Math.min(e.tokens(), r.known());
      long groups = Math.max(1, TraceState.orZero(before.config().groups()));
      // Hits can only lessen the need, but they may count in whole for what is asked.
      long most =
          before.blocksFor(Math.max(r.known(), Math.max(tokens, TraceState.orZero(e.reserve()))))
                  * groups
              + TraceState.orZero(e.headroom())
              + TraceState.orZero(before.config().watermark());
      if (most <= available) {
        violated(
            e.r()
                + " was refused for want of blocks: it needs at most "
                + most
                + ", and "
                + available
                + " are there",
            e.r());
      }
    }
  }

  private void hit(TraceEvent.Hit e, TraceState before) {
    RequestState r = before.request(e.r());
    Long tokens = e.tokens();
    boolean device = TraceState.tierOf(e.tier()).equals("device");
    if (r == null || r.arrive == null || tokens == null || !device || before.blockTokens() == 0) {
      return;
    }
    List<String> keys = r.arrive.keys();
    // Behind the prompt the trace does not tell the keys.
    if (keys == null || !before.readsAll(0)) {
      return;
    }
    exercised();
    long blocks = Math.min(tokens / before.blockTokens(), keys.size());
    for (int i = 0; i < blocks; i++) {
      if (before.blocksOf(0, "device", keys.get(i)).isEmpty()) {
        violated(
            e.r()
                + " is granted "
                + tokens
                + " cached tokens, but block "
                + i
                + " of its prompt is not matchable any more",
            e.r());
        return;
      }
    }
  }

  @Override
  protected void end(TraceState last) {
    if (!last.seen("ATTEMPT") && !last.seen("REBUILT") && !last.seen("GAUGE")) {
      missing("ATTEMPT");
    }
  }
}
