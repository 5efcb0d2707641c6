package io.headway.cli;

import io.headway.api.PolicyViolationException;
import io.headway.api.RandomSource;
import io.headway.executor.Executor;
import io.headway.executor.profile.IterationProfile;
import io.headway.executor.weights.Weights;
import io.headway.memory.pool.PagedKvBlockPool;
import io.headway.runtime.EngineScheduler;
import io.headway.runtime.Limits;
import io.headway.simulator.cluster.ClusterConfig;
import io.headway.simulator.cluster.ClusterSimulation;
import io.headway.simulator.metrics.Distribution;
import io.headway.simulator.metrics.Durations;
import io.headway.simulator.metrics.RunMetrics;
import io.headway.simulator.workload.Workload;
import java.io.IOException;
import java.io.PrintWriter;
import java.nio.file.Path;
import java.util.List;
import java.util.Locale;
import java.util.concurrent.Callable;
import java.util.function.IntConsumer;
import org.jspecify.annotations.Nullable;
import picocli.CommandLine.Command;
import picocli.CommandLine.Mixin;
import picocli.CommandLine.Model.CommandSpec;
import picocli.CommandLine.Option;
import picocli.CommandLine.Spec;

/** {@code headway run}: serves a small workload for real and measures it. */
@Command(
    name = "run",
    mixinStandardHelpOptions = true,
    sortOptions = false,
    description = {
      "Serves a small generated workload for real: a policy decides, a transformer computes every batch.",
      "Prints measured latencies; with --profile also those of a simulation of the same workload, side by side."
    },
    footer = {
      "",
      "Examples:",
      "  headway run --policy sarathi-serve:tokenBudget=128 --requests 50",
      "  headway calibrate --out small.json && headway run --profile small.json"
    })
final class RunCommand implements Callable<Integer> {
  private static final int MAX_REQUESTS = 100_000;

  @Mixin private ModelOptions model = new ModelOptions();

  @Option(
      names = "--policy",
      paramLabel = "NAME[:key=value,...]",
      defaultValue = "sarathi-serve",
      description = "Batching policy (default: ${DEFAULT-VALUE}).")
  private String policy = "";

  @Option(
      names = "--requests",
      paramLabel = "N",
      defaultValue = "50",
      description = "Requests to serve (default: ${DEFAULT-VALUE}).")
  private int requests;

  @Option(
      names = "--rate",
      paramLabel = "X",
      defaultValue = "2",
      description = "Poisson arrivals per second (default: ${DEFAULT-VALUE}).")
  private double rate;

  @Option(
      names = "--max-prompt",
      paramLabel = "TOKENS",
      defaultValue = "256",
      description = "Longest prompt; the shortest has 8 tokens (default: ${DEFAULT-VALUE}).")
  private int maxPromptTokens;

  @Option(
      names = "--max-new",
      paramLabel = "TOKENS",
      defaultValue = "64",
      description = "Longest output; the shortest has 4 tokens (default: ${DEFAULT-VALUE}).")
  private int maxNewTokens;

  @Option(
      names = "--max-seqs",
      paramLabel = "N",
      defaultValue = "8",
      description = "Sequences that run at once (default: ${DEFAULT-VALUE}).")
  private int maxSequences;

  @Option(
      names = "--kv-blocks",
      paramLabel = "N",
      defaultValue = "256",
      description = "KV blocks (default: ${DEFAULT-VALUE}).")
  private int kvBlocks;

  @Option(
      names = "--token-budget",
      paramLabel = "TOKENS",
      defaultValue = "256",
      description =
          "Token budget of policies that have one; what --policy says comes first (default: ${DEFAULT-VALUE}).")
  private int tokenBudget;

  @Option(
      names = "--depth",
      paramLabel = "N",
      defaultValue = "1",
      description = "Plans in flight (default: ${DEFAULT-VALUE}).")
  private int depth;

  @Option(
      names = "--temperature",
      paramLabel = "X",
      defaultValue = "0",
      description = "0 takes the most probable token (default: ${DEFAULT-VALUE}).")
  private double temperature;

  @Option(
      names = "--warm-up",
      paramLabel = "N",
      defaultValue = "10",
      description = "Requests served before measuring, all at once (default: ${DEFAULT-VALUE}).")
  private int warmUpRequests;

