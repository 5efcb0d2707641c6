package io.headway.cli;

import io.headway.api.Decision;
import io.headway.api.config.ParameterSet;
import io.headway.api.config.PolicyProvider;
import io.headway.api.config.PolicyRegistry;
import io.headway.api.config.PolicySpec;
import io.headway.api.moe.ExpertLoad;
import io.headway.api.moe.ExpertPlacement;
import io.headway.api.moe.ExpertPlacementPlanner;
import io.headway.api.moe.ExpertRouter;
import io.headway.api.moe.ExpertTopology;
import io.headway.routing.moe.DeepSeekV3Router;
import io.headway.routing.placement.ReplicaSelector;
import io.headway.simulator.moe.MoeLayerModel;
import io.headway.simulator.moe.MoeRun;
import io.headway.simulator.moe.MoeSimulation;
import io.headway.simulator.moe.TokenSkew;
import io.headway.simulator.report.MoeReport;
import io.headway.simulator.report.MoeTables;
import io.headway.simulator.report.Setting;
import java.io.IOException;
import java.io.PrintWriter;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Locale;
import java.util.concurrent.Callable;
import org.jspecify.annotations.Nullable;
import picocli.CommandLine.Command;
import picocli.CommandLine.Model.CommandSpec;
import picocli.CommandLine.Option;
import picocli.CommandLine.Spec;

/**
 * {@code headway moe}: routes one stream of tokens with several expert routers and reports balance,
 * drops and step time, before and after the experts are placed anew.
 */
@Command(
    name = "moe",
    mixinStandardHelpOptions = true,
    sortOptions = false,
    description = {
      "Compares mixture-of-experts routers on one stream of skewed tokens, and the step time before and after re-placing experts.",
      "Prints a table and writes a folder with index.html (opens offline), report.json and summary.csv."
    },
    footer = {
      "",
      "The first half of the batches is watched to plan the placement, the second half is measured under both placements.",
      "",
      "Examples:",
      "  headway moe",
      "  headway moe --experts 256 --top-k 8 --devices 32 --slots 288 --skew zipf:0.9",
      "  headway moe --routers top-k,deepseek-v3,expert-choice --skew hot-set:4:8 --layers 4"
    })
final class MoeCommand implements Callable<Integer> {
  /** Routers whose cost is linear in tokens times experts, in the order of publication. */
  static final String DEFAULT_ROUTERS =
      "hash-random,gshard-top2,switch,vmoe,expert-choice,tutel,top-k,deepseek-moe,deepseek-v2,"
          + "deepseek-v3,hunyuan-recycle,expert-race";

  private static final int MAX_BATCHES = 1_000;
  private static final int MAX_LAYERS = 1_000;
  private static final int MAX_EXPERTS = 4_096;
  private static final int MAX_SLOTS = 65_536;
  private static final int MAX_GROUPS = 8;
  private static final String BEFORE = "contiguous";

  @Option(
      names = "--experts",
      paramLabel = "N",
      defaultValue = "64",
      description = "Routed experts per layer (default: ${DEFAULT-VALUE}).")
  private int experts;

  @Option(
      names = "--top-k",
      paramLabel = "K",
      defaultValue = "6",
      description =
          "Experts per token, for routers where that is a setting (default: ${DEFAULT-VALUE}).")
  private int topK;

  @Option(
      names = "--tokens",
      paramLabel = "N",
      defaultValue = "4096",
      description = "Tokens of a batch (default: ${DEFAULT-VALUE}).")
  private int tokens;

  @Option(
      names = "--skew",
      paramLabel = "S",
      defaultValue = "zipf:1.1",
      description =
          "Popularity of the experts: uniform, zipf:EXPONENT, or hot-set:EXPERTS:FACTOR, whose hot"
              + " experts drift by one every batch (default: ${DEFAULT-VALUE}).")
  private String skew = "";

  @Option(
      names = "--devices",
      paramLabel = "N",
      defaultValue = "8",
      description = "Devices that share the experts (default: ${DEFAULT-VALUE}).")
  private int devices;

  @Option(
      names = "--slots",
      paramLabel = "N",
      description =
          "Expert slots over all devices, for the placement with replicas (default: one more per"
              + " device than the experts need).")
  private @Nullable Integer slots;

  @Option(
      names = "--nodes",
      paramLabel = "N",
      defaultValue = "1",
      description = "Nodes that hold the devices (default: ${DEFAULT-VALUE}).")
  private int nodes;

