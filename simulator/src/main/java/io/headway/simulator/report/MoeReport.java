package io.headway.simulator.report;

import io.headway.simulator.moe.MoeRun;
import java.util.List;
import java.util.Objects;

/**
 * A comparison of expert routers and placements on one stream of batches.
 *
 * @param title the heading
 * @param summary one sentence on what was simulated
 * @param settings what all routers share
 * @param placements names of the placements, as in every run
 * @param routers one entry per router, in the order of the tables; at least one
 */
public record MoeReport(
    String title,
    String summary,
    List<Setting> settings,
    List<String> placements,
    List<Routed> routers) {
  /** Copies the lists and checks that every run has a result per placement. */
  public MoeReport {
    Objects.requireNonNull(title, "title");
    Objects.requireNonNull(summary, "summary");
    settings = List.copyOf(settings);
    placements = List.copyOf(placements);
    routers = List.copyOf(routers);
    if (routers.isEmpty() || placements.isEmpty()) {
      throw new IllegalArgumentException(
          "routers and placements must have at least 1 each, but are "
              + routers.size()
              + " and "
              + placements.size());
    }
    for (Routed routed : routers) {
      if (routed.run().placements().size() != placements.size()) {
        throw new IllegalArgumentException(
            "run of "
                + routed.name()
                + " must have "
                + placements.size()
                + " placements, but has "
                + routed.run().placements().size());
      }
    }
  }

  /**
   * One router.
   *
   * @param name what the report calls it
   * @param run what was measured
   */
  public record Routed(String name, MoeRun run) {}
}
