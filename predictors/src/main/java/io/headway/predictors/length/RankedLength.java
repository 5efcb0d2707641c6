package io.headway.predictors.length;

import io.headway.api.Request;
import io.headway.api.prediction.LengthEstimate;
import io.headway.api.prediction.LengthPredictor;
import java.util.Arrays;

/**
 * Predicts only the order of output lengths: a linear score on {@code (ln(1 + promptTokens), ln(1 +
 * generatedTokens))}, learned from lists of finished requests with {@link ListMle}. A stand-in,
 * without a language model, for the ranker of vllm-ltr (NeurIPS 2024, arXiv 2408.15792).
 *
 * <p>Every {@code listSize} finished requests make one list and one gradient step of {@code rate};
 * an intercept would cancel and is left out. Scores of different states must not be mixed in one
 * queue. Censored requests are not learned from; before the first step the answer is {@code none}.
 * O(1) per answer, no allocation.
 */
public final class RankedLength implements LengthPredictor<RankedLength.Lists> {
  /** Requests in one list by default. */
  public static final int DEFAULT_LIST_SIZE = 32;

  /** Learning rate by default. */
  public static final double DEFAULT_RATE = 0.01;

  private final int listSize;
  private final double rate;

  /**
   * Makes a predictor.
   *
   * @param listSize requests in one list, at least 2
   * @param rate learning rate, above 0
   * @throws IllegalArgumentException if a value is out of range
   */
  public RankedLength(int listSize, double rate) {
    if (listSize < 2) {
      throw new IllegalArgumentException("listSize must be at least 2, but was " + listSize);
    }
    this.listSize = listSize;
    this.rate = rate;
    newState();
  }

  @Override
  public String id() {
    return "listmle";
  }

  @Override
  public Lists newState() {
    return new Lists(listSize, rate);
  }

  @Override
  public void estimate(Lists state, Request request, int generatedTokens, LengthEstimate into) {
    if (state.steps == 0) {
      into.none();
      return;
    }
    fill(state.query, request, generatedTokens);
    into.rank(state.ranker.score(state.query));
  }

  @Override
  public void observe(Lists state, Request request, int outputTokens, boolean censored) {
    if (censored) {
      return;
    }
    fill(state.features[state.size], request, 0);
    state.lengths[state.size] = outputTokens;
    if (++state.size == listSize) {
      state.ranker.learn(state.features, state.lengths);
      state.size = 0;
      state.steps++;
    }
  }

  private static void fill(double[] features, Request request, int generatedTokens) {
    features[0] = Math.log1p(request.promptTokens());
    features[1] = Math.log1p(generatedTokens);
  }

  /** The ranker and the list being collected. */
  public static final class Lists {
    private final LinearRanker ranker;
    private final double[][] features;
    private final double[] lengths;
    private final double[] query = new double[2];
    private int size;
    private long steps;

    private Lists(int listSize, double rate) {
      ranker = new LinearRanker(new double[2], rate);
      features = new double[listSize][2];
      lengths = new double[listSize];
    }

    @Override
    public String toString() {
      return "Lists[steps=" + steps + ", weights=" + Arrays.toString(ranker.weights()) + "]";
    }
  }
}
