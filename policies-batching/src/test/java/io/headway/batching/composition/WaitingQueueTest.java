package io.headway.batching.composition;

import static org.assertj.core.api.Assertions.assertThat;

import io.headway.api.batching.QueueOrder;
import io.headway.batching.Job;
import io.headway.batching.Policies;
import io.headway.batching.Run;
import io.headway.batching.Workloads;
import io.headway.batching.admission.WholePromptAdmission;
import io.headway.batching.order.PredictedRemainingOrder;
import io.headway.batching.order.PriorityOrder;
import io.headway.batching.preemption.LastCandidate;
import java.util.List;
import net.jqwik.api.EdgeCasesMode;
import net.jqwik.api.ForAll;
import net.jqwik.api.Property;
import net.jqwik.api.domains.Domain;
import net.jqwik.api.domains.DomainContext;

/** How the queue is kept makes no difference to what is decided. */
@Domain(Workloads.class)
@Domain(DomainContext.Global.class)
class WaitingQueueTest {
  private static List<String> table(
      QueueOrder<?> order, Workloads.Engine engine, List<Job> jobs, long seed) {
    ComposedBatchingPolicy policy =
        Batching.order(order)
            .admission(new WholePromptAdmission(0))
            .composition(new StallFreeComposer(10))
            .preemption(new LastCandidate())
            .build();
    return Run.with(policy)
        .pool(engine.blocks(), engine.blockTokens())
        .limits(engine.maxSequences(), Integer.MAX_VALUE)
        .cancelling(seed)
        .run(jobs)
        .table();
  }

  @Property(seed = "41", tries = 500, edgeCases = EdgeCasesMode.NONE)
  void fixedKeysMayBeTreatedAsChanging(
      @ForAll Workloads.Engine engine,
      @ForAll List<Job> jobs,
      @ForAll boolean byPriority,
      @ForAll long seed) {
    QueueOrder<?> order =
        byPriority ? new PriorityOrder() : new PredictedRemainingOrder(Integer.MAX_VALUE, 0);
    long cancels = seed & Long.MAX_VALUE;
    assertThat(table(new Policies.AnyTime<>(order), engine, jobs, cancels))
        .isEqualTo(table(order, engine, jobs, cancels));
  }
}
