package io.headway.runtime;

import io.headway.api.Claims;
import io.headway.api.Request;
import io.headway.api.batching.BatchingPolicy;
import io.headway.api.batching.End;
import io.headway.api.batching.WorkKind;
import io.headway.api.memory.BlockKey;
import io.headway.api.memory.BlockKeyChain;
import io.headway.api.memory.BlockState;
import io.headway.api.memory.KvBlockPool;
import io.headway.api.memory.KvEventSink;
import io.headway.api.memory.KvGroup;
import io.headway.api.memory.KvMode;
import io.headway.api.memory.KvTier;
import java.util.Arrays;
import java.util.List;
import java.util.Locale;

/**
 * Writes what one scheduler decides as decision-log records, described in {@code
 * docs/decision-log.md}. Only built when a log was asked for, so it may remember each sequence's
 * blocks.
 *
 * <p>Within one decision, releases come first, then evictions, then allocations, so that every
 * prefix of the log is a state that the pool can be in.
 */
final class EngineLog implements KvEventSink {
  private static final int NONE = Sequences.NONE;
  private static final int[] NO_BLOCKS = {};

  /** A table entry that names no block, since no later token reads it. */
  private static final int HOLE = -1;

  private final JsonLine json;
  private final Sequences sequences;
  private final KvBlockPool pool;
  private final boolean paged;
  private final int groups;
  private final int blockTokens;

  /** How many of its last blocks a hit holds in each group. */
  private final int[] hitSpanBlocks;

  private final Draft draft;
  private final boolean nullBlock;
  private boolean active;

  // The block tables as last written, by sequence and group.
  private int[][] tables;
  private int[] counts;

  // The blocks that each sequence has in host memory.
  private int[] away = new int[64];

  EngineLog(
      DecisionLog log,
      String on,
      Sequences sequences,
      Draft draft,
      BatchingPolicy<?> policy,
      int depth,
      int maxRetries,
      long leaseNanos,
      boolean sharedAcrossTenants,
      int maxPinnedBlocks) {
    json = new JsonLine(log, on);
    this.draft = draft;
    this.sequences = sequences;
    this.pool = sequences.pool;
    paged = pool.mode() == KvMode.PAGED;
    List<KvGroup> list = pool.geometry().groups();
    groups = list.size();
    blockTokens = list.get(0).blockTokens();
    hitSpanBlocks = new int[groups];
    for (int g = 0; g < groups; g++) {
      int span = list.get(g).spanTokens();
      hitSpanBlocks[g] = span == 0 ? Integer.MAX_VALUE : (span + blockTokens - 2) / blockTokens;
    }
    tables = new int[64 * groups][];
    Arrays.fill(tables, NO_BLOCKS);
    counts = new int[64 * groups];
    nullBlock = pool.count(KvTier.DEVICE, BlockState.NULL) > 0;
    Limits limits = sequences.limits;
    begin("CONFIG")
        .number("schema", DecisionLog.SCHEMA)
        .string("policy", policy.id())
        .string("kvMode", code(pool.mode().name()))
        .number("blockTokens", blockTokens)
        .number("groups", groups)
        .number("blocks", pool.usableBlocks())
        .number("hostBlocks", tierBlocks(KvTier.HOST))
        .number("watermark", pool.watermarkBlocks())
        .number("tokenBudget", limits.maxTokens())
        .number("slots", sequences.mostSlots())
        .number("adapterCap", limits.maxAdapters())
        .number("queueCap", limits.maxWaiting())
        .number("depth", depth)
        .number("retries", maxRetries)
        .number("lease", leaseNanos);
    if (nullBlock) {
      json.number("nullBlock", 0);
    }
    json.openArray("spans");
    for (KvGroup group : list) {
      json.element(group.spanTokens());
    }
    json.closeArray();
    Claims claims = policy.claims();
    boolean ordered = !claims.order().isEmpty();
    if (ordered) {
      json.openArray("order");
      for (Claims.RankField field : claims.order()) {
        json.element(code(field.name()));
      }
      json.closeArray();
    }
    boolean pinnedCap = maxPinnedBlocks < pool.usableBlocks();
    boolean tailFirst = pool.evictsTailFirst();
    if (sharedAcrossTenants || pinnedCap || ordered || !tailFirst) {
      json.openArray("rules");
      if (ordered) {
        json.element("adapter-bypass");
        if (!claims.ranksPreempted()) {
          json.element("first-starts");
        }
      }
      if (sharedAcrossTenants) {
        json.element("shared-tenants");
      }
      if (pinnedCap) {
        json.element("pinned-cap");
      }
      if (!tailFirst) {
        json.element("any-end-eviction");
      }
      json.closeArray();
    }
    json.claims(claims).end();
  }