  @Option(
      names = "--planner",
      paramLabel = "NAME",
      defaultValue = "eplb",
      description = "Planner of the second placement (default: ${DEFAULT-VALUE}).")
  private String planner = "";

  @Option(
      names = "--routers",
      paramLabel = "A,B,...",
      defaultValue = DEFAULT_ROUTERS,
      description =
          "Routers, each NAME[:key=value,...], or all; see 'headway policies --decision"
              + " expert-routing' (default: ${DEFAULT-VALUE}).")
  private String routers = "";

  @Option(
      names = "--layers",
      paramLabel = "N",
      defaultValue = "2",
      description = "Mixture-of-experts layers (default: ${DEFAULT-VALUE}).")
  private int layers;

  @Option(
      names = "--batches",
      paramLabel = "N",
      defaultValue = "8",
      description = "Batches, at least 2 (default: ${DEFAULT-VALUE}).")
  private int batches;

  @Option(
      names = "--hidden",
      paramLabel = "N",
      defaultValue = "2048",
      description = "Width of the residual stream (default: ${DEFAULT-VALUE}).")
  private int hidden;

  @Option(
      names = "--expert-width",
      paramLabel = "N",
      defaultValue = "1408",
      description = "Inner width of an expert (default: ${DEFAULT-VALUE}).")
  private int expertWidth;

  @Option(
      names = "--tflops",
      paramLabel = "X",
      defaultValue = "200",
      description =
          "Speed of expert kernels on a device, 10^12 FLOPs/s (default: ${DEFAULT-VALUE}).")
  private double teraFlops;

  @Option(
      names = "--memory-gbs",
      paramLabel = "X",
      defaultValue = "1600",
      description = "Memory bandwidth of a device, 10^9 bytes/s (default: ${DEFAULT-VALUE}).")
  private double memoryGigabytes;

  @Option(
      names = "--link-gbs",
      paramLabel = "X",
      defaultValue = "100",
      description =
          "Bandwidth of a device's link, each way, 10^9 bytes/s (default: ${DEFAULT-VALUE}).")
  private double linkGigabytes;

  @Option(
      names = "--link-latency",
      paramLabel = "TIME",
      defaultValue = "20us",
      converter = TimeConverter.class,
      description = "Fixed time of one exchange (default: ${DEFAULT-VALUE}).")
  private long linkLatencyNanos;

  @Option(
      names = "--seed",
      paramLabel = "N",
      defaultValue = "1",
      description = "Seed of tokens, popularity and draws (default: ${DEFAULT-VALUE}).")
  private long seed;

  @Option(
      names = "--out",
      paramLabel = "FOLDER",
      defaultValue = "headway-moe",
      description = "Where the report goes (default: ${DEFAULT-VALUE}).")
  private Path out = Path.of("headway-moe");

  @Spec private CommandSpec spec;

  private record Contender(String name, ExpertRouter<?> router) {}

  @Override
  public Integer call() {
    PrintWriter print = spec.commandLine().getOut();
    Output.requireWritable(out);
    MoeReport report;
    try {
      report = report();
    } catch (IllegalArgumentException e) {
      throw new BadInputException(Failure.messageOf(e), e);
    }
    MoeTables.text(report, print);
    try {
      print.println();
      print.println("wrote " + MoeTables.folder(report, out).resolve("index.html"));
    } catch (IOException e) {
      throw new BadInputException("--out " + out + ": " + Failure.messageOf(e), e);
    }
    print.flush();
    return Main.OK;
  }

  private MoeReport report() {
    check();
    PolicyRegistry registry = PolicyRegistry.discover(MoeCommand.class.getClassLoader());
    List<Contender> contenders = contenders(registry);
    ExpertPlacementPlanner<?> plan =
        registry.create(Decision.EXPERT_PLACEMENT, planner, ExpertPlacementPlanner.class);
    TokenSkew popularity = TokenSkew.parse(skew);
    MoeSimulation.Config config =
        new MoeSimulation.Config(experts, tokens, layers, popularity, seed);
    MoeLayerModel time =
        MoeLayerModel.of(
            hidden,
            expertWidth,
            2,
            teraFlops * 1e12,
            memoryGigabytes * 1e9,
            linkGigabytes * 1e9,
            linkLatencyNanos / 1e9);
    int observed = batches / 2;
    List<MoeReport.Routed> results = new ArrayList<>();
    for (Contender contender : contenders) {
      try {
        results.add(
            new MoeReport.Routed(
                contender.name(), measure(contender.router(), plan, config, time, observed)));
      } catch (IllegalArgumentException e) {
        throw new BadInputException(contender.name() + ": " + Failure.messageOf(e), e);
      }
    }
    return new MoeReport(
        "Expert routing: "
            + tokens
            + " tokens, "
            + experts
            + " experts, "
            + devices
            + " devices, "
            + skew,
        observed
            + " batches were watched to plan the placement, "
            + (batches - observed)
            + " more were measured under the contiguous placement and the one of "
            + plan.id()
            + ", through "
            + layers
            + (layers == 1 ? " layer." : " layers."),
        settings(),
        List.of(BEFORE, plan.id().equals(BEFORE) ? plan.id() + "-replanned" : plan.id()),
        results);
  }

