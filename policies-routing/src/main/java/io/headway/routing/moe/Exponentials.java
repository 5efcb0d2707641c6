package io.headway.routing.moe;

/**
 * Exponentials of whole rows. Plain multiplications and additions in a fixed order, so that every
 * machine gives the same bits and the JIT compiler turns the polynomial loop into vector code;
 * error below 1 unit in the last place. Results below {@code exp(-707)} are flushed to zero.
 */
final class Exponentials {
  private static final double PER_LN2 = 0x1.71547652b82fep+0;
  // ln 2 in two parts; products of the high part with an exponent are exact.
  private static final double LN2_HIGH = 0x1.62e42fep-1;
  private static final double LN2_LOW = 0x1.f473de6af278fp-30;
  // Adding this number rounds to an integer and leaves the biased exponent in the low bits.
  private static final double MAGIC = 0x1.8p52 + 1023;
  private static final double LEAST = MAGIC - 1020;
  private static final double MOST = MAGIC + 1023;
  private static final int EXPONENT_SHIFT = 52;

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

  private Exponentials() {}

  /**
   * Writes {@code exp(sign * row[i] - shift)} and returns the sum, taken in four interleaved
   * partial sums.
   */
  static double of(double[] row, double sign, double shift, double[] out, double[] scale, int n) {
    for (int i = 0; i < n; i++) {
      double x = sign * row[i] - shift;
      double t = x * PER_LN2 + MAGIC;
      double whole = t - MAGIC;
      double r = (x - whole * LN2_HIGH) - whole * LN2_LOW;
      double q = C9;
      q = q * r + C8;
      q = q * r + C7;
      q = q * r + C6;
      q = q * r + C5;
      q = q * r + C4;
      q = q * r + C3;
      q = q * r + C2;
      q = q * r + C1;
      q = q * r + C0;
      out[i] = (r + (r * r) * q) + 1.0;
      scale[i] = t;
    }
    double sum0 = 0;
    double sum1 = 0;
    double sum2 = 0;
    double sum3 = 0;
    int i = 0;
    for (; i < n - 3; i += 4) {
      double v0 = scaled(out[i], scale[i]);
      double v1 = scaled(out[i + 1], scale[i + 1]);
      double v2 = scaled(out[i + 2], scale[i + 2]);
      double v3 = scaled(out[i + 3], scale[i + 3]);
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
      double v = scaled(out[i], scale[i]);
      out[i] = v;
      sum0 += v;
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
