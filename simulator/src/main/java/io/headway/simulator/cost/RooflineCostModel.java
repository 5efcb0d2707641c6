package io.headway.simulator.cost;

import io.headway.api.prediction.IterationShape;
import io.headway.api.prediction.IterationTimeModel;
import java.util.Objects;

/**
 * The time of one iteration of a decoder-only model on a group of equal devices, from a roofline of
 * arithmetic against memory bandwidth. The default clock of the simulator.
 *
 * <p>With {@code N} token positions through the linear layers, parameters {@code P} multiplied per
 * token and {@code P'} read, {@code L} layers, {@code H} query heads of size {@code dh}, hidden
 * size {@code d}, KV bytes per token {@code kappa}, peaks {@code F} (arithmetic), {@code B}
 * (memory) and {@code V} (link), tensor parallelism {@code tp} and the constants of {@link
 * RooflineEfficiencies}:
 *
 * <pre>{@code
 * linear    = max(2 P N / (eta_c F tp), bytesPerWeight P' / (eta_w B tp))
 * attention = 4 L H dh * sum over chunks n (h + (n + 1) / 2) / (eta_a F tp)
 * kv        = kappa * sum of decode contexts / (eta_k B tp)
 * comm      = tp == 1 ? 0 : 2 L (alpha + 2 (tp - 1) / tp * N d 2 / V)
 * sequence  = t_seq * (chunks + decodes)
 * iteration = N == 0 ? 0 : t0 + linear + attention + kv + comm + sequence
 * }</pre>
 *
 * <p>The linear part is a roofline proper; attention adds to it because it runs in kernels of its
 * own. Drafted tokens and padding count as token positions; the attention arithmetic of drafted
 * tokens is neglected, their KV is read once with the decode's. KV heads fewer than {@code tp}
 * would be replicated on hardware, which this model ignores. In a mixture of experts {@code P}
 * counts activated parameters and {@code P'} those of the experts touched.
 *
 * <p>Strictly increasing in every chunk, history, context and in the batch. O(1) per iteration,
 * allocation-free, immutable and thread-safe. The composition and the default efficiencies are this
 * project's own; the idea is the roofline model of S. Williams, A. Waterman and D. Patterson, CACM
 * 2009.
 */
public final class RooflineCostModel implements IterationTimeModel {
  /** Default share of device memory that weights and KV may use together. */
  public static final double DEFAULT_MEMORY_UTILIZATION = 0.9;

  private static final double ACTIVATION_BYTES = 2; // bf16 activations in the all-reduces
  private static final double NANOS_PER_SECOND = 1e9;

  private final ModelShape model;
  private final Gpu gpu;
  private final int tensorParallel;
  private final RooflineEfficiencies efficiencies;

  private final double secondsPerToken;
  private final double secondsPerParameterRead;
  private final double attentionSecondsPerPair;
  private final double kvSecondsPerToken;
  private final double commFixedSeconds;
  private final double commSecondsPerToken;

  /**
   * Creates a model with the default efficiencies.
   *
   * @param model what runs
   * @param gpu what it runs on
   * @param tensorParallel devices over which every layer is split, at least 1
   */
  public RooflineCostModel(ModelShape model, Gpu gpu, int tensorParallel) {
    this(model, gpu, tensorParallel, RooflineEfficiencies.DEFAULTS);
  }

  /**
   * Creates a model.
   *
   * @param model what runs
   * @param gpu what it runs on
   * @param tensorParallel devices over which every layer is split, at least 1
   * @param efficiencies calibration to the kernels and the engine
   * @throws IllegalArgumentException if {@code tensorParallel} is below 1
   */
  public RooflineCostModel(
      ModelShape model, Gpu gpu, int tensorParallel, RooflineEfficiencies efficiencies) {
    this.model = Objects.requireNonNull(model, "model");
    this.gpu = Objects.requireNonNull(gpu, "gpu");
    this.efficiencies = Objects.requireNonNull(efficiencies, "efficiencies");
    CostChecks.atLeast(tensorParallel, 1, "tensorParallel", "devices");
    this.tensorParallel = tensorParallel;

    double flops = gpu.peakFlopsPerSecond() * tensorParallel;
    double bandwidth = gpu.hbmBytesPerSecond() * tensorParallel;
    secondsPerToken = 2 * model.activatedParameters() / (efficiencies.computeEfficiency() * flops);
    secondsPerParameterRead =
        efficiencies.bytesPerWeight() / (efficiencies.weightBandwidthEfficiency() * bandwidth);
    attentionSecondsPerPair =
        4.0
            * model.layers()
            * model.queryHeads()
            * model.headDim()
            / (efficiencies.attentionEfficiency() * flops);
    kvSecondsPerToken =
        model.kvBytesPerToken(efficiencies.bytesPerKvElement())
            / (efficiencies.kvBandwidthEfficiency() * bandwidth);
    boolean split = tensorParallel > 1;
    commFixedSeconds = split ? 2.0 * model.layers() * efficiencies.allReduceLatencySeconds() : 0;
    commSecondsPerToken =
        split
            ? 2.0
                * model.layers()
                * 2
                * (tensorParallel - 1)
                / tensorParallel
                * model.hiddenSize()
                * ACTIVATION_BYTES
                / gpu.linkBytesPerSecond()
            : 0;
  }

  @Override
  public double seconds(IterationShape shape) {
    long tokens = shape.queryTokens();
    return tokens == 0
        ? 0
        : efficiencies.fixedSeconds()
            + linearSeconds(tokens)
            + attentionSeconds(shape)
            + kvSeconds(shape.decodeContextTokens())
            + commSeconds(tokens)
            + sequenceSeconds(shape);
  }

