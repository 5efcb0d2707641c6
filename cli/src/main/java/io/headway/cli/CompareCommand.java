package io.headway.cli;

import io.headway.api.PolicyViolationException;
import io.headway.api.RandomSource;
import io.headway.executor.profile.IterationProfile;
import io.headway.simulator.cluster.ClusterConfig;
import io.headway.simulator.cluster.ClusterSimulation;
import io.headway.simulator.cluster.HostTier;
import io.headway.simulator.cost.Gpu;
import io.headway.simulator.cost.ModelShape;
import io.headway.simulator.cost.RooflineCostModel;
import io.headway.simulator.cost.SwapTransferModel;
import io.headway.simulator.metrics.Slo;
import io.headway.simulator.report.Contender;
import io.headway.simulator.report.Report;
import io.headway.simulator.report.ReportFolder;
import io.headway.simulator.report.SeededRun;
import io.headway.simulator.report.Setting;
import io.headway.simulator.report.TextReport;
import io.headway.simulator.workload.AzureLike;
import io.headway.simulator.workload.TraceFormat;
import io.headway.simulator.workload.TraceFormatException;
import io.headway.simulator.workload.TraceOptions;
import io.headway.simulator.workload.Workload;
import java.io.BufferedWriter;
import java.io.IOException;
import java.io.PrintWriter;
import java.io.UncheckedIOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.NoSuchFileException;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Locale;
import java.util.concurrent.Callable;
import java.util.concurrent.CancellationException;
import java.util.concurrent.ExecutionException;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import java.util.concurrent.Future;
import org.jspecify.annotations.Nullable;
import picocli.CommandLine;
import picocli.CommandLine.Command;
import picocli.CommandLine.Model.CommandSpec;
import picocli.CommandLine.Option;
import picocli.CommandLine.Spec;

/**
 * {@code headway compare}: runs one workload through one cluster under several policies and reports
 * what differs.
 */
@Command(
    name = "compare",
    mixinStandardHelpOptions = true,
    sortOptions = false,
    description = {
      "Compares schedulers on one workload: every contender serves the same requests on the same"
          + " simulated cluster.",
      "Prints a table and writes a folder with index.html (opens offline), report.json and"
          + " summary.csv."
    },
    footer = {
      "",
      "Examples:",
      "  headway compare",
      "  headway compare --trace AzureLLMInferenceTrace_conv.csv --rate-scale 2",
      "  headway compare --batching vllm-v1,sarathi-serve:tokenBudget=256 --routing"
          + " round-robin,least-kv",
      "  headway compare --batching"
          + " compose:order=vtc,composition=sarathi-serve,tokenBudget=512,vtc,sarathi-serve",
      "  headway compare --batching isrtf+oracle,isrtf+quantile-histogram --seeds 1..5"
    })
final class CompareCommand implements Callable<Integer> {
  /** Seven: what the field published, in the order of publication, and an oracle. */
  static final String DEFAULT_BATCHING =
      "static-fcfs,orca,vllm-v1,sarathi-serve,vtc,isrtf,isrtf+oracle";

  private static final int DEFAULT_REQUESTS = 6_000;
  private static final double GENERATED_RATE_SCALE = 3;

  /** Shares of the generated requests by tenant: unequal, so that fairness has something to do. */
  private static final double[] TENANT_WEIGHTS = {8, 4, 2, 1};

  private static final double MEMORY_UTILIZATION = 0.9;

  /** KV blocks of an instance with a profile, which does not say how much memory there is. */
  private static final int PROFILE_KV_BLOCKS = 4_096;

  @Option(
      names = "--trace",
      paramLabel = "FILE[:FORMAT]",
      description = {
        "Requests to serve: an Azure, BurstGPT or plain CSV, or a Mooncake JSONL, also as .gz.",
        "FORMAT is azure, mooncake, burstgpt or csv; told by the first line if left out.",
        "Default: 6,000 generated requests like those of the Azure conversation trace."
      })
  private @Nullable String trace;

  @Option(
      names = "--instances",
      paramLabel = "N",
      defaultValue = "4",
      description = "Equal instances (default: ${DEFAULT-VALUE}).")
  private int instances;

  @Option(
      names = "--model",
      paramLabel = "NAME",
      defaultValue = "llama2-7b",
      description = "Model shape (default: ${DEFAULT-VALUE}).")
  private String model = "";

  @Option(
      names = "--gpu",
      paramLabel = "NAME",
      defaultValue = "a100-80g",
      description = "Device of each instance (default: ${DEFAULT-VALUE}).")
  private String gpu = "";

