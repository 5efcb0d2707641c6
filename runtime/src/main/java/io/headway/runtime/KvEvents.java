package io.headway.runtime;

import io.headway.api.memory.BlockKey;
import io.headway.api.memory.KvBlockPool;
import io.headway.api.memory.KvEventSink;
import io.headway.api.memory.KvTier;
import org.jspecify.annotations.Nullable;

/** Passes on what became matchable or ceased to be: to the decision log and to the embedder. */
final class KvEvents implements KvEventSink {
  private final KvBlockPool pool;
  private final @Nullable EngineLog log;
  private final @Nullable KvEventSink sink;
  private final Faults faults;

  KvEvents(KvBlockPool pool, @Nullable EngineLog log, @Nullable KvEventSink sink, Faults faults) {
    this.pool = pool;
    this.log = log;
    this.sink = sink;
    this.faults = faults;
  }

  /** Passes on what has happened; leaves it in the pool if nobody here wants it. */
  void drain() {
    if (log != null || sink != null) {
      pool.drainEvents(this);
    }
  }

  @Override
  public void stored(
      BlockKey key, BlockKey parent, int block, int groupId, KvTier tier, int copies) {
    if (log != null) {
      log.stored(key, parent, block, groupId, tier, copies);
    }
    if (sink != null) {
      try {
        sink.stored(key, parent, block, groupId, tier, copies);
      } catch (Throwable e) {
        observed(e);
      }
    }
  }

  @Override
  public void removed(BlockKey key, int block, int groupId, KvTier tier, int copies) {
    if (log != null) {
      log.removed(key, block, groupId, tier, copies);
    }
    if (sink != null) {
      try {
        sink.removed(key, block, groupId, tier, copies);
      } catch (Throwable e) {
        observed(e);
      }
    }
  }

  @Override
  public void cleared() {
    if (log != null) {
      log.cleared();
    }
    if (sink != null) {
      try {
        sink.cleared();
      } catch (Throwable e) {
        observed(e);
      }
    }
  }

  private void observed(Throwable fault) {
    faults.observed(Faults.Cause.KV_EVENTS, "what it missed is not told again", fault);
  }
}
