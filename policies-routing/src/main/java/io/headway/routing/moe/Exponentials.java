package io.headway.routing.moe;

import java.util.Arrays;

/**
 * Exponentials of whole rows. Plain multiplications and additions in a fixed order, so that every
 * machine gives the same bits and the JIT compiler turns the polynomial loops into vector code.
 * Results below {@code exp(-708.7)} are flushed to zero.
 */
final class Exponentials {
  private static final double PER_LN2 = 0x1.71547652b82fep+0;
  // ln 2 in two parts; products of the high part with an exponent are exact.
  private static final double LN2_HIGH = 0x1.62e42fep-1;
  private static final double LN2_LOW = 0x1.f473de6af278fp-30;
  // Adding this number rounds to an integer and leaves the biased exponent in the low bits.
  private static final double MAGIC = 0x1.8p52 + 1023;
  private static final double LEAST = MAGIC - 1022;
  private static final double MOST = MAGIC + 1023;
  private static final int EXPONENT_SHIFT = 52;
  private static final long MAGIC_BITS = Double.doubleToRawLongBits(MAGIC - 1023);
  // Biased exponents 0 to 2047 lie in the low bits of MAGIC - 1023.
  private static final int RANGE_BITS = 11;

  // (exp(r) - 1 - r) / r^2 on |r| <= ln(2) / 2, Chebyshev fit of degree 9, error 2e-17.
  private static final double C9 = 0x1.af38a9b0ec855p-26;
  private static final double C8 = 0x1.289185613a3d6p-22;
  private static final double C7 = 0x1.71de0dae63bb3p-19;
  private static final double C6 = 0x1.a019b90d2ae7ap-16;
  private static final double C5 = 0x1.a01a01a7c41d5p-13;
  private static final double C4 = 0x1.6c16c1788bd90p-10;
  private static final double C3 = 0x1.11111111109b3p-7;
  private static final double C2 = 0x1.5555555553d63p-5;
  private static final double C1 = 0x1.5555555555556p-3;
  private static final double C0 = 0x1.0000000000001p-1;

  // exp(x) = exp(x / 64)^64, which needs no exponents put together bit by bit. The polynomial for
  // exp(x / 64), multiplied by 64, minimises the largest error of its 64th power on -44..0: 3e-16.
  private static final double ROOT = 64;
  private static final double W0 = 0x1.fffffffffd3e7p-8;
  private static final double W1 = 0x1.55555551b700ap-15;
  private static final double W2 = 0x1.5555521e8933bp-23;
  private static final double W3 = 0x1.110fc8b5cb7bap-31;
  private static final double W4 = 0x1.6b973bda146a8p-40;
  private static final double W5 = 0x1.88bea5621899ap-49;

  /** The weight of 0. */
  static final double WEIGHT = 0x1p384;

  /** Weights below {@code exp(-44)} are taken for that, which changes no sum of fewer than 1e5. */
  private static final double LEAST_WEIGHT = -44;

  private Exponentials() {}

  /**
   * Replaces {@code x[i]}, at most 0, by the 64th root of its weight. A weight is {@link #WEIGHT}
   * times the exponential with an error below {@code 2e-14 WEIGHT}, in less time than {@link #of}:
   * for sums that contain the weight of 0.
   */
  static void roots(double[] x, int n) {
    for (int i = 0; i < n; i++) {
      x[i] = root(x[i]);
    }
  }

  private static double root(double x) {
    double r = Math.max(x, LEAST_WEIGHT);
    double r2 = r * r;
    double r4 = r2 * r2;
    double q = ((W0 + W1 * r) + (W2 + W3 * r) * r2) + (W4 + W5 * r) * r4;
    return (r + r2 * q) + ROOT;
  }

  private static double power(double root) {
    double p2 = root * root;
    double p4 = p2 * p2;
    double p8 = p4 * p4;
    double p16 = p8 * p8;
    double p32 = p16 * p16;
    return p32 * p32;
  }

  /**
   * Gathers the sums of the weights of roots as {@link SoftmaxBlock} does. A loop of its own:
   * behind the polynomial its chain of products would be too long to overlap.
   */
  static void gatherPowers(double[] root, double[] sum, int n) {
    for (int i = 0; i < n; i++) {
      sum[i + SoftmaxBlock.STEP] = sum[i] + power(root[i]);
    }
  }

  /**
   * Returns the sum of the weights of {@code x[i] - shift}, added in the order of {@link
   * SoftmaxBlock#sumsOfWeights}.
   *
   * @param weight room for {@code n +} {@link SoftmaxBlock#PARTS} numbers
   */
  static double sumOfWeights(double[] x, double shift, double[] weight, int n) {
    for (int i = 0; i < n; i++) {
      weight[i] = root(x[i] - shift);
    }
    for (int i = 0; i < n; i++) {
      weight[i] = power(weight[i]);
    }
    Arrays.fill(weight, n, n + SoftmaxBlock.PARTS, 0);
    double sum0 = 0;
    double sum1 = 0;
    double sum2 = 0;
    double sum3 = 0;
    for (int i = 0; i < n; i += SoftmaxBlock.PARTS) {
      sum0 += weight[i];
      sum1 += weight[i + 1];
      sum2 += weight[i + 2];
      sum3 += weight[i + 3];
    }
    return (sum0 + sum1) + (sum2 + sum3);
  }