  @Option(
      names = "--profile",
      paramLabel = "FILE",
      description =
          "Takes iteration times from a profile of 'headway calibrate' instead of --model and --gpu.")
  private @Nullable Path profileFile;

  @Option(
      names = "--tensor-parallel",
      paramLabel = "N",
      defaultValue = "1",
      description = "Devices per instance (default: ${DEFAULT-VALUE}).")
  private int tensorParallel;

  @Option(
      names = "--batching",
      paramLabel = "A,B,...",
      defaultValue = DEFAULT_BATCHING,
      description = {
        "Batching policies, each NAME[:key=value,...][+PREDICTOR], or all (default:"
            + " ${DEFAULT-VALUE}).",
        "+PREDICTOR names who predicts output lengths, such as +oracle; see 'headway policies'."
      })
  private String batching = "";

  @Option(
      names = "--routing",
      paramLabel = "A,B,...",
      defaultValue = "round-robin",
      description = "Routing policies (default: ${DEFAULT-VALUE}).")
  private String routing = "";

  @Option(
      names = "--rate-scale",
      paramLabel = "X",
      description = {
        "Makes requests arrive X times as fast.",
        "Default: 1 for a trace; 3 for generated requests, so that memory is short and queues form."
      })
  private @Nullable Double rateScale;

  @Option(names = "--limit", paramLabel = "N", description = "Serves the first N requests only.")
  private @Nullable Integer limit;

  @Option(
      names = "--clip",
      paramLabel = "TOKENS",
      description = "Cuts prompts so that prompt and output together have at most so many tokens.")
  private @Nullable Integer clip;

  @Option(
      names = "--max-seqs",
      paramLabel = "N",
      defaultValue = "128",
      description = "Sequences that an instance runs at once (default: ${DEFAULT-VALUE}).")
  private int maxSequences;

  @Option(
      names = "--token-budget",
      paramLabel = "TOKENS",
      description =
          "Token budget of policies that have one; what a policy string says comes first.")
  private @Nullable Integer tokenBudget;

  @Option(
      names = "--max-new",
      paramLabel = "TOKENS",
      defaultValue = "1024",
      description =
          "Output cap that requests declare; longer outputs declare their own length (default:"
              + " ${DEFAULT-VALUE}).")
  private int maxNewTokens;

  @Option(
      names = "--kv-blocks",
      paramLabel = "N",
      description =
          "KV blocks of an instance, 16 tokens each (default: what the device has room for; 4096 with --profile).")
  private @Nullable Integer kvBlocks;

  @Option(
      names = "--host-blocks",
      paramLabel = "N",
      defaultValue = "0",
      description = {
        "KV blocks of host memory of an instance, for policies that swap; moves take time by the",
        "device's PCIe bandwidth (default: ${DEFAULT-VALUE}, so that the preempted recompute)."
      })
  private int hostBlocks;

  @Option(
      names = "--slo-ttft",
      paramLabel = "TIME",
      defaultValue = "2s",
      converter = TimeConverter.class,
      description =
          "Target for the time to first token, such as 500ms, for goodput and attainment (default:"
              + " ${DEFAULT-VALUE}).")
  private long sloTtftNanos;

  @Option(
      names = "--slo-tpot",
      paramLabel = "TIME",
      defaultValue = "100ms",
      converter = TimeConverter.class,
      description = "Target for the time per output token (default: ${DEFAULT-VALUE}).")
  private long sloTpotNanos;

  @Option(
      names = "--seeds",
      paramLabel = "LIST",
      defaultValue = "1",
      description =
          "Seeds, such as 1..5 or 1,7; several give confidence intervals (default:"
              + " ${DEFAULT-VALUE}).")
  private String seeds = "";

  @Option(
      names = "--no-fast-forward",
      description = "Simulates every iteration; slower, same result.")
  private boolean stepByStep;

  @Option(
      names = "--verify",
      description = "Checks conservation after every run; exit code 1 if something is lost.")
  private boolean verify;

  @Option(
      names = "--log",
      paramLabel = "FILE",
      description = "Writes the decision log (JSON Lines); needs a single contender and seed.")
  private @Nullable Path log;

  @Option(
      names = "--out",
      paramLabel = "FOLDER",
      defaultValue = "headway-report",
      description = "Where the report goes (default: ${DEFAULT-VALUE}).")
  private Path out = Path.of("headway-report");

  @Option(
      names = "--requests-csv",
      description = "Adds requests.csv to the report, one line per request.")
  private boolean requestsCsv;

