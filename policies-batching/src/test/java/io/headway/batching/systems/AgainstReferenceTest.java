package io.headway.batching.systems;

import static org.assertj.core.api.Assertions.assertThat;

import io.headway.api.batching.BatchingPolicy;
import io.headway.batching.Job;
import io.headway.batching.Run;
import io.headway.batching.Workloads;
import io.headway.batching.Workloads.Engine;
import io.headway.batching.fairness.VtcLedger;
import java.util.List;
import java.util.Map;
import net.jqwik.api.EdgeCasesMode;
import net.jqwik.api.ForAll;
import net.jqwik.api.Property;
import net.jqwik.api.constraints.DoubleRange;
import net.jqwik.api.constraints.IntRange;
import net.jqwik.api.domains.Domain;
import net.jqwik.api.domains.DomainContext;

/** Every system gives, iteration by iteration, the schedule of its reference model. */
@Domain(Workloads.class)
@Domain(DomainContext.Global.class)
class AgainstReferenceTest {
  private static void compare(BatchingPolicy<?> policy, ReferenceModel model, List<Job> jobs) {
    Run run =
        Run.with(policy)
            .pool(model.blocks, model.blockTokens)
            .limits(model.maxSequences, Integer.MAX_VALUE)
            .run(jobs);
    assertThat(run.table()).isEqualTo(model.run(jobs));
  }

  @Property(seed = "11", tries = 400, edgeCases = EdgeCasesMode.NONE)
  void staticBatching(@ForAll Engine engine, @ForAll List<Job> jobs) {
    int slots = engine.blocks() * engine.blockTokens();
    compare(
        new StaticFcfs().policy(), new ReferenceModel.Static(slots, engine.maxSequences()), jobs);
  }

  @Property(seed = "12", tries = 400, edgeCases = EdgeCasesMode.NONE)
  void orca(@ForAll Engine engine, @ForAll List<Job> jobs) {
    int slots = engine.blocks() * engine.blockTokens();
    compare(Orca.DEFAULT.policy(), new ReferenceModel.Orca(slots, engine.maxSequences()), jobs);
  }

  @Property(seed = "13", tries = 1500, edgeCases = EdgeCasesMode.NONE)
  void vllm(
      @ForAll Engine engine,
      @ForAll List<Job> jobs,
      @ForAll @IntRange(min = 6, max = 20) int budget,
      @ForAll boolean byPriority,
      @ForAll @IntRange(min = 0, max = 8) int threshold,
      @ForAll boolean chunked) {
    VllmV1.Order order = byPriority ? VllmV1.Order.PRIORITY : VllmV1.Order.FCFS;
    compare(
        new VllmV1(budget, order, threshold, chunked).policy(),
        new ReferenceModel.Vllm(
            engine.blocks(),
            engine.blockTokens(),
            engine.maxSequences(),
            budget,
            byPriority,
            threshold,
            chunked),
        jobs);
  }

  @Property(seed = "14", tries = 400, edgeCases = EdgeCasesMode.NONE)
  void sarathi(
      @ForAll Engine engine,
      @ForAll List<Job> jobs,
      @ForAll @IntRange(min = 6, max = 20) int chunk) {
    compare(
        new Sarathi(chunk).policy(),
        new ReferenceModel.Sarathi(
            engine.blocks(), engine.blockTokens(), engine.maxSequences(), chunk),
        jobs);
  }

  @Property(seed = "15", tries = 1500, edgeCases = EdgeCasesMode.NONE)
  void sarathiServe(
      @ForAll Engine engine,
      @ForAll List<Job> jobs,
      @ForAll @IntRange(min = 1, max = 20) int budget,
      @ForAll @DoubleRange(min = 0, max = 0.4) double watermark) {
    compare(
        new SarathiServe(budget, watermark).policy(),
        new ReferenceModel.SarathiServe(
            engine.blocks(), engine.blockTokens(), engine.maxSequences(), budget, watermark),
        jobs);
  }

  @Property(seed = "16", tries = 600, edgeCases = EdgeCasesMode.NONE)
  void vtc(@ForAll Engine engine, @ForAll List<Job> jobs) {
    Map<String, Double> weights = Map.of("a", 2.0, "c", 0.5);
    int slots = engine.blocks() * engine.blockTokens();
    compare(
        new Vtc(VtcLedger.Parameters.DEFAULT.withWeights(weights)).policy(),
        new ReferenceModel.Vtc(slots, engine.maxSequences(), weights),
        jobs);
  }
}
