package io.headway.predictors.length;

/**
 * A linear score learned with {@link ListMle} by one gradient step per list. Mutable, not
 * thread-safe.
 */
public final class LinearRanker {
  private final double rate;
  private final double[] weights;

  /**
   * Makes a ranker.
   *
   * @param weights initial weights, at least 1, copied
   * @param rate learning rate, above 0
   * @throws IllegalArgumentException if a value is out of range
   */
  public LinearRanker(double[] weights, double rate) {
    if (weights.length == 0) {
      throw new IllegalArgumentException("weights must have at least 1 entry, but has none");
    }
    if (!(rate > 0) || Double.isInfinite(rate)) {
      throw new IllegalArgumentException("rate must be finite and above 0, but was " + rate);
    }
    this.weights = weights.clone();
    this.rate = rate;
  }

  /**
   * Returns the score of one item.
   *
   * @param features as many numbers as there are weights
   * @return larger means longer
   * @throws IllegalArgumentException if the length differs
   */
  public double score(double[] features) {
    if (features.length != weights.length) {
      throw new IllegalArgumentException(
          "features must have " + weights.length + " entries, but has " + features.length);
    }
    double score = 0;
    for (int j = 0; j < weights.length; j++) {
      score += weights[j] * features[j];
    }
    return score;
  }

  /**
   * Returns the loss of a list under the present weights.
   *
   * @param features one row per item
   * @param lengths one true length per item
   * @return the ListMLE loss
   * @throws IllegalArgumentException if the shapes do not agree
   */
  public double loss(double[][] features, double[] lengths) {
    return ListMle.loss(scores(features), lengths);
  }

  /**
   * Learns one list by one gradient step.
   *
   * @param features one row per item
   * @param lengths one true length per item
   * @throws IllegalArgumentException if the shapes do not agree
   */
  public void learn(double[][] features, double[] lengths) {
    double[] gradient = ListMle.gradient(scores(features), lengths);
    for (int i = 0; i < features.length; i++) {
      for (int j = 0; j < weights.length; j++) {
        weights[j] -= rate * gradient[i] * features[i][j];
      }
    }
  }

  private double[] scores(double[][] features) {
    double[] scores = new double[features.length];
    for (int i = 0; i < scores.length; i++) {
      scores[i] = score(features[i]);
    }
    return scores;
  }

  /**
   * Returns a copy of the weights.
   *
   * @return one number per feature
   */
  public double[] weights() {
    return weights.clone();
  }
}
