package io.headway.routing.moe;

import static java.util.Objects.requireNonNull;

import io.headway.api.Stateless;
import io.headway.api.moe.CapacityRule;
import io.headway.api.moe.ExpertAssignments;
import io.headway.api.moe.ExpertRouter;
import io.headway.api.moe.MoeInputException;
import io.headway.api.moe.RouterInput;
import io.headway.api.moe.RouterTrait;
import io.headway.api.moe.SignalLevel;
import io.headway.api.moe.Workspace;
import io.headway.routing.internal.Selection;
import java.util.Arrays;
import java.util.Set;

/**
 * Gives every expert exactly {@code T / E} tokens with a large total score when training; sends
 * each token to its best expert when serving.
 *
 * <p>{@link Mode#AUCTION}: experts bid for tokens. With {@code k = T / E} and {@code eps = max((max
 * - min) / 50, 1e-4)}, in every round each expert bids {@code value_j - value_(k+1) + eps} on its
 * {@code k} best tokens; from the second round on, before round 100, its bid on tokens it holds is
 * set to {@code eps}. The highest bid wins a token (ties to the lower expert). When every token has
 * a bid, each expert's {@code k} best are the answer; else prices rise by the highest bids, values
 * become score minus price, and a holder's value of its token becomes the largest score, or its own
 * raw score from round 100 on, where the auction ends approximately. The total is within {@code T
 * eps} of the best when it stops before round 100. {@link Mode#EXACT} finds the best total by
 * minimum-cost flow. {@link Mode#GREEDY} takes the argmax and balances nothing: an assignment that
 * depends on the neighbours would be wrong when serving.
 *
 * <p>The gate is {@code sigmoid(score)}, which mixes the expert's output with its input. A masked
 * score counts as the smallest score of the batch. In the balanced modes the slot is the position
 * among the expert's tokens in ascending order. If {@code E} does not divide {@code T} the batch is
 * refused, or with {@code padToDivisible} filled up with tokens of the smallest score that are then
 * left out.
 *
 * <p>Ties go to the lower token or expert. Cost: AUCTION O(rounds x T x E), EXACT O(T (T + E)^2),
 * GREEDY O(T x E). Safe for any number of threads.
 *
 * <p>Lewis et al.: BASE Layers, ICML 2021 (arXiv 2103.16716), after the authors' code. Departure:
 * an auction that has not ended after 10,000 rounds gives each token left over to the first expert
 * with room, so that every call ends.
 */
public final class BaseRouter implements ExpertRouter<Stateless> {
  private static final int QUICK_FINISH_ROUND = 100;
  private static final int ROUND_LIMIT = 10_000;
  private static final double INCREMENTS = 50;
  private static final double LEAST_INCREMENT = 1e-4;

  private static final int SCORE = TokenChoice.OWN;
  private static final int VALUE = TokenChoice.OWN + 1;
  private static final int COST = TokenChoice.OWN + 2;
  private static final int HIGH_BID = TokenChoice.OWN + 3;
  private static final int PICK_VALUE = TokenChoice.OWN + 4;
  private static final int FLOW = TokenChoice.OWN + 6;
  private static final int BIDDER = TokenChoice.OWN;
  private static final int HOLDER = TokenChoice.OWN + 1;
  private static final int PICK = TokenChoice.OWN + 2;
  private static final int OWNER = TokenChoice.OWN + 3;
  private static final int CHOSEN = TokenChoice.OWN;

  /** How tokens find their experts. */
  public enum Mode {
    /** Balanced, by auction. */
    AUCTION,
    /** Balanced, exactly optimal. */
    EXACT,
    /** Best expert per token, unbalanced. */
    GREEDY
  }

  /**
   * Settings.
   *
   * @param mode how tokens find their experts; AUCTION by default
   * @param padToDivisible whether a batch that the experts do not divide is filled up instead of
   *     refused; false by default
   */
  public record Config(Mode mode, boolean padToDivisible) {
    /** Training as published. */
    public static final Config DEFAULT = new Config(Mode.AUCTION, false);

    /** Checks the settings. */
    public Config {
      requireNonNull(mode, "mode");
    }
  }

  private final Config config;

  /**
   * Creates the router.
   *
   * @param config its settings
   */
  public BaseRouter(Config config) {
    this.config = requireNonNull(config, "config");
  }

  @Override
  public String id() {
    return "base";
  }

  @Override
  public Stateless newState() {
    return Stateless.STATE;
  }