  private <S> MoeRun measure(
      ExpertRouter<S> router,
      ExpertPlacementPlanner<?> plan,
      MoeSimulation.Config config,
      MoeLayerModel time,
      int observed) {
    ReplicaSelector replicas = new ReplicaSelector(ReplicaSelector.Rule.ROUND_ROBIN, 0, nodes);
    MoeSimulation simulation = new MoeSimulation(config, time, replicas::select);
    MoeSimulation.Routed<S> routed =
        simulation.start(
            router,
            (state, decided) -> {
              // Biases move once a step, as in training; a serving system may do the same.
              if (state instanceof DeepSeekV3Router.Bias bias) {
                bias.update(
                    decided.loads(), decided.experts(), DeepSeekV3Router.Bias.DEFAULT_GAMMA);
              }
            });
    ExpertLoad load = simulation.observe(routed, 0, observed);
    ExpertPlacement before = new ExpertPlacement();
    int[] perDevice = new int[devices];
    for (int d = 0; d < devices; d++) {
      perDevice[d] = experts / devices + (d < experts % devices ? 1 : 0);
    }
    before.begin(layers, experts, perDevice);
    for (int layer = 0; layer < layers; layer++) {
      for (int e = 0; e < experts; e++) {
        before.place(layer, e, e, 0);
      }
    }
    before.end();
    ExpertPlacement after = planned(plan, load);
    return simulation.run(routed, observed, batches - observed, List.of(before, after));
  }

  private <P> ExpertPlacement planned(ExpertPlacementPlanner<P> plan, ExpertLoad load) {
    ExpertPlacement placement = new ExpertPlacement();
    plan.plan(
        load, new ExpertTopology(slotCount(), nodes, nodes, devices), plan.newState(), placement);
    return placement;
  }

  private int slotCount() {
    return slots != null ? slots : (experts + devices - 1) / devices * devices + devices;
  }

  private void check() {
    atLeast("--experts", experts, 1);
    atLeast("--tokens", tokens, 1);
    atLeast("--devices", devices, 1);
    atLeast("--nodes", nodes, 1);
    atLeast("--layers", layers, 1);
    atLeast("--batches", batches, 2);
    positive("--tflops", teraFlops);
    positive("--memory-gbs", memoryGigabytes);
    positive("--link-gbs", linkGigabytes);
    atMost("--experts", experts, MAX_EXPERTS);
    atMost("--layers", layers, MAX_LAYERS);
    atMost("--batches", batches, MAX_BATCHES);
    atMost("--slots", slots == null ? 0 : slots, MAX_SLOTS);
    if (topK < 1 || topK > experts) {
      throw new BadInputException(
          "--top-k must lie in 1..--experts = " + experts + ", but was " + topK);
    }
    if (devices > experts) {
      throw new BadInputException(
          "--devices must be at most --experts = " + experts + ", but was " + devices);
    }
    if (slots != null && (slots < experts || slots % devices != 0)) {
      throw new BadInputException(
          "--slots must be at least --experts = "
              + experts
              + " and a multiple of --devices = "
              + devices
              + ", but was "
              + slots);
    }
    if (devices % nodes != 0 || experts % nodes != 0) {
      throw new BadInputException(
          "--nodes must divide --devices = "
              + devices
              + " and --experts = "
              + experts
              + ", but was "
              + nodes);
    }
  }

  private static void atLeast(String option, int value, int least) {
    if (value < least) {
      throw new BadInputException(option + " must be at least " + least + ", but was " + value);
    }
  }

