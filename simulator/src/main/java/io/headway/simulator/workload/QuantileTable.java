package io.headway.simulator.workload;

/**
 * A distribution given by some of its quantiles, sampled by inverse transform: linear in the
 * probability, linear in the value or in its logarithm.
 */
final class QuantileTable {
  private final double[] probabilities;
  private final double[] values;
  private final boolean logarithmic;

  private QuantileTable(double[] probabilities, double[] values, boolean logarithmic) {
    this.probabilities = probabilities;
    this.values = values.clone();
    this.logarithmic = logarithmic;
    if (logarithmic) {
      for (int i = 0; i < values.length; i++) {
        this.values[i] = StrictMath.log(values[i]);
      }
    }
  }

  static QuantileTable linear(double[] probabilities, double... values) {
    return new QuantileTable(probabilities, values, false);
  }

  static QuantileTable logarithmic(double[] probabilities, double... values) {
    return new QuantileTable(probabilities, values, true);
  }

  /** The value at a probability in [0, 1). */
  double quantile(double probability) {
    int above = 1;
    while (above < probabilities.length - 1 && probabilities[above] <= probability) {
      above++;
    }
    double width = probabilities[above] - probabilities[above - 1];
    double share = (probability - probabilities[above - 1]) / width;
    double value = values[above - 1] + share * (values[above] - values[above - 1]);
    return logarithmic ? StrictMath.exp(value) : value;
  }

  /** The nearest whole number of tokens at a probability, at least 1. */
  int tokens(double probability) {
    return (int) Math.max(1, Math.round(quantile(probability)));
  }
}
