package io.headway.examples.certify;

import io.headway.testkit.subject.BatchDecision;
import io.headway.testkit.subject.RequestSpec;
import io.headway.testkit.subject.Row;
import io.headway.testkit.subject.RowReport;
import io.headway.testkit.subject.SchedulerSubject;
import io.headway.testkit.subject.StepReport;

/** The adapter: four methods. */
final class SmallSubject implements SchedulerSubject {
  private final SmallScheduler scheduler;
  private long step;

  SmallSubject(SmallScheduler scheduler) {
    this.scheduler = scheduler;
  }

  @Override
  public boolean submit(RequestSpec request, long nowNanos) {
    scheduler.add(request.id(), request.promptTokens(), request.maxNewTokens());
    return true;
  }

  @Override
  public void cancel(String id, long nowNanos) {
    scheduler.drop(id);
  }

  @Override
  public BatchDecision decide(long nowNanos) {
    var rows = scheduler.step().stream().map(w -> Row.of(w.id(), w.start(), w.count())).toList();
    return rows.isEmpty() ? BatchDecision.nothing(Long.MAX_VALUE) : BatchDecision.of(step++, rows);
  }

  @Override
  public boolean[] deliver(StepReport report, long nowNanos) {
    boolean[] counts = new boolean[report.rows().size()];
    for (int i = 0; i < counts.length; i++) {
      RowReport row = report.rows().get(i);
      counts[i] = !row.tokens().isEmpty() && scheduler.token(row.id(), row.stopped());
    }
    return counts;
  }
}
