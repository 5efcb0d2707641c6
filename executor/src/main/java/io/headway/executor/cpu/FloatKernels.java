package io.headway.executor.cpu;

import static io.headway.executor.cpu.PackedMatrix.TILE;

import java.nio.ByteBuffer;
import java.util.Arrays;

/** The arithmetic in binary32. */
final class FloatKernels implements Kernels<float[]> {
  @Override
  public float[] array(int length) {
    return new float[length];
  }

  @Override
  public int length(float[] array) {
    return array.length;
  }

  @Override
  public void load(float[] from, int at, float[] into, int to, int count) {
    System.arraycopy(from, at, into, to, count);
  }

  @Override
  public void pack(
      float[] row, int at, PackedMatrix<float[]> into, int output, int firstInput, int count) {
    for (int i = 0; i < count; i++) {
      into.row(output / TILE, firstInput + i)[output % TILE] = row[at + i];
    }
  }

  @Override
  public void multiply(
      PackedMatrix<float[]> matrix,
      float[] x,
      int xAt,
      float[] out,
      int outAt,
      int tokens,
      int fromTile,
      int toTile,
      float[] first,
      float[] second) {
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
      PackedMatrix<float[]> matrix, int tile, float[] x, int xAt, float[] sums) {
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
      PackedMatrix<float[]> matrix, int tile, float[] x, int xAt, float[] sums, float[] nextSums) {
    int inputs = matrix.inputs();
    int y = xAt + inputs;
    Arrays.fill(sums, 0);
    Arrays.fill(nextSums, 0);
    int k = 0;
    for (; k + 3 < inputs; k += 4) {
      float[] p = matrix.row(tile, k);
      float[] q = matrix.row(tile, k + 1);
      float[] r = matrix.row(tile, k + 2);
      float[] s = matrix.row(tile, k + 3);
      addFour(sums, x[xAt + k], p, x[xAt + k + 1], q, x[xAt + k + 2], r, x[xAt + k + 3], s);
      addFour(nextSums, x[y + k], p, x[y + k + 1], q, x[y + k + 2], r, x[y + k + 3], s);
    }
    for (; k < inputs; k++) {
      float[] p = matrix.row(tile, k);
      addOne(sums, x[xAt + k], p);
      addOne(nextSums, x[y + k], p);
    }
  }

  private static void addFour(
      float[] sums,
      float a,
      float[] p,
      float b,
      float[] q,
      float c,
      float[] r,
      float d,
      float[] s) {
    for (int j = 0; j < TILE; j++) {
      sums[j] += a * p[j] + b * q[j] + c * r[j] + d * s[j];
    }
  }

  private static void addOne(float[] sums, float a, float[] p) {
    for (int j = 0; j < TILE; j++) {
      sums[j] += a * p[j];
    }
  }

  @Override
  public void rmsNorm(
      float[] x, int at, float[] weight, float[] out, int outAt, int count, double epsilon) {
    float factor = (float) (1 / Math.sqrt(dot(x, at, x, at, count) / count + epsilon));
    for (int i = 0; i < count; i++) {
      out[outAt + i] = x[at + i] * factor * weight[i];
    }
  }

  @Override
  public void rotate(
      float[] vector, int at, int heads, int headDim, float[] cosines, float[] sines, int tableAt) {
    int half = headDim / 2;
    for (int h = 0; h < heads; h++) {
      int low = at + h * headDim;
      int high = low + half;
      for (int i = 0; i < half; i++) {
        float a = vector[low + i];
        float b = vector[high + i];
        float cosine = cosines[tableAt + i];
        float sine = sines[tableAt + i];
        vector[low + i] = a * cosine - b * sine;
        vector[high + i] = b * cosine + a * sine;
      }
    }
  }

  @Override
  public void angles(
      float[] cosines, float[] sines, int at, int position, int headDim, double theta) {
    for (int i = 0; i < headDim / 2; i++) {
      double angle = position * StrictMath.pow(theta, -2.0 * i / headDim);
      cosines[at + i] = (float) StrictMath.cos(angle);
      sines[at + i] = (float) StrictMath.sin(angle);
    }
  }

