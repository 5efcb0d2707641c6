package io.headway.simulator.report;

import io.headway.simulator.moe.MoeRun;
import java.util.ArrayList;
import java.util.List;
import java.util.function.DoubleFunction;
import java.util.function.ToDoubleFunction;

/** One figure of a router as tables show it, on the console, in CSV, in JSON and in HTML. */
record MoeColumn(
    String id,
    String group,
    String title,
    String explanation,
    Column.Better better,
    ToDoubleFunction<MoeRun> value,
    DoubleFunction<String> format) {

  static List<MoeColumn> of(MoeReport report) {
    List<MoeColumn> columns = new ArrayList<>();
    columns.add(
        new MoeColumn(
            "pairs_per_token",
            "Work",
            "pairs/token",
            "Experts that a token gets, on average over tokens and layers.",
            Column.Better.NEITHER,
            MoeColumn::pairsPerToken,
            Numbers::significant));
    columns.add(
        new MoeColumn(
            "dropped_fraction",
            "Work",
            "dropped",
            "Share of chosen (token, expert) pairs that a full expert, a test or a budget dropped.",
            Column.Better.LOWER,
            MoeRun::droppedFraction,
            Numbers::percent));
    columns.add(
        new MoeColumn(
            "unrouted_fraction",
            "Work",
            "no expert",
            "Share of tokens that pass a layer without any routed expert.",
            Column.Better.LOWER,
            MoeColumn::unroutedFraction,
            Numbers::percent));
    columns.add(
        new MoeColumn(
            "expert_max_over_mean",
            "Expert load",
            "max/mean",
            "Largest over mean load of the experts of a layer; MaxVio is 1 less.",
            Column.Better.LOWER,
            MoeRun::maxOverMean,
            Numbers::significant));
    columns.add(
        new MoeColumn(
            "expert_cv",
            "Expert load",
            "CV",
            "Standard deviation over mean of the expert loads of a layer.",
            Column.Better.LOWER,
            MoeRun::coefficientOfVariation,
            Numbers::significant));
    columns.add(
        new MoeColumn(
            "expert_entropy",
            "Expert load",
            "entropy",
            "Entropy of the expert loads of a layer over that of equal loads; 1 is even.",
            Column.Better.HIGHER,
            MoeRun::normalisedEntropy,
            Numbers::significant));
    columns.add(
        new MoeColumn(
            "distinct_experts",
            "Expert load",
            "touched",
            "Different experts of a layer that a batch touches; their weights must be read.",
            Column.Better.NEITHER,
            MoeRun::distinctExperts,
            Numbers::significant));
    for (int p = 0; p < report.placements().size(); p++) {
      int placement = p;
      String name = report.placements().get(p);
      String id = name.replace('-', '_');
      columns.add(
          new MoeColumn(
              id + "_step_ms",
              name,
              "step ms",
              "Mean time of one batch through all layers.",
              Column.Better.NEITHER,
              run -> run.placements().get(placement).stepSeconds() * 1e3,
              Numbers::significant));
      columns.add(
          new MoeColumn(
              id + "_compute_ms",
              name,
              "experts ms",
              "Part of the step in the slowest device's experts.",
              Column.Better.NEITHER,
              run -> run.placements().get(placement).computeSeconds() * 1e3,
              Numbers::significant));
      columns.add(
          new MoeColumn(
              id + "_exchange_ms",
              name,
              "exchange ms",
              "Part of the step in both all-to-all exchanges, by the busiest link.",
              Column.Better.NEITHER,
              run -> run.placements().get(placement).exchangeSeconds() * 1e3,
              Numbers::significant));
      columns.add(
          new MoeColumn(
              id + "_device_max_over_mean",
              name,
              "device max/mean",
              "Largest over mean load of the devices, averaged over layers and batches.",
              Column.Better.LOWER,
              run -> run.placements().get(placement).deviceMaxOverMean(),
              Numbers::significant));
      columns.add(
          new MoeColumn(
              id + "_transfers_per_token",
              name,
              "sends/token",
              "Hidden states that a token sends to other devices per layer, one way.",
              Column.Better.NEITHER,
              run -> run.placements().get(placement).transfersPerToken(),
              Numbers::significant));
    }
    return List.copyOf(columns);
  }

  private static double pairsPerToken(MoeRun run) {
    return (double) run.assignedPairs() / layersTimesTokens(run);
  }

  private static double unroutedFraction(MoeRun run) {
    return (double) run.unroutedTokens() / layersTimesTokens(run);
  }

  private static long layersTimesTokens(MoeRun run) {
    return run.tokens() * run.layers();
  }

  boolean isMain() {
    return !id.endsWith("_cv")
        && !id.endsWith("_entropy")
        && !id.equals("distinct_experts")
        && !id.endsWith("compute_ms")
        && !id.endsWith("exchange_ms")
        && !id.endsWith("transfers_per_token");
  }
}
