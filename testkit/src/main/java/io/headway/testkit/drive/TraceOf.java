package io.headway.testkit.drive;

import io.headway.api.batching.End;
import io.headway.testkit.subject.BatchDecision;
import io.headway.testkit.subject.EngineConfig;
import io.headway.testkit.subject.Feature;
import io.headway.testkit.subject.Features;
import io.headway.testkit.subject.RequestSpec;
import io.headway.testkit.subject.Row;
import io.headway.testkit.trace.TraceEvent;
import io.headway.testkit.trace.TraceSink;
import java.util.ArrayList;
import java.util.List;
import java.util.Locale;
import org.jspecify.annotations.Nullable;

/** Writes the records that can be seen from outside, for subjects that do not write their own. */
final class TraceOf {
  private static final String HERE = "";

  private final TraceSink out;

  TraceOf(TraceSink out) {
    this.out = out;
  }

  void config(EngineConfig config, Features features) {
    boolean tables = features.has(Feature.BLOCK_TABLES);
    List<String> order =
        switch (features.order()) {
          case UNDECLARED -> null;
          case ARRIVAL -> List.of("arrival");
          case PRIORITY_THEN_ARRIVAL -> List.of("priority", "arrival");
        };
    out.accept(
        new TraceEvent.Config(
            0L,
            HERE,
            1L,
            null,
            null,
            tables ? "paged" : null,
            tables ? (long) config.blockTokens() : null,
            tables ? 1L : null,
            tables ? (long) config.blocks() : null,
            null,
            null,
            (long) config.tokenBudget(),
            (long) config.slots(),
            features.has(Feature.ADAPTERS) ? (long) config.maxAdapters() : null,
            null,
            null,
            (long) config.asyncDepth(),
            null,
            config.leaseNanos(),
            null,
            null,
            null,
            order,
            null,
            null,
            null));
  }

  void arrived(RequestSpec r) {
    out.accept(
        new TraceEvent.Arrive(
            r.arrivalNanos(),
            HERE,
            r.id(),
            (long) r.promptTokens(),
            (long) r.maxNewTokens(),
            r.arrivalNanos(),
            (long) r.priority(),
            r.tenant(),
            r.adapter(),
            r.hasDeadline() ? r.deadlineNanos() : null,
            null,
            null,
            null,
            null,
            null,
            null,
            null));
    if (r.deferred()) {
      out.accept(new TraceEvent.Defer(r.arrivalNanos(), HERE, r.id(), "grammar", null));
    }
  }

  void rejected(RequestSpec r) {
    out.accept(
        new TraceEvent.Reject(
            r.arrivalNanos(),
            HERE,
            r.id(),
            "never-fits",
            (long) r.promptTokens(),
            (long) r.maxNewTokens(),
            r.arrivalNanos(),
            (long) r.priority(),
            r.tenant(),
            r.adapter(),
            r.hasDeadline() ? r.deadlineNanos() : null,
            null,
            null,
            null,
            null));
  }

  void cancelled(Job job, long now) {
    ended(TraceEvent.Ended.Kind.CANCEL, job, "cancelled", now);
  }

  void ended(Job job, End end, long now) {
    if (end == End.CANCELLED) {
      return; // Written when it was asked for.
    }
    ended(
        end == End.EXPIRED ? TraceEvent.Ended.Kind.EXPIRE : TraceEvent.Ended.Kind.FINISH,
        job,
        end.name().toLowerCase(Locale.ROOT).replace('_', '-'),
        now);
  }

  private void ended(TraceEvent.Ended.Kind kind, Job job, String reason, long now) {
    out.accept(new TraceEvent.Ended(now, HERE, kind, job.id(), reason, (long) job.output.size()));
  }

  void promoted(Job job, long now) {
    out.accept(new TraceEvent.Promote(now, HERE, job.id(), "ready"));
  }

  void preempted(String id, long now) {
    out.accept(new TraceEvent.Preempt(now, HERE, id, "recompute", null, null));
  }

  void idle(long now) {
    out.accept(new TraceEvent.Idle(now, HERE, null, null, null, null));
  }

  void step(BatchDecision decision, long now) {
    List<TraceEvent.Row> rows = new ArrayList<>(decision.rows().size());
    for (Row row : decision.rows()) {
      @Nullable Long drafts = row.drafts() > 0 ? (long) row.drafts() : null;
      rows.add(
          new TraceEvent.Row(
              row.id(),
              (long) row.start(),
              (long) row.count(),
              row.kind().name().toLowerCase(Locale.ROOT),
              drafts,
              null,
              null,
              null));
    }
    out.accept(
        new TraceEvent.Step(
            now,
            HERE,
            decision.step(),
            rows,
            (long) decision.totalTokens(),
            null,
            null,
            null,
            null));
  }

  void completed(long step, long now) {
    out.accept(new TraceEvent.Complete(now, HERE, step));
  }

  void failed(long step, long now) {
    out.accept(new TraceEvent.Fail(now, HERE, step, null));
  }

  void output(long step, Job job, int tokens, long now) {
    out.accept(
        new TraceEvent.Output(
            now, HERE, step, job.id(), (long) tokens, (long) job.output.size() - tokens));
    if (job.outputComplete() && job.end == null) {
      boolean length = job.output.size() == job.spec.maxNewTokens();
      ended(TraceEvent.Ended.Kind.FINISH, job, length ? "length" : "stopped", now);
    }
  }

  void drained(long now) {
    out.accept(new TraceEvent.Drained(now, HERE));
  }
}
