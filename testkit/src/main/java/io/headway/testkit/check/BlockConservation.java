package io.headway.testkit.check;

import io.headway.api.Invariant;
import io.headway.testkit.trace.TraceEvent;
import io.headway.testkit.trace.TraceEvent.Blocks;
import java.util.HashSet;
import java.util.List;
import java.util.Map;
import java.util.Set;
import org.jspecify.annotations.Nullable;

/**
 * INV-08: in every pool, what is free and what is held makes the whole. The free blocks that a
 * decision reports must be all blocks but the distinct held ones, no list names a block twice, no
 * block lies outside the pool, and no counted resource is overdrawn or returned twice.
 */
final class BlockConservation extends Checker {
  BlockConservation() {
    super(Invariant.INV_08);
  }

  @Override
  protected void check(TraceEvent event, TraceState before) {
    if (event instanceof Blocks e) {
      blocks(e, before);
    } else if (event instanceof TraceEvent.Step e) {
      free(e.free(), "STEP", before);
    } else if (event instanceof TraceEvent.Idle e) {
      free(e.free(), "IDLE", before);
    } else if (event instanceof TraceEvent.Gauge e) {
      Double value = e.value();
      if ("free".equals(e.name()) && value != null) {
        free(Math.round(value), "GAUGE", before);
      }
    }
  }

  private void free(@Nullable Long free, String type, TraceState before) {
    long available = before.available();
    if (free == null || available < 0) {
      missing(
          free == null
              ? type + ".free"
              : before.config().blocks() == null ? "CONFIG.blocks" : "ALLOC");
      return;
    }
    exercised();
    if (free != available) {
      violated(
          type
              + " reports "
              + free
              + " free blocks, but "
              + before.config().blocks()
              + " blocks less "
              + before.held(TraceState.DEVICE)
              + " held ones are "
              + available,
          List.of(),
          List.of());
    }
  }

  private void blocks(Blocks e, TraceState before) {
    String pool = TraceState.poolOf(e);
    List<Long> list = e.blocks();
    if (list != null) {
      exercised();
      Long size = size(pool, before);
      Set<Long> distinct = new HashSet<>();
      for (long block : list) {
        if (!distinct.add(block)) {
          violated(e.type() + " of " + e.r() + " names block " + block + " twice", e.r(), block);
        }
        // Where one block stands for nothing, there is one id more than blocks to give.
        long ids = size == null ? 0 : size + (before.config().nullBlock() == null ? 0 : 1);
        if (block < 0 || (size != null && block >= ids)) {
          violated(
              e.type() + " of " + e.r() + " names block " + block + " of a pool of " + size,
              e.r(),
              block);
        }
      }
    }
    Long units = e.units();
    if (units != null) {
      exercised();
      Long size = size(pool, before);
      boolean takes = e.kind() == Blocks.Kind.ALLOC;
      long held = before.unitsHeld(pool) + (takes ? units : -units);
      RequestState r = before.request(e.r());
      long own = r == null ? 0 : r.units.getOrDefault(pool, 0L);
      if (units < 0 || (!takes && units > own)) {
        violated(e.r() + " returns " + units + " units of " + pool + ", but holds " + own, e.r());
      } else if (size != null && held > size) {
        violated(e.r() + " takes " + pool + " to " + held + " units of " + size, e.r());
      }
    }
  }

  private void violated(String message, String request, long block) {
    violated(message, List.of(request), List.of(block));
  }

  static @Nullable Long size(String pool, TraceState state) {
    if (pool.equals(TraceState.DEVICE)) {
      return state.config().blocks();
    }
    Map<String, Double> pools = state.config().pools();
    Double size = pools == null ? null : pools.get(pool);
    return size == null ? null : Math.round(size);
  }

  @Override
  protected void end(TraceState last) {
    if (!last.seen("STEP") && !last.seen("ALLOC")) {
      missing("STEP.free");
    }
  }
}
