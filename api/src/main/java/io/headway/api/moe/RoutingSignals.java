package io.headway.api.moe;

import static java.util.Objects.requireNonNull;

import java.util.Arrays;

/**
 * The losses, statistics and explanations of one routing call: a small table of matrices keyed by
 * {@link Signal}. Reused between calls without allocation once it has grown; not thread-safe.
 *
 * <p>A scalar is a 1 x 1 matrix, a list one row. Whole numbers are stored as doubles, exactly.
 */
public final class RoutingSignals {
  private Signal[] keys = new Signal[8];
  private double[][] values = new double[8][0];
  private int[] rows = new int[8];
  private int[] columns = new int[8];
  private int size;

  /** Creates an empty table. */
  public RoutingSignals() {}

  /** Removes all signals. */
  public void clear() {
    size = 0;
  }

  /**
   * Adds a matrix of zeros and returns its storage for the router to fill.
   *
   * @param signal the key, not yet in this table
   * @param rows number of rows, at least 0
   * @param columns number of columns, at least 0
   * @return row-major storage of at least {@code rows * columns} numbers, the first of them zero
   * @throws IllegalArgumentException if a size is negative or the signal is already there
   */
  public double[] add(Signal signal, int rows, int columns) {
    requireNonNull(signal, "signal");
    if (rows < 0 || columns < 0) {
      throw new IllegalArgumentException(
          "rows and columns of "
              + signal
              + " must be at least 0, but were "
              + rows
              + " x "
              + columns);
    }
    if (indexOf(signal) >= 0) {
      throw new IllegalArgumentException("signal must be new, but " + signal + " is already there");
    }
    if (size == keys.length) {
      keys = Arrays.copyOf(keys, 2 * size);
      values = Arrays.copyOf(values, 2 * size);
      Arrays.fill(values, size, 2 * size, new double[0]);
      this.rows = Arrays.copyOf(this.rows, 2 * size);
      this.columns = Arrays.copyOf(this.columns, 2 * size);
    }
    int length = Math.multiplyExact(rows, columns);
    double[] storage = values[size];
    if (storage.length < length) {
      storage = new double[length];
      values[size] = storage;
    } else {
      Arrays.fill(storage, 0, length, 0);
    }
    keys[size] = signal;
    this.rows[size] = rows;
    this.columns[size] = columns;
    size++;
    return storage;
  }

  /**
   * Adds a single number.
   *
   * @param signal the key, not yet in this table
   * @param value the number
   */
  public void add(Signal signal, double value) {
    add(signal, 1, 1)[0] = value;
  }

  /**
   * Tells whether a signal was reported.
   *
   * @param signal the key
   * @return true if it is in this table
   */
  public boolean has(Signal signal) {
    return indexOf(signal) >= 0;
  }

  /**
   * Returns the number of rows of a signal.
   *
   * @param signal a signal that was reported
   * @return its rows
   * @throws IllegalArgumentException if it was not reported
   */
  public int rows(Signal signal) {
    return rows[require(signal)];
  }

  /**
   * Returns the number of columns of a signal.
   *
   * @param signal a signal that was reported
   * @return its columns
   * @throws IllegalArgumentException if it was not reported
   */
  public int columns(Signal signal) {
    return columns[require(signal)];
  }

  /**
   * Returns a scalar signal.
   *
   * @param signal a signal that was reported
   * @return its first number
   * @throws IllegalArgumentException if it was not reported or is empty
   */
  public double value(Signal signal) {
    return value(signal, 0, 0);
  }

  /**
   * Returns one number of a signal.
   *
   * @param signal a signal that was reported
   * @param row row index
   * @param column column index
   * @return the number there
   * @throws IllegalArgumentException if it was not reported or the position is outside it
   */
  public double value(Signal signal, int row, int column) {
    int i = require(signal);
    if (row < 0 || row >= rows[i] || column < 0 || column >= columns[i]) {
      throw new IllegalArgumentException(
          "position of "
              + signal
              + " must lie in "
              + rows[i]
              + " x "
              + columns[i]
              + ", but was ("
              + row
              + ", "
              + column
              + ")");
    }
    return values[i][row * columns[i] + column];
  }

  /**
   * Returns the number of signals reported.
   *
   * @return the count
   */
  public int size() {
    return size;
  }

  /**
   * Returns one of the reported signals, in the order in which the router added them.
   *
   * @param index from 0 to {@code size() - 1}
   * @return its key
   */
  public Signal signal(int index) {
    if (index < 0 || index >= size) {
      throw new IllegalArgumentException(
          "index must lie in 0.." + (size - 1) + ", but was " + index);
    }
    return keys[index];
  }

  private int require(Signal signal) {
    int i = indexOf(signal);
    if (i < 0) {
      throw new IllegalArgumentException(
          "signal must have been reported, but " + signal + " was not; see SignalLevel");
    }
    return i;
  }

  private int indexOf(Signal signal) {
    for (int i = 0; i < size; i++) {
      if (keys[i] == signal) {
        return i;
      }
    }
    return -1;
  }
}