  @Option(
      names = "--config",
      paramLabel = "FILE",
      description =
          "Reads options from a properties file, such as rate-scale=2; the command line comes"
              + " first.")
  private @Nullable Path config;

  @Spec private CommandSpec spec;

  @Override
  public Integer call() throws IOException {
    Path file = config;
    if (file != null) {
      CommandLine again = ConfigFile.apply(file, spec, new CompareCommand());
      CompareCommand merged = again.getCommand();
      merged
          .spec
          .commandLine()
          .setOut(spec.commandLine().getOut())
          .setErr(spec.commandLine().getErr());
      return merged.compare();
    }
    return compare();
  }

  private int compare() throws IOException {
    long started = System.nanoTime();
    PrintWriter print = spec.commandLine().getOut();
    Output.requireWritable(out);
    List<Lineup.Entry> lineup = Lineup.of(batching, routing, tokenBudget);
    long[] seedList = Seeds.parse(seeds);
    if (log != null && lineup.size() * seedList.length > 1) {
      throw new BadInputException(
          "--log needs a single contender and seed, but there are "
              + lineup.size() * seedList.length
              + " runs; name one with --batching");
    }
    IterationProfile profile = profileFile == null ? null : Profiles.read(profileFile);
    ClusterConfig cluster = cluster(profile);
    Slo slo = new Slo(sloTtftNanos, sloTpotNanos, Slo.UNLIMITED_NANOS);
    Workload[] workloads = workloads(seedList);
    requireSomeFit(workloads[0], cluster);
    int runs = lineup.size() * seedList.length;
    int requests = workloads[0].size();
    Progress progress =
        new Progress(
            spec.commandLine().getErr(),
            runs + " runs of " + requests + " requests",
            (long) runs * requests);
    List<ClusterSimulation.Outcome> outcomes =
        runAll(lineup, seedList, workloads, cluster, slo, progress);
    progress.clear();
    Report report = report(lineup, seedList, workloads[0], slo, cluster, profile, outcomes);
    TextReport.write(report, print);
    Path written = write(report);
    double seconds = (System.nanoTime() - started) / 1e9;
    print.printf(
        Locale.ROOT,
        "%nwrote %s (%d runs in %.1f s)%n",
        written.resolve("index.html"),
        outcomes.size(),
        seconds);
    print.flush();
    return verify ? verified(lineup, seedList, outcomes, print) : Main.OK;
  }

  private Path write(Report report) {
    try {
      return ReportFolder.write(report, out, requestsCsv);
    } catch (IOException e) {
      throw new BadInputException("--out " + out + ": " + Failure.messageOf(e), e);
    }
  }

  private @Nullable HostTier host(RooflineCostModel time) {
    if (hostBlocks < 0) {
      throw new BadInputException("--host-blocks must be at least 0 blocks, but was " + hostBlocks);
    }
    return hostBlocks == 0
        ? null
        : new HostTier(
            hostBlocks,
            time.swapTransfers(
                ClusterConfig.DEFAULT_BLOCK_TOKENS, SwapTransferModel.DEFAULT_SECONDS_PER_COPY));
  }

  private ClusterConfig cluster(@Nullable IterationProfile profile) {
    if (profile != null) {
      for (String option : List.of("--model", "--gpu", "--tensor-parallel", "--host-blocks")) {
        if (spec.commandLine().getParseResult().hasMatchedOption(option)) {
          throw new BadInputException(
              option + " and --profile exclude each other: the profile says what was measured");
        }
      }
    }
    try {
      if (profile != null) {
        return new ClusterConfig(
            instances,
            profile.blockTokens(),
            kvBlocks == null ? PROFILE_KV_BLOCKS : kvBlocks,
            maxSequences,
            Integer.MAX_VALUE,
            maxNewTokens,
            true,
            profile.time());
      }
      RooflineCostModel time =
          new RooflineCostModel(ModelShape.named(model), Gpu.named(gpu), tensorParallel);
      long room = time.kvCapacityTokens(MEMORY_UTILIZATION, 0) / ClusterConfig.DEFAULT_BLOCK_TOKENS;
      if (kvBlocks == null && room < 1) {
        throw new BadInputException(
            "model "
                + model
                + " leaves no room for KV on "
                + tensorParallel
                + " x "
                + gpu
                + "; take a larger --gpu or raise --tensor-parallel");
      }
      int blocks = kvBlocks == null ? (int) Math.min(room, 1 << 24) : kvBlocks;
      return new ClusterConfig(
          instances,
          ClusterConfig.DEFAULT_BLOCK_TOKENS,
          blocks,
          maxSequences,
          Integer.MAX_VALUE,
          maxNewTokens,
          true,
          time,
          host(time));
    } catch (IllegalArgumentException e) {
      throw new BadInputException(Failure.messageOf(e), e);
    }
  }

