package io.headway.batching;

import static org.assertj.core.api.Assertions.assertThat;

import io.headway.batching.composition.ComposedBatchingPolicy;
import java.util.List;
import net.jqwik.api.EdgeCasesMode;
import net.jqwik.api.ForAll;
import net.jqwik.api.Property;
import net.jqwik.api.statistics.Statistics;

/**
 * What must hold for every policy that a subclass draws; {@link Run} checks limits, progress and
 * conservation in each iteration.
 */
abstract class PolicyProperties {
  private static Run.Setup setup(ComposedBatchingPolicy policy, Workloads.Engine engine) {
    return Run.with(policy)
        .pool(engine.blocks(), engine.blockTokens())
        .host(engine.blocks() / 2)
        .limits(engine.maxSequences(), engine.maxTokens());
  }

  @Property(seed = "1", tries = 2000, edgeCases = EdgeCasesMode.NONE)
  void everybodyIsServedAndNothingLeaks(
      @ForAll ComposedBatchingPolicy policy,
      @ForAll Workloads.Engine engine,
      @ForAll List<Job> jobs) {
    Run run = setup(policy, engine).run(jobs);
    Statistics.label("preempts")
        .collect(run.preemptions() > 0)
        .coverage(seen -> seen.check(true).percentage(share -> share > 15));
    Statistics.label("rejects")
        .collect(run.finish().size() < jobs.size())
        .coverage(seen -> seen.check(true).percentage(share -> share > 15));
  }

  @Property(seed = "2", tries = 650, edgeCases = EdgeCasesMode.NONE)
  void planningAgainGivesTheSamePlan(
      @ForAll ComposedBatchingPolicy policy,
      @ForAll Workloads.Engine engine,
      @ForAll List<Job> jobs) {
    assertThat(setup(policy, engine).run(jobs).steps())
        .isEqualTo(setup(policy, engine).run(jobs).steps());
  }

  @Property(seed = "3", tries = 650, edgeCases = EdgeCasesMode.NONE)
  void cancellationsHurtNobodyElse(
      @ForAll ComposedBatchingPolicy policy,
      @ForAll Workloads.Engine engine,
      @ForAll List<Job> jobs,
      @ForAll long seed) {
    setup(policy, engine).cancelling(seed & Long.MAX_VALUE).run(jobs);
  }

  @Property(seed = "4", tries = 1000, edgeCases = EdgeCasesMode.NONE)
  void plansInFlightAreRespected(
      @ForAll ComposedBatchingPolicy policy,
      @ForAll Workloads.Engine engine,
      @ForAll List<Job> jobs,
      @ForAll long seed) {
    int depth = 2 + (int) (seed & 1);
    setup(policy, engine).depth(depth).run(jobs);
    setup(policy, engine).depth(depth).cancelling(seed & Long.MAX_VALUE).run(jobs);
  }

  @Property(seed = "5", tries = 1000, edgeCases = EdgeCasesMode.NONE)
  void repeatedIterationsAreThoseOfStepping(
      @ForAll ComposedBatchingPolicy policy,
      @ForAll Workloads.Engine engine,
      @ForAll List<Job> jobs) {
    Run stepping = setup(policy, engine).run(jobs);
    Run jumping = setup(policy, engine).fastForward().run(jobs);
    assertThat(jumping.finish()).isEqualTo(stepping.finish());
    assertThat(jumping.firstToken()).isEqualTo(stepping.firstToken());
    for (Run.Step step : jumping.steps()) {
      Run.Step same = stepping.step(step.iteration());
      assertThat(step.rows()).isEqualTo(same.rows());
      assertThat(step.preempted()).isEqualTo(same.preempted());
      assertThat(step.blocksInUse()).isEqualTo(same.blocksInUse());
    }
    Statistics.label("jumps")
        .collect(jumping.steps().size() < stepping.steps().size())
        .coverage(seen -> seen.check(true).percentage(share -> share > 10));
  }
}