  private int tierBlocks(KvTier tier) {
    int blocks = 0;
    for (BlockState state : BlockState.values()) {
      blocks += pool.count(tier, state);
    }
    return blocks;
  }

  // ---- requests

  void arrived(int s) {
    active = true;
    describe(begin("ARRIVE"), sequences.requestOf(s));
    BlockKeyChain chain = sequences.keys[s];
    if (chain != null) {
      json.openArray("keys");
      long[] words = new long[chain.words()];
      for (int i = 0; i < chain.blockCount(); i++) {
        for (int w = 0; w < words.length; w++) {
          words[w] = chain.word(i, w);
        }
        json.element(BlockKey.of(words, 0, words.length).toString());
      }
      json.closeArray();
    }
    json.end();
  }

  void rejected(Request request, SubmitResult.Kind reason) {
    describe(begin("REJECT"), request).string("reason", code(reason.name())).end();
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
    if (!request.cacheSalt().isEmpty()) {
      // A salt may be a secret; its hash tells requests of different salts apart as well.
      line.string("isolation", Long.toHexString(Mix.text(0, request.cacheSalt())));
    }
    if (request.hasDeadline()) {
      line.number("deadline", request.deadlineNanos());
    }
    return line;
  }

  void ended(int s, End end) {
    String type =
        switch (end) {
          case CANCELLED -> "CANCEL";
          case EXPIRED -> "EXPIRE";
          case NEVER_FITS, DRAINED -> "REJECT";
          default -> "FINISH";
        };
    begin(type)
        .string("r", id(s))
        .string("reason", code(end.name()))
        .number("output", sequences.generated(s))
        .end();
  }

  // ---- decisions

  /** Writes what a committed draft took back, before anything that it took. */
  void takenBack() {
    for (int i = 0; i < draft.steps(); i++) {
      int s = draft.preemptedBy(i);
      if (s != NONE) {
        boolean swapped = !sequences.isWaiting(s);
        preempted(s, swapped ? "swap" : "recompute", draft.beneficiaryBy(i));
        int blocks = written(s);
        released(s);
        if (swapped) {
          if (s >= away.length) {
            away = Arrays.copyOf(away, Math.max(s + 1, away.length * 2));
          }
          away[s] = blocks;
          tier(s, KvTier.DEVICE, KvTier.HOST, blocks);
        }
      }
    }
  }

  /** Writes what a committed draft took, and what will run. */
  void taken(BatchPlan plan) {
    for (int i = 0; i < draft.attempts(); i++) {
      if (draft.answer(i).done()) {
        attempt(i);
      }
    }
    for (int i = 0; i < draft.admittedCount(); i++) {
      int s = draft.admitted(i);
      if (sequences.preempted[s] > 0) {
        begin("RESUME").string("r", id(s)).number("computed", draft.cached(i)).end();
      }
      if (draft.swappedIn(i)) {
        update(s, 0);
        // Not what its table holds now, which may have grown already.
        tier(s, KvTier.HOST, KvTier.DEVICE, away[s]);
      } else {
        if (draft.cached(i) > 0) {
          begin("HIT")
              .string("r", id(s))
              .number("tokens", draft.cached(i))
              .string("tier", code(KvTier.DEVICE.name()))
              .end();
        }
        update(s, draft.cached(i) / blockTokens);
      }
    }
    if (plan.isEmpty()) {
      return;
    }
    for (int i = 0; i < plan.rows(); i++) {
      update(plan.sequences[i], 0);
    }
    refusals();
    begin("STEP").number("step", plan.stepId()).openArray("batch");
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
    json.closeArray().number("total", plan.tokens());
    if (plan.paddingTokens() > 0) {
      json.number("padding", plan.paddingTokens());
    }
    counts().end();
  }

  /** Writes that a decision planned nothing while requests wait and nothing is in flight. */
  void idle(long untilNanos) {
    refusals();
    begin("IDLE");
    counts();
    if (untilNanos != Long.MAX_VALUE) {
      json.number("until", untilNanos);
    }
    json.end();
  }

  /** Writes once that nothing is left, with what the pool counts then. */
  void atRest() {
    if (active) {
      active = false;
      gauge("waiting", sequences.waitingCount());
      gauge("running", sequences.runningCount());
      gauge("free", pool.availableBlocks());
    }
  }

