package io.headway.executor.cpu;

/**
 * A weight matrix in the order in which it is multiplied: tiles of {@value #TILE} outputs, in a
 * tile input by input, so that the inner loop runs over neighbouring outputs and a batch of tokens
 * finds a tile in the cache. The outputs of the last tile are padded with zeros.
 *
 * @param outputs rows of the matrix
 * @param inputs columns of the matrix
 * @param data {@code tiles * inputs * TILE} elements
 * @param <A> {@code float[]} or {@code double[]}
 */
record PackedMatrix<A>(int outputs, int inputs, A data) {
  static final int TILE = 64;

  int tiles() {
    return tiles(outputs);
  }

  static int tiles(int outputs) {
    return (outputs + TILE - 1) / TILE;
  }

  /** Index of the element that leads from an input to an output. */
  static int index(int output, int input, int inputs) {
    return (output / TILE * inputs + input) * TILE + output % TILE;
  }
}