  private static void positive(String option, double value) {
    if (!(value > 0 && value < Double.POSITIVE_INFINITY)) {
      throw new BadInputException(option + " must be finite and above 0, but was " + value);
    }
  }

  private static void atMost(String option, int value, int most) {
    if (value > most) {
      throw new BadInputException(option + " must be at most " + most + ", but was " + value);
    }
  }

  private List<Contender> contenders(PolicyRegistry registry) {
    List<Contender> contenders = new ArrayList<>();
    List<PolicySpec> specs =
        routers.strip().equals("all")
            ? registry.providers(Decision.EXPERT_ROUTING).stream()
                .map(provider -> PolicySpec.parse(provider.id()))
                .toList()
            : PolicySpec.parseList(routers);
    for (PolicySpec each : specs) {
      PolicyProvider provider = registry.provider(Decision.EXPERT_ROUTING, each.name());
      PolicySpec fitted = fitted(each, provider.parameters());
      contenders.add(
          new Contender(
              each.toString(),
              registry.create(Decision.EXPERT_ROUTING, fitted, ExpertRouter.class)));
    }
    if (contenders.stream().map(Contender::name).distinct().count() != contenders.size()) {
      throw new BadInputException(
          "--routers must name each router once, but was '" + routers + "'");
    }
    return contenders;
  }

  /** Gives a router the sizes of this run where its policy string leaves them open. */
  private PolicySpec fitted(PolicySpec each, ParameterSet parameters) {
    PolicySpec spec = each;
    boolean choosing = each.name().startsWith("expert-choice");
    spec = withDefault(spec, parameters, "topK", Integer.toString(topK));
    spec = withDefault(spec, parameters, "expertsPerToken", Integer.toString(topK));
    spec = withDefault(spec, parameters, "tokenCap", Integer.toString(Math.max(topK, 2)));
    spec = withDefault(spec, parameters, "padToDivisible", "true");
    if (choosing) {
      spec = withDefault(spec, parameters, "capacityFactor", Integer.toString(topK));
    }
    int blocks = experts % devices == 0 ? devices : largestDivisor(devices);
    spec = withDefault(spec, parameters, "devices", Integer.toString(blocks));
    spec = withDefault(spec, parameters, "maxDevices", Integer.toString(blocksFor(blocks, 3)));
    if (parameters.has("maxGroups")) {
      int groups = largestDivisor(MAX_GROUPS);
      spec = withDefault(spec, parameters, "groups", Integer.toString(groups));
      spec = withDefault(spec, parameters, "maxGroups", Integer.toString(blocksFor(groups, 4)));
    }
    return spec;
  }

  private static PolicySpec withDefault(
      PolicySpec spec, ParameterSet parameters, String name, String value) {
    return parameters.has(name) ? spec.withDefault(name, value) : spec;
  }

  /** The largest divisor of the number of experts up to a limit. */
  private int largestDivisor(int limit) {
    int divisor = Math.min(limit, experts);
    while (experts % divisor != 0) {
      divisor--;
    }
    return divisor;
  }

  /** As many blocks of experts as published, or as top-k needs. */
  private int blocksFor(int blocks, int published) {
    int perBlock = experts / blocks;
    return Math.min(blocks, Math.max(published, (topK + perBlock - 1) / perBlock));
  }

  private List<Setting> settings() {
    return List.of(
        new Setting("experts", Integer.toString(experts)),
        new Setting("top-k", Integer.toString(topK)),
        new Setting("tokens", tokens + " per batch"),
        new Setting("skew", skew),
        new Setting("devices", devices + " on " + nodes + (nodes == 1 ? " node" : " nodes")),
        new Setting("slots", slotCount() + " per layer in the second placement"),
        new Setting("planner", planner),
        new Setting("replicas", "in turn per expert"),
        new Setting("layers", Integer.toString(layers)),
        new Setting("batches", batches + ", the first half only watched"),
        new Setting(
            "expert", "hidden " + hidden + ", width " + expertWidth + ", 2 bytes an element"),
        new Setting(
            "device",
            CommandText.number(teraFlops)
                + " TFLOPs/s, memory "
                + CommandText.number(memoryGigabytes)
                + " GB/s"),
        new Setting(
            "link",
            CommandText.number(linkGigabytes)
                + " GB/s each way, "
                + String.format(Locale.ROOT, "%.1f", linkLatencyNanos / 1e3)
                + " µs per exchange"),
        new Setting("seed", Long.toString(seed)));
  }
}
