package io.headway.runtime;

import io.headway.api.Request;
import io.headway.api.batching.End;
import io.headway.api.batching.WorkKind;
import io.headway.api.memory.BlockKey;
import io.headway.api.memory.KvBlockPool;
import io.headway.api.memory.KvEventSink;
import io.headway.api.memory.KvMode;
import io.headway.api.memory.KvPoolView;
import io.headway.api.memory.KvTier;
import java.util.Arrays;
import java.util.Locale;

/**
 * Writes what one scheduler decides as decision-log records. Only built when a log was asked for,
 * so it may remember each sequence's blocks.
 *
 * <p>Within one decision, releases come first, then evictions, then allocations, so that every
 * prefix of the log is a state the pool was in.
 */
final class EngineLog {
  private static final int[] NO_BLOCKS = {};

  private final JsonLine json;
  private final Sequences sequences;
  private final KvBlockPool pool;
  private final boolean paged;
  private int[][] blocks = new int[64][];
  private int[] blockCounts = new int[64];
  private long now;

  EngineLog(
      DecisionLog log, Sequences sequences, KvBlockPool pool, Limits limits, String policyId) {
    json = new JsonLine(log);
    this.sequences = sequences;
    this.pool = pool;
    paged = pool.mode() == KvMode.PAGED;
    json.begin("CONFIG", 0)
        .number("schema", DecisionLog.SCHEMA)
        .string("policy", policyId)
        .string("kvMode", pool.mode().name().toLowerCase(Locale.ROOT))
        .number("blockTokens", pool.geometry().groups().get(0).blockTokens())
        .number("blocks", pool.usableBlocks())
        .number("tokenBudget", limits.maxTokens())
        .number("slots", limits.maxSequences())
        .number("adapterCap", limits.maxAdapters())
        .number("queueCap", limits.maxWaiting())
        .end();
  }

  void arrived(int s, long nowNanos) {
    Request request = sequences.requestOf(s);
    describe(json.begin("ARRIVE", nowNanos), request).end();
  }

  void rejected(Request request, SubmitResult.Kind reason, long nowNanos) {
    describe(json.begin("REJECT", nowNanos), request).string("reason", code(reason.name())).end();
  }

  private static JsonLine describe(JsonLine line, Request request) {
    line.string("r", request.id())
        .number("prompt", request.promptTokens())
        .number("maxNew", request.maxNewTokens())
        .number("arrival", request.arrivalNanos())
        .number("priority", request.priority());
    if (!request.tenant().isEmpty()) {
      line.string("tenant", request.tenant());
    }
    if (!request.adapter().isEmpty()) {
      line.string("adapter", request.adapter());
    }
    if (request.hasDeadline()) {
      line.number("deadline", request.deadlineNanos());
    }
    return line;
  }

  /** Writes what the draft took back, before the pool commits. */
  void decided(Draft draft, long step, long nowNanos) {
    for (int i = 0; i < draft.steps(); i++) {
      int s = draft.preemptedBy(i);
      if (s != Sequences.NONE) {
        String mode = sequences.owners[s] == KvPoolView.NO_OWNER ? "recompute" : "swap";
        writeBlocks("RELEASE", s, 0, blockCount(s), nowNanos);
        forgetBlocks(s);
        preempted(s, mode, nowNanos, draft.beneficiaryBy(i), step);
      }
    }
  }

  void preempted(int s, String mode, long nowNanos) {
    preempted(s, mode, nowNanos, Sequences.NONE, -1);
  }

  private void preempted(int s, String mode, long nowNanos, int beneficiary, long step) {
    json.begin("PREEMPT", nowNanos).string("r", id(s)).string("mode", mode);
    if (beneficiary != Sequences.NONE) {
      json.string("beneficiary", id(beneficiary));
    }
    if (step >= 0) {
      json.number("step", step);
    }
    json.end();
  }