  @Override
  public Set<RouterTrait> traits() {
    return switch (config.mode()) {
      case GREEDY ->
          Traits.of(
              RouterTrait.BATCH_INVARIANT,
              RouterTrait.PREFIX_STABLE,
              RouterTrait.DROPLESS,
              RouterTrait.PERMUTATION_EQUIVARIANT);
      case AUCTION, EXACT ->
          config.padToDivisible()
              ? Traits.of(RouterTrait.DROPLESS)
              : Traits.of(RouterTrait.DROPLESS, RouterTrait.EXACT_BALANCE);
    };
  }

  @Override
  public void route(RouterInput input, Stateless state, ExpertAssignments out) {
    Workspace work = out.workspace();
    int experts = input.experts();
    int[] real = work.ints(TokenChoice.ORDER, input.tokens());
    int n = TokenChoice.order(input, work, FillOrder.TOKEN, 0, work.doubles(COST, 0), real);
    double[] row = work.doubles(TokenChoice.ROW, experts);
    int[] owner = work.ints(OWNER, input.tokens());
    if (config.mode() == Mode.GREEDY) {
      out.begin(input, CapacityRule.UNLIMITED_SLOTS, 1);
      for (int i = 0; i < n; i++) {
        owner[i] = input.loadRow(real[i], row);
      }
    } else {
      int remainder = n % experts;
      if (remainder != 0 && !config.padToDivisible()) {
        throw new MoeInputException(
            MoeInputException.Rule.NOT_DIVISIBLE,
            "tokens must be a multiple of experts = " + experts + ", but was " + n);
      }
      int padded = remainder == 0 ? n : Math.addExact(n, experts - remainder);
      out.begin(input, padded / experts, 1);
      double[] score = work.doubles(SCORE, Math.multiplyExact(experts, padded));
      loadScores(input, row, real, n, padded, score);
      int[] assigned = work.ints(OWNER, padded);
      owner = assigned;
      if (config.mode() == Mode.EXACT) {
        assignExactly(work, score, experts, padded, assigned);
      } else if (padded > 0) {
        auction(out, work, score, experts, padded, assigned);
      }
    }
    write(input, out, real, n, owner);
  }

  private static void loadScores(
      RouterInput in, double[] row, int[] real, int n, int padded, double[] score) {
    int experts = in.experts();
    double least = Double.POSITIVE_INFINITY;
    for (int i = 0; i < n; i++) {
      in.loadRow(real[i], row);
      for (int e = 0; e < experts; e++) {
        score[e * padded + i] = row[e];
        if (row[e] > Double.NEGATIVE_INFINITY) {
          least = Math.min(least, row[e]);
        }
      }
    }
    for (int e = 0; e < experts; e++) {
      for (int i = 0; i < padded; i++) {
        int at = e * padded + i;
        if (i >= n || score[at] == Double.NEGATIVE_INFINITY) {
          score[at] = least;
        }
      }
    }
  }

  private static void assignExactly(
      Workspace work, double[] score, int experts, int n, int[] owner) {
    boolean[] chosen = work.booleans(CHOSEN, experts * n);
    Transport.maximise(score, experts, n, n / experts, 1, chosen, work, FLOW);
    for (int e = 0; e < experts; e++) {
      for (int i = 0; i < n; i++) {
        if (chosen[e * n + i]) {
          owner[i] = e;
        }
      }
    }
  }

  private static void auction(
      ExpertAssignments out, Workspace work, double[] score, int experts, int n, int[] owner) {
    boolean explain = out.signalLevel() == SignalLevel.ALL;
    int k = n / experts;
    if (k + 1 > n) {
      Arrays.fill(owner, 0, n, 0);
      if (explain) {
        out.signals().add(MoeSignals.ROUNDS, 0);
      }
      return;
    }
    double most = Double.NEGATIVE_INFINITY;
    double least = Double.POSITIVE_INFINITY;
    for (int i = 0; i < experts * n; i++) {
      most = Math.max(most, score[i]);
      least = Math.min(least, score[i]);
    }
    double increment = Math.max((most - least) / INCREMENTS, LEAST_INCREMENT);
    double[] value = work.doubles(VALUE, experts * n);
    double[] cost = work.doubles(COST, n);
    double[] highBid = work.doubles(HIGH_BID, n);
    double[] pickValue = work.doubles(PICK_VALUE, n);
    int[] bidder = work.ints(BIDDER, n);
    int[] holder = work.ints(HOLDER, n);
    int[] pick = work.ints(PICK, n);
    System.arraycopy(score, 0, value, 0, experts * n);
    Arrays.fill(cost, 0, n, 0);
    Arrays.fill(holder, 0, n, -1);
    int round = 0;
    boolean done = false;
    while (!done && round < ROUND_LIMIT) {
      boolean keepsHolders = round > 0 && round < QUICK_FINISH_ROUND;
      Arrays.fill(highBid, 0, n, 0);
      Arrays.fill(bidder, 0, n, 0);
      for (int e = 0; e < experts; e++) {
        double next = pickBest(value, e, n, k, pick, pickValue);
        for (int p = 0; p < k; p++) {
          int i = pick[p];
          if (!(keepsHolders && holder[i] == e)) {
            bid(e, i, pickValue[p] - next + increment, highBid, bidder);
          }
        }
        for (int i = 0; i < n && keepsHolders; i++) {
          if (holder[i] == e) {
            bid(e, i, increment, highBid, bidder);
          }
        }
      }
      done = true;
      for (int i = 0; i < n; i++) {
        done &= highBid[i] > 0;
      }
      if (!done) {
        raisePrices(round, score, experts, n, most, highBid, bidder, cost, value, holder);
        round++;
      }
    }
    takeBest(value, experts, n, k, pick, pickValue, owner);
    if (explain) {
      out.signals().add(MoeSignals.BID_INCREMENT, increment);
      out.signals().add(MoeSignals.ROUNDS, round);
    }
  }

