package io.headway.cli;

import io.headway.executor.Executor;
import io.headway.executor.profile.Calibration;
import io.headway.executor.profile.IterationProfile;
import io.headway.executor.profile.ProfileFile;
import io.headway.executor.weights.Weights;
import io.headway.predictors.iteration.ProfiledIterationTime.Step;
import java.io.IOException;
import java.io.PrintWriter;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.Callable;
import java.util.function.IntConsumer;
import picocli.CommandLine.Command;
import picocli.CommandLine.Mixin;
import picocli.CommandLine.Model.CommandSpec;
import picocli.CommandLine.Option;
import picocli.CommandLine.Spec;

/** {@code headway calibrate}: measures an executor and writes a profile for the simulator. */
@Command(
    name = "calibrate",
    mixinStandardHelpOptions = true,
    sortOptions = false,
    description = {
      "Measures designed steps on an executor and fits how long an iteration takes to what it computes.",
      "Writes a profile that 'headway run' and 'headway compare' simulate with. Leave the machine idle meanwhile."
    },
    footer = {"", "Example:", "  headway calibrate --model small --out small.json"})
final class CalibrateCommand implements Callable<Integer> {
  private static final int MAX_PASSES = 1_000;

  @Mixin private ModelOptions model = new ModelOptions();

  @Option(
      names = "--out",
      paramLabel = "FILE",
      required = true,
      description = "Where the profile goes (JSON).")
  private Path out = Path.of("profile.json");

  @Option(
      names = "--max-seqs",
      paramLabel = "N",
      defaultValue = "8",
      description = "Most sequences decoding at once (default: ${DEFAULT-VALUE}).")
  private int maxSequences;

  @Option(
      names = "--max-prompt",
      paramLabel = "TOKENS",
      defaultValue = "256",
      description = "Longest prompt (default: ${DEFAULT-VALUE}).")
  private int maxPromptTokens;

  @Option(
      names = "--max-chunk",
      paramLabel = "TOKENS",
      defaultValue = "256",
      description = "Largest prefill chunk (default: ${DEFAULT-VALUE}).")
  private int maxChunkTokens;

  @Option(
      names = "--max-new",
      paramLabel = "TOKENS",
      defaultValue = "64",
      description = "Longest output (default: ${DEFAULT-VALUE}).")
  private int maxNewTokens;

  @Option(
      names = "--steps",
      paramLabel = "N",
      defaultValue = "300",
      description = "Designed steps, every fifth held out of the fit (default: ${DEFAULT-VALUE}).")
  private int steps;

  @Option(
      names = "--warm-ups",
      paramLabel = "N",
      defaultValue = "1",
      description = "Passes over all steps before measuring (default: ${DEFAULT-VALUE}).")
  private int warmUps;

  @Option(
      names = "--repetitions",
      paramLabel = "N",
      defaultValue = "3",
      description =
          "Measured passes; a step's time is the median over them (default: ${DEFAULT-VALUE}).")
  private int repetitions;

  @Spec private CommandSpec spec;

  @Override
  public Integer call() throws IOException {
    PrintWriter print = spec.commandLine().getOut();
    ModelOptions.requireRange("--warm-ups", warmUps, 0, MAX_PASSES);
    ModelOptions.requireRange("--repetitions", repetitions, 1, MAX_PASSES);
    requireWritable(out);
    Calibration calibration;
    try {
      calibration =
          new Calibration(
              maxSequences,
              maxPromptTokens,
              maxChunkTokens,
              maxNewTokens,
              Calibration.DRAFT_TOKENS,
              steps,
              model.seed);
    } catch (IllegalArgumentException e) {
      throw new BadInputException(Failure.messageOf(e), e);
    }
    int blocks = calibration.blocks(model.sizes(1, maxSequences).blockTokens());
    IterationProfile profile;
    try (Weights weights = model.openWeights();
        Executor executor =
            model.open(
                weights, model.sizes(blocks, maxSequences).withDrafter(Calibration::draftAll))) {
      if (maxPromptTokens + maxNewTokens > executor.shape().maxPositions()) {
        throw new BadInputException(
            "--max-prompt and --max-new must together be at most "
                + executor.shape().maxPositions()
                + " tokens for "
                + executor.shape().name()
                + ", but are "
                + (maxPromptTokens + maxNewTokens));
      }
      int passes = warmUps + repetitions;
      Progress progress =
          new Progress(
              spec.commandLine().getErr(), passes + " passes of " + steps + " steps", passes);
      IntConsumer done = progress.part();
      List<List<Step>> measured = new ArrayList<>();
      for (int pass = 1; pass <= passes; pass++) {
        List<Step> taken = calibration.pass(executor, model.newPool(blocks));
        if (pass > warmUps) {
          measured.add(taken);
        }
        done.accept(pass);
      }
      progress.clear();
      profile =
          calibration.profile(executor, measured, weights.description(), Profiles.measuredNow());
    }
    try {
      ProfileFile.write(profile, out);
    } catch (IOException e) {
      throw new BadInputException("--out " + out + ": cannot be written: " + e, e);
    }
    Profiles.print(profile, print);
    print.println("wrote " + out);
    print.flush();
    return Main.OK;
  }

  /** Told before the work, not after it. */
  private static void requireWritable(Path out) {
    Path folder = out.toAbsolutePath().getParent();
    if (folder == null || Files.isDirectory(out)) {
      throw new BadInputException("--out must name a file, but " + out + " is a folder");
    }
    if (!Files.isDirectory(folder)) {
      throw new BadInputException("--out " + out + ": there is no folder " + folder);
    }
    if (!Files.isWritable(folder)) {
      throw new BadInputException("--out " + out + ": the folder " + folder + " is read-only");
    }
  }
}
