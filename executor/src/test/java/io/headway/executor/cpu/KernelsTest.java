package io.headway.executor.cpu;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.data.Offset.offset;

import java.util.ArrayList;
import java.util.Collections;
import java.util.List;
import java.util.Random;
import net.jqwik.api.Example;
import net.jqwik.api.ForAll;
import net.jqwik.api.Property;
import net.jqwik.api.constraints.FloatRange;
import net.jqwik.api.constraints.IntRange;

/** Each operator against its formula, in both formats. */
class KernelsTest {
  private static final Kernels<double[]> DOUBLES = new DoubleKernels();
  private static final Kernels<float[]> FLOATS = new FloatKernels();

  @Property(seed = "11", tries = 60)
  void productsAreSumsOverInputsWhateverTheBatch(
      @ForAll @IntRange(min = 1, max = 150) int outputs,
      @ForAll @IntRange(min = 1, max = 40) int inputs,
      @ForAll @IntRange(min = 1, max = 7) int tokens,
      @ForAll int seed) {
    Random random = new Random(seed);
    float[] w = floats(random, outputs * inputs);
    float[] x = floats(random, tokens * inputs);
    PackedMatrix<double[]> matrix = pack(DOUBLES, w, outputs, inputs);
    PackedMatrix<float[]> single = pack(FLOATS, w, outputs, inputs);
    double[] out = new double[tokens * outputs];
    float[] outSingle = new float[tokens * outputs];
    // In two calls, as two threads would.
    int half = matrix.tiles() / 2;
    DOUBLES.multiply(
        matrix,
        doubles(x),
        0,
        out,
        0,
        tokens,
        0,
        half,
        new double[PackedMatrix.TILE],
        new double[PackedMatrix.TILE]);
    DOUBLES.multiply(
        matrix,
        doubles(x),
        0,
        out,
        0,
        tokens,
        half,
        matrix.tiles(),
        new double[PackedMatrix.TILE],
        new double[PackedMatrix.TILE]);
    FLOATS.multiply(
        single,
        x,
        0,
        outSingle,
        0,
        tokens,
        0,
        single.tiles(),
        new float[PackedMatrix.TILE],
        new float[PackedMatrix.TILE]);
    for (int t = 0; t < tokens; t++) {
      double[] alone = new double[outputs];
      float[] aloneSingle = new float[outputs];
      DOUBLES.multiply(
          matrix,
          doubles(x),
          t * inputs,
          alone,
          0,
          1,
          0,
          matrix.tiles(),
          new double[PackedMatrix.TILE],
          new double[PackedMatrix.TILE]);
      FLOATS.multiply(
          single,
          x,
          t * inputs,
          aloneSingle,
          0,
          1,
          0,
          single.tiles(),
          new float[PackedMatrix.TILE],
          new float[PackedMatrix.TILE]);
      for (int o = 0; o < outputs; o++) {
        double sum = 0;
        double magnitude = 0;
        for (int i = 0; i < inputs; i++) {
          double product = (double) w[o * inputs + i] * x[t * inputs + i];
          sum += product;
          magnitude += Math.abs(product);
        }
        assertThat(out[t * outputs + o]).isCloseTo(sum, offset(1e-14 * magnitude + 1e-300));
        // n additions of relative error 2^-24 each, and one rounding per product.
        double bound = (inputs + 2) * 0x1p-24 * magnitude + 1e-30;
        assertThat((double) outSingle[t * outputs + o]).isCloseTo(sum, offset(bound));
        assertThat(out[t * outputs + o]).isEqualTo(alone[o]);
        assertThat(outSingle[t * outputs + o]).isEqualTo(aloneSingle[o]);
      }
    }
  }

  @Property(seed = "12", tries = 40)
  void normsDivideByTheRootOfTheMeanSquare(
      @ForAll @IntRange(min = 1, max = 70) int n, @ForAll int seed) {
    Random random = new Random(seed);
    float[] x = floats(random, n);
    float[] weight = floats(random, n);
    double squares = 0;
    for (float value : x) {
      squares += (double) value * value;
    }
    double root = Math.sqrt(squares / n + 1e-5);
    double[] out = new double[n];
    float[] single = new float[n];
    DOUBLES.rmsNorm(doubles(x), 0, doubles(weight), out, 0, n, 1e-5);
    FLOATS.rmsNorm(x, 0, weight, single, 0, n, 1e-5);
    for (int i = 0; i < n; i++) {
      double expected = x[i] / root * weight[i];
      assertThat(out[i]).isCloseTo(expected, offset(1e-13));
      assertThat((double) single[i]).isCloseTo(expected, offset(1e-5));
    }
  }

  @Property(seed = "13", tries = 40)
  void rotationKeepsLengthsAndDependsOnDistanceOnly(
      @ForAll @IntRange(min = 1, max = 16) int half,
      @ForAll @IntRange(min = 0, max = 500) int position,
      @ForAll @IntRange(min = 0, max = 500) int shift,
      @ForAll int seed) {
    int d = 2 * half;
    Random random = new Random(seed);
    double[] q = doubles(floats(random, d));
    double[] k = doubles(floats(random, d));
    double dot = DoubleKernels.dot(rotated(q, 0), 0, rotated(k, position), 0, d);
    double shifted = DoubleKernels.dot(rotated(q, shift), 0, rotated(k, position + shift), 0, d);
    assertThat(shifted).isCloseTo(dot, offset(1e-10));
    double[] turned = rotated(q, position);
    assertThat(DoubleKernels.dot(turned, 0, turned, 0, d))
        .isCloseTo(DoubleKernels.dot(q, 0, q, 0, d), offset(1e-10));
    for (int i = 0; i < half; i++) {
      double angle = position * Math.pow(1e4, -2.0 * i / d);
      assertThat(turned[i])
          .isCloseTo(q[i] * Math.cos(angle) - q[i + half] * Math.sin(angle), offset(1e-10));
    }
  }