  private static void bid(int e, int i, double amount, double[] highBid, int[] bidder) {
    if (amount > highBid[i]) {
      highBid[i] = amount;
      bidder[i] = e;
    }
  }

  /** Picks the k best tokens of an expert and returns the value of the next one. */
  private static double pickBest(
      double[] value, int e, int n, int k, int[] pick, double[] pickValue) {
    for (int i = 0; i < n; i++) {
      pickValue[i] = value[e * n + i];
      pick[i] = i;
    }
    Selection.partition(pickValue, pick, 0, n, k);
    double next = Double.NEGATIVE_INFINITY;
    for (int i = k; i < n; i++) {
      next = Math.max(next, pickValue[i]);
    }
    return next;
  }

  private static void raisePrices(
      int round,
      double[] score,
      int experts,
      int n,
      double most,
      double[] highBid,
      int[] bidder,
      double[] cost,
      double[] value,
      int[] holder) {
    for (int i = 0; i < n; i++) {
      cost[i] += highBid[i];
      for (int e = 0; e < experts; e++) {
        value[e * n + i] = score[e * n + i] - cost[i];
      }
      holder[i] = highBid[i] > 0 ? bidder[i] : -1;
      if (holder[i] >= 0) {
        int at = holder[i] * n + i;
        value[at] = round < QUICK_FINISH_ROUND ? most : score[at];
      }
    }
  }

  /**
   * Gives every expert its k best tokens; a token wanted twice or not at all fills what is left.
   */
  private static void takeBest(
      double[] value, int experts, int n, int k, int[] pick, double[] pickValue, int[] owner) {
    Arrays.fill(owner, 0, n, -1);
    int assigned = 0;
    for (int e = 0; e < experts; e++) {
      pickBest(value, e, n, k, pick, pickValue);
      for (int p = 0; p < k; p++) {
        if (owner[pick[p]] < 0) {
          owner[pick[p]] = e;
          assigned++;
        }
      }
    }
    if (assigned == n) {
      return;
    }
    Arrays.fill(pick, 0, experts, k);
    for (int i = 0; i < n; i++) {
      if (owner[i] >= 0) {
        pick[owner[i]]--;
      }
    }
    int e = 0;
    for (int i = 0; i < n; i++) {
      if (owner[i] < 0) {
        while (pick[e] == 0) {
          e++;
        }
        owner[i] = e;
        pick[e]--;
      }
    }
  }

  private void write(RouterInput in, ExpertAssignments out, int[] real, int n, int[] owner) {
    Workspace work = out.workspace();
    int experts = in.experts();
    int[] used = work.ints(TokenChoice.COUNT, experts);
    double[] logit = work.doubles(TokenChoice.KEY, n);
    double[] gate = work.doubles(TokenChoice.PROBABILITY, n);
    for (int i = 0; i < n; i++) {
      logit[i] = in.logit(real[i], owner[i]);
    }
    Exponentials.sigmoids(logit, gate, work.doubles(TokenChoice.SCALE, n), n);
    Arrays.fill(used, 0, experts, 0);
    boolean balanced = config.mode() != Mode.GREEDY;
    double total = 0;
    out.reserve(n, 0);
    for (int i = 0; i < n; i++) {
      int e = owner[i];
      out.assign(real[i], 0, e, balanced ? used[e]++ : ExpertAssignments.NO_SLOT, gate[i]);
      total += logit[i];
    }
    out.end();
    if (out.signalLevel() == SignalLevel.ALL) {
      out.signals().add(MoeSignals.TOTAL_SCORE, total);
    }
  }
}
