package io.headway.predictors.regression;

import io.headway.api.RandomSource;

/**
 * Learns a function online with one hidden layer of rectified linear units and a linear output, by
 * stochastic gradient descent on half the squared error, one step per observation.
 *
 * <pre>
 * a = max(0, W1 x + b1)    o = w2' a + b2
 * g = o - y    dw2 = g a    db2 = g    dz = g w2 1{z > 0}    dW1 = dz x'    db1 = dz
 * </pre>
 *
 * The gradient is scaled down to the clip norm if its Euclidean norm over all four parts together
 * is larger. O(h d) per call, no allocation; not thread-safe.
 */
public final class TinyMlp {
  /** Hidden units by default. */
  public static final int DEFAULT_HIDDEN_UNITS = 16;

  /** Learning rate by default. */
  public static final double DEFAULT_RATE = 0.01;

  /** Largest gradient norm by default. */
  public static final double DEFAULT_CLIP_NORM = 1;

  private final int inputs;
  private final int hidden;
  private final double rate;
  private final double clipNorm;
  private final double[] w1;
  private final double[] b1;
  private final double[] w2;
  private double b2;
  private final double[] activations;

  /**
   * Makes a network with given weights, which are copied.
   *
   * @param w1 weights into the hidden layer, one row per unit, all rows of one length of at least 1
   * @param b1 one bias per hidden unit
   * @param w2 one output weight per hidden unit
   * @param b2 output bias
   * @param rate learning rate, above 0
   * @param clipNorm largest gradient norm, above 0; infinity for none
   * @throws IllegalArgumentException if the shapes do not agree or a value is out of range
   */
  public TinyMlp(double[][] w1, double[] b1, double[] w2, double b2, double rate, double clipNorm) {
    hidden = w1.length;
    if (hidden == 0 || w1[0].length == 0) {
      throw new IllegalArgumentException(
          "w1 must have at least 1 hidden unit with at least 1 input, but has "
              + hidden
              + " units");
    }
    inputs = w1[0].length;
    if (b1.length != hidden || w2.length != hidden) {
      throw new IllegalArgumentException(
          "b1 and w2 must have one entry per hidden unit, "
              + hidden
              + ", but have "
              + b1.length
              + " and "
              + w2.length);
    }
    this.w1 = new double[hidden * inputs];
    for (int i = 0; i < hidden; i++) {
      if (w1[i].length != inputs) {
        throw new IllegalArgumentException(
            "w1 must have "
                + inputs
                + " inputs in every row, but row "
                + i
                + " has "
                + w1[i].length);
      }
      System.arraycopy(w1[i], 0, this.w1, i * inputs, inputs);
    }
    this.b1 = b1.clone();
    this.w2 = w2.clone();
    this.b2 = b2;
    this.rate = above0("rate", rate);
    this.clipNorm = above0("clipNorm", clipNorm);
    activations = new double[hidden];
  }

  /**
   * Makes a network with biases 0 and weights drawn uniformly from {@code +-sqrt(6 / (in + out))}
   * (Glorot and Bengio, AISTATS 2010).
   *
   * @param inputs number of features, at least 1
   * @param hiddenUnits at least 1
   * @param rate learning rate, above 0
   * @param clipNorm largest gradient norm, above 0; infinity for none
   * @param random where the weights come from
   * @return the network
   * @throws IllegalArgumentException if a value is out of range
   */
  public static TinyMlp random(
      int inputs, int hiddenUnits, double rate, double clipNorm, RandomSource random) {
    if (inputs < 1 || hiddenUnits < 1) {
      throw new IllegalArgumentException(
          "inputs and hiddenUnits must be at least 1, but were " + inputs + " and " + hiddenUnits);
    }
    double[][] first = new double[hiddenUnits][inputs];
    double[] second = new double[hiddenUnits];
    double reach = Math.sqrt(6.0 / (inputs + hiddenUnits));
    double lastReach = Math.sqrt(6.0 / (hiddenUnits + 1));
    for (double[] row : first) {
      for (int j = 0; j < inputs; j++) {
        row[j] = reach * (2 * random.nextDouble() - 1);
      }
    }
    for (int i = 0; i < hiddenUnits; i++) {
      second[i] = lastReach * (2 * random.nextDouble() - 1);
    }
    return new TinyMlp(first, new double[hiddenUnits], second, 0, rate, clipNorm);
  }

  /**
   * Returns the output for some features.
   *
   * @param features of the network's input length, finite
   * @return the output
   * @throws IllegalArgumentException if the length differs or a feature is not finite
   */
  public double predict(double[] features) {
    if (features.length != inputs) {
      throw new IllegalArgumentException(
          "features must have " + inputs + " entries, but has " + features.length);
    }
    double output = b2;
    for (int i = 0; i < hidden; i++) {
      double z = b1[i];
      for (int j = 0; j < inputs; j++) {
        if (!Double.isFinite(features[j])) {
          throw new IllegalArgumentException(
              "features[" + j + "] must be finite, but was " + features[j]);
        }
        z += w1[i * inputs + j] * features[j];
      }
      activations[i] = Math.max(0, z);
      output += w2[i] * activations[i];
    }
    return output;
  }

  /**
   * Learns one row by one gradient step.
   *
   * @param features of the network's input length, finite
   * @param target finite
   * @return the output before the step
   * @throws IllegalArgumentException if the length differs or a number is not finite; nothing is
   *     learned then
   */
  public double observe(double[] features, double target) {
    if (!Double.isFinite(target)) {
      throw new IllegalArgumentException("target must be finite, but was " + target);
    }
    double output = predict(features);
    double error = output - target;
    double squares = 1;
    double inputSquares = 1;
    for (double feature : features) {
      inputSquares += feature * feature;
    }
    for (int i = 0; i < hidden; i++) {
      squares += activations[i] * activations[i];
      if (activations[i] > 0) {
        squares += w2[i] * w2[i] * inputSquares;
      }
    }
    double norm = Math.abs(error) * Math.sqrt(squares);
    double step = rate * (norm > clipNorm ? clipNorm / norm : 1) * error;
    for (int i = 0; i < hidden; i++) {
      if (activations[i] > 0) {
        double inner = step * w2[i];
        for (int j = 0; j < inputs; j++) {
          w1[i * inputs + j] -= inner * features[j];
        }
        b1[i] -= inner;
      }
      w2[i] -= step * activations[i];
    }
    b2 -= step;
    return output;
  }

  /**
   * Returns a copy of the weights into the hidden layer.
   *
   * @return one row per hidden unit
   */
  public double[][] hiddenWeights() {
    double[][] rows = new double[hidden][inputs];
    for (int i = 0; i < hidden; i++) {
      System.arraycopy(w1, i * inputs, rows[i], 0, inputs);
    }
    return rows;
  }

  /**
   * Returns a copy of the hidden biases.
   *
   * @return one number per hidden unit
   */
  public double[] hiddenBiases() {
    return b1.clone();
  }

  /**
   * Returns a copy of the output weights.
   *
   * @return one number per hidden unit
   */
  public double[] outputWeights() {
    return w2.clone();
  }

  /**
   * Returns the output bias.
   *
   * @return a number
   */
  public double outputBias() {
    return b2;
  }

  private static double above0(String name, double value) {
    if (!(value > 0)) {
      throw new IllegalArgumentException(name + " must be above 0, but was " + value);
    }
    return value;
  }
}
