package io.headway.executor.cpu;

import java.util.List;

/**
 * A weight matrix in the order in which it is multiplied: tiles of {@value #TILE} outputs, in a
 * tile one array per input with the weights that lead from it to the tile's outputs. The inner loop
 * runs over arrays from index 0, which is what the compiler of JDK 17 vectorises (with an offset
 * per array it does not), and a batch of tokens finds a tile in the cache.
 *
 * @param outputs rows of the matrix
 * @param inputs columns of the matrix
 * @param rows {@code tiles * inputs} arrays of {@value #TILE} elements, padded with zeros
 * @param <A> {@code float[]} or {@code double[]}
 */
record PackedMatrix<A>(int outputs, int inputs, List<A> rows) {
  static final int TILE = 128;

  int tiles() {
    return tiles(outputs);
  }

  static int tiles(int outputs) {
    return (outputs + TILE - 1) / TILE;
  }

  /** The weights that lead from an input to the outputs of a tile. */
  A row(int tile, int input) {
    return rows.get(tile * inputs + input);
  }
}
