package io.headway.simulator.report;

import java.math.BigDecimal;
import java.math.MathContext;
import java.util.Locale;

/** How reports write numbers for people: always alike, whatever the machine's language. */
final class Numbers {
  /** What stands for a figure that does not exist, such as a latency without a finished request. */
  static final String ABSENT = "–";

  private Numbers() {}

  /** Three significant digits or whole, with separators: 0.0123, 1.23, 12.3, 1,234. */
  static String significant(double value) {
    if (Double.isNaN(value)) {
      return ABSENT;
    }
    double size = Math.abs(value);
    if (size >= 99.95 || size == 0) {
      return String.format(Locale.ROOT, "%,.0f", value);
    }
    int decimals = 2;
    if (size >= 9.995) {
      decimals = 1;
    } else if (size < 0.995) {
      decimals = Math.min(6, 3 - (int) Math.ceil(Math.log10(size)));
    }
    return String.format(Locale.ROOT, "%." + decimals + "f", value);
  }

  /** A whole number with separators. */
  static String whole(double value) {
    return Double.isNaN(value) ? ABSENT : String.format(Locale.ROOT, "%,.0f", value);
  }

  /** A share in per cent with one decimal. */
  static String percent(double share) {
    return Double.isNaN(share) ? ABSENT : String.format(Locale.ROOT, "%.1f %%", share * 100);
  }

  /**
   * A mean and the half-width of its interval, with as many decimals as the mean: {@code 12.3 ±
   * 0.4}. The unit of a mean that has one, such as per cent, follows both.
   */
  static String plusMinus(String mean, double halfWidth) {
    int end = mean.indexOf(' ') < 0 ? mean.length() : mean.indexOf(' ');
    int point = mean.lastIndexOf('.', end);
    int decimals = point < 0 ? 0 : end - point - 1;
    double shown = mean.endsWith(" %") ? halfWidth * 100 : halfWidth;
    if (shown < 0.5 * Math.pow(10, -decimals)) {
      decimals = Math.min(9, (int) Math.ceil(-Math.log10(shown)));
    }
    return mean.substring(0, end)
        + String.format(Locale.ROOT, " ± %,." + decimals + "f", shown)
        + mean.substring(end);
  }

  /** A share in per cent at a tick of an axis. */
  static String percentTick(double share) {
    return tick(share * 100) + " %";
  }

  /** A round value at a tick of an axis, with as many decimals as it needs. */
  static String tick(double value) {
    return new BigDecimal(value).round(new MathContext(6)).stripTrailingZeros().toPlainString();
  }

  /** A round duration at a tick of an axis: 10 ms, 2.5 s. */
  static String durationTick(double nanos) {
    if (nanos < 1e6) {
      return tick(nanos / 1e3) + " µs";
    }
    if (nanos < 1e9) {
      return tick(nanos / 1e6) + " ms";
    }
    return tick(nanos / 1e9) + " s";
  }

  /** A duration in the unit that suits it: 250 µs, 12.3 ms, 4.56 s, 12 min, 3 h. */
  static String duration(double nanos) {
    if (Double.isNaN(nanos)) {
      return ABSENT;
    }
    if (nanos < 1e6) {
      return significant(nanos / 1e3) + " µs";
    }
    if (nanos < 1e9) {
      return significant(nanos / 1e6) + " ms";
    }
    if (nanos < 120e9) {
      return significant(nanos / 1e9) + " s";
    }
    return nanos < 7200e9 ? significant(nanos / 60e9) + " min" : significant(nanos / 3600e9) + " h";
  }
}
