package io.headway.predictors.drift;

import static java.util.Objects.requireNonNull;

import io.headway.api.prediction.DriftDetector;

/**
 * Signals when an adaptive window of recent values falls apart into an older and a newer part with
 * different means: ADWIN (Bifet and Gavalda, SDM 2007).
 *
 * <p>While some split into {@code n0} older and {@code n1} newer values has {@code |mean0 - mean1|
 * > e}, the oldest value is dropped; splits are tried from the oldest side, and after a drop the
 * test starts again. With {@code m = 1 / (1/n0 + 1/n1)} and {@code d' = delta / n}
 *
 * <pre>
 * e = sqrt(2/m var(W) ln(2/d')) + 2/(3m) ln(2/d')    (form VARIANCE; var divides by n)
 * e = sqrt(ln(4/d') / (2m))                          (form DISTRIBUTION_FREE)
 * </pre>
 *
 * For values in [0, 1] the distribution-free form cuts a stationary window with probability at most
 * {@code delta} per step. The window is exact, not bucketed as in the paper, so a test costs O(n)
 * with n at most {@code maxWindow}, and each drop one more; values beyond that leave unnoticed.
 * {@code testEvery} spreads the cost. No allocation.
 */
public final class Adwin implements DriftDetector<Adwin.Window> {
  /** Forms of the bound. */
  public enum Form {
    /** Uses the variance of the window. */
    VARIANCE,
    /** Holds for any values in [0, 1]. */
    DISTRIBUTION_FREE
  }

  /**
   * Configuration.
   *
   * @param delta false alarm rate, above 0 and below 1
   * @param form of the bound
   * @param testEvery values between two tests, at least 1
   * @param maxWindow most values kept, at least 2
   */
  public record Config(double delta, Form form, int testEvery, int maxWindow) {
    /** Rate 0.002, variance form, a test every 32 values, at most 2 000 values. */
    public static final Config DEFAULT = new Config(0.002, Form.VARIANCE, 32, 2000);

    /** Checks the values. */
    public Config {
      requireNonNull(form, "form");
      if (!(delta > 0 && delta < 1)) {
        throw new IllegalArgumentException("delta must be above 0 and below 1, but was " + delta);
      }
      if (testEvery < 1 || maxWindow < 2) {
        throw new IllegalArgumentException(
            "testEvery must be at least 1 and maxWindow at least 2, but were "
                + testEvery
                + " and "
                + maxWindow);
      }
    }
  }

  private final Config config;

  /**
   * Makes a detector.
   *
   * @param config its configuration
   */
  public Adwin(Config config) {
    this.config = requireNonNull(config, "config");
  }

  @Override
  public String id() {
    return "adwin";
  }

  @Override
  public Window newState() {
    return new Window(config.maxWindow);
  }

  @Override
  public boolean add(Window state, double error) {
    if (!Double.isFinite(error)) {
      throw new IllegalArgumentException("error must be finite, but was " + error);
    }
    state.push(error);
    state.cuts = 0;
    if (++state.sinceTest >= config.testEvery) {
      state.sinceTest = 0;
      while (state.size > 1 && split(state)) {
        state.dropOldest();
        state.cuts++;
      }
    }
    return state.cuts > 0;
  }

  private boolean split(Window window) {
    int n = window.size;
    double mean = window.mean();
    double variance = 0;
    for (int i = 0; i < n; i++) {
      double d = window.value(i) - mean;
      variance += d * d;
    }
    variance /= n;
    double total = mean * n;
    double share = config.delta / n;
    double ln2 = Math.log(2 / share);
    double ln4 = Math.log(4 / share);
    double older = 0;
    for (int n0 = 1; n0 < n; n0++) {
      older += window.value(n0 - 1);
      int n1 = n - n0;
      double difference = Math.abs(older / n0 - (total - older) / n1);
      double m = 1 / (1.0 / n0 + 1.0 / n1);
      double bound =
          config.form == Form.VARIANCE
              ? Math.sqrt(2 / m * variance * ln2) + 2 / (3 * m) * ln2
              : Math.sqrt(ln4 / (2 * m));
      if (difference > bound) {
        if (window.cuts == 0) {
          window.cutSize = n;
          window.cutSplit = n0;
          window.cutDifference = difference;
          window.cutBound = bound;
        }
        return true;
      }
    }
    return false;
  }

  /** The values in the window. Not thread-safe. */
  public static final class Window {
    private final double[] ring;
    private int first;
    private int size;
    private int sinceTest;
    private int cuts;
    private int cutSize;
    private int cutSplit;
    private double cutDifference;
    private double cutBound;

    private Window(int capacity) {
      ring = new double[capacity];
    }

    private void push(double value) {
      if (size == ring.length) {
        dropOldest();
      }
      ring[(first + size) % ring.length] = value;
      size++;
    }

    private void dropOldest() {
      first = (first + 1) % ring.length;
      size--;
    }

    private double value(int index) {
      int at = first + index;
      return ring[at < ring.length ? at : at - ring.length];
    }

    /**
     * Returns how many values are in the window.
     *
     * @return a count
     */
    public int size() {
      return size;
    }

    /**
     * Returns the mean of the window.
     *
     * @return a number; 0 if the window is empty
     */
    public double mean() {
      double sum = 0;
      for (int i = 0; i < size; i++) {
        sum += value(i);
      }
      return size == 0 ? 0 : sum / size;
    }

    /**
     * Returns how many values the last call dropped.
     *
     * @return a count; 0 without an alarm
     */
    public int dropped() {
      return cuts;
    }

    /**
     * Returns the size of the window at the first cut of the last alarm.
     *
     * @return values; 0 before the first alarm
     */
    public int cutSize() {
      return cutSize;
    }

    /**
     * Returns the size of the older part at the first cut of the last alarm.
     *
     * @return values; 0 before the first alarm
     */
    public int cutSplit() {
      return cutSplit;
    }

    /**
     * Returns the difference of means at the first cut of the last alarm.
     *
     * @return above {@link #cutBound()}; 0 before the first alarm
     */
    public double cutDifference() {
      return cutDifference;
    }

    /**
     * Returns the bound at the first cut of the last alarm.
     *
     * @return a number; 0 before the first alarm
     */
    public double cutBound() {
      return cutBound;
    }
  }
}
