package io.headway.executor.cpu;

import static io.headway.executor.cpu.PackedMatrix.TILE;

import java.nio.ByteBuffer;
import java.util.Arrays;

/** The arithmetic in binary64, with the strict functions of the language. */
final class DoubleKernels implements Kernels<double[]> {
  @Override
  public double[] array(int length) {
    return new double[length];
  }

  @Override
  public int length(double[] array) {
    return array.length;
  }

  @Override
  public void load(float[] from, int at, double[] into, int to, int count) {
    for (int i = 0; i < count; i++) {
      into[to + i] = from[at + i];
    }
  }

  @Override
  public void pack(
      float[] row, int at, PackedMatrix<double[]> into, int output, int firstInput, int count) {
    for (int i = 0; i < count; i++) {
      into.row(output / TILE, firstInput + i)[output % TILE] = row[at + i];
    }
  }

  @Override
  public void multiply(
      PackedMatrix<double[]> matrix,
      double[] x,
      int xAt,
      double[] out,
      int outAt,
      int tokens,
      int fromTile,
      int toTile,
      double[] first,
      double[] second) {
    int inputs = matrix.inputs();
    int outputs = matrix.outputs();
    for (int tile = fromTile; tile < toTile; tile++) {
      int width = Math.min(TILE, outputs - tile * TILE);
      int t = 0;
      for (; t + 1 < tokens; t += 2) {
        int to = outAt + t * outputs + tile * TILE;
        two(matrix, tile, x, xAt + t * inputs, first, second);
        System.arraycopy(first, 0, out, to, width);
        System.arraycopy(second, 0, out, to + outputs, width);
      }
      if (t < tokens) {
        one(matrix, tile, x, xAt + t * inputs, first);
        System.arraycopy(first, 0, out, outAt + t * outputs + tile * TILE, width);
      }
    }
  }

  private static void one(
      PackedMatrix<double[]> matrix, int tile, double[] x, int xAt, double[] sums) {
    int inputs = matrix.inputs();
    Arrays.fill(sums, 0);
    int k = 0;
    for (; k + 3 < inputs; k += 4) {
      addFour(
          sums,
          x[xAt + k],
          matrix.row(tile, k),
          x[xAt + k + 1],
          matrix.row(tile, k + 1),
          x[xAt + k + 2],
          matrix.row(tile, k + 2),
          x[xAt + k + 3],
          matrix.row(tile, k + 3));
    }
    for (; k < inputs; k++) {
      addOne(sums, x[xAt + k], matrix.row(tile, k));
    }
  }

  /** Two tokens at once: the same operations for each as in {@link #one}, weights read once. */
  private static void two(
      PackedMatrix<double[]> matrix,
      int tile,
      double[] x,
      int xAt,
      double[] sums,
      double[] nextSums) {
    int inputs = matrix.inputs();
    int y = xAt + inputs;
    Arrays.fill(sums, 0);
    Arrays.fill(nextSums, 0);
    int k = 0;
    for (; k + 3 < inputs; k += 4) {
      double[] p = matrix.row(tile, k);
      double[] q = matrix.row(tile, k + 1);
      double[] r = matrix.row(tile, k + 2);
      double[] s = matrix.row(tile, k + 3);
      addFour(sums, x[xAt + k], p, x[xAt + k + 1], q, x[xAt + k + 2], r, x[xAt + k + 3], s);
      addFour(nextSums, x[y + k], p, x[y + k + 1], q, x[y + k + 2], r, x[y + k + 3], s);
    }
    for (; k < inputs; k++) {
      double[] p = matrix.row(tile, k);
      addOne(sums, x[xAt + k], p);
      addOne(nextSums, x[y + k], p);
    }
  }

  private static void addFour(
      double[] sums,
      double a,
      double[] p,
      double b,
      double[] q,
      double c,
      double[] r,
      double d,
      double[] s) {
    for (int j = 0; j < TILE; j++) {
      sums[j] += a * p[j] + b * q[j] + c * r[j] + d * s[j];
    }
  }

  private static void addOne(double[] sums, double a, double[] p) {
    for (int j = 0; j < TILE; j++) {
      sums[j] += a * p[j];
    }
  }

  @Override
  public void rmsNorm(
      double[] x, int at, double[] weight, double[] out, int outAt, int count, double epsilon) {
    double factor = 1 / Math.sqrt(dot(x, at, x, at, count) / count + epsilon);
    for (int i = 0; i < count; i++) {
      out[outAt + i] = x[at + i] * factor * weight[i];
    }
  }