  @Override
  public void decodeNanos(IterationShape shape, int iterations, long[] nanos) {
    IterationTimeModel.requireDecodesOnly(shape);
    if (shape.queryTokens() > 0) {
      // All but the KV term stays the same; the sum is taken in the order of seconds(), so that it
      // is the same number.
      double beforeKv =
          efficiencies.fixedSeconds()
              + linearSeconds(shape.queryTokens())
              + attentionSeconds(shape);
      double comm = commSeconds(shape.queryTokens());
      double sequence = sequenceSeconds(shape);
      long context = shape.decodeContextTokens();
      for (int i = 0; i < iterations; i++) {
        double seconds = beforeKv + kvSeconds(context) + comm + sequence;
        nanos[i] = Math.round(seconds * NANOS_PER_SECOND);
        context += shape.decodes();
      }
    } else {
      for (int i = 0; i < iterations; i++) {
        nanos[i] = 0;
      }
    }
    shape.advanceDecodes(iterations);
  }

  /**
   * Returns the parts of {@link #seconds}.
   *
   * @param shape the iteration
   * @return its parts, all 0 if the shape is empty
   */
  public Breakdown breakdown(IterationShape shape) {
    long tokens = shape.queryTokens();
    return tokens == 0
        ? new Breakdown(0, 0, 0, 0, 0, 0)
        : new Breakdown(
            linearSeconds(tokens),
            attentionSeconds(shape),
            kvSeconds(shape.decodeContextTokens()),
            commSeconds(tokens),
            sequenceSeconds(shape),
            efficiencies.fixedSeconds());
  }

  /**
   * Returns what runs.
   *
   * @return the model's shape
   */
  public ModelShape model() {
    return model;
  }

  /**
   * Returns what it runs on.
   *
   * @return the device
   */
  public Gpu gpu() {
    return gpu;
  }

  /**
   * Returns over how many devices every layer is split.
   *
   * @return devices, at least 1
   */
  public int tensorParallel() {
    return tensorParallel;
  }

  /**
   * Returns the KV bytes of one token over all devices.
   *
   * @return bytes
   */
  public double kvBytesPerToken() {
    return model.kvBytesPerToken(efficiencies.bytesPerKvElement());
  }

  /**
   * Returns how many tokens' KV fit beside the weights: {@code floor((utilization * memory * tp -
   * bytesPerWeight * parameters - reserve) / kappa)}.
   *
   * @param utilization share of device memory that may be used, in (0, 1]; see {@link
   *     #DEFAULT_MEMORY_UTILIZATION}
   * @param reserveBytes memory kept free for activations, over all devices; at least 0
   * @return tokens; 0 if not even one fits, so that the model cannot run there
   * @throws IllegalArgumentException if an argument is out of range
   */
  public long kvCapacityTokens(double utilization, double reserveBytes) {
    CostChecks.fraction(utilization, "utilization");
    CostChecks.notNegative(reserveBytes, "reserveBytes", "bytes");
    double free =
        utilization * gpu.memoryBytes() * tensorParallel
            - efficiencies.bytesPerWeight() * model.parameters()
            - reserveBytes;
    return (long) Math.max(0, Math.floor(free / kvBytesPerToken()));
  }

  /**
   * Returns how long blocks take to the host and back: each device moves its share of a block over
   * its own link, two copies per layer.
   *
   * @param blockTokens tokens of a block, at least 1
   * @param secondsPerCopy fixed time of a copy, at least 0 s; see {@link
   *     SwapTransferModel#DEFAULT_SECONDS_PER_COPY}
   * @return the model
   * @throws IllegalArgumentException if an argument is out of range
   */
  public SwapTransferModel swapTransfers(int blockTokens, double secondsPerCopy) {
    CostChecks.atLeast(blockTokens, 1, "blockTokens", "token");
    return new SwapTransferModel(
        blockTokens * kvBytesPerToken(),
        gpu.hostBytesPerSecond() * tensorParallel,
        2 * model.layers(),
        secondsPerCopy);
  }

  @Override
  public String toString() {
    return "roofline:" + model.name() + "," + gpu.name() + ",tp=" + tensorParallel;
  }

  private double linearSeconds(long tokens) {
    return Math.max(
        secondsPerToken * tokens, secondsPerParameterRead * model.touchedParameters(tokens));
  }

  private double attentionSeconds(IterationShape shape) {
    return attentionSecondsPerPair * shape.prefillAttentionPairs();
  }

  private double kvSeconds(long contextTokens) {
    return kvSecondsPerToken * contextTokens;
  }

  private double commSeconds(long tokens) {
    return commFixedSeconds + commSecondsPerToken * tokens;
  }

  private double sequenceSeconds(IterationShape shape) {
    return efficiencies.perSequenceSeconds() * shape.sequences();
  }

  /**
   * The parts of an iteration's time, which add up to it.
   *
   * @param linearSeconds matrix products: arithmetic or weight streaming, whichever is longer
   * @param attentionSeconds arithmetic of prefill attention
   * @param kvSeconds reading the KV of the decodes
   * @param commSeconds all-reduces between the devices
   * @param sequenceSeconds cost per chunk and decode
   * @param fixedSeconds cost of any iteration
   */
  public record Breakdown(
      double linearSeconds,
      double attentionSeconds,
      double kvSeconds,
      double commSeconds,
      double sequenceSeconds,
      double fixedSeconds) {}
}
