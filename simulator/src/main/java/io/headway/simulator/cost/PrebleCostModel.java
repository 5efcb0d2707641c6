package io.headway.simulator.cost;

import io.headway.api.prediction.IterationShape;
import io.headway.api.prediction.IterationTimeModel;
import java.util.Objects;

/**
 * The piecewise linear iteration times of Mistral-7B published with Preble (V. Srivatsa et al.,
 * "Preble: Efficient Distributed Prompt Scheduling for LLM Serving", ICLR 2025, repository
 * benchmarks), in milliseconds for {@code x} batched tokens and {@code c} context tokens in all:
 *
 * <pre>{@code
 * A100  linear    = x >= 256 ? 0.05031337 x + 5.506 : x >= 64 ? 10.5 : 8.96
 * A6000 linear    = x >= 384 ? 0.10842571 x + 4.2098
 *                 : x >= 192 ? -118 + 1.25 x - 2.56e-3 x^2 : 22
 * A6000 attention = c <= 1024 ? 0.32 : 1.86e-4 c + 0.159
 * }</pre>
 *
 * <p>An iteration takes {@code linear} on the A100, for which no attention fit was published, and
 * {@code (linear + attention) / 0.9} on the A6000. The context of an iteration is taken to be all
 * tokens that it attends to: of each chunk its history and itself, of each decode its context.
 *
 * <p>The curves are not monotone at their joints. O(chunks), allocation-free, immutable and
 * thread-safe.
 */
public final class PrebleCostModel implements IterationTimeModel {
  private static final double EXTEND_EFFICIENCY = 0.9;
  private static final double MILLIS_PER_SECOND = 1e3;

  private final Device device;

  /**
   * Creates a model.
   *
   * @param device what it runs on
   */
  public PrebleCostModel(Device device) {
    this.device = Objects.requireNonNull(device, "device");
  }

  /** The devices for which fits were published. */
  public enum Device {
    /** NVIDIA A100. */
    A100,
    /** NVIDIA RTX A6000. */
    A6000
  }

  @Override
  public double seconds(IterationShape shape) {
    if (shape.isEmpty()) {
      return 0;
    }
    double linear = linearMillis(shape.queryTokens());
    if (device == Device.A100) {
      return linear / MILLIS_PER_SECOND;
    }
    long context = shape.prefillTokens() + shape.decodeContextTokens();
    for (int chunk = 0; chunk < shape.chunks(); chunk++) {
      context += shape.chunkHistoryTokens(chunk);
    }
    return extendMillis(shape.queryTokens(), context) / MILLIS_PER_SECOND;
  }

  /**
   * Returns the time of the linear layers.
   *
   * @param batchedTokens tokens of the iteration, at least 0
   * @return milliseconds
   */
  public double linearMillis(long batchedTokens) {
    double x = batchedTokens;
    return switch (device) {
      case A100 -> x >= 256 ? 0.05031337 * x + 5.506 : x >= 64 ? 10.5 : 8.96;
      case A6000 ->
          x >= 384 ? 0.10842571 * x + 4.2098 : x >= 192 ? -118 + 1.25 * x - 2.56e-3 * x * x : 22;
    };
  }

  /**
   * Returns the time of attention on the A6000.
   *
   * @param contextTokens tokens attended to, at least 0
   * @return milliseconds
   * @throws IllegalStateException on the A100, for which no fit was published
   */
  public double attentionMillis(long contextTokens) {
    if (device != Device.A6000) {
      throw new IllegalStateException("no attention fit was published for " + device);
    }
    return contextTokens <= 1024 ? 0.32 : 1.86e-4 * contextTokens + 0.159;
  }

  /**
   * Returns the time of an iteration on the A6000: linear layers and attention over 0.9.
   *
   * @param batchedTokens tokens of the iteration, at least 0
   * @param contextTokens tokens attended to, at least 0
   * @return milliseconds
   * @throws IllegalStateException on the A100, for which no fit was published
   */
  public double extendMillis(long batchedTokens, long contextTokens) {
    return (linearMillis(batchedTokens) + attentionMillis(contextTokens)) / EXTEND_EFFICIENCY;
  }

  @Override
  public String toString() {
    return "preble:" + (device == Device.A100 ? "a100" : "a6000");
  }
}