  /** Writes what the committed draft took and what it will run. */
  void committed(Draft draft, BatchPlan plan, long nowNanos) {
    poolEvents(nowNanos);
    for (int i = 0; i < draft.admittedCount(); i++) {
      int s = draft.admitted(i);
      long owner = sequences.owners[s];
      int hit = paged ? pool.hitTokens(owner) : 0;
      if (sequences.preempted[s] > 0) {
        json.begin("RESUME", nowNanos)
            .string("r", id(s))
            .number("computed", sequences.computed[s])
            .end();
      }
      if (hit > 0) {
        int shared = hit / pool.geometry().groups().get(0).blockTokens();
        json.begin("HIT", nowNanos)
            .string("r", id(s))
            .number("tokens", hit)
            .string("tier", "device")
            .end();
        learnBlocks(s);
        writeBlocks("SHARE", s, 0, shared, nowNanos);
        writeBlocks("ALLOC", s, shared, blockCount(s), nowNanos);
      }
    }
    if (plan.isEmpty()) {
      return;
    }
    for (int i = 0; i < plan.rows(); i++) {
      int s = plan.sequences[i];
      int known = blockCount(s);
      learnBlocks(s);
      writeBlocks("ALLOC", s, known, blockCount(s), nowNanos);
    }
    json.begin("STEP", nowNanos).number("step", plan.stepId()).openArray("batch");
    for (int i = 0; i < plan.rows(); i++) {
      json.openElement()
          .string("r", id(plan.sequences[i]))
          .number("start", plan.start(i))
          .number("n", plan.count(i))
          .string("kind", code(plan.kind(i).name()));
      if (plan.kind(i) == WorkKind.VERIFY) {
        json.number("drafts", plan.draftCount(i));
      }
      json.number("slot", plan.slot(i)).closeElement();
    }
    json.closeArray()
        .number("total", plan.tokens())
        .number("waiting", sequences.waitingCount())
        .number("free", pool.availableBlocks())
        .end();
  }

  void output(BatchPlan plan, int s, int accepted, int position, long nowNanos) {
    json.begin("OUTPUT", nowNanos)
        .number("step", plan.stepId())
        .string("r", id(s))
        .number("accepted", accepted)
        .number("position", position)
        .end();
  }

  void completed(long nowNanos) {
    poolEvents(nowNanos);
  }

  void released(int s, long nowNanos) {
    writeBlocks("RELEASE", s, 0, blockCount(s), nowNanos);
    forgetBlocks(s);
  }

  void ended(int s, End end, long nowNanos) {
    String type =
        switch (end) {
          case CANCELLED -> "CANCEL";
          case EXPIRED -> "EXPIRE";
          case NEVER_FITS, DRAINED -> "REJECT";
          default -> "FINISH";
        };
    json.begin(type, nowNanos)
        .string("r", id(s))
        .string("reason", code(end.name()))
        .number("output", sequences.generated[s])
        .end();
  }

  void transfer(int s, String edge, String direction, String result, long nowNanos) {
    json.begin("XFER_" + edge, nowNanos)
        .number("transfer", sequences.handle(s))
        .string("r", id(s))
        .string("direction", direction);
    if (!result.isEmpty()) {
      json.string("result", result);
    }
    json.end();
  }

  private void poolEvents(long nowNanos) {
    now = nowNanos;
    pool.drainEvents(writer);
  }

  private final KvEventSink writer =
      new KvEventSink() {
        @Override
        public void stored(
            BlockKey key, BlockKey parent, int block, int groupId, KvTier tier, int copies) {
          block("PUBLISH", key, block, groupId, tier);
        }

        @Override
        public void removed(BlockKey key, int block, int groupId, KvTier tier, int copies) {
          block("EVICT", key, block, groupId, tier);
        }

        @Override
        public void cleared() {
          json.begin("INDEX", now).string("action", "clear").end();
        }

        private void block(String type, BlockKey key, int block, int groupId, KvTier tier) {
          json.begin(type, now)
              .number("block", block)
              .string("key", key.toString())
              .number("group", groupId)
              .string("tier", code(tier.name()))
              .end();
        }
      };

  private void writeBlocks(String type, int s, int from, int to, long nowNanos) {
    if (!paged || from >= to) {
      return;
    }
    json.begin(type, nowNanos).string("r", id(s)).openArray("blocks");
    for (int i = from; i < to; i++) {
      json.element(blocks[s][i]);
    }
    json.closeArray().end();
  }

  private void learnBlocks(int s) {
    long owner = sequences.owners[s];
    if (!paged || owner == KvPoolView.NO_OWNER) {
      return;
    }
    int count = pool.blockCount(owner, 0);
    if (s >= blocks.length) {
      int length = Math.max(s + 1, blocks.length * 2);
      blocks = Arrays.copyOf(blocks, length);
      blockCounts = Arrays.copyOf(blockCounts, length);
    }
    int[] known = blocks[s] == null ? NO_BLOCKS : blocks[s];
    if (known.length < count) {
      known = Arrays.copyOf(known, Math.max(count, known.length * 2));
    }
    for (int i = 0; i < count; i++) {
      known[i] = pool.block(owner, 0, i);
    }
    blocks[s] = known;
    blockCounts[s] = count;
  }

  private int blockCount(int s) {
    return s < blockCounts.length ? blockCounts[s] : 0;
  }

  private void forgetBlocks(int s) {
    if (s < blockCounts.length) {
      blockCounts[s] = 0;
    }
  }

  private String id(int s) {
    return sequences.requestOf(s).id();
  }

  private static String code(String constant) {
    return constant.toLowerCase(Locale.ROOT).replace('_', '-');
  }
}
