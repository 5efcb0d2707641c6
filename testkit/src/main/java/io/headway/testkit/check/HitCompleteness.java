package io.headway.testkit.check;

import io.headway.api.Invariant;
import io.headway.testkit.trace.TraceEvent;
import java.util.List;
import java.util.Objects;

/**
 * INV-18: what is cached is found. A request that is admitted gets the whole blocks of its prompt
 * that are matchable without a gap, up to {@code floor((P-1)/B)*B} tokens; a declared shortfall
 * ({@code hitShortfallBlocks}) is allowed. Judged where a prompt's keys are in the trace and all
 * groups read everything.
 */
final class HitCompleteness extends Checker {
  HitCompleteness() {
    super(Invariant.INV_18);
  }

  @Override
  protected void check(TraceEvent event, TraceState before) {
    if (!(event instanceof TraceEvent.Step e)) {
      return;
    }
    long size = before.blockTokens();
    for (TraceEvent.Row row : e.batch()) {
      RequestState r = before.request(row.r());
      if (r == null || r.arrive == null || size == 0) {
        continue;
      }
      boolean starts =
          r.phase == RequestState.Phase.WAITING || r.phase == RequestState.Phase.PREEMPTED;
      List<String> keys = r.arrive.keys();
      if (!starts || !before.readsAll(0)) {
        continue;
      }
      if (keys == null) {
        if (before.seen("PUBLISH")) {
          missing("ARRIVE.keys");
        }
        continue;
      }
      if (r.prompt() < 1 || TraceState.orZero(before.config().groups()) > 1) {
        continue;
      }
      int cached = 0;
      while (cached < keys.size() && matchable(before, keys.get(cached), r.arrive)) {
        cached++;
      }
      Double shortfall = before.claim("hitShortfallBlocks");
      long due =
          Math.min(cached * size, (r.prompt() - 1) / size * size)
              - (shortfall == null ? 0 : Math.round(shortfall) * size);
      if (cached > 0) {
        exercised();
      }
      if (r.hitTokens < due) {
        violated(
            row.r()
                + " gets "
                + r.hitTokens
                + " cached tokens, but "
                + due
                + " of its prompt are matchable",
            row.r());
      }
    }
  }

  /** Whether a block of this key is there that was computed in the same isolation. */
  private static boolean matchable(TraceState state, String key, TraceEvent.Arrive asking) {
    for (long block : state.blocksOf(0, "device", key)) {
      BlockState found = state.block(TraceState.DEVICE, block);
      TraceEvent.Arrive by = found == null ? null : found.publisher;
      if (by == null
          || (Objects.equals(by.isolation(), asking.isolation())
              && Objects.equals(by.adapter(), asking.adapter())
              && (state.declares("shared-tenants")
                  || Objects.equals(by.tenant(), asking.tenant())))) {
        return true;
      }
    }
    return false;
  }

  @Override
  protected void end(TraceState last) {
    if (!last.seen("PUBLISH")) {
      missing("PUBLISH");
    }
  }
}
