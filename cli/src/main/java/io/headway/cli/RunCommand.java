package io.headway.cli;

import io.headway.api.PolicyViolationException;
import io.headway.api.RandomSource;
import io.headway.executor.Executor;
import io.headway.executor.StepClock;
import io.headway.executor.profile.Calibration;
import io.headway.executor.profile.IterationProfile;
import io.headway.executor.weights.Weights;
import io.headway.memory.pool.PagedKvBlockPool;
import io.headway.predictors.iteration.ProfiledIterationTime.Step;
import io.headway.runtime.EngineScheduler;
import io.headway.runtime.Limits;
import io.headway.simulator.cluster.ClusterConfig;
import io.headway.simulator.cluster.ClusterSimulation;
import io.headway.simulator.metrics.RunMetrics;
import io.headway.simulator.workload.Workload;
import java.io.IOException;
import java.io.PrintWriter;
import java.nio.file.Path;
import java.util.ArrayList;
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
      "Prints measured latencies; with --calibrate or --profile also those of a simulation of the same workload."
    },
    footer = {
      "",
      "Examples:",
      "  headway run --policy sarathi-serve:tokenBudget=128 --requests 50",
      "  headway run --calibrate --repeat 7",
      "  headway calibrate --out small.json && headway run --profile small.json"
    })
final class RunCommand implements Callable<Integer> {
  private static final int MAX_REQUESTS = 100_000;
  private static final int MAX_REPEATS = 1_000;

  /**
   * Designed steps of a pass: with two passes or more, enough for coefficients within a percent.
   */
  private static final int PASS_STEPS = 150;

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

  @Option(
      names = "--calibrate",
      description =
          "Simulates the same workload with a profile taken now: passes of designed steps before, between and after the repeats, so that both meet the machine at the same speed.")
  private boolean calibrate;

  @Option(
      names = "--repeat",
      paramLabel = "N",
      defaultValue = "1",
      description =
          "How often the workload is served; each figure is the median, with its range (default: ${DEFAULT-VALUE}).")
  private int repeats;

  @Spec private CommandSpec spec;

  @Override
  public Integer call() throws IOException {
    ModelOptions.requireRange("--requests", requests, 1, MAX_REQUESTS);
    ModelOptions.requireRange("--warm-up", warmUpRequests, 0, MAX_REQUESTS);
    ModelOptions.requireRange("--max-prompt", maxPromptTokens, 8, 1 << 20);
    ModelOptions.requireRange("--max-new", maxNewTokens, 4, 1 << 20);
    ModelOptions.requireRange("--repeat", repeats, 1, MAX_REPEATS);
    ModelOptions.requireRange("--depth", depth, 1, 8);
    ModelOptions.requireRange("--max-seqs", maxSequences, 1, 4096);
    ModelOptions.requireRange("--kv-blocks", kvBlocks, 1, 1 << 24);
    ModelOptions.requireRange("--token-budget", tokenBudget, 1, 1 << 20);
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
    if (calibrate && profileFile != null) {
      throw new BadInputException(
          "--calibrate and --profile exclude each other: the profile would be taken and read");
    }
    IterationProfile profile = profileFile == null ? null : Profiles.read(profileFile);
    Calibration calibration =
        calibrate
            ? new Calibration(
                maxSequences,
                maxPromptTokens,
                Math.min(tokenBudget, maxSequences * maxPromptTokens),
                maxNewTokens,
                0, // the simulator verifies no drafts
                PASS_STEPS,
                model.seed + 2)
            : null;
    int blocks =
        calibration == null ? kvBlocks : Math.max(kvBlocks, calibration.blocks(model.blockTokens));
    try (Weights weights = model.openWeights();
        Executor executor = model.open(weights, model.sizes(blocks, maxSequences))) {
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
      return serve(lineup.get(0), executor, weights.description(), profile, calibration);
    } catch (PolicyViolationException e) {
      throw new BadInputException(policy + ": " + Failure.messageOf(e), e);
    }
  }

