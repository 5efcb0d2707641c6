package io.headway.executor.gpu.check;

import io.headway.api.model.DecoderShape;
import io.headway.executor.Executor;
import io.headway.executor.ExecutorOptions;
import io.headway.executor.ExecutorProvider;
import io.headway.executor.Precision;
import io.headway.executor.gpu.GpuExecutor;
import io.headway.executor.gpu.GpuExecutorProvider;
import io.headway.executor.gpu.device.Device;
import io.headway.executor.gpu.device.DeviceBuffer;
import io.headway.executor.gpu.device.DeviceException;
import io.headway.executor.gpu.device.DeviceUnavailableException;
import io.headway.executor.gpu.device.Devices;
import io.headway.executor.gpu.device.ElementType;
import io.headway.executor.gpu.device.KernelSettings;
import io.headway.executor.weights.SeededWeights;
import java.io.PrintStream;
import java.lang.foreign.MemorySegment;
import java.time.LocalDate;
import java.time.ZoneOffset;
import java.util.ArrayList;
import java.util.List;
import java.util.Locale;

/**
 * The program behind {@code tools/gpu-check}: correctness first, then times. Exit status 0 if
 * everything that was tried is right, 1 if a kernel or a request is wrong, 2 for bad arguments, 3
 * if there is no device.
 */
public final class GpuCheck {
  private static final String USAGE =
      """
      usage: gpu-check [--device cuda|opencl] [--model NAME] [--precision bf16|f32] [--quick] [--no-timings] [--seed N]

        --device     which kind of device; cuda if there is one, otherwise opencl
        --model      shape that is timed, with random weights; llama3-8b, with --quick small
        --precision  storage of what is timed; bf16
        --quick      short lengths and few rounds, for a CPU
        --no-timings correctness only
        --seed       of the random inputs; from the clock, and printed
      """;

  private final PrintStream out;
  private String device = "";
  private String model = "";
  private Precision precision = Precision.BFLOAT16;
  private boolean quick;
  private boolean timings = true;
  private long seed = System.nanoTime();
  private int wrong;

  private GpuCheck(PrintStream out) {
    this.out = out;
  }

  /**
   * Runs the program.
   *
   * @param arguments see {@code --help}
   */
  public static void main(String[] arguments) {
    System.exit(run(System.out, arguments));
  }

  /**
   * Runs the program without ending the virtual machine.
   *
   * @param out where it prints
   * @param arguments see {@code --help}
   * @return the exit status
   */
  public static int run(PrintStream out, String... arguments) {
    GpuCheck check = new GpuCheck(out);
    try {
      if (!check.parse(arguments)) {
        return 0;
      }
      check.check();
      return check.wrong == 0 ? 0 : 1;
    } catch (IllegalArgumentException e) {
      out.println("gpu-check: " + e.getMessage());
      return 2;
    } catch (DeviceUnavailableException e) {
      out.println("gpu-check: " + e.getMessage());
      return 3;
    } catch (DeviceException e) {
      out.println("gpu-check: " + e.getMessage());
      return 1;
    }
  }

  private boolean parse(String[] arguments) {
    for (int i = 0; i < arguments.length; i++) {
      switch (arguments[i]) {
        case "--help" -> {
          out.print(USAGE);
          return false;
        }
        case "--quick" -> quick = true;
        case "--no-timings" -> timings = false;
        case "--device" ->
            device =
                oneOf("--device", value(arguments, ++i, "--device"), List.of("cuda", "opencl"));
        case "--model" -> model = DecoderShape.named(value(arguments, ++i, "--model")).name();
        case "--precision" ->
            precision =
                oneOf("--precision", value(arguments, ++i, "--precision"), List.of("bf16", "f32"))
                        .equals("bf16")
                    ? Precision.BFLOAT16
                    : Precision.FLOAT;
        case "--seed" -> {
          String text = value(arguments, ++i, "--seed");
          try {
            seed = Long.parseLong(text);
          } catch (NumberFormatException e) {
            throw new IllegalArgumentException(
                "--seed must be a whole number, but was '" + text + "'", e);
          }
        }
        default ->
            throw new IllegalArgumentException(
                "unknown argument '" + arguments[i] + "'; --help lists what there is");
      }
    }
    return true;
  }

  private static String value(String[] arguments, int at, String option) {
    if (at >= arguments.length) {
      throw new IllegalArgumentException(option + " needs a value; --help lists what there is");
    }
    return arguments[at];
  }

  private static String oneOf(String option, String value, List<String> allowed) {
    if (!allowed.contains(value)) {
      throw new IllegalArgumentException(
          option + " must be one of " + allowed + ", but was '" + value + "'");
    }
    return value;
  }

  private ExecutorProvider provider() {
    return device.equals("cuda")
        ? new GpuExecutorProvider.Cuda()
        : new GpuExecutorProvider.OpenCl();
  }

  private Device open() throws DeviceUnavailableException {
    return device.equals("cuda")
        ? Devices.openCuda(0, GpuExecutorProvider.cacheFolder())
        : Devices.openOpenCl(0);
  }