  private void gauge(String name, long value) {
    begin("GAUGE").string("name", name).number("value", value).end();
  }

  private JsonLine counts() {
    return json.number("waiting", sequences.waitingCount())
        .number("running", sequences.runningCount())
        .number("free", pool.availableBlocks());
  }

  /** Writes the admissions that were tried in vain, after everything that was taken. */
  private void refusals() {
    for (int i = 0; i < draft.attempts(); i++) {
      if (!draft.answer(i).done()) {
        attempt(i);
      }
    }
  }

  private void attempt(int i) {
    begin("ATTEMPT")
        .string("r", id(draft.attempted(i)))
        .string("outcome", code(draft.answer(i).name()))
        .number("tokens", draft.wantedTokens(i));
    if (draft.wantedReserve(i) > 0) {
      json.number("reserve", draft.wantedReserve(i));
    }
    if (draft.wantedHeadroom(i) > 0) {
      json.number("headroom", draft.wantedHeadroom(i));
    }
    json.end();
  }

  /** Writes that a sequence goes back to the queue; {@code beneficiary} may be NONE. */
  void preempted(int s, String mode, int beneficiary) {
    begin("PREEMPT").string("r", id(s)).string("mode", mode);
    if (beneficiary != NONE) {
      json.string("beneficiary", id(beneficiary));
    } else {
      json.string("cause", "failure");
    }
    json.end();
  }

  private void tier(int s, KvTier from, KvTier to, int blocks) {
    begin("TIER")
        .string("r", id(s))
        .string("from", code(from.name()))
        .string("to", code(to.name()))
        .string("result", "done")
        .number("blocks", blocks)
        .end();
  }

  /** Counts the blocks that the tables of a sequence name, as written. */
  private int written(int s) {
    int blocks = 0;
    for (int g = 0; paged && g < groups; g++) {
      int at = s * groups + g;
      for (int i = 0; at < counts.length && i < counts[at]; i++) {
        blocks += tables[at][i] == HOLE ? 0 : 1;
      }
    }
    return blocks;
  }

  // ---- results

  void completed(BatchPlan plan) {
    begin("COMPLETE").number("step", plan.stepId()).end();
  }

  void failed(BatchPlan plan) {
    begin("FAIL").number("step", plan.stepId()).end();
  }

  void output(BatchPlan plan, int s, int accepted, int position) {
    begin("OUTPUT")
        .number("step", plan.stepId())
        .string("r", id(s))
        .number("accepted", accepted)
        .number("position", position)
        .end();
  }

  // ---- transfers

  void transferBegins(int s) {
    update(s, 0);
    pinned("PIN", s);
    transfer(s, "XFER_BEGIN");
    if (!sequences.handsOver[s]) {
      json.number("reserve", sequences.reserved(s));
    }
    if (paged) {
      json.openArray("blocks");
      for (int at = s * groups; at < (s + 1) * groups; at++) {
        for (int i = 0; i < counts[at]; i++) {
          if (tables[at][i] != HOLE) {
            json.element(tables[at][i]);
          }
        }
      }
      json.closeArray();
    }
    json.end();
  }

  void transferEnds(int s, String result) {
    transfer(s, "XFER_END").string("result", result).end();
    pinned("UNPIN", s);
  }

  /** Writes that blocks must stay, or need not any more, because another instance reads them. */
  private void pinned(String type, int s) {
    if (paged && sequences.handsOver[s]) {
      ensure(s);
      for (int g = 0; g < groups; g++) {
        write(type, s, g, 0, counts[s * groups + g]);
      }
    }
  }

  // ---- metrics

  /** Writes what the gauges were told to be, for checks of their truth. */
  void gauges(EngineStats stats) {
    gauge("waiting", stats.waiting());
    gauge("running", stats.running());
    gauge("swapped", stats.swapped());
    gauge("transferring", stats.transferring());
    gauge("plans-in-flight", stats.plansInFlight());
    gauge("used-blocks", stats.usedBlocks());
    gauge("cached-blocks", stats.cachedBlocks());
    gauge("adapters", stats.adapters());
  }

  /** Writes that a transfer leading here is over and its request goes on with what has arrived. */
  void transferEnds(int s, String result, int tokensHere, int knownTokens) {
    transfer(s, "XFER_END")
        .string("result", result)
        .number("tokens", tokensHere)
        .number("known", knownTokens)
        .number("delivered", 1)
        .end();
  }

  private JsonLine transfer(int s, String type) {
    return begin(type)
        .number("transfer", sequences.handle(s))
        .string("r", id(s))
        .string("direction", sequences.handsOver[s] ? "out" : "in");
  }