  /** One workload for all seeds if it comes from a file, one per seed if it is generated. */
  private Workload[] workloads(long[] seedList) {
    Workload[] all = new Workload[seedList.length];
    try {
      if (trace != null) {
        Workload read = transformed(read(trace));
        java.util.Arrays.fill(all, read);
      } else {
        for (int i = 0; i < all.length; i++) {
          all[i] =
              transformed(
                  AzureLike.conversation(limit == null ? DEFAULT_REQUESTS : Math.max(1, limit))
                      .generate(seedList[i])
                      .assignTenants(TENANT_WEIGHTS, RandomSource.seeded(seedList[i])));
        }
      }
    } catch (IllegalArgumentException e) {
      throw new BadInputException(Failure.messageOf(e), e);
    }
    if (all[0].size() == 0) {
      throw new BadInputException(
          (trace == null ? "the workload" : trace)
              + ": has no request to serve; --limit must be at least 1");
    }
    return all;
  }

  private Workload read(String text) {
    TraceOptions options =
        limit == null
            ? TraceOptions.DEFAULTS
            : TraceOptions.DEFAULTS.withLimitRows(Math.max(1, limit));
    int colon = text.lastIndexOf(':');
    TraceFormat format = colon < 0 ? null : formatNamed(text.substring(colon + 1));
    Path file = Path.of(format == null ? text : text.substring(0, colon));
    try {
      return format == null ? TraceFormat.read(file, options) : format.readFile(file, options);
    } catch (NoSuchFileException e) {
      throw new BadInputException("--trace " + file + ": no such file", e);
    } catch (TraceFormatException e) {
      throw new BadInputException(Failure.messageOf(e), e);
    } catch (IOException e) {
      throw new BadInputException("--trace " + file + ": " + Failure.messageOf(e), e);
    }
  }

  private static @Nullable TraceFormat formatNamed(String name) {
    for (TraceFormat format : TraceFormat.values()) {
      if (format.name().toLowerCase(Locale.ROOT).equals(name.toLowerCase(Locale.ROOT))) {
        return format;
      }
    }
    return null;
  }

  private double rate() {
    return rateScale != null ? rateScale : trace == null ? GENERATED_RATE_SCALE : 1;
  }

  private Workload transformed(Workload workload) {
    Workload result = rate() == 1 ? workload : workload.rateScale(rate());
    result = limit == null ? result : result.limit(limit);
    return clip == null ? result : result.clipToContext(clip);
  }

  /** An instance too small for every request is a mistake; too small for some is worth a word. */
  private void requireSomeFit(Workload workload, ClusterConfig cluster) {
    long capacity = (long) cluster.blocks() * cluster.blockTokens();
    int tooLarge = 0;
    long smallest = Long.MAX_VALUE;
    for (int row = 0; row < workload.size(); row++) {
      long need =
          (long) workload.promptTokens(row)
              + Math.max(maxNewTokens, workload.outputTokens(row))
              - 1;
      smallest = Math.min(smallest, need);
      tooLarge += need > capacity ? 1 : 0;
    }
    if (tooLarge == workload.size()) {
      throw new BadInputException(
          "an instance holds "
              + capacity
              + " KV tokens, but the smallest request may need "
              + smallest
              + " (prompt and declared output); raise --kv-blocks or --tensor-parallel, or lower"
              + " --max-new or --clip");
    }
    if (tooLarge > 0) {
      spec.commandLine()
          .getErr()
          .println(
              "headway compare: "
                  + tooLarge
                  + " of "
                  + workload.size()
                  + " requests may need more than the "
                  + capacity
                  + " KV tokens of an instance and are rejected; --clip "
                  + capacity
                  + " would cut them");
    }
  }