  @Option(
      names = "--profile",
      paramLabel = "FILE",
      description = "Simulates the same workload with this profile of 'headway calibrate', too.")
  private @Nullable Path profileFile;

  @Spec private CommandSpec spec;

  @Override
  public Integer call() throws IOException {
    requireRange("--requests", requests, 1, MAX_REQUESTS);
    requireRange("--warm-up", warmUpRequests, 0, MAX_REQUESTS);
    requireRange("--max-prompt", maxPromptTokens, 8, 1 << 20);
    requireRange("--max-new", maxNewTokens, 4, 1 << 20);
    requireRange("--depth", depth, 1, 8);
    requireRange("--max-seqs", maxSequences, 1, 4096);
    requireRange("--kv-blocks", kvBlocks, 1, 1 << 24);
    requireRange("--token-budget", tokenBudget, 1, 1 << 20);
    if (!(rate > 0) || rate > 1e6) {
      throw new BadInputException("--rate must be above 0 and at most 1e6, but was " + rate);
    }
    if (!(temperature >= 0) || temperature > 100) {
      throw new BadInputException("--temperature must be from 0 to 100, but was " + temperature);
    }
    List<Lineup.Entry> lineup = Lineup.of(policy, "round-robin", tokenBudget);
    if (lineup.size() != 1) {
      throw new BadInputException("--policy must name one policy, but names " + lineup.size());
    }
    IterationProfile profile = profileFile == null ? null : Profiles.read(profileFile);
    try (Weights weights = model.openWeights();
        Executor executor = model.open(weights, model.sizes(kvBlocks, maxSequences))) {
      int longest = maxPromptTokens + maxNewTokens - 1;
      if (longest > executor.shape().maxPositions()) {
        throw new BadInputException(
            "--max-prompt and --max-new must fit "
                + executor.shape().maxPositions()
                + " positions of "
                + executor.shape().name()
                + ", but need "
                + longest);
      }
      requireSame(profile, executor);
      return serve(lineup.get(0), executor, weights.description(), profile);
    } catch (PolicyViolationException e) {
      throw new BadInputException(policy + ": " + Failure.messageOf(e), e);
    }
  }

  private int serve(
      Lineup.Entry entry, Executor executor, String weights, @Nullable IterationProfile profile) {
    PrintWriter print = spec.commandLine().getOut();
    print.printf(
        "%s, %s, %s, on %s (%s)%n",
        executor.shape().name(),
        executor.options().precision().name().toLowerCase(Locale.ROOT),
        weights,
        executor.id(),
        executor.device());
    print.flush();
    if (warmUpRequests > 0) {
      Workload atOnce = workload("warm-up", warmUpRequests, 1e9, model.seed + 1);
      newRun(entry, executor, atOnce, done -> {}).run();
    }
    Workload workload = workload("generated", requests, rate, model.seed);
    Progress progress = new Progress(spec.commandLine().getErr(), 1, requests);
    RealRun run = newRun(entry, executor, workload, progress.run());
    RealRun.Totals totals = run.run();
    progress.done();
    print.printf(
        Locale.ROOT,
        "%s served %d of %d requests in %.1f s: %d output tokens, %.1f a second; %d steps, executor busy %.0f %% of the time, %d preemptions%n%n",
        entry.name(),
        totals.finished(),
        requests,
        totals.wallNanos() / 1e9,
        totals.outputTokens(),
        totals.outputTokens() / (totals.wallNanos() / 1e9),
        totals.steps(),
        100.0 * totals.executorNanos() / totals.wallNanos(),
        totals.preemptions());
    print(print, run, profile == null ? null : simulate(entry, workload, profile));
    if (profile != null) {
      print.printf("%nsimulated with %s%n", profile.summary());
    }
    print.flush();
    return totals.failed() == 0 ? Main.OK : Main.FAILED;
  }

  private RealRun newRun(
      Lineup.Entry entry, Executor executor, Workload workload, IntConsumer progress) {
    PagedKvBlockPool pool = model.newPool(kvBlocks);
    EngineScheduler.Builder builder =
        EngineScheduler.builder()
            .policy(entry.policies().batching())
            .strict()
            .depth(depth)
            .limits(Limits.of(maxSequences, Integer.MAX_VALUE));
    if (entry.policies().lengths() != null) {
      builder.predictor(entry.policies().lengths());
    }
    return new RealRun(workload, builder, pool, executor, temperature, model.seed, progress);
  }

