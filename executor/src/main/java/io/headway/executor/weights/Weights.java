package io.headway.executor.weights;

import io.headway.api.ImplementedByUsers;
import io.headway.api.model.DecoderShape;

/**
 * The parameters of one model, read by tensor name and in pieces, so that nobody needs the whole
 * model in memory twice. Names and layouts are those of {@link WeightLayout}, whatever the file
 * behind it calls them.
 *
 * <p>Not thread-safe.
 */
@ImplementedByUsers
public interface Weights extends AutoCloseable {
  /**
   * Returns the model.
   *
   * @return its shape
   */
  DecoderShape shape();

  /**
   * Returns where the parameters come from, for provenance.
   *
   * @return such as {@code random weights, seed 42}
   */
  String description();

  /**
   * Reads a run of elements of one tensor.
   *
   * @param tensor one of the model's tensors
   * @param from first element, row-major
   * @param into receives the elements
   * @param at where the first goes
   * @param count how many
   * @throws IllegalArgumentException if the model has no such tensor or the run is out of range
   * @throws java.io.UncheckedIOException if a file cannot be read
   */
  void read(WeightTensor tensor, long from, float[] into, int at, int count);

  /** Closes the files behind this object. Idempotent. */
  @Override
  void close();
}
