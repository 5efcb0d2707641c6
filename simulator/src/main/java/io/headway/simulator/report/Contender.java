package io.headway.simulator.report;

import java.util.List;
import java.util.Objects;

/**
 * One combination of policies and its runs, one per seed.
 *
 * @param name what tables call it
 * @param policies the policies it is made of, such as {@code routing = least-kv}
 * @param runs at least one run, each with another seed
 */
public record Contender(String name, List<Setting> policies, List<SeededRun> runs) {
  /** Copies the lists and checks that there is a run. */
  public Contender {
    Objects.requireNonNull(name, "name");
    policies = List.copyOf(policies);
    runs = List.copyOf(runs);
    if (runs.isEmpty()) {
      throw new IllegalArgumentException("runs of " + name + " must have at least 1, but are 0");
    }
    long seeds = runs.stream().mapToLong(SeededRun::seed).distinct().count();
    if (seeds != runs.size()) {
      throw new IllegalArgumentException(
          "runs of " + name + " must have different seeds, but " + runs.size() + " share " + seeds);
    }
  }
}