  @Override
  public void add(float[] into, int at, float[] from, int fromAt, int count) {
    for (int i = 0; i < count; i++) {
      into[at + i] += from[fromAt + i];
    }
  }

  @Override
  public void addScaled(float[] into, int at, double factor, float[] from, int fromAt, int count) {
    float rounded = (float) factor;
    for (int i = 0; i < count; i++) {
      into[at + i] += rounded * from[fromAt + i];
    }
  }

  @Override
  public void swiGlu(float[] gate, int gateAt, float[] up, int upAt, int count) {
    for (int i = 0; i < count; i++) {
      float g = gate[gateAt + i];
      gate[gateAt + i] = g / (1 + exp(-g)) * up[upAt + i];
    }
  }

  @Override
  public void attend(
      float[] query,
      int queryAt,
      float[] keys,
      float[] values,
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
      float[] scores,
      int scoresAt,
      float[] out,
      int outAt) {
    float scale = (float) (1 / Math.sqrt(headDim));
    float top = Float.NEGATIVE_INFINITY;
    int s = scoresAt;
    for (int p = 0; p < prefix; p += blockTokens) {
      int cell = table[tableAt + p / blockTokens] * blockTokens;
      int n = Math.min(blockTokens, prefix - p);
      for (int i = 0; i < n; i++) {
        float score = scale * dot(query, queryAt, keys, (cell + i) * kvWidth + headAt, headDim);
        scores[s++] = score;
        top = Math.max(top, score);
      }
    }
    for (int i = 0; i < listedCount; i++) {
      int key = listed[listedAt + i] * kvWidth + headAt;
      float score = scale * dot(query, queryAt, keys, key, headDim);
      scores[s++] = score;
      top = Math.max(top, score);
    }
    float sum = 0;
    for (int i = scoresAt; i < s; i++) {
      float weight = exp(scores[i] - top);
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
    float share = 1 / sum;
    for (int i = 0; i < headDim; i++) {
      out[outAt + i] *= share;
    }
  }

  /**
   * The exponential in float arithmetic alone, so that loops over it vectorise and every machine
   * gives the same bits: {@code 2^n e^r} with {@code n} the nearest whole number to {@code x / ln
   * 2}, {@code r} reduced in two parts, and the polynomial of Cephes' {@code expf}. Relative error
   * below 2e-7 from -87 to 88; less than -87 gives 0, more than 88 is clipped.
   */
  static float exp(float x) {
    float clipped = Math.max(-87f, Math.min(88f, x));
    float scaled = clipped * 1.442695f;
    int n = (int) (scaled + (scaled < 0 ? -0.5f : 0.5f));
    float r = clipped - n * (355f / 512) - n * -0.00021219444f;
    float p = 0.00019875691f;
    p = p * r + 0.0013981999f;
    p = p * r + 0.008333452f;
    p = p * r + 0.041665796f;
    p = p * r + 0.16666666f;
    p = p * r + 0.5f;
    float y = p * r * r + r + 1f;
    float result = y * Float.intBitsToFloat((n + 127) << 23);
    return x < -87f ? 0f : Float.isNaN(x) ? x : result;
  }

  /** Four chains, so that additions need not wait for each other. */
  static float dot(float[] x, int at, float[] y, int from, int count) {
    float a = 0;
    float b = 0;
    float c = 0;
    float d = 0;
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
  public void toDoubles(float[] from, int at, double[] into, int to, int count) {
    for (int i = 0; i < count; i++) {
      into[to + i] = from[at + i];
    }
  }

  @Override
  public void write(float[] from, int at, ByteBuffer into, int count) {
    for (int i = 0; i < count; i++) {
      into.putFloat(from[at + i]);
    }
  }

  @Override
  public void read(ByteBuffer from, float[] into, int at, int count) {
    for (int i = 0; i < count; i++) {
      into[at + i] = from.getFloat();
    }
  }
}
