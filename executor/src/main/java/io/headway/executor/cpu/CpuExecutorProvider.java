package io.headway.executor.cpu;

import static java.util.Objects.requireNonNull;

import io.headway.api.model.DecoderShape;
import io.headway.executor.Executor;
import io.headway.executor.ExecutorOptions;
import io.headway.executor.ExecutorProvider;
import io.headway.executor.weights.Weights;
import java.io.BufferedReader;
import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Locale;

/** Opens the reference executor. It is always available. */
public final class CpuExecutorProvider implements ExecutorProvider {
  /** The id of this provider. */
  public static final String ID = "cpu";

  private static final Path CPU_INFO = Path.of("/proc/cpuinfo");
  private static final int CPU_INFO_LINES = 64;

  /** Makes the provider; {@link java.util.ServiceLoader} calls this. */
  public CpuExecutorProvider() {}

  @Override
  public String id() {
    return ID;
  }

  @Override
  public Availability availability() {
    return new Availability(
        true,
        processor()
            + ", "
            + Runtime.getRuntime().availableProcessors()
            + " processors, "
            + virtualMachine());
  }

  @Override
  public Executor open(Weights weights, ExecutorOptions options) {
    requireNonNull(weights, "weights");
    requireMemory(weights.shape(), options);
    String device = processor() + ", threads: " + options.threads() + ", " + virtualMachine();
    return switch (options.precision()) {
      case DOUBLE -> new CpuExecutor<>(new DoubleKernels(), weights, options, device);
      case FLOAT -> new CpuExecutor<>(new FloatKernels(), weights, options, device);
      case BFLOAT16 ->
          throw new IllegalArgumentException(
              "precision must be FLOAT or DOUBLE on the CPU, but was BFLOAT16");
    };
  }

  /** Refuses a model that the heap cannot hold, before it is loaded in vain. */
  private static void requireMemory(DecoderShape shape, ExecutorOptions options) {
    double blocks = (double) options.deviceBlocks() + options.hostBlocks();
    double numbers =
        (double) shape.storedParameters()
            + blocks * options.blockTokens() * shape.kvElementsPerToken();
    double bytes = numbers * options.precision().bytes();
    long heap = Runtime.getRuntime().maxMemory();
    if (bytes > heap) {
      throw new IllegalArgumentException(
          String.format(
              Locale.ROOT,
              "%s in %s with %.0f KV blocks needs %.1f GiB on the CPU, but the heap has %.1f GiB;"
                  + " give more with JAVA_TOOL_OPTIONS=-Xmx, or take a smaller model",
              shape.name(),
              options.precision(),
              blocks,
              bytes / (1L << 30),
              (double) heap / (1L << 30)));
    }
  }

  private static String virtualMachine() {
    return System.getProperty("java.vm.name") + " " + System.getProperty("java.vm.version");
  }

  /** The processor's own name where the system tells it, otherwise its architecture. */
  private static String processor() {
    if (Files.isReadable(CPU_INFO)) {
      try (BufferedReader lines = Files.newBufferedReader(CPU_INFO, StandardCharsets.UTF_8)) {
        for (int i = 0; i < CPU_INFO_LINES; i++) {
          String line = lines.readLine();
          if (line == null) {
            break;
          }
          if (line.startsWith("model name")) {
            return line.substring(line.indexOf(':') + 1).strip();
          }
        }
      } catch (IOException e) {
        // Then the architecture is all that is known.
        return System.getProperty("os.arch");
      }
    }
    return System.getProperty("os.arch");
  }
}
