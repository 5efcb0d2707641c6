package io.headway.testkit.drive;

import io.headway.api.batching.End;
import io.headway.testkit.subject.BatchDecision;
import io.headway.testkit.subject.EngineConfig;
import io.headway.testkit.subject.Feature;
import io.headway.testkit.subject.Features;
import io.headway.testkit.subject.RequestSpec;
import io.headway.testkit.subject.Row;
import io.headway.testkit.trace.TraceRecorder;
import io.headway.testkit.trace.TraceSink;
import java.util.Locale;
import java.util.OptionalInt;

/**
 * Writes the records that can be seen from outside, for subjects that do not write their own: as
 * lines of the decision log, which is the format that does not change. Names are letters, digits
 * and hyphens, and need no escapes.
 */
final class TraceOf {
  private final TraceRecorder out;
  private final boolean writes;

  /**
   * Starts a trace.
   *
   * @param out takes the records
   * @param writes false if the subject writes its own
   */
  TraceOf(TraceSink out, boolean writes) {
    this.out = new TraceRecorder(out);
    this.writes = writes;
  }

  private void line(String type, long now, String fields) {
    if (writes) {
      out.line("{\"type\":\"" + type + "\",\"now\":" + now + fields + "}");
    }
  }

  private static String text(String name, String value) {
    return ",\"" + name + "\":\"" + value + "\"";
  }

  private static String number(String name, long value) {
    return ",\"" + name + "\":" + value;
  }

  void config(EngineConfig config, Features features) {
    if (!writes) {
      return;
    }
    String tables =
        features.has(Feature.BLOCK_TABLES)
            ? number("blockTokens", config.blockTokens())
                + number("groups", 1)
                + number("blocks", config.blocks())
            : "";
    String adapters =
        features.has(Feature.ADAPTERS) ? number("adapterCap", config.maxAdapters()) : "";
    String order =
        switch (features.order()) {
          case UNDECLARED -> "";
          case ARRIVAL -> ",\"order\":[\"arrival\"]";
          case PRIORITY_THEN_ARRIVAL -> ",\"order\":[\"priority\",\"arrival\"]";
        };
    line(
        "CONFIG",
        0,
        number("schema", 1)
            + tables
            + number("tokenBudget", config.tokenBudget())
            + number("slots", config.slots())
            + adapters
            + number("depth", config.asyncDepth())
            + number("lease", config.leaseNanos())
            + order
            + claims(features));
  }

  private static String claims(Features features) {
    String tokens = claim("batchTokens", features.batchTokens());
    String sequences = claim("batchSequences", features.batchSequences());
    String comma = tokens.isEmpty() || sequences.isEmpty() ? "" : ",";
    String claims = tokens + comma + sequences;
    return claims.isEmpty() ? "" : ",\"claims\":{" + claims + "}";
  }

  private static String claim(String name, OptionalInt bound) {
    return bound.isPresent() ? "\"" + name + "\":" + bound.getAsInt() : "";
  }

  private static String described(RequestSpec r) {
    return text("r", r.id())
        + number("prompt", r.promptTokens())
        + number("maxNew", r.maxNewTokens())
        + number("arrival", r.arrivalNanos())
        + number("priority", r.priority())
        + (r.tenant().isEmpty() ? "" : text("tenant", r.tenant()))
        + (r.adapter().isEmpty() ? "" : text("adapter", r.adapter()))
        + (r.hasDeadline() ? number("deadline", r.deadlineNanos()) : "");
  }

  void arrived(RequestSpec r) {
    if (!writes) {
      return;
    }
    line("ARRIVE", r.arrivalNanos(), described(r));
    if (r.deferred()) {
      line("DEFER", r.arrivalNanos(), text("r", r.id()) + text("for", "grammar"));
    }
  }

  void rejected(RequestSpec r) {
    line("REJECT", r.arrivalNanos(), described(r) + text("reason", "never-fits"));
  }

  void cancelled(Job job, long now) {
    ended("CANCEL", job, "cancelled", now);
  }

  void ended(Job job, End end, long now) {
    boolean told = end == End.STOPPED || end == End.LENGTH || end == End.HANDED_OVER;
    // A cancel was written when it was asked for; what its last token ends, with that token.
    if (end != End.CANCELLED && !told) {
      String reason = end.name().toLowerCase(Locale.ROOT).replace('_', '-');
      ended(end == End.EXPIRED ? "EXPIRE" : "FINISH", job, reason, now);
    }
  }

  private void ended(String type, Job job, String reason, long now) {
    if (!writes) {
      return;
    }
    String fields =
        text("r", job.id()) + text("reason", reason) + number("output", job.output.size());
    line(type, now, fields);
  }

  void promoted(Job job, long now) {
    line("PROMOTE", now, text("r", job.id()) + text("event", "ready"));
  }

  void preempted(String id, long now) {
    line("PREEMPT", now, text("r", id) + text("mode", "recompute"));
  }

  void idle(long now) {
    line("IDLE", now, "");
  }

  void step(BatchDecision decision, long now) {
    if (!writes) {
      return;
    }
    StringBuilder rows = new StringBuilder();
    for (Row row : decision.rows()) {
      rows.append(rows.length() == 0 ? "{" : ",{");
      rows.append("\"r\":\"").append(row.id()).append('"');
      rows.append(number("start", row.start())).append(number("n", row.count()));
      rows.append(text("kind", row.kind().name().toLowerCase(Locale.ROOT)));
      rows.append(row.drafts() > 0 ? number("drafts", row.drafts()) : "").append('}');
    }
    line(
        "STEP",
        now,
        number("step", decision.step())
            + ",\"batch\":["
            + rows
            + "]"
            + number("total", decision.totalTokens()));
  }

  void completed(long step, long now) {
    line("COMPLETE", now, number("step", step));
  }

  void failed(long step, long now) {
    line("FAIL", now, number("step", step));
  }

  void output(long step, Job job, int tokens, long now) {
    if (!writes) {
      return;
    }
    line(
        "OUTPUT",
        now,
        number("step", step)
            + text("r", job.id())
            + number("accepted", tokens)
            + number("position", job.output.size() - tokens));
    if (job.outputComplete() && !job.written) {
      boolean length = job.output.size() == job.spec.maxNewTokens();
      job.written = true;
      ended(
          "FINISH", job, length ? "length" : job.spec.handsOver() ? "handed-over" : "stopped", now);
    }
  }

  void drained(long now) {
    line("DRAINED", now, "");
  }
}
