package io.headway.testkit.mutant;

import io.headway.testkit.subject.EngineConfig;
import io.headway.testkit.subject.Feature;
import io.headway.testkit.subject.RequestSpec;
import io.headway.testkit.subject.Row;
import io.headway.testkit.subject.ServiceOrder;
import io.headway.testkit.trace.TraceEvent;
import io.headway.testkit.trace.TraceEvent.Blocks;
import io.headway.testkit.trace.TraceEvent.Keyed;
import io.headway.testkit.trace.TraceSink;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.function.LongFunction;
import org.jspecify.annotations.Nullable;

/** Writes what happens where it happens: the reference engine's trace. */
final class EngineLog {
  private final TraceSink out;
  private long now;

  EngineLog(TraceSink out) {
    this.out = out;
  }

  void now(long nanos) {
    now = nanos;
  }

  void config(EngineConfig config, EngineTraits traits) {
    List<String> rules = new ArrayList<>(List.of("lowest-victim"));
    rules.add(traits.inOrder() ? "in-order" : "deferred-release");
    if (traits.inOrder() && !traits.features().has(Feature.ENCODER) && traits.ownSequences() == 0) {
      rules.add("serves-all");
    }
    rules.add("drops-late-results");
    if (traits.bypass()) {
      rules.add("bypass");
    }
    if (traits.preemptive()) {
      rules.add("preemptive");
    }
    if (!traits.features().has(Feature.CHUNKED_PREFILL)) {
      rules.add("no-chunking");
    }
    if (traits.baseTakesAdapterSlot()) {
      rules.add("base-takes-adapter-slot");
    }
    Map<String, Double> claims = new LinkedHashMap<>();
    if (traits.bypasses() > 0) {
      claims.put("bypassesPerRequest", (double) traits.bypasses());
    }
    if (traits.ownTokens() > 0) {
      claims.put("batchTokens", (double) traits.ownTokens());
    }
    if (traits.ownSequences() > 0) {
      claims.put("batchSequences", (double) traits.ownSequences());
    }
    Map<String, Double> pools = new LinkedHashMap<>();
    if (config.encoderUnits() > 0) {
      pools.put("encoder", (double) config.encoderUnits());
    }
    List<String> order =
        traits.order() == ServiceOrder.PRIORITY_THEN_ARRIVAL
            ? List.of("priority", "arrival")
            : List.of("arrival");
    boolean adapters = traits.features().has(Feature.ADAPTERS);
    out.accept(
        new TraceEvent.Config(
            now,
            "",
            1L,
            traits.name(),
            null,
            "paged",
            (long) config.blockTokens(),
            1L,
            (long) config.blocks(),
            (long) config.hostBlocks(),
            0L,
            (long) config.tokenBudget(),
            (long) config.slots(),
            adapters ? (long) config.maxAdapters() : null,
            null,
            null,
            (long) config.asyncDepth(),
            null,
            config.leaseNanos(),
            null,
            null,
            null,
            order,
            rules,
            claims,
            pools));
  }

  void arrived(RequestSpec r, long[] keys, @Nullable Integer delivered) {
    List<String> content = new ArrayList<>(keys.length);
    for (long key : keys) {
      content.add(key(key));
    }
    String isolation = isolation(r);
    out.accept(
        new TraceEvent.Arrive(
            now,
            "",
            r.id(),
            (long) r.promptTokens(),
            r.handsOver() ? 1L : (long) r.maxNewTokens(),
            r.arrivalNanos(),
            (long) r.priority(),
            r.tenant(),
            r.adapter(),
            r.hasDeadline() ? r.deadlineNanos() : null,
            null,
            delivered == null ? null : (long) delivered,
            isolation,
            content,
            content,
            null,
            null));
  }

  private static String isolation(RequestSpec r) {
    return r.salt();
  }

  static String key(long key) {
    return Long.toHexString(key);
  }

  void rejected(RequestSpec r, String reason) {
    out.accept(
        new TraceEvent.Reject(
            now,
            "",
            r.id(),
            reason,
            (long) r.promptTokens(),
            (long) r.maxNewTokens(),
            r.arrivalNanos(),
            (long) r.priority(),
            r.tenant(),
            r.adapter(),
            null,
            null,
            null,
            null,
            null));
  }

  void ended(TraceEvent.Ended.Kind kind, EngineRequest r, String reason) {
    out.accept(new TraceEvent.Ended(now, "", kind, r.id(), reason, (long) r.generated()));
  }

  void deferred(String r) {
    out.accept(new TraceEvent.Defer(now, "", r, "grammar", null));
  }

  void promoted(String r) {
    out.accept(new TraceEvent.Promote(now, "", r, "ready"));
  }

