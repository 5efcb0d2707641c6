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
    double[] data = into.data();
    for (int i = 0; i < count; i++) {
      data[PackedMatrix.index(output, firstInput + i, into.inputs())] = row[at + i];
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
      int toTile) {
    int inputs = matrix.inputs();
    int outputs = matrix.outputs();
    for (int tile = fromTile; tile < toTile; tile++) {
      int width = Math.min(TILE, outputs - tile * TILE);
      int from = tile * inputs * TILE;
      int t = 0;
      for (; t + 1 < tokens; t += 2) {
        int to = outAt + t * outputs + tile * TILE;
        two(matrix.data(), from, inputs, x, xAt + t * inputs, out, to, to + outputs, width);
      }
      if (t < tokens) {
        int to = outAt + t * outputs + tile * TILE;
        one(matrix.data(), from, inputs, x, xAt + t * inputs, out, to, width);
      }
    }
  }

  private static void one(
      double[] w, int from, int inputs, double[] x, int xAt, double[] out, int to, int width) {
    Arrays.fill(out, to, to + width, 0);
    int k = 0;
    for (; k + 3 < inputs; k += 4) {
      double a = x[xAt + k];
      double b = x[xAt + k + 1];
      double c = x[xAt + k + 2];
      double d = x[xAt + k + 3];
      int at = from + k * TILE;
      for (int j = 0; j < width; j++) {
        out[to + j] +=
            a * w[at + j]
                + b * w[at + TILE + j]
                + c * w[at + 2 * TILE + j]
                + d * w[at + 3 * TILE + j];
      }
    }
    for (; k < inputs; k++) {
      double a = x[xAt + k];
      int at = from + k * TILE;
      for (int j = 0; j < width; j++) {
        out[to + j] += a * w[at + j];
      }
    }
  }

  /** Two tokens at once: the same operations for each as in {@link #one}, weights read once. */
  private static void two(
      double[] w,
      int from,
      int inputs,
      double[] x,
      int xAt,
      double[] out,
      int to,
      int next,
      int width) {
    Arrays.fill(out, to, to + width, 0);
    Arrays.fill(out, next, next + width, 0);
    int y = xAt + inputs;
    int k = 0;
    for (; k + 3 < inputs; k += 4) {
      double a = x[xAt + k];
      double b = x[xAt + k + 1];
      double c = x[xAt + k + 2];
      double d = x[xAt + k + 3];
      double e = x[y + k];
      double f = x[y + k + 1];
      double g = x[y + k + 2];
      double h = x[y + k + 3];
      int at = from + k * TILE;
      for (int j = 0; j < width; j++) {
        double p = w[at + j];
        double q = w[at + TILE + j];
        double r = w[at + 2 * TILE + j];
        double s = w[at + 3 * TILE + j];
        out[to + j] += a * p + b * q + c * r + d * s;
        out[next + j] += e * p + f * q + g * r + h * s;
      }
    }
    for (; k < inputs; k++) {
      double a = x[xAt + k];
      double e = x[y + k];
      int at = from + k * TILE;
      for (int j = 0; j < width; j++) {
        out[to + j] += a * w[at + j];
        out[next + j] += e * w[at + j];
      }
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
