package io.headway.simulator.workload;

import java.util.Arrays;

/**
 * The content of the prompts as a sequence of block ids per row: an equal id at position k means an
 * equal block and an equal prefix up to it. The last block of a prompt may be partial.
 *
 * <p>Stored as one flat array with an offset per row. Immutable.
 */
public final class BlockKeys {
  private final int blockTokens;
  private final int[] offsets;
  private final long[] ids;

  private BlockKeys(int blockTokens, int[] offsets, long[] ids) {
    this.blockTokens = blockTokens;
    this.offsets = offsets;
    this.ids = ids;
  }

  /**
   * Returns the tokens of a full block.
   *
   * @return tokens per block, at least 1
   */
  public int blockTokens() {
    return blockTokens;
  }

  /**
   * Returns how many rows there are.
   *
   * @return the number of rows
   */
  public int rows() {
    return offsets.length - 1;
  }

  /**
   * Returns how many blocks a row has.
   *
   * @param row index of the row
   * @return the number of ids, the one of a partial last block included
   */
  public int count(int row) {
    return offsets[row + 1] - offsets[row];
  }

  /**
   * Returns a block id.
   *
   * @param row index of the row
   * @param block position in 0 .. {@link #count} - 1
   * @return the id
   */
  public long id(int row, int block) {
    if (block < 0 || block >= count(row)) {
      throw new IndexOutOfBoundsException(
          "block must be in 0.." + (count(row) - 1) + " of row " + row + ", but was " + block);
    }
    return ids[offsets[row] + block];
  }

  /**
   * Returns the ids of all rows together.
   *
   * @return the total number of blocks
   */
  public int total() {
    return ids.length;
  }

  /** The rows {@code order[0], order[1], …}, each cut to the blocks of its prompt. */
  BlockKeys rows(int[] order, int[] promptTokens) {
    Builder builder = new Builder(blockTokens);
    for (int i = 0; i < order.length; i++) {
      int row = order[i];
      int blocks = Math.min(count(row), blocksOf(promptTokens[i], blockTokens));
      for (int k = 0; k < blocks; k++) {
        builder.add(ids[offsets[row] + k]);
      }
      builder.endRow();
    }
    return builder.build();
  }

  static int blocksOf(int tokens, int blockTokens) {
    return (int) ((tokens + (long) blockTokens - 1) / blockTokens);
  }

  /** Collects block ids row by row. */
  static final class Builder {
    private final int blockTokens;
    private int[] offsets = new int[17];
    private int rows;
    private long[] ids = new long[64];
    private int size;

    Builder(int blockTokens) {
      this.blockTokens = blockTokens;
    }

    void add(long id) {
      if (size == ids.length) {
        ids = Arrays.copyOf(ids, size + (size >> 1));
      }
      ids[size++] = id;
    }

    void endRow() {
      rows++;
      if (rows == offsets.length) {
        offsets = Arrays.copyOf(offsets, rows + (rows >> 1));
      }
      offsets[rows] = size;
    }

    int blockTokens() {
      return blockTokens;
    }

    int rows() {
      return rows;
    }

    /** The ids added since the last {@link #endRow}. */
    int pending() {
      return size - offsets[rows];
    }

    int total() {
      return size;
    }

    BlockKeys build() {
      return new BlockKeys(blockTokens, Arrays.copyOf(offsets, rows + 1), Arrays.copyOf(ids, size));
    }
  }
}
