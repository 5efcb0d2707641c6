package io.headway.executor.cpu;

import java.nio.ByteBuffer;

/**
 * The arithmetic of the decoder in one number format. Every result depends on its operands and
 * never on how many others are computed with it: each output is one chain of operations in a fixed
 * order.
 *
 * @param <A> {@code float[]} or {@code double[]}
 */
interface Kernels<A> {
  A array(int length);

  int length(A array);

  /** Converts elements of a weight file. */
  void load(float[] from, int at, A into, int to, int count);

  /** Stores a run of one output's weights into a packed matrix. */
  void pack(float[] row, int at, PackedMatrix<A> into, int output, int firstInput, int count);

  /**
   * {@code out[t] = W x[t]} for some tiles of the outputs; inputs in ascending order, four to a
   * step.
   *
   * @param first scratch of {@link PackedMatrix#TILE} elements
   * @param second another one
   */
  void multiply(
      PackedMatrix<A> matrix,
      A x,
      int xAt,
      A out,
      int outAt,
      int tokens,
      int fromTile,
      int toTile,
      A first,
      A second);

  /** {@code out = x / sqrt(mean(x^2) + epsilon) * weight}. */
  void rmsNorm(A x, int at, A weight, A out, int outAt, int count, double epsilon);

  /** Turns the halves of every head by the angles whose cosines and sines stand in the tables. */
  void rotate(A vector, int at, int heads, int headDim, A cosines, A sines, int tableAt);

  /** Fills in the cosines and sines of one position, {@code headDim / 2} each. */
  void angles(A cosines, A sines, int at, int position, int headDim, double theta);

  /** {@code into += from}. */
  void add(A into, int at, A from, int fromAt, int count);

  /** {@code into += factor * from}. */
  void addScaled(A into, int at, double factor, A from, int fromAt, int count);

  /** {@code gate = silu(gate) * up}. */
  void swiGlu(A gate, int gateAt, A up, int upAt, int count);

  /**
   * Attention of one query head over its visible positions: those before {@code prefix} through a
   * block table, then those listed.
   *
   * @param query holds the query
   * @param queryAt where
   * @param keys the layer's keys, {@code [block][position][kvHead][headDim]}
   * @param values the layer's values
   * @param table block ids
   * @param tableAt first block of this sequence
   * @param blockTokens positions of a block
   * @param prefix leading positions that are visible
   * @param listed cells, {@code block * blockTokens + position}, visible behind the prefix
   * @param listedAt first of them
   * @param listedCount how many
   * @param kvWidth elements of a cell
   * @param headAt first element of the KV head in a cell
   * @param headDim size of the head
   * @param scores scratch for all visible positions
   * @param scoresAt where
   * @param out receives the weighted values
   * @param outAt where
   */
  void attend(
      A query,
      int queryAt,
      A keys,
      A values,
      int[] table,
      int tableAt,
      int blockTokens,
      int prefix,
      int[] listed,
      int listedAt,
      int listedCount,
      int kvWidth,
      int headAt,
      int headDim,
      A scores,
      int scoresAt,
      A out,
      int outAt);

  void toDoubles(A from, int at, double[] into, int to, int count);

  void write(A from, int at, ByteBuffer into, int count);

  void read(ByteBuffer from, A into, int at, int count);
}
