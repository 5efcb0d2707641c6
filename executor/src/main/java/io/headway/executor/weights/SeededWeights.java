package io.headway.executor.weights;

import static java.util.Objects.requireNonNull;

import io.headway.api.model.DecoderShape;
import java.util.Objects;

/**
 * Random parameters of the right shapes, the same for the same seed on every machine, and readable
 * at any place at O(1) per element: a device may make them itself.
 *
 * <p>Element {@code i} of a tensor with {@code c} columns is made from {@code u}, uniform in [-1,
 * 1): {@code u = (z >> 40) / 2^23} with {@code z = mix(mix(seed ^ fnv1a64(name)) + (i + 1) *
 * 0x9E3779B97F4A7C15)}, {@code mix} the finaliser of SplitMix64 and {@code fnv1a64} over the name's
 * bytes. A matrix element is {@code u * sqrt(3 / c)}, so that outputs keep the variance of inputs;
 * an embedding element {@code u * sqrt(3)}, a norm {@code 1 + 0.25 u}, a bias {@code 0.5 u}, each
 * computed in float with the factor rounded to float.
 */
public final class SeededWeights implements Weights {
  private static final long GOLDEN_GAMMA = 0x9E3779B97F4A7C15L;
  private static final long FNV_OFFSET = 0xCBF29CE484222325L;
  private static final long FNV_PRIME = 0x100000001B3L;

  private final DecoderShape shape;
  private final long seed;

  /**
   * Makes the parameters of a model.
   *
   * @param shape the model
   * @param seed distinguishes one model of this shape from another
   */
  public SeededWeights(DecoderShape shape, long seed) {
    this.shape = requireNonNull(shape, "shape");
    this.seed = seed;
  }

  @Override
  public DecoderShape shape() {
    return shape;
  }

  @Override
  public String description() {
    return "random weights, seed " + seed;
  }

  /**
   * Returns the seed.
   *
   * @return as given
   */
  public long seed() {
    return seed;
  }

  @Override
  public void read(WeightTensor tensor, long from, float[] into, int at, int count) {
    if (from < 0 || count < 0 || from + count > tensor.elements()) {
      throw new IllegalArgumentException(
          "elements "
              + from
              + " to "
              + (from + count - 1)
              + " must be within the "
              + tensor.elements()
              + " of "
              + tensor.name());
    }
    Objects.checkFromIndexSize(at, count, into.length);
    long key = key(tensor.name());
    float offset = offset(tensor);
    float scale = scale(tensor);
    for (int i = 0; i < count; i++) {
      long z = mix(key + (from + i + 1) * GOLDEN_GAMMA);
      into[at + i] = offset + scale * ((z >> 40) * 0x1.0p-23f);
    }
  }

  /**
   * Returns what the elements of a tensor are drawn with: the start of its sequence.
   *
   * @param name the tensor's name
   * @return {@code mix(seed ^ fnv1a64(name))}
   */
  public long key(String name) {
    long hash = FNV_OFFSET;
    for (int i = 0; i < name.length(); i++) {
      hash = (hash ^ (name.charAt(i) & 0xFF)) * FNV_PRIME;
    }
    return mix(seed ^ hash);
  }

  /**
   * Returns what is added to every element of a tensor.
   *
   * @param tensor the tensor
   * @return 1 for a norm, otherwise 0
   */
  public static float offset(WeightTensor tensor) {
    return tensor.isVector() && !tensor.name().endsWith(".bias") ? 1f : 0f;
  }

  /**
   * Returns the factor of every element's uniform number.
   *
   * @param tensor the tensor
   * @return see the class
   */
  public static float scale(WeightTensor tensor) {
    if (tensor.isVector()) {
      return tensor.name().endsWith(".bias") ? 0.5f : 0.25f;
    }
    boolean embedding = tensor.name().equals("model.embed_tokens.weight");
    return (float) StrictMath.sqrt(embedding ? 3.0 : 3.0 / tensor.columns());
  }

  @Override
  public void close() {}

  private static long mix(long value) {
    long z = value;
    z = (z ^ (z >>> 30)) * 0xBF58476D1CE4E5B9L;
    z = (z ^ (z >>> 27)) * 0x94D049BB133111EBL;
    return z ^ (z >>> 31);
  }
}