  @Property(seed = "14", tries = 60)
  void attentionIsASoftmaxOverWhatIsVisible(
      @ForAll @IntRange(min = 1, max = 5) int blockTokens,
      @ForAll @IntRange(min = 0, max = 13) int prefix,
      @ForAll @IntRange(min = 0, max = 4) int listed,
      @ForAll int seed) {
    if (prefix + listed == 0) {
      return;
    }
    Random random = new Random(seed);
    int headDim = 6;
    int kvWidth = 12;
    int headAt = 6;
    int blocks = 9;
    List<Integer> order = new ArrayList<>();
    for (int b = 0; b < 2 * blocks; b++) {
      order.add(b);
    }
    Collections.shuffle(order, random);
    int[] table = order.stream().limit(14).mapToInt(b -> b).toArray();
    int[] cells = new int[listed + 1];
    for (int i = 0; i < listed; i++) {
      cells[i] = order.get(17) * blockTokens + random.nextInt(blockTokens);
    }
    float[] keys = floats(random, 2 * blocks * blockTokens * kvWidth);
    float[] values = floats(random, keys.length);
    float[] query = floats(random, headDim);
    double[] expected = new double[headDim];
    double sum = 0;
    for (int p = 0; p < prefix + listed; p++) {
      int cell =
          p < prefix ? table[p / blockTokens] * blockTokens + p % blockTokens : cells[p - prefix];
      double score = 0;
      for (int i = 0; i < headDim; i++) {
        score += (double) query[i] * keys[cell * kvWidth + headAt + i];
      }
      double weight = Math.exp(score / Math.sqrt(headDim));
      sum += weight;
      for (int i = 0; i < headDim; i++) {
        expected[i] += weight * values[cell * kvWidth + headAt + i];
      }
    }
    double[] out = new double[headDim];
    float[] single = new float[headDim];
    DOUBLES.attend(
        doubles(query),
        0,
        doubles(keys),
        doubles(values),
        table,
        0,
        blockTokens,
        prefix,
        cells,
        0,
        listed,
        kvWidth,
        headAt,
        headDim,
        new double[20],
        0,
        out,
        0);
    FLOATS.attend(
        query,
        0,
        keys,
        values,
        table,
        0,
        blockTokens,
        prefix,
        cells,
        0,
        listed,
        kvWidth,
        headAt,
        headDim,
        new float[20],
        0,
        single,
        0);
    for (int i = 0; i < headDim; i++) {
      assertThat(out[i]).isCloseTo(expected[i] / sum, offset(1e-13));
      assertThat((double) single[i]).isCloseTo(expected[i] / sum, offset(1e-5));
    }
  }

  @Property(seed = "15", tries = 40)
  void swiGluIsSigmoidTimesBoth(@ForAll int seed) {
    Random random = new Random(seed);
    float[] gate = floats(random, 37);
    float[] up = floats(random, 37);
    gate[0] = -200;
    gate[1] = 200;
    double[] out = doubles(gate);
    float[] single = gate.clone();
    DOUBLES.swiGlu(out, 0, doubles(up), 0, 37);
    FLOATS.swiGlu(single, 0, up, 0, 37);
    for (int i = 0; i < 37; i++) {
      double expected = gate[i] / (1 + Math.exp(-gate[i])) * up[i];
      assertThat(out[i]).isCloseTo(expected, offset(1e-13 * Math.abs(expected) + 1e-80));
      assertThat((double) single[i]).isCloseTo(expected, offset(1e-6 * Math.abs(expected) + 1e-35));
    }
  }

  @Property(seed = "16", tries = 2000)
  void theFloatExponentialIsWithinItsBound(@ForAll @FloatRange(min = -87, max = 88) float x) {
    double exact = Math.exp(x);
    assertThat((double) FloatKernels.exp(x)).isCloseTo(exact, offset(2e-7 * exact));
    assertThat(FloatKernels.exp(-100 - Math.abs(x))).isZero();
  }

  @Example
  void theFloatExponentialPassesNotANumberOn() {
    assertThat(FloatKernels.exp(Float.NaN)).isNaN();
    assertThat(FloatKernels.exp(Float.NEGATIVE_INFINITY)).isZero();
    assertThat(FloatKernels.exp(0)).isEqualTo(1);
  }

  private static double[] rotated(double[] vector, int position) {
    int half = vector.length / 2;
    double[] cosines = new double[half];
    double[] sines = new double[half];
    DOUBLES.angles(cosines, sines, 0, position, vector.length, 1e4);
    double[] turned = vector.clone();
    DOUBLES.rotate(turned, 0, 1, vector.length, cosines, sines, 0);
    return turned;
  }

  private static <A> PackedMatrix<A> pack(Kernels<A> kernels, float[] w, int outputs, int inputs) {
    List<A> rows = new ArrayList<>();
    for (int i = 0; i < PackedMatrix.tiles(outputs) * inputs; i++) {
      rows.add(kernels.array(PackedMatrix.TILE));
    }
    PackedMatrix<A> matrix = new PackedMatrix<>(outputs, inputs, rows);
    for (int o = 0; o < outputs; o++) {
      kernels.pack(w, o * inputs, matrix, o, 0, inputs);
    }
    return matrix;
  }

  private static float[] floats(Random random, int count) {
    float[] all = new float[count];
    for (int i = 0; i < count; i++) {
      all[i] = (float) random.nextGaussian();
    }
    return all;
  }

  private static double[] doubles(float[] all) {
    double[] copy = new double[all.length];
    for (int i = 0; i < all.length; i++) {
      copy[i] = all[i];
    }
    return copy;
  }
}
