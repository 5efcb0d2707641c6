package io.headway.executor.weights;

/**
 * One tensor of a model: a matrix {@code [rows][columns]}, row-major, or a vector with one row.
 *
 * @param name as in the published safetensors checkpoints, such as {@code
 *     model.layers.0.self_attn.q_proj.weight}
 * @param rows outputs of a matrix; 1 for a vector
 * @param columns inputs of a matrix; elements of a vector
 */
public record WeightTensor(String name, int rows, int columns) {
  /**
   * Returns the number of elements.
   *
   * @return {@code rows * columns}
   */
  public long elements() {
    return (long) rows * columns;
  }

  /**
   * Returns whether this is a norm's or bias's vector.
   *
   * @return true with a single row
   */
  public boolean isVector() {
    return rows == 1;
  }
}