  private RunMetrics simulate(Lineup.Entry entry, Workload workload, IterationProfile profile) {
    ClusterConfig cluster =
        new ClusterConfig(
            1,
            model.blockTokens,
            kvBlocks,
            maxSequences,
            Integer.MAX_VALUE,
            1, // requests declare their true output length, as the executed ones did
            false,
            profile.time());
    return ClusterSimulation.of(workload, cluster, entry.policies())
        .seed(model.seed)
        .run()
        .metrics();
  }

  /** Lengths spread evenly on a logarithmic scale, Poisson arrivals. */
  private Workload workload(String name, int count, double perSecond, long seed) {
    RandomSource random = RandomSource.seeded(seed);
    Workload.Builder builder = Workload.builder(name);
    double arrival = 0;
    for (int i = 0; i < count; i++) {
      arrival += -Math.log(1 - random.nextDouble()) / perSecond * 1e9;
      builder.add(
          (long) arrival, length(random, 8, maxPromptTokens), length(random, 4, maxNewTokens));
    }
    return builder.build();
  }

  private static int length(RandomSource random, int least, int most) {
    double exponent = Math.log(least) + random.nextDouble() * Math.log((double) most / least);
    return Math.max(least, Math.min(most, (int) Math.round(Math.exp(exponent))));
  }

  private static void print(PrintWriter print, RealRun run, @Nullable RunMetrics simulated) {
    String header = simulated == null ? "" : "      simulated (difference)";
    print.printf("%-5s %9s %9s %9s%s%n", "ms", "p50", "p90", "p99", header);
    RunMetrics.Latencies other = simulated == null ? null : simulated.latencies();
    line(print, "TTFT", run.ttft, other == null ? null : other.ttft());
    line(print, "TPOT", run.tpot, other == null ? null : other.tpot());
    line(print, "E2E", run.e2e, other == null ? null : other.e2e());
  }

  private static void line(
      PrintWriter print, String name, Durations measured, @Nullable Distribution simulated) {
    if (measured.count() == 0) {
      print.printf("%-5s none%n", name);
      return;
    }
    Distribution m = measured.summary();
    print.printf(
        Locale.ROOT,
        "%-5s %9.1f %9.1f %9.1f",
        name,
        m.p50Nanos() / 1e6,
        m.p90Nanos() / 1e6,
        m.p99Nanos() / 1e6);
    if (simulated != null) {
      print.printf(
          Locale.ROOT,
          "     %9.1f (%+.1f %%) %9.1f (%+.1f %%) %9.1f (%+.1f %%)",
          simulated.p50Nanos() / 1e6,
          percent(simulated.p50Nanos(), m.p50Nanos()),
          simulated.p90Nanos() / 1e6,
          percent(simulated.p90Nanos(), m.p90Nanos()),
          simulated.p99Nanos() / 1e6,
          percent(simulated.p99Nanos(), m.p99Nanos()));
    }
    print.println();
  }

  private static double percent(double simulated, double measured) {
    return 100 * (simulated / measured - 1);
  }

  /** A profile of something else would compare what cannot be compared. */
  private static void requireSame(@Nullable IterationProfile profile, Executor executor) {
    if (profile == null) {
      return;
    }
    if (!profile.executor().equals(executor.id())
        || !profile.model().equals(executor.shape())
        || profile.precision() != executor.options().precision()
        || profile.threads() != executor.options().threads()) {
      throw new BadInputException(
          "--profile must be of what is run: it is of "
              + profile.summary()
              + ", threads: "
              + profile.threads()
              + "; but this run is of "
              + executor.shape().name()
              + " in "
              + executor.options().precision().name().toLowerCase(Locale.ROOT)
              + " on "
              + executor.id()
              + ", threads: "
              + executor.options().threads());
    }
  }

  private static void requireRange(String option, int value, int least, int most) {
    if (value < least || value > most) {
      throw new BadInputException(
          option + " must be from " + least + " to " + most + ", but was " + value);
    }
  }
}
