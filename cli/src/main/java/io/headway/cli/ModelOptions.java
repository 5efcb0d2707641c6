package io.headway.cli;

import io.headway.api.model.DecoderShape;
import io.headway.executor.Executor;
import io.headway.executor.ExecutorOptions;
import io.headway.executor.ExecutorProvider;
import io.headway.executor.Executors;
import io.headway.executor.Precision;
import io.headway.executor.StepClock;
import io.headway.executor.cpu.CpuExecutorProvider;
import io.headway.executor.weights.SeededWeights;
import io.headway.executor.weights.WeightFiles;
import io.headway.executor.weights.WeightFormatException;
import io.headway.executor.weights.Weights;
import io.headway.memory.pool.PagedKvBlockPool;
import io.headway.memory.pool.PagedKvConfig;
import java.nio.file.Path;
import org.jspecify.annotations.Nullable;
import picocli.CommandLine.Model.CommandSpec;
import picocli.CommandLine.Option;
import picocli.CommandLine.Spec;

/** Which model is run on which device; the same for every command that executes. */
final class ModelOptions {
  private static final int MAX_THREADS = 256;
  private static final int MAX_BLOCK_TOKENS = 1 << 16;

  /** The command that these options belong to. */
  @Spec(Spec.Target.MIXEE)
  private CommandSpec spec;

  /** The values of {@code --clock}. */
  enum Clock {
    CPU,
    WALL
  }

  @Option(
      names = "--executor",
      paramLabel = "ID",
      defaultValue = "cpu",
      description =
          "Who computes: cpu, and cuda or opencl where they are built; see 'headway devices' (default: ${DEFAULT-VALUE}).")
  private String executor = "";

  @Option(
      names = "--model",
      paramLabel = "NAME",
      defaultValue = "small",
      description =
          "Shape with random weights: tiny, tiny-bias, tiny-moe, small, small-moe, llama2-7b, llama2-70b, llama3-8b, qwen2.5-7b or mixtral-8x7b (default: ${DEFAULT-VALUE}).")
  private String model = "";

  @Option(
      names = "--weights",
      paramLabel = "PATH",
      description =
          "Real weights instead: a folder with config.json and safetensors, or a .gguf file.")
  private @Nullable Path weights;

  @Option(
      names = "--precision",
      paramLabel = "FORMAT",
      defaultValue = "float",
      description =
          "float, double or bfloat16, where the device has it (default: ${DEFAULT-VALUE}).")
  private Precision precision = Precision.FLOAT;

  @Option(
      names = "--block-tokens",
      paramLabel = "N",
      defaultValue = "16",
      description = "Tokens a KV block (default: ${DEFAULT-VALUE}).")
  int blockTokens;

  @Option(
      names = "--threads",
      paramLabel = "N",
      defaultValue = "1",
      description = "Threads that compute on the CPU (default: ${DEFAULT-VALUE}).")
  private int threads;

  @Option(
      names = "--clock",
      paramLabel = "cpu|wall",
      description =
          "What measures time. cpu: CPU time of the computing thread, waits for arrivals jumped over, so that programs that take the core away do not count. wall: real time (default: cpu with --executor cpu, otherwise wall).")
  private @Nullable Clock clock;

  @Option(
      names = "--seed",
      paramLabel = "N",
      defaultValue = "1",
      description = "Seed of random weights, requests and samples (default: ${DEFAULT-VALUE}).")
  long seed;

  /** Opens the weights; what is wrong with them is one line. */
  Weights openWeights() {
    requireRange("--threads", threads, 1, MAX_THREADS);
    requireRange("--block-tokens", blockTokens, 1, MAX_BLOCK_TOKENS);
    Path path = weights;
    if (path != null && spec.commandLine().getParseResult().hasMatchedOption("--model")) {
      throw new BadInputException(
          "--model and --weights exclude each other: the files say what model they are");
    }
    try {
      return path == null
          ? new SeededWeights(DecoderShape.named(model), seed)
          : WeightFiles.open(path);
    } catch (IllegalArgumentException | WeightFormatException e) {
      throw new BadInputException(Failure.messageOf(e), e);
    }
  }

  /** Opens the device, or says in one line why it cannot be. */
  Executor open(Weights opened, ExecutorOptions options) {
    try {
      ExecutorProvider provider =
          Executors.discover(ModelOptions.class.getClassLoader()).named(executor);
      ExecutorProvider.Availability availability = provider.availability();
      if (!availability.available()) {
        throw new BadInputException(
            "--executor " + executor + ": no such device here: " + availability.description());
      }
      return provider.open(
          opened, options.withPrecision(precision).withThreads(threads).withClock(stepClock()));
    } catch (IllegalArgumentException | IllegalStateException | WeightFormatException e) {
      throw new BadInputException("--executor " + executor + ": " + Failure.messageOf(e), e);
    }
  }

  /** Only the CPU executor computes in the thread whose time the CPU clock tells. */
  private StepClock stepClock() {
    boolean computesHere = executor.equals(CpuExecutorProvider.ID);
    Clock wanted = clock;
    if (wanted == null) {
      wanted = computesHere && StepClock.cpuSupported() ? Clock.CPU : Clock.WALL;
    } else if (wanted == Clock.CPU && !computesHere) {
      throw new BadInputException(
          "--clock must be wall with --executor "
              + executor
              + ", whose work takes no CPU time of this thread, but was cpu");
    }
    return wanted == Clock.CPU ? StepClock.cpu() : StepClock.WALL;
  }

  /** The sizes of an executor; the rest comes with {@link #open}. */
  ExecutorOptions sizes(int blocks, int maxSequences) {
    try {
      return ExecutorOptions.of(blockTokens, blocks, maxSequences);
    } catch (IllegalArgumentException e) {
      throw new BadInputException(Failure.messageOf(e), e);
    }
  }

  /** A pool of the executor's sizes. Prompts are random, so there are no prefixes to find. */
  PagedKvBlockPool newPool(int blocks) {
    return PagedKvBlockPool.of(PagedKvConfig.of(blockTokens, blocks).withPrefixCaching(false));
  }

  static void requireRange(String option, int value, int least, int most) {
    if (value < least || value > most) {
      throw new BadInputException(
          option + " must be from " + least + " to " + most + ", but was " + value);
    }
  }
}
