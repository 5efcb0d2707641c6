package io.headway.batching;

import java.util.ArrayList;
import java.util.List;
import net.jqwik.api.Arbitraries;
import net.jqwik.api.Arbitrary;
import net.jqwik.api.Combinators;
import net.jqwik.api.Provide;
import net.jqwik.api.Tuple;
import net.jqwik.api.domains.DomainContextBase;

/** Small workloads and engines that meet their limits often. */
public final class Workloads extends DomainContextBase {
  /** An iteration that no run reaches: work of the batch lane is served. */
  // Late, but within a run: what does not fit beside the lane's headroom waits until then.
  private static final int LANE_EXPIRES = 20_000;

  /** A pool and its limits. */
  public record Engine(int blocks, int blockTokens, int maxSequences, int maxTokens) {}

  @Provide
  public Arbitrary<List<Job>> jobs() {
    Arbitrary<Job> job =
        Combinators.combine(
                Arbitraries.integers().between(0, 7),
                Arbitraries.integers().between(1, 14),
                Arbitraries.integers().between(1, 9),
                Arbitraries.integers().between(0, 3),
                Arbitraries.integers().between(0, 2),
                Arbitraries.of("a", "b", "c", ""),
                Arbitraries.integers().between(0, 12))
            .as(
                (arrival, prompt, output, slack, priority, tenant, predicted) ->
                    new Job(
                        "", arrival, prompt, output, output + slack, priority, tenant, predicted));
    return job.list()
        .ofMinSize(1)
        .ofMaxSize(14)
        .map(
            jobs -> {
              List<Job> named = new ArrayList<>();
              for (Job each : jobs) {
                Job numbered =
                    new Job(
                        "r" + (char) ('a' + (named.size() * 5) % 26) + named.size(),
                        each.arrival(),
                        each.prompt(),
                        each.output(),
                        each.maxNew(),
                        each.priority(),
                        each.tenant(),
                        each.predicted());
                named.add(each.priority() == 2 ? numbered.inLane(LANE_EXPIRES) : numbered);
              }
              return named;
            });
  }

  @Provide
  public Arbitrary<Engine> engines() {
    return Combinators.combine(
            Arbitraries.integers().between(5, 18),
            Arbitraries.integers().between(1, 4),
            Arbitraries.frequency(Tuple.of(1, 1), Tuple.of(2, 3), Tuple.of(4, 6)),
            Arbitraries.frequency(Tuple.of(2, Integer.MAX_VALUE), Tuple.of(1, 24), Tuple.of(1, 16)))
        .as(Engine::new);
  }
}
