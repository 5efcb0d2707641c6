package io.headway.examples.certify;

import io.headway.testkit.contract.SchedulerContract;
import io.headway.testkit.subject.EngineConfig;
import io.headway.testkit.subject.Feature;
import io.headway.testkit.subject.Features;
import io.headway.testkit.subject.SchedulerSubject;
import io.headway.testkit.subject.ServiceOrder;
import io.headway.testkit.trace.TraceSink;

class SmallSchedulerTest extends SchedulerContract {
  @Override
  protected SchedulerSubject create(EngineConfig config, TraceSink trace) {
    return new SmallSubject(new SmallScheduler(config.slots(), config.tokenBudget()));
  }

  @Override
  protected Features features() {
    return Features.of(Feature.CANCEL, Feature.CHUNKED_PREFILL, Feature.MONOTONE, Feature.RENAMING)
        .order(ServiceOrder.ARRIVAL);
  }
}