  private List<ClusterSimulation.Outcome> runAll(
      List<Lineup.Entry> lineup,
      long[] seedList,
      Workload[] workloads,
      ClusterConfig cluster,
      Slo slo,
      Progress progress)
      throws IOException {
    int threads =
        Math.max(
            1,
            Math.min(Runtime.getRuntime().availableProcessors(), lineup.size() * seedList.length));
    ExecutorService pool =
        Executors.newFixedThreadPool(
            threads,
            task -> {
              Thread thread = new Thread(task, "headway-compare");
              thread.setDaemon(true);
              return thread;
            });
    Path logFile = log;
    try (BufferedWriter writer =
        logFile == null ? null : Files.newBufferedWriter(logFile, StandardCharsets.UTF_8)) {
      List<Future<ClusterSimulation.Outcome>> runs = new ArrayList<>();
      for (Lineup.Entry entry : lineup) {
        for (int i = 0; i < seedList.length; i++) {
          ClusterSimulation.Options options =
              ClusterSimulation.of(workloads[i], cluster, entry.policies())
                  .seed(seedList[i])
                  .slo(slo)
                  .fastForward(!stepByStep)
                  .nanoClock(System::nanoTime)
                  .onEnded(progress.part());
          if (writer != null) {
            boolean alone = lineup.size() * seedList.length == 1;
            options.log(
                alone ? "" : entry.name() + "/" + seedList[i], line -> append(writer, line));
          }
          runs.add(pool.submit(options::run));
        }
      }
      List<ClusterSimulation.Outcome> outcomes = new ArrayList<>();
      for (int i = 0; i < runs.size(); i++) {
        outcomes.add(result(runs.get(i), lineup.get(i / seedList.length).name()));
      }
      return outcomes;
    } catch (NoSuchFileException e) {
      throw new BadInputException(
          "--log " + logFile + ": cannot be written; its folder must exist", e);
    } finally {
      pool.shutdownNow();
    }
  }

  private static void append(BufferedWriter writer, CharSequence line) {
    try {
      // One call, so that lines of runs on other threads do not come between.
      writer.append(line + "\n");
    } catch (IOException e) {
      throw new UncheckedIOException(e);
    }
  }

  private static ClusterSimulation.Outcome result(
      Future<ClusterSimulation.Outcome> run, String name) {
    try {
      return run.get();
    } catch (InterruptedException e) {
      Thread.currentThread().interrupt();
      throw new CancellationException("interrupted");
    } catch (ExecutionException e) {
      Throwable cause = e.getCause();
      if (cause instanceof PolicyViolationException violation) {
        throw new BadInputException(name + ": " + Failure.messageOf(violation), violation);
      }
      throw cause instanceof RuntimeException runtime
          ? runtime
          : new IllegalStateException(name + " failed", cause);
    }
  }

  private Report report(
      List<Lineup.Entry> lineup,
      long[] seedList,
      Workload workload,
      Slo slo,
      ClusterConfig cluster,
      @Nullable IterationProfile profile,
      List<ClusterSimulation.Outcome> outcomes) {
    List<Contender> contenders = new ArrayList<>();
    for (int c = 0; c < lineup.size(); c++) {
      List<SeededRun> runs = new ArrayList<>();
      for (int i = 0; i < seedList.length; i++) {
        runs.add(new SeededRun(seedList[i], outcomes.get(c * seedList.length + i).metrics()));
      }
      contenders.add(new Contender(lineup.get(c).name(), lineup.get(c).settings(), runs));
    }
    List<Setting> settings =
        List.of(
            new Setting("instances", Integer.toString(instances)),
            new Setting("model", profile == null ? model : profile.model().name()),
            new Setting(
                "device",
                profile != null
                    ? profile.summary()
                    : tensorParallel == 1 ? gpu : tensorParallel + " x " + gpu),
            new Setting("KV blocks", cluster.blocks() + " of " + cluster.blockTokens() + " tokens"),
            new Setting("sequences", Integer.toString(maxSequences)),
            new Setting("declared output", maxNewTokens + " tokens"),
            new Setting(
                "targets",
                "TTFT "
                    + CommandText.number(sloTtftNanos / 1e6)
                    + " ms, TPOT "
                    + CommandText.number(sloTpotNanos / 1e6)
                    + " ms"),
            new Setting("rate", "x " + CommandText.number(rate())));
    return new Report("Schedulers on " + workload.name(), workload, slo, settings, contenders);
  }

  private static int verified(
      List<Lineup.Entry> lineup,
      long[] seedList,
      List<ClusterSimulation.Outcome> outcomes,
      PrintWriter print) {
    int broken = 0;
    for (int i = 0; i < outcomes.size(); i++) {
      for (String violation : outcomes.get(i).violations()) {
        broken++;
        print.println(
            "not conserved: "
                + lineup.get(i / seedList.length).name()
                + ", seed "
                + seedList[i % seedList.length]
                + ": "
                + violation);
      }
    }
    print.println(
        broken == 0
            ? "verified: in all "
                + outcomes.size()
                + " runs every request ended exactly once, tokens emitted equal tokens asked, every"
                + " pool is empty and every ticket released"
            : broken + " checks failed");
    print.flush();
    return broken == 0 ? Main.OK : Main.FAILED;
  }
}
