package io.headway.simulator.report;

import java.util.ArrayList;
import java.util.List;

/** Maps values to 0..1 along one side of a chart and says where its ticks are. */
final class Axis {
  /** A labelled place on an axis, 0..1. */
  record Tick(double at, String label) {}

  /** Writes a value on an axis. */
  interface Label {
    String of(double value);
  }

  private static final int MAX_TICKS = 6;

  private final double low;
  private final double high;
  private final boolean logarithmic;
  private final List<Tick> ticks;

  private Axis(double low, double high, boolean logarithmic, List<Double> ticks, Label label) {
    this.low = low;
    this.high = high;
    this.logarithmic = logarithmic;
    this.ticks = ticks.stream().map(value -> new Tick(position(value), label.of(value))).toList();
  }

  /** From 0 to a value of at least {@code max} with even, round ticks. */
  static Axis linear(double max, Label label) {
    double top = max > 0 ? max : 1;
    double step = niceStep(top / (MAX_TICKS - 1));
    List<Double> ticks = new ArrayList<>();
    int count = (int) Math.ceil(top / step - 1e-9);
    for (int i = 0; i <= count; i++) {
      ticks.add(i * step);
    }
    return new Axis(0, count * step, false, ticks, label);
  }

  /** From 0 to exactly {@code end}, with round ticks inside. */
  static Axis until(double end, Label label) {
    double top = end > 0 ? end : 1;
    double step = niceStep(top / (MAX_TICKS - 1));
    List<Double> ticks = new ArrayList<>();
    for (int i = 0; i * step <= top * (1 + 1e-9); i++) {
      ticks.add(i * step);
    }
    return new Axis(0, top, false, ticks, label);
  }

  /**
   * Logarithmic, over all values from {@code min} to {@code max}; the ends are not rounded, so that
   * the curves fill the chart.
   */
  static Axis logarithmic(double min, double max, Label label) {
    double low = min;
    double high = Math.max(max, min * 1.5);
    List<Double> ticks = logTicks(low, high, 1, 2, 5);
    if (ticks.size() > MAX_TICKS) {
      ticks = logTicks(low, high, 1, 3);
    }
    for (int every = 1; ticks.size() > MAX_TICKS; every++) {
      ticks = decades(low, high, every);
    }
    if (ticks.size() < 3) {
      ticks = evenTicks(low, high); // less than a decade: the axis is nearly linear
    }
    return new Axis(low, high, true, ticks, label);
  }

  /** Where a value lies, 0..1; values beyond an end lie on it. */
  double position(double value) {
    double share =
        logarithmic
            ? (Math.log(Math.max(value, low)) - Math.log(low)) / (Math.log(high) - Math.log(low))
            : (value - low) / (high - low);
    return Math.min(1, Math.max(0, share));
  }

  List<Tick> ticks() {
    return ticks;
  }

  private static List<Double> logTicks(double low, double high, int... factors) {
    List<Double> ticks = new ArrayList<>();
    for (int exponent = (int) Math.floor(Math.log10(low));
        Math.pow(10, exponent) <= high;
        exponent++) {
      for (int factor : factors) {
        double value = factor * Math.pow(10, exponent);
        if (value >= low * (1 - 1e-9) && value <= high * (1 + 1e-9)) {
          ticks.add(value);
        }
      }
    }
    return ticks;
  }

  private static List<Double> evenTicks(double low, double high) {
    double step = niceStep((high - low) / (MAX_TICKS - 2));
    List<Double> ticks = new ArrayList<>();
    for (double i = Math.ceil(low / step); i * step <= high; i++) {
      ticks.add(i * step);
    }
    return ticks;
  }

  private static List<Double> decades(double low, double high, int every) {
    List<Double> ticks = new ArrayList<>();
    for (int exponent = (int) Math.ceil(Math.log10(low) - 1e-9);
        Math.pow(10, exponent) <= high * (1 + 1e-9);
        exponent += every) {
      ticks.add(Math.pow(10, exponent));
    }
    return ticks;
  }

  private static double niceStep(double raw) {
    double decade = Math.pow(10, Math.floor(Math.log10(raw)));
    double share = raw / decade;
    return decade * (share <= 1 ? 1 : share <= 2 ? 2 : share <= 2.5 ? 2.5 : share <= 5 ? 5 : 10);
  }
}