  @Override
  public void rotate(
      double[] vector,
      int at,
      int heads,
      int headDim,
      double[] cosines,
      double[] sines,
      int tableAt) {
    int half = headDim / 2;
    for (int h = 0; h < heads; h++) {
      int low = at + h * headDim;
      int high = low + half;
      for (int i = 0; i < half; i++) {
        double a = vector[low + i];
        double b = vector[high + i];
        double cosine = cosines[tableAt + i];
        double sine = sines[tableAt + i];
        vector[low + i] = a * cosine - b * sine;
        vector[high + i] = b * cosine + a * sine;
      }
    }
  }

  @Override
  public void angles(
      double[] cosines, double[] sines, int at, int position, int headDim, double theta) {
    for (int i = 0; i < headDim / 2; i++) {
      double angle = position * StrictMath.pow(theta, -2.0 * i / headDim);
      cosines[at + i] = StrictMath.cos(angle);
      sines[at + i] = StrictMath.sin(angle);
    }
  }

  @Override
  public void add(double[] into, int at, double[] from, int fromAt, int count) {
    for (int i = 0; i < count; i++) {
      into[at + i] += from[fromAt + i];
    }
  }

  @Override
  public void addScaled(
      double[] into, int at, double factor, double[] from, int fromAt, int count) {
    for (int i = 0; i < count; i++) {
      into[at + i] += factor * from[fromAt + i];
    }
  }

  @Override
  public void swiGlu(double[] gate, int gateAt, double[] up, int upAt, int count) {
    for (int i = 0; i < count; i++) {
      double g = gate[gateAt + i];
      gate[gateAt + i] = g / (1 + StrictMath.exp(-g)) * up[upAt + i];
    }
  }

  @Override
  public void attend(
      double[] query,
      int queryAt,
      double[] keys,
      double[] values,
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
      double[] scores,
      int scoresAt,
      double[] out,
      int outAt) {
    double scale = 1 / Math.sqrt(headDim);
    double top = Double.NEGATIVE_INFINITY;
    int s = scoresAt;
    for (int p = 0; p < prefix; p += blockTokens) {
      int cell = table[tableAt + p / blockTokens] * blockTokens;
      int n = Math.min(blockTokens, prefix - p);
      for (int i = 0; i < n; i++) {
        double score = scale * dot(query, queryAt, keys, (cell + i) * kvWidth + headAt, headDim);
        scores[s++] = score;
        top = Math.max(top, score);
      }
    }
    for (int i = 0; i < listedCount; i++) {
      int key = listed[listedAt + i] * kvWidth + headAt;
      double score = scale * dot(query, queryAt, keys, key, headDim);
      scores[s++] = score;
      top = Math.max(top, score);
    }
    double sum = 0;
    for (int i = scoresAt; i < s; i++) {
      double weight = StrictMath.exp(scores[i] - top);
      scores[i] = weight;
      sum += weight;
    }
    Arrays.fill(out, outAt, outAt + headDim, 0);
    s = scoresAt;
    for (int p = 0; p < prefix; p += blockTokens) {
      int cell = table[tableAt + p / blockTokens] * blockTokens;
      int n = Math.min(blockTokens, prefix - p);
      for (int i = 0; i < n; i++) {
        addScaled(out, outAt, scores[s++], values, (cell + i) * kvWidth + headAt, headDim);
      }
    }
    for (int i = 0; i < listedCount; i++) {
      int value = listed[listedAt + i] * kvWidth + headAt;
      addScaled(out, outAt, scores[s++], values, value, headDim);
    }
    double share = 1 / sum;
    for (int i = 0; i < headDim; i++) {
      out[outAt + i] *= share;
    }
  }

  /** Four chains, so that additions need not wait for each other. */
  static double dot(double[] x, int at, double[] y, int from, int count) {
    double a = 0;
    double b = 0;
    double c = 0;
    double d = 0;
    int i = 0;
    for (; i + 3 < count; i += 4) {
      a += x[at + i] * y[from + i];
      b += x[at + i + 1] * y[from + i + 1];
      c += x[at + i + 2] * y[from + i + 2];
      d += x[at + i + 3] * y[from + i + 3];
    }
    for (; i < count; i++) {
      a += x[at + i] * y[from + i];
    }
    return (a + b) + (c + d);
  }

  @Override
  public void toDoubles(double[] from, int at, double[] into, int to, int count) {
    System.arraycopy(from, at, into, to, count);
  }

  @Override
  public void write(double[] from, int at, ByteBuffer into, int count) {
    for (int i = 0; i < count; i++) {
      into.putDouble(from[at + i]);
    }
  }

  @Override
  public void read(ByteBuffer from, double[] into, int at, int count) {
    for (int i = 0; i < count; i++) {
      into[at + i] = from.getDouble();
    }
  }
}