  void attempt(
      EngineRequest r,
      String outcome,
      int tokens,
      int demand,
      int supply,
      int reserve,
      int headroom) {
    boolean fits = outcome.equals("done");
    out.accept(
        new TraceEvent.Attempt(
            now,
            "",
            r.id(),
            outcome,
            fits,
            (long) tokens,
            (long) demand,
            (long) supply,
            (long) reserve,
            (long) headroom));
  }

  /** Writes an attempt that ended before blocks were asked for. */
  void refused(EngineRequest r, String outcome) {
    out.accept(
        new TraceEvent.Attempt(now, "", r.id(), outcome, null, null, null, null, null, null));
  }

  /** Writes an attempt whose check and end disagree. */
  void overpromised(EngineRequest r, int tokens, int reserve) {
    out.accept(
        new TraceEvent.Attempt(
            now, "", r.id(), "no-blocks", true, (long) tokens, null, null, (long) reserve, null));
  }

  void hit(String r, int tokens) {
    out.accept(new TraceEvent.Hit(now, "", r, (long) tokens, "device", null));
  }

  void blocks(Blocks.Kind kind, String r, List<Integer> blocks) {
    if (!blocks.isEmpty()) {
      out.accept(new Blocks(now, "", kind, r, longs(blocks), null, null, null, null, null));
    }
  }

  void units(Blocks.Kind kind, String r, String pool, int units) {
    out.accept(new Blocks(now, "", kind, r, null, (long) units, null, pool, null, null));
  }

  private static List<Long> longs(List<Integer> values) {
    List<Long> longs = new ArrayList<>(values.size());
    for (int value : values) {
      longs.add((long) value);
    }
    return longs;
  }

  void keyed(Keyed.Kind kind, int block, long key, long parent) {
    out.accept(
        new Keyed(
            now,
            "",
            kind,
            (long) block,
            key(key),
            parent == 0 ? null : key(parent),
            null,
            null,
            null));
  }

  void step(
      long step,
      List<EngineRow> rows,
      LongFunction<@Nullable List<Long>> drafts,
      int total,
      int waiting,
      int running,
      int free) {
    List<TraceEvent.Row> batch = new ArrayList<>(rows.size());
    for (int i = 0; i < rows.size(); i++) {
      EngineRow row = rows.get(i);
      batch.add(
          new TraceEvent.Row(
              row.request().id(),
              (long) row.start(),
              (long) row.count(),
              row.kind().name().toLowerCase(Locale.ROOT),
              row.drafts() > 0 ? (long) row.drafts() : null,
              null,
              drafts.apply(i),
              (long) row.pending()));
    }
    out.accept(
        new TraceEvent.Step(
            now, "", step, batch, (long) total, null, (long) waiting, (long) running, (long) free));
  }

  void idle(int waiting, int running, int free, long until) {
    out.accept(
        new TraceEvent.Idle(
            now,
            "",
            (long) waiting,
            (long) running,
            (long) free,
            until == Long.MAX_VALUE ? null : until));
  }

  void completed(long step) {
    out.accept(new TraceEvent.Complete(now, "", step));
  }

  void failed(long step) {
    out.accept(new TraceEvent.Fail(now, "", step, "device"));
  }

  void output(long step, String r, int accepted, int position) {
    out.accept(new TraceEvent.Output(now, "", step, r, (long) accepted, (long) position));
  }

  void transferBegins(int transfer, EngineRequest r, boolean in) {
    out.accept(
        new TraceEvent.XferBegin(
            now,
            "",
            (long) transfer,
            r.id(),
            in ? "in" : "out",
            longs(r.table),
            (long) r.prompt(),
            null));
  }

  void transferEnds(
      int transfer, EngineRequest r, boolean in, String result, @Nullable Integer tokens) {
    out.accept(
        new TraceEvent.XferEnd(
            now,
            "",
            (long) transfer,
            r.id(),
            in ? "in" : "out",
            result,
            tokens == null ? null : (long) tokens,
            tokens == null ? null : (long) r.known(),
            tokens == null ? null : (long) r.delivered));
  }

  void tier(String r, String from, String to, int blocks) {
    out.accept(new TraceEvent.Tier(now, "", r, null, from, to, "done", (long) blocks));
  }

  void preempted(String r, boolean swap, @Nullable String beneficiary, @Nullable String cause) {
    String mode = swap ? "swap" : "recompute";
    out.accept(new TraceEvent.Preempt(now, "", r, mode, beneficiary, cause));
  }

  void resumed(String r, int computed) {
    out.accept(new TraceEvent.Resume(now, "", r, (long) computed));
  }

  void gauge(String name, int value) {
    out.accept(new TraceEvent.Gauge(now, "", name, (double) value, null));
  }

  /** Rows as a decision shows them. */
  static List<Row> rows(List<EngineRow> rows) {
    List<Row> shown = new ArrayList<>(rows.size());
    for (EngineRow row : rows) {
      shown.add(row.shown());
    }
    return shown;
  }
}