  private void check() throws DeviceUnavailableException {
    List<Devices.Listing> listings = Devices.list();
    for (Devices.Listing listing : listings) {
      out.println(
          listing.devices().isEmpty()
              ? listing.kind() + ": none. " + listing.trouble()
              : listing.devices().toString());
    }
    if (device.isEmpty()) {
      device = listings.get(0).devices().isEmpty() ? "opencl" : "cuda";
    }
    out.printf(
        Locale.ROOT,
        "%nGPU check, %s, device %s, seed %d%n",
        LocalDate.now(ZoneOffset.UTC),
        device,
        seed);
    kernels();
    requests();
    out.printf(Locale.ROOT, "%n%s%n", wrong == 0 ? "CORRECT" : wrong + " WRONG");
    if (timings) {
      times();
    }
  }

  private void kernels() throws DeviceUnavailableException {
    out.println("\nKernels against double precision, outputs poisoned, inputs as stored:");
    out.printf(
        Locale.ROOT,
        "%-6s %-22s %-40s %11s %9s%n",
        "",
        "kernel",
        "inputs",
        "rel. error",
        "allowed");
    for (ElementType element : ElementType.values()) {
      List<KernelSettings> all =
          List.of(
              new KernelSettings(element, 128, 4, 16, KernelSettings.DEFAULT_THREADS),
              new KernelSettings(element, 64, 7, 16, 64),
              new KernelSettings(element, 8, 2, 4, 32));
      for (KernelSettings settings : all) {
        try (Device opened = open()) {
          for (KernelCheck check : KernelChecks.run(opened, settings, seed)) {
            wrong += check.passed() ? 0 : 1;
            if (!check.passed() || settings.equals(all.get(0))) {
              out.printf(
                  Locale.ROOT,
                  "%-6s %-22s %-40s %11.2e %9.1e%s%n",
                  element,
                  check.kernel(),
                  check.inputs() + (settings.equals(all.get(0)) ? "" : " with " + settings),
                  check.error(),
                  check.allowed(),
                  check.passed() ? "" : "  WRONG");
            }
          }
        }
      }
    }
  }

  private void requests() {
    out.println("\nWhole requests, equal tokens under every schedule:");
    List<DecoderShape> shapes =
        List.of(DecoderShape.TINY, DecoderShape.TINY_BIAS, DecoderShape.TINY_MOE);
    for (DecoderShape shape : shapes) {
      for (Precision stored : new Precision[] {Precision.FLOAT, Precision.BFLOAT16}) {
        int schedules = 0;
        int tokens = 0;
        int different = 0;
        List<RequestCheck> failed = new ArrayList<>();
        for (RequestCheck check : RequestChecks.run(provider(), shape, stored, seed)) {
          schedules++;
          tokens += check.tokens();
          different += check.different();
          if (!check.passed()) {
            failed.add(check);
          }
        }
        wrong += failed.size();
        out.printf(
            Locale.ROOT,
            "%-22s %3d schedules, %6d tokens, %d requests differ from %s%n",
            shape.name() + " in " + stored,
            schedules,
            tokens,
            different,
            stored == Precision.FLOAT ? "the CPU in double" : "one by one on the device");
        failed.forEach(check -> out.println("  WRONG: " + check));
      }
    }
  }

  private void times() throws DeviceUnavailableException {
    ElementType element = precision == Precision.BFLOAT16 ? ElementType.BF16 : ElementType.F32;
    Ceilings ceilings;
    long memory;
    try (Device opened = open()) {
      ceilings = Ceilings.measure(opened, element, quick, seed);
      memory = opened.info().memoryBytes();
    }
    out.printf(
        Locale.ROOT,
        "%nCeilings measured in this run: copy %.3g GB/s (read + written), product %.4g TFLOP/s in %s, up %.3g GB/s, down"
            + " %.3g GB/s%n",
        ceilings.copyBytesPerSecond() / 1e9,
        ceilings.productFlops() / 1e12,
        element,
        ceilings.uploadBytesPerSecond() / 1e9,
        ceilings.downloadBytesPerSecond() / 1e9);
    DecoderShape shape =
        DecoderShape.named(model.isEmpty() ? (quick ? "small" : "llama3-8b") : model);
    header(shape);
    try (Executor executor = executor(shape, element, memory, quick ? 16 : 256)) {
      StepTimings timed = new StepTimings((GpuExecutor) executor);
      for (int tokens : quick ? new int[] {32, 128} : new int[] {512, 2048, 8191}) {
        row(timed.prefill(tokens), ceilings);
      }
      for (int context : quick ? new int[] {32, 300} : new int[] {128, 2048, 8000, 16384}) {
        for (int batch : quick ? new int[] {1, 4} : new int[] {1, 4, 16, 64, 128, 256}) {
          row(timed.decode(batch, context), ceilings);
        }
      }
      row(quick ? timed.mixed(32, 4, 64) : timed.mixed(512, 64, 2048), ceilings);
    }
    swap(shape, element, ceilings);
    DecoderShape mixture = quick ? DecoderShape.SMALL_MOE : mixtureLayer();
    header(mixture);
    try (Executor executor = executor(mixture, element, memory, quick ? 16 : 256)) {
      StepTimings timed = new StepTimings((GpuExecutor) executor);
      row(timed.prefill(quick ? 32 : 2048), ceilings);
      row(timed.decode(quick ? 4 : 64, quick ? 32 : 2048), ceilings);
    }
  }

