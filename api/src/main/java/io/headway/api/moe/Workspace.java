package io.headway.api.moe;

import java.util.Arrays;

/**
 * Scratch memory that routers borrow for one call, so that steady-state routing allocates nothing.
 * Contents are undefined at the start of every call. A router addresses arrays by small indices of
 * its own choice; asking again for the same index may return the same array. Not thread-safe.
 */
public final class Workspace {
  private static final int EXPECTED_ARRAYS = 16;

  private double[][] doubles = new double[EXPECTED_ARRAYS][0];
  private float[][] floats = new float[EXPECTED_ARRAYS][0];
  private int[][] ints = new int[EXPECTED_ARRAYS][0];
  private long[][] longs = new long[EXPECTED_ARRAYS][0];
  private boolean[][] booleans = new boolean[EXPECTED_ARRAYS][0];

  /** Creates an empty workspace. */
  public Workspace() {}

  /**
   * Borrows an array of doubles.
   *
   * @param index which one, at least 0
   * @param length the least length needed
   * @return an array of at least that length with undefined contents
   */
  public double[] doubles(int index, int length) {
    if (index >= doubles.length) {
      int old = doubles.length;
      doubles = Arrays.copyOf(doubles, Math.max(index + 1, 2 * old));
      Arrays.fill(doubles, old, doubles.length, new double[0]);
    }
    double[] array = doubles[index];
    if (array.length < length) {
      array = new double[grown(array.length, length)];
      doubles[index] = array;
    }
    return array;
  }

  /**
   * Borrows an array of floats.
   *
   * @param index which one, at least 0
   * @param length the least length needed
   * @return an array of at least that length with undefined contents
   */
  public float[] floats(int index, int length) {
    if (index >= floats.length) {
      int old = floats.length;
      floats = Arrays.copyOf(floats, Math.max(index + 1, 2 * old));
      Arrays.fill(floats, old, floats.length, new float[0]);
    }
    float[] array = floats[index];
    if (array.length < length) {
      array = new float[grown(array.length, length)];
      floats[index] = array;
    }
    return array;
  }

  /**
   * Borrows an array of ints.
   *
   * @param index which one, at least 0
   * @param length the least length needed
   * @return an array of at least that length with undefined contents
   */
  public int[] ints(int index, int length) {
    if (index >= ints.length) {
      int old = ints.length;
      ints = Arrays.copyOf(ints, Math.max(index + 1, 2 * old));
      Arrays.fill(ints, old, ints.length, new int[0]);
    }
    int[] array = ints[index];
    if (array.length < length) {
      array = new int[grown(array.length, length)];
      ints[index] = array;
    }
    return array;
  }

  /**
   * Borrows an array of longs.
   *
   * @param index which one, at least 0
   * @param length the least length needed
   * @return an array of at least that length with undefined contents
   */
  public long[] longs(int index, int length) {
    if (index >= longs.length) {
      int old = longs.length;
      longs = Arrays.copyOf(longs, Math.max(index + 1, 2 * old));
      Arrays.fill(longs, old, longs.length, new long[0]);
    }
    long[] array = longs[index];
    if (array.length < length) {
      array = new long[grown(array.length, length)];
      longs[index] = array;
    }
    return array;
  }

  /**
   * Borrows an array of booleans.
   *
   * @param index which one, at least 0
   * @param length the least length needed
   * @return an array of at least that length with undefined contents
   */
  public boolean[] booleans(int index, int length) {
    if (index >= booleans.length) {
      int old = booleans.length;
      booleans = Arrays.copyOf(booleans, Math.max(index + 1, 2 * old));
      Arrays.fill(booleans, old, booleans.length, new boolean[0]);
    }
    boolean[] array = booleans[index];
    if (array.length < length) {
      array = new boolean[grown(array.length, length)];
      booleans[index] = array;
    }
    return array;
  }

  private static int grown(int old, int length) {
    return (int) Math.min(Integer.MAX_VALUE - 8L, Math.max(length, old + (long) (old >> 1)));
  }
}
