package io.headway.simulator.report;

import io.headway.simulator.metrics.Slo;
import io.headway.simulator.workload.Workload;
import java.util.List;
import java.util.Objects;

/**
 * A comparison: what ran on which workload under which settings, and what was measured.
 *
 * @param title the heading
 * @param workload what arrived; with several seeds, the workload of the first
 * @param slo the objectives that goodput and attainment count
 * @param settings what all contenders share, such as the model, the device and the instances
 * @param contenders the combinations compared, in the order of the tables; at least one, each with
 *     its own name
 */
public record Report(
    String title, Workload workload, Slo slo, List<Setting> settings, List<Contender> contenders) {
  /** Copies the lists and checks that there is a contender and names are unique. */
  public Report {
    Objects.requireNonNull(title, "title");
    Objects.requireNonNull(workload, "workload");
    Objects.requireNonNull(slo, "slo");
    settings = List.copyOf(settings);
    contenders = List.copyOf(contenders);
    if (contenders.isEmpty()) {
      throw new IllegalArgumentException("contenders must have at least 1, but are 0");
    }
    long names = contenders.stream().map(Contender::name).distinct().count();
    if (names != contenders.size()) {
      throw new IllegalArgumentException(
          "contenders must have different names, but "
              + contenders.size()
              + " share "
              + names
              + " names");
    }
  }
}
