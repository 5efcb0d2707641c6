package io.headway.testkit.check;

import io.headway.api.Invariant;
import io.headway.testkit.trace.TraceEvent;
import io.headway.testkit.trace.TraceEvent.Blocks;
import java.util.List;

/**
 * INV-16: a content key resolves to a block exactly while the block holds that content. A block has
 * at most one key, loses it before it is handed out as new, and is only struck off the index under
 * the key it has.
 */
final class IndexAgreement extends Checker {
  IndexAgreement() {
    super(Invariant.INV_16);
  }

  @Override
  protected void check(TraceEvent event, TraceState before) {
    if (event instanceof TraceEvent.Keyed e) {
      Long block = e.block();
      String key = e.key();
      if (block == null || key == null) {
        missing(e.type() + (block == null ? ".block" : ".key"));
        return;
      }
      exercised();
      String tier = TraceState.tierOf(e.tier());
      BlockState state = before.block(tier.equals("device") ? TraceState.DEVICE : tier, block);
      String held = state == null ? null : state.key;
      if (e.kind() == TraceEvent.Keyed.Kind.PUBLISH) {
        if (held != null) {
          violated(
              "block "
                  + block
                  + " gets key "
                  + key
                  + " while it still has "
                  + (held.equals(key) ? "it" : "key " + held),
              List.of(),
              List.of(block));
        }
      } else if (!key.equals(held)) {
        violated(
            "key "
                + key
                + " is struck off for block "
                + block
                + ", whose key is "
                + (held == null ? "none" : held),
            List.of(),
            List.of(block));
      }
    } else if (event instanceof Blocks e && e.kind() == Blocks.Kind.ALLOC && e.blocks() != null) {
      for (long block : e.blocks()) {
        BlockState state = before.block(TraceState.poolOf(e), block);
        if (before.seen("PUBLISH")) {
          exercised();
        }
        if (state != null && state.key != null) {
          violated(
              "block "
                  + block
                  + " is handed to "
                  + e.r()
                  + " as new, but key "
                  + state.key
                  + " still resolves to it",
              List.of(e.r()),
              List.of(block));
        }
      }
    }
  }

  @Override
  protected void end(TraceState last) {
    if (!last.seen("PUBLISH")) {
      missing("PUBLISH");
    }
  }
}
