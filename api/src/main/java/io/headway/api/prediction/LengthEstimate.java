package io.headway.api.prediction;

/**
 * The answer of a {@link LengthPredictor} about the output tokens still to come: nothing, a number,
 * a range with a number inside, or only a rank. A reusable result that the caller owns. Not
 * thread-safe.
 */
public final class LengthEstimate {
  /** What is known. */
  public enum Kind {
    /** Nothing. */
    NONE,
    /** A number of tokens. */
    POINT,
    /** A number of tokens and a range that holds it. */
    RANGE,
    /** A score that only orders requests: larger means longer. */
    RANK
  }

  /** The upper end of a range without one. */
  public static final int OPEN = Integer.MAX_VALUE;

  private Kind kind = Kind.NONE;
  private double value;
  private int low;
  private int high;

  /** Makes an estimate that knows nothing. */
  public LengthEstimate() {}

  /** Answers that nothing is known. */
  public void none() {
    kind = Kind.NONE;
  }

  /**
   * Answers a number.
   *
   * @param remainingTokens finite and at least 0
   * @throws IllegalArgumentException if it is not
   */
  public void point(double remainingTokens) {
    if (!(remainingTokens >= 0) || Double.isInfinite(remainingTokens)) {
      throw new IllegalArgumentException(
          "remainingTokens must be finite and at least 0, but was " + remainingTokens);
    }
    kind = Kind.POINT;
    value = remainingTokens;
  }

  /**
   * Answers a range.
   *
   * @param remainingTokens finite and at least 0: the number to use where one is needed
   * @param lowTokens inclusive lower end, at least 0
   * @param highTokens exclusive upper end above {@code lowTokens}; {@link #OPEN} if there is none
   * @throws IllegalArgumentException if a value is out of range
   */
  public void range(double remainingTokens, int lowTokens, int highTokens) {
    if (lowTokens < 0 || highTokens <= lowTokens) {
      throw new IllegalArgumentException(
          "lowTokens must be at least 0 and below highTokens, but they were "
              + lowTokens
              + " and "
              + highTokens);
    }
    point(remainingTokens);
    kind = Kind.RANGE;
    low = lowTokens;
    high = highTokens;
  }

  /**
   * Answers a rank.
   *
   * @param score finite; larger means longer, and nothing else
   * @throws IllegalArgumentException if it is not finite
   */
  public void rank(double score) {
    if (!Double.isFinite(score)) {
      throw new IllegalArgumentException("score must be finite, but was " + score);
    }
    kind = Kind.RANK;
    value = score;
  }

  /**
   * Returns what is known.
   *
   * @return the kind of answer
   */
  public Kind kind() {
    return kind;
  }

  /**
   * Returns whether a number of tokens is known.
   *
   * @return true for {@link Kind#POINT} and {@link Kind#RANGE}
   */
  public boolean hasTokens() {
    return kind == Kind.POINT || kind == Kind.RANGE;
  }

  /**
   * Returns the predicted remaining output.
   *
   * @return tokens, at least 0
   * @throws IllegalStateException if no number is known
   */
  public double remainingTokens() {
    return check(hasTokens(), value);
  }

  /**
   * Returns the predicted remaining output as a count of an unfinished sequence: rounded half up
   * and at least 1.
   *
   * @return tokens, at least 1
   * @throws IllegalStateException if no number is known
   */
  public int wholeRemainingTokens() {
    return (int) Math.max(1, Math.min(Integer.MAX_VALUE, Math.round(remainingTokens())));
  }

  /**
   * Returns the lower end of the range.
   *
   * @return tokens, inclusive
   * @throws IllegalStateException if no range is known
   */
  public int lowTokens() {
    return (int) check(kind == Kind.RANGE, low);
  }

  /**
   * Returns the upper end of the range.
   *
   * @return tokens, exclusive; {@link #OPEN} if there is none
   * @throws IllegalStateException if no range is known
   */
  public int highTokens() {
    return (int) check(kind == Kind.RANGE, high);
  }

  /**
   * Returns a key that sorts requests from short to long: the score, or the number of tokens.
   *
   * @return a finite number; comparable between answers of one predictor only
   * @throws IllegalStateException if nothing is known
   */
  public double score() {
    return check(kind != Kind.NONE, value);
  }

  @Override
  public String toString() {
    return switch (kind) {
      case NONE -> "none";
      case POINT -> value + " tokens";
      case RANGE ->
          value
              + " tokens in ["
              + low
              + ", "
              + (high == OPEN ? "open" : Integer.toString(high))
              + ")";
      case RANK -> "rank " + value;
    };
  }

  private double check(boolean known, double number) {
    if (!known) {
      throw new IllegalStateException("the estimate is " + this + "; ask for its kind first");
    }
    return number;
  }
}
