package io.headway.testkit.check;

import io.headway.api.Invariant;
import io.headway.testkit.trace.TraceEvent;
import io.headway.testkit.trace.TraceEvent.Blocks;
import java.util.HashSet;
import java.util.List;
import java.util.Set;

/**
 * INV-12: what a check says fits can be allocated in the same decision. An attempt that the check
 * let pass must succeed, a request admitted must be in the batch, supply must not exceed what is
 * there (a matched block that nobody holds is not counted as free as well), and nobody is handed
 * more than the pool has or ends for want of blocks that were promised.
 */
final class SoundCapacityCheck extends Checker {
  private static final Set<String> SHORTAGES =
      Set.of("no-blocks", "out-of-blocks", "out-of-memory", "allocation-failed");

  private final Set<String> admitted = new HashSet<>();

  SoundCapacityCheck() {
    super(Invariant.INV_12);
  }

  @Override
  protected void check(TraceEvent event, TraceState before) {
    if (event instanceof TraceEvent.Attempt e) {
      attempt(e, before);
    } else if (event instanceof Blocks e && e.kind() == Blocks.Kind.ALLOC) {
      Long size = BlockConservation.size(TraceState.poolOf(e), before);
      List<Long> list = e.blocks();
      if (size != null && list != null) {
        exercised();
        String pool = TraceState.poolOf(e);
        long more =
            list.stream()
                .distinct()
                .filter(
                    block -> {
                      BlockState state = before.block(pool, block);
                      return state == null || !state.held();
                    })
                .count();
        if (before.held(pool) + more > size) {
          violated(
              e.r()
                  + " is handed blocks that make "
                  + (before.held(pool) + more)
                  + " held ones of "
                  + size,
              List.of(e.r()),
              list);
        }
      }
    } else if (event instanceof TraceEvent.Step e) {
      e.batch().forEach(row -> admitted.remove(row.r()));
      for (String left : admitted) {
        if (before.request(left) != null) {
          violated(left + " was admitted in this decision, but is not in its batch", left);
        }
      }
      admitted.clear();
    } else if (event instanceof TraceEvent.Ended e
        && SHORTAGES.contains(String.valueOf(e.reason()))) {
      violated(e.r() + " ended with " + e.reason() + " although it had been admitted", e.r());
    } else if (event instanceof TraceEvent.Fail e
        && SHORTAGES.contains(String.valueOf(e.reason()))) {
      violated("step " + e.step() + " failed with " + e.reason() + ", so its check was wrong");
    }
  }

  private void attempt(TraceEvent.Attempt e, TraceState before) {
    boolean done = "done".equals(e.outcome());
    if (done) {
      exercised();
      // Without tokens its memory is only moved back, ahead of need.
      if (e.tokens() == null || e.tokens() > 0) {
        admitted.add(e.r());
      }
    }
    if (Boolean.TRUE.equals(e.fits())) {
      exercised();
      if (!done) {
        violated(
            "the check said that " + e.r() + " fits, but the attempt ended with " + e.outcome(),
            e.r());
      }
    }
    Long supply = e.supply();
    long available = before.available();
    if (supply != null && available >= 0) {
      exercised();
      if (supply > available) {
        violated(
            "the check for "
                + e.r()
                + " counts on "
                + supply
                + " blocks, but "
                + available
                + " are there",
            e.r());
      }
    }
  }

  @Override
  protected void end(TraceState last) {
    if (!last.seen("ATTEMPT") && (!last.seen("ALLOC") || last.config().blocks() == null)) {
      missing("ATTEMPT");
    }
  }
}