  private int serve(
      Lineup.Entry entry,
      Executor executor,
      String weights,
      @Nullable IterationProfile given,
      @Nullable Calibration calibration) {
    PrintWriter print = spec.commandLine().getOut();
    print.printf(
        Locale.ROOT,
        "%s, %s, %s, on %s (%s)%n",
        executor.shape().name(),
        executor.options().precision().name().toLowerCase(Locale.ROOT),
        weights,
        executor.id(),
        executor.device());
    StepClock clock = executor.options().clock();
    print.printf(
        Locale.ROOT,
        "times by the clock %s%s%n",
        clock.id(),
        clock.runsWhileWaiting() ? "" : "; waits for arrivals are jumped over");
    print.flush();
    int passes = calibration == null ? 0 : repeats + 2; // the first one warms up
    Progress progress =
        new Progress(
            spec.commandLine().getErr(),
            repeats + " repeats of " + requests + " requests",
            (long) requests * (repeats + passes));
    if (calibration != null) {
      pass(calibration, executor, progress);
    }
    if (warmUpRequests > 0) {
      Workload atOnce = workload("warm-up", warmUpRequests, 1e9, model.seed + 1);
      newRun(entry, executor, atOnce, done -> {}).run();
    }
    Workload workload = workload("generated", requests, rate, model.seed);
    Repeats measured = new Repeats();
    List<List<Step>> steps = new ArrayList<>();
    for (int repeat = 0; repeat < repeats; repeat++) {
      if (calibration != null) {
        steps.add(pass(calibration, executor, progress));
      }
      RealRun run = newRun(entry, executor, workload, progress.part());
      measured.add(run, run.run());
    }
    IterationProfile taken = null;
    if (calibration != null) {
      steps.add(pass(calibration, executor, progress));
      taken = calibration.profile(executor, steps, weights, Profiles.measuredNow());
    }
    progress.clear();
    for (int repeat = 0; repeat < repeats; repeat++) {
      if (given != null) {
        measured.addSimulation(simulate(entry, workload, given));
      } else if (calibration != null) {
        List<List<Step>> around = steps.subList(repeat, repeat + 2);
        IterationProfile then =
            calibration.profile(executor, around, weights, Profiles.measuredNow());
        measured.addSimulation(simulate(entry, workload, then));
      }
    }
    print.println(measured.summary(entry.name(), requests));
    if (!measured.allFinished(requests)) {
      print.println("not served first: " + measured.firstUnserved());
    }
    print.println();
    measured.print(print);
    if (given != null) {
      print.printf(Locale.ROOT, "%nsimulated with %s%n", given.summary());
      Profiles.printExecuted(given, measured.steps(), print);
    } else if (taken != null) {
      print.printf(
          Locale.ROOT,
          "%neach repeat is simulated with the passes of %d steps before and after it; over all %d passes:%n",
          PASS_STEPS,
          steps.size());
      Profiles.print(taken, print);
      Profiles.printExecuted(taken, measured.steps(), print);
    }
    print.flush();
    return measured.allFinished(requests) ? Main.OK : Main.FAILED;
  }

  private List<Step> pass(Calibration calibration, Executor executor, Progress progress) {
    List<Step> steps = calibration.pass(executor, model.newPool(executor.options().deviceBlocks()));
    progress.part().accept(requests);
    return steps;
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

  /** A profile of something else would compare what cannot be compared. */
  private static void requireSame(@Nullable IterationProfile profile, Executor executor) {
    if (profile == null) {
      return;
    }
    if (!profile.executor().equals(executor.id())
        || !profile.model().equals(executor.shape())
        || profile.precision() != executor.options().precision()
        || profile.threads() != executor.options().threads()
        || !profile.clock().equals(executor.options().clock().id())) {
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
              + executor.options().threads()
              + ", clock: "
              + executor.options().clock().id());
    }
  }
}
