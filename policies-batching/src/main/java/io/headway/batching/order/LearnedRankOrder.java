package io.headway.batching.order;

import io.headway.api.batching.BatchView;
import io.headway.api.batching.End;
import io.headway.api.batching.QueueOrder;
import io.headway.api.batching.RankChanges;
import io.headway.api.batching.ServedSequences;
import io.headway.api.prediction.OutputHistory;
import io.headway.batching.internal.Arguments;
import java.util.Arrays;

/**
 * Orders sequences by a rank that a model gives them once, at arrival, and puts those first that
 * have not run for too long: the learning-to-rank scheduler of vLLM-LTR.
 *
 * <p>The rank is the predicted output, the smallest first; any increasing transform of it gives the
 * same order. A sequence nobody predicts counts with the median of the last {@value #HISTORY}
 * finished outputs (with its cap while there is none): the middle, as score 0 of the published
 * code.
 *
 * <p>Starvation control, before each selection: who was left out of {@code starvationIterations}
 * iterations in a row is promoted, that is, goes before all others until it has run {@code
 * promotionIterations} iterations; promoted ones are ranked among themselves. Whoever is left out
 * that long again meanwhile starts its period anew. Ties end in (arrival, id).
 *
 * <p>Properties: a promoted sequence stays promoted until it has run its period, and, under a
 * composition that takes a prefix of the order, nobody who is not promoted runs while a promoted
 * one is left out for want of a slot. There is no absolute bound on waiting, since promoted
 * sequences are ranked, too.
 *
 * <p>O(1) per event, O(log waiting) per promotion. Thread-safe; the state is single-threaded.
 *
 * <p>Source: Fu et al., Efficient LLM Scheduling by Learning to Rank, NeurIPS 2024, arXiv
 * 2408.15792, and its code, github.com/hao-ai-lab/vllm-ltr.
 */
public final class LearnedRankOrder implements QueueOrder<LearnedRankOrder.State> {
  /** Finished outputs that the median is taken of. */
  public static final int HISTORY = 1000;

  private static final int NONE = BatchView.NONE;

  private final int starvationIterations;
  private final int promotionIterations;

  /**
   * Makes the order.
   *
   * @param starvationIterations iterations left out after which a sequence is promoted, at least 0;
   *     0 for no starvation control
   * @param promotionIterations iterations that a promoted sequence runs before it falls back, at
   *     least 1
   * @throws IllegalArgumentException if a number is out of range
   */
  public LearnedRankOrder(int starvationIterations, int promotionIterations) {
    this.starvationIterations =
        Arguments.atLeast("starvationIterations", starvationIterations, 0, "iterations");
    this.promotionIterations =
        Arguments.atLeast("promotionIterations", promotionIterations, 1, "iterations");
  }

  /** Ranks and promotions. Single-threaded. */
  public static final class State {
    private final OutputHistory history = new OutputHistory(HISTORY, 0, 1);
    private final LazyTimers idle = new LazyTimers();
    private boolean[] known = new boolean[16];
    private double[] ranks = new double[16];
    // The iteration from which on a sequence counts as left out.
    private long[] idleSince = new long[16];
    private boolean[] promoted = new boolean[16];
    private int[] runsLeft = new int[16];
    private int[] promotions = new int[16];
    private int[] served = new int[8];
    private int servedCount;

    private State() {}

    /**
     * Returns whether a sequence is promoted.
     *
     * @param sequence a live sequence
     * @return true from its promotion until it has run its period
     */
    public boolean isPromoted(int sequence) {
      return promoted[sequence];
    }

    /**
     * Returns how often a sequence was promoted.
     *
     * @param sequence a live sequence
     * @return a count
     */
    public int promotions(int sequence) {
      return promotions[sequence];
    }

    private void ensure(int sequence) {
      if (sequence >= known.length) {
        int length = Math.max(sequence + 1, known.length * 2);
        known = Arrays.copyOf(known, length);
        ranks = Arrays.copyOf(ranks, length);
        idleSince = Arrays.copyOf(idleSince, length);
        promoted = Arrays.copyOf(promoted, length);
        runsLeft = Arrays.copyOf(runsLeft, length);
        promotions = Arrays.copyOf(promotions, length);
      }
    }
  }

  @Override
  public String id() {
    return "learned-rank";
  }

  @Override
  public State newState() {
    return new State();
  }

  @Override
  public int compare(State state, BatchView view, int a, int b) {
    if (state.promoted[a] != state.promoted[b]) {
      return state.promoted[a] ? -1 : 1;
    }
    int byRank = Double.compare(state.ranks[a], state.ranks[b]);
    return byRank != 0 ? byRank : view.compareArrival(a, b);
  }

  @Override
  public void refresh(State state, BatchView view, RankChanges changes) {
    if (starvationIterations == 0) {
      return;
    }
    promote(state, view, changes);
    for (int i = 0; i < state.servedCount; i++) {
      int sequence = state.served[i];
      if (state.promoted[sequence] && state.runsLeft[sequence] <= 0) {
        state.promoted[sequence] = false;
        changes.changed(sequence);
      }
    }
    state.servedCount = 0;
  }

  private void promote(State state, BatchView view, RankChanges changes) {
    LazyTimers idle = state.idle;
    long iteration = view.iteration();
    for (int s = idle.first();
        s != NONE && iteration - idle.time(s) >= starvationIterations;
        s = idle.first()) {
      idle.remove(s);
      if (state.idleSince[s] > idle.time(s)) {
        idle.add(s, state.idleSince[s]);
        continue;
      }
      idle.add(s, iteration);
      if (!view.inFlight(s)) {
        state.idleSince[s] = iteration;
        state.promoted[s] = true;
        state.runsLeft[s] = promotionIterations;
        state.promotions[s]++;
        changes.changed(s);
      }
    }
  }

  @Override
  public void onQueued(State state, BatchView view, int sequence) {
    state.ensure(sequence);
    if (state.known[sequence]) {
      return;
    }
    state.known[sequence] = true;
    state.promoted[sequence] = false;
    state.promotions[sequence] = 0;
    state.idleSince[sequence] = view.iteration();
    double rank = view.maxNewTokens(sequence);
    if (view.hasPrediction(sequence)) {
      rank = view.generatedTokens(sequence) + (double) view.predictedRemainingTokens(sequence);
    } else if (state.history.size() > 0) {
      rank = state.history.median();
    }
    state.ranks[sequence] = rank;
    if (starvationIterations > 0) {
      state.idle.add(sequence, view.iteration());
    }
  }

  @Override
  public void onServed(State state, BatchView view, ServedSequences served) {
    for (int k = 0, count = served.count(); k < count; k++) {
      int sequence = served.sequence(k);
      state.idleSince[sequence] = view.iteration();
      if (state.promoted[sequence] && --state.runsLeft[sequence] == 0) {
        if (state.servedCount == state.served.length) {
          state.served = Arrays.copyOf(state.served, state.servedCount * 2);
        }
        state.served[state.servedCount++] = sequence;
      }
    }
  }

  @Override
  public void onEnded(State state, BatchView view, int sequence, End end) {
    if (sequence >= state.known.length || !state.known[sequence]) {
      return;
    }
    state.known[sequence] = false;
    state.promoted[sequence] = false;
    state.idle.remove(sequence);
    if (end == End.STOPPED || end == End.LENGTH) {
      state.history.observe(view.generatedTokens(sequence));
    }
  }

  @Override
  public int bulkIterations(State state, BatchView view) {
    return starvationIterations == 0 ? Integer.MAX_VALUE : 0;
  }
}