  private void header(DecoderShape shape) {
    out.printf(
        Locale.ROOT,
        "%n%s in %s, random weights%n%-34s %10s %9s %10s %10s %8s %8s%n",
        shape.name(),
        precision,
        "step",
        "ms",
        "host us",
        "GB",
        "GFLOP",
        "of copy",
        "of prod.");
  }

  /**
   * Two layers of Mixtral 8x7B with a small vocabulary: what a mixture layer costs, without the
   * rest of the model.
   */
  private static DecoderShape mixtureLayer() {
    DecoderShape whole = DecoderShape.MIXTRAL_8X7B;
    return new DecoderShape(
        "mixtral-8x7b, 2 layers",
        1024,
        whole.hiddenSize(),
        whole.intermediateSize(),
        2,
        whole.queryHeads(),
        whole.kvHeads(),
        whole.headDim(),
        whole.maxPositions(),
        whole.ropeTheta(),
        whole.normEpsilon(),
        whole.qkvBias(),
        whole.tiedEmbeddings(),
        whole.experts(),
        whole.expertsPerToken());
  }

  private Executor executor(DecoderShape shape, ElementType element, long memory, int sequences) {
    int blockTokens = 16;
    long blockBytes = shape.kvElementsPerToken() * blockTokens * element.bytes();
    long left = (long) (0.75 * (memory - shape.storedParameters() * element.bytes()));
    long most = quick ? 32L << 20 : 80L << 30;
    int blocks = (int) Math.min(1 << 20, Math.max(8, Math.min(left, most) / blockBytes));
    return provider()
        .open(
            new SeededWeights(shape, 1),
            ExecutorOptions.of(blockTokens, blocks, sequences)
                .withPrecision(precision)
                .withCheckPlans(false));
  }

  private void row(StepTiming timing, Ceilings ceilings) {
    if (!timing.measured()) {
      out.printf(Locale.ROOT, "%-34s not measured: %s%n", timing.name(), timing.note());
      return;
    }
    double seconds = timing.millis() / 1e3;
    out.printf(
        Locale.ROOT,
        "%-34s %10.4f %9.1f %10.4f %10.3f %7.1f%% %7.1f%%%n",
        timing.name(),
        timing.millis(),
        timing.hostMicros(),
        timing.work().bytes() / 1e9,
        timing.work().flops() / 1e9,
        100 * timing.work().bytes() / seconds / ceilings.copyBytesPerSecond(),
        100 * timing.work().flops() / seconds / ceilings.productFlops());
  }

  private void swap(DecoderShape shape, ElementType element, Ceilings ceilings)
      throws DeviceUnavailableException {
    long blockBytes = shape.kvElementsPerToken() * 16 * element.bytes();
    int blocks = quick ? 4 : 64;
    try (Device opened = open();
        DeviceBuffer buffer = opened.allocate(blockBytes * blocks)) {
      MemorySegment host = opened.allocateHost(blockBytes * blocks);
      double[] out0 = new double[7];
      double[] in0 = new double[7];
      for (int round = 0; round < out0.length; round++) {
        out0[round] = timeSwap(opened, buffer, host, blockBytes, blocks, true);
        in0[round] = timeSwap(opened, buffer, host, blockBytes, blocks, false);
      }
      report(
          "swap out " + blocks + " blocks",
          StepTimings.median(out0),
          blockBytes * blocks,
          ceilings.downloadBytesPerSecond());
      report(
          "swap in " + blocks + " blocks",
          StepTimings.median(in0),
          blockBytes * blocks,
          ceilings.uploadBytesPerSecond());
    }
  }

  private static double timeSwap(
      Device opened,
      DeviceBuffer buffer,
      MemorySegment host,
      long blockBytes,
      int blocks,
      boolean toHost) {
    try (Device.Mark start = opened.mark()) {
      for (int b = 0; b < blocks; b++) {
        // Scattered, as a pool would have them.
        long at = (b * 37L % blocks) * blockBytes;
        MemorySegment to = host.asSlice(b * blockBytes, blockBytes);
        if (toHost) {
          opened.download(buffer, at, to, blockBytes);
        } else {
          opened.upload(to, buffer, at, blockBytes);
        }
      }
      try (Device.Mark end = opened.mark()) {
        return end.millisSince(start);
      }
    }
  }

  private void report(String name, double millis, long bytes, double ceiling) {
    out.printf(
        Locale.ROOT,
        "%-34s %10.4f %9s %10.4f %10s %7.1f%% of the link%n",
        name,
        millis,
        "",
        bytes / 1e9,
        "",
        100 * bytes / (millis / 1e3) / ceiling);
  }
}
