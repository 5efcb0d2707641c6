package io.headway.examples.certify;

import io.headway.testkit.contract.SchedulerContract;
import io.headway.testkit.subject.CallbackSubject;
import io.headway.testkit.subject.EngineConfig;
import io.headway.testkit.subject.Feature;
import io.headway.testkit.subject.Features;
import io.headway.testkit.subject.Row;
import io.headway.testkit.subject.SchedulerSubject;
import io.headway.testkit.subject.ServiceOrder;
import io.headway.testkit.trace.TraceSink;

class SmallSchedulerTest extends SchedulerContract {
  @Override
  protected SchedulerSubject create(EngineConfig config, TraceSink trace) {
    SmallScheduler scheduler = new SmallScheduler(config.slots(), config.tokenBudget());
    return CallbackSubject.of(
        r -> scheduler.add(r.id(), r.promptTokens(), r.maxNewTokens()),
        scheduler::drop,
        () -> scheduler.step().stream().map(w -> Row.of(w.id(), w.start(), w.count())).toList(),
        row -> scheduler.token(row.id(), row.stopped()));
  }

  @Override
  protected Features features() {
    return Features.of(Feature.CANCEL, Feature.CHUNKED_PREFILL, Feature.MONOTONE, Feature.RENAMING)
        .order(ServiceOrder.ARRIVAL);
  }
}