  // ---- blocks

  /** Writes how a sequence's tables differ from what was written last. */
  void update(int s, int hitBlocks) {
    if (!paged) {
      return;
    }
    ensure(s);
    long owner = sequences.owners[s];
    for (int g = 0; g < groups; g++) {
      int at = s * groups + g;
      int known = counts[at];
      int count = pool.blockCount(owner, g);
      int[] table = tables[at];
      if (table.length < count) {
        table = Arrays.copyOf(table, Math.max(count, table.length * 2));
        tables[at] = table;
      }
      if (count < known) {
        write("RELEASE", s, g, count, known);
      }
      replaceChanged(s, g, owner, Math.min(known, count));
      for (int i = known; i < count; i++) {
        table[i] = entry(owner, g, i);
      }
      counts[at] = count;
      int shared = Math.max(known, Math.min(count, hitBlocks));
      write("SHARE", s, g, Math.max(known, hitBlocks - hitSpanBlocks[g]), shared);
      write("ALLOC", s, g, shared, count);
    }
  }

  /**
   * Writes entries that name another block than before: a copy in a full group; in a group with a
   * window, a placeholder for what no later token reads.
   */
  private void replaceChanged(int s, int g, long owner, int count) {
    int[] table = tables[s * groups + g];
    boolean windowed = hitSpanBlocks[g] < Integer.MAX_VALUE;
    // Without a window only the last block is ever copied.
    for (int i = windowed ? 0 : Math.max(0, count - 1); i < count; i++) {
      int now = entry(owner, g, i);
      if (now != table[i]) {
        write("RELEASE", s, g, i, i + 1);
        table[i] = now;
        if (!windowed) {
          write("ALLOC", s, g, i, i + 1);
        }
      }
    }
  }

  /** Returns a table entry; what names no block of its own counts as a hole. */
  private int entry(long owner, int group, int i) {
    int block = pool.block(owner, group, i);
    return block < 0 || (nullBlock && block == 0) ? HOLE : block;
  }

  /** Writes that a sequence gives all its device blocks back. */
  void released(int s) {
    if (!paged) {
      return;
    }
    ensure(s);
    for (int g = 0; g < groups; g++) {
      write("RELEASE", s, g, 0, counts[s * groups + g]);
      counts[s * groups + g] = 0;
    }
  }

  /** Writes entries of a table, leaving holes out. */
  private void write(String type, int s, int group, int from, int to) {
    int[] table = tables[s * groups + group];
    int first = from;
    while (first < to && table[first] == HOLE) {
      first++;
    }
    if (first >= to) {
      return;
    }
    begin(type).string("r", id(s));
    if (groups > 1) {
      json.number("group", group);
    }
    if (hitSpanBlocks[group] < Integer.MAX_VALUE) {
      json.number("at", first);
    }
    json.openArray("blocks");
    for (int i = first; i < to; i++) {
      if (table[i] != HOLE) {
        json.element(table[i]);
      }
    }
    json.closeArray().end();
  }

  private void ensure(int s) {
    if ((s + 1) * groups > counts.length) {
      int from = tables.length;
      int length = Math.max((s + 1) * groups, from * 2);
      tables = Arrays.copyOf(tables, length);
      Arrays.fill(tables, from, length, NO_BLOCKS);
      counts = Arrays.copyOf(counts, length);
    }
  }

  // ---- what the pool reports

  @Override
  public void stored(
      BlockKey key, BlockKey parent, int block, int groupId, KvTier tier, int copies) {
    keyed("PUBLISH", key, block, groupId, tier);
    if (parent.words() > 0) {
      json.string("parent", parent.toString());
    }
    json.end();
  }

  @Override
  public void removed(BlockKey key, int block, int groupId, KvTier tier, int copies) {
    keyed("EVICT", key, block, groupId, tier);
    json.number("copies", copies).end();
  }

  @Override
  public void cleared() {
    begin("INDEX").string("action", "clear").end();
  }

  private void keyed(String type, BlockKey key, int block, int groupId, KvTier tier) {
    begin(type).number("block", block).string("key", key.toString());
    if (groups > 1) {
      json.number("group", groupId);
    }
    json.string("tier", code(tier.name()));
  }

  private JsonLine begin(String type) {
    return json.begin(type, sequences.nowNanos);
  }

  private String id(int s) {
    return sequences.requestOf(s).id();
  }

  private static String code(String constant) {
    return constant.toLowerCase(Locale.ROOT).replace('_', '-');
  }
}
