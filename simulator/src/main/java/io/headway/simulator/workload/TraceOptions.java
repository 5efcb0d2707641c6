package io.headway.simulator.workload;

import java.util.Objects;

/**
 * How a trace is read: what happens to rows that are out of order or have no output, and how much
 * may be read at all. Traces are untrusted input, so every size has a limit.
 *
 * @param unsorted what to do with a row that arrives before the one above it
 * @param zeroOutput what to do with a row whose output has no token
 * @param limitRows rows to read before stopping; at least 1
 * @param maxBytes most bytes of text, after decompression; at least 1
 * @param maxLineBytes most bytes of a line, its end excluded; at least 16
 * @param maxRows most rows; a longer trace is an error, unlike with {@code limitRows}; at least 1
 * @param maxTokens longest prompt or output believed, tokens; at least 1
 * @param maxBlocks most block ids in all rows together; at least 1
 * @param maxLabels most different texts in one column; at least 1
 */
public record TraceOptions(
    Unsorted unsorted,
    ZeroOutput zeroOutput,
    int limitRows,
    long maxBytes,
    int maxLineBytes,
    int maxRows,
    int maxTokens,
    int maxBlocks,
    int maxLabels) {

  /** What happens to a row that arrives before the one above it. */
  public enum Unsorted {
    /** The trace is refused. */
    REFUSE,
    /** The rows are sorted by arrival; rows of equal arrival keep their order. */
    SORT
  }

  /** What happens to a row whose output has no token. */
  public enum ZeroOutput {
    /** The trace is refused. */
    REFUSE,
    /** The row is left out and counted in {@link Workload#droppedRows}. */
    DROP,
    /** The row is left out and counted in {@link Workload#failedRows}. */
    FAIL
  }

  /**
   * Refuse unsorted rows, drop rows without output, read all; at most 4 GiB, 1 MiB per line,
   * 10,000,000 rows, 16,777,216 tokens per prompt or output, 50,000,000 block ids and 1,000,000
   * different texts per column.
   */
  public static final TraceOptions DEFAULTS =
      new TraceOptions(
          Unsorted.REFUSE,
          ZeroOutput.DROP,
          Integer.MAX_VALUE,
          4L << 30,
          1 << 20,
          10_000_000,
          1 << 24,
          50_000_000,
          1_000_000);

  /** Checks the limits. */
  public TraceOptions {
    Objects.requireNonNull(unsorted, "unsorted");
    Objects.requireNonNull(zeroOutput, "zeroOutput");
    requireAtLeast(limitRows, 1, "limitRows", "rows");
    requireAtLeast(maxBytes, 1, "maxBytes", "bytes");
    requireAtLeast(maxLineBytes, 16, "maxLineBytes", "bytes");
    requireAtLeast(maxRows, 1, "maxRows", "rows");
    requireAtLeast(maxTokens, 1, "maxTokens", "tokens");
    requireAtLeast(maxBlocks, 1, "maxBlocks", "blocks");
    requireAtLeast(maxLabels, 1, "maxLabels", "labels");
  }

  /**
   * Returns these options with another treatment of unsorted rows.
   *
   * @param value what to do with a row that arrives before the one above it
   * @return changed options
   */
  public TraceOptions withUnsorted(Unsorted value) {
    return new TraceOptions(
        value,
        zeroOutput,
        limitRows,
        maxBytes,
        maxLineBytes,
        maxRows,
        maxTokens,
        maxBlocks,
        maxLabels);
  }

  /**
   * Returns these options with another treatment of rows without output.
   *
   * @param value what to do with a row whose output has no token
   * @return changed options
   */
  public TraceOptions withZeroOutput(ZeroOutput value) {
    return new TraceOptions(
        unsorted,
        value,
        limitRows,
        maxBytes,
        maxLineBytes,
        maxRows,
        maxTokens,
        maxBlocks,
        maxLabels);
  }

  /**
   * Returns these options with another number of rows to read.
   *
   * @param value rows to read before stopping; at least 1
   * @return changed options
   */
  public TraceOptions withLimitRows(int value) {
    return new TraceOptions(
        unsorted,
        zeroOutput,
        value,
        maxBytes,
        maxLineBytes,
        maxRows,
        maxTokens,
        maxBlocks,
        maxLabels);
  }

  /**
   * Returns these options with other limits on the size of the input.
   *
   * @param bytes most bytes of text; at least 1
   * @param lineBytes most bytes of a line; at least 16
   * @param rows most rows; at least 1
   * @return changed options
   */
  public TraceOptions withMaxima(long bytes, int lineBytes, int rows) {
    return new TraceOptions(
        unsorted, zeroOutput, limitRows, bytes, lineBytes, rows, maxTokens, maxBlocks, maxLabels);
  }

  private static void requireAtLeast(long value, long minimum, String name, String unit) {
    if (value < minimum) {
      throw new IllegalArgumentException(
          name + " must be at least " + minimum + " " + unit + ", but was " + value);
    }
  }
}