  /**
   * Writes {@code exp(sign * row[i] - shift)} with an error below 1 unit in the last place and
   * returns the sum, taken in four interleaved partial sums.
   */
  static double of(double[] row, double sign, double shift, double[] out, double[] scale, int n) {
    polynomials(row, sign, shift, out, scale, n);
    long seen = MAGIC_BITS;
    double sum0 = 0;
    double sum1 = 0;
    double sum2 = 0;
    double sum3 = 0;
    int i = 0;
    for (; i < n - 3; i += 4) {
      long t0 = Double.doubleToRawLongBits(scale[i]);
      long t1 = Double.doubleToRawLongBits(scale[i + 1]);
      long t2 = Double.doubleToRawLongBits(scale[i + 2]);
      long t3 = Double.doubleToRawLongBits(scale[i + 3]);
      seen |= t0 | t1 | t2 | t3;
      double v0 = out[i] * Double.longBitsToDouble(t0 << EXPONENT_SHIFT);
      double v1 = out[i + 1] * Double.longBitsToDouble(t1 << EXPONENT_SHIFT);
      double v2 = out[i + 2] * Double.longBitsToDouble(t2 << EXPONENT_SHIFT);
      double v3 = out[i + 3] * Double.longBitsToDouble(t3 << EXPONENT_SHIFT);
      out[i] = v0;
      out[i + 1] = v1;
      out[i + 2] = v2;
      out[i + 3] = v3;
      sum0 += v0;
      sum1 += v1;
      sum2 += v2;
      sum3 += v3;
    }
    for (; i < n; i++) {
      long t = Double.doubleToRawLongBits(scale[i]);
      seen |= t;
      double v = out[i] * Double.longBitsToDouble(t << EXPONENT_SHIFT);
      out[i] = v;
      sum0 += v;
    }
    // Any exponent that left its field has set a bit above it; then, as for masked experts, again.
    return seen >>> RANGE_BITS == MAGIC_BITS >>> RANGE_BITS
        ? (sum0 + sum1) + (sum2 + sum3)
        : ofWideRange(row, sign, shift, out, scale, n);
  }

  private static void polynomials(
      double[] row, double sign, double shift, double[] out, double[] scale, int n) {
    reduce(row, sign, shift, out, scale, n);
    polynomials(out, n);
  }

  private static void reduce(
      double[] row, double sign, double shift, double[] out, double[] scale, int n) {
    for (int i = 0; i < n; i++) {
      double x = sign * row[i] - shift;
      double t = x * PER_LN2 + MAGIC;
      double whole = t - MAGIC;
      out[i] = (x - whole * LN2_HIGH) - whole * LN2_LOW;
      scale[i] = t;
    }
  }

  // A loop of its own: with the reduction it would be too long to be unrolled into vectors.
  private static void polynomials(double[] x, int n) {
    for (int i = 0; i < n; i++) {
      double r = x[i];
      // Pairs of terms do not wait for each other, as in Estrin's scheme.
      double r2 = r * r;
      double r4 = r2 * r2;
      double low = (C0 + C1 * r) + (C2 + C3 * r) * r2;
      double high = (C4 + C5 * r) + (C6 + C7 * r) * r2;
      double q = (low + high * r4) + (C8 + C9 * r) * (r4 * r4);
      x[i] = (r + r2 * q) + 1.0;
    }
  }

  /** The same where some results underflow or overflow; costs a second pass. */
  private static double ofWideRange(
      double[] row, double sign, double shift, double[] out, double[] scale, int n) {
    polynomials(row, sign, shift, out, scale, n);
    double sum0 = 0;
    double sum1 = 0;
    double sum2 = 0;
    double sum3 = 0;
    int i = 0;
    for (; i < n - 3; i += 4) {
      out[i] = scaled(out[i], scale[i]);
      out[i + 1] = scaled(out[i + 1], scale[i + 1]);
      out[i + 2] = scaled(out[i + 2], scale[i + 2]);
      out[i + 3] = scaled(out[i + 3], scale[i + 3]);
      sum0 += out[i];
      sum1 += out[i + 1];
      sum2 += out[i + 2];
      sum3 += out[i + 3];
    }
    for (; i < n; i++) {
      out[i] = scaled(out[i], scale[i]);
      sum0 += out[i];
    }
    return (sum0 + sum1) + (sum2 + sum3);
  }

  private static double scaled(double mantissa, double t) {
    if (t >= LEAST && t <= MOST) {
      return mantissa * Double.longBitsToDouble(Double.doubleToRawLongBits(t) << EXPONENT_SHIFT);
    }
    return t > MOST ? Double.POSITIVE_INFINITY : 0;
  }

  /** Writes {@code 1 / (1 + exp(-row[i]))}. */
  static void sigmoids(double[] row, double[] out, double[] scale, int n) {
    of(row, -1, 0, out, scale, n);
    for (int i = 0; i < n; i++) {
      out[i] = 1 / (1 + out[i]);
    }
  }
}
