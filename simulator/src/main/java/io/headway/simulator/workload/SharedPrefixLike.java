package io.headway.simulator.workload;

import io.headway.api.RandomSource;

/**
 * Generates conversations that share prefixes like those of the Mooncake conversation trace: all
 * prompts begin with one common block, a share of the requests opens a session, and the others
 * extend one.
 *
 * <p>The prompt of a request has a length drawn from the measured quantiles, so that the marginal
 * distribution is that of the trace. An opening request hits at most the common block. An extending
 * one continues the recent session whose last prompt is the longest not above {@code 1 -
 * extensionShare} of the new length: its prompt is all full blocks of that prompt, then new blocks;
 * if there is no such session it opens one. Outputs are drawn independently, arrivals are Poisson.
 *
 * <p>With the defaults (60 % opening, {@value #DEFAULT_EXTENSION_SHARE} extension, {@value
 * #RECENT_SESSIONS} recent sessions) an unlimited cache hits 0.37 of the blocks, as in the trace;
 * the extension share was fitted to that and is no measured quantity.
 *
 * <p>Source: R. Qin et al., "Mooncake", FAST 2025, and its published conversation trace.
 *
 * @param ratePerSecond mean rate, requests per second; above 0
 * @param openingShare share of requests that open a session; in [0, 1]
 * @param extensionShare share of an extending prompt that is new; in [0, 1)
 * @param requests how many requests, at least 1
 */
public record SharedPrefixLike(
    double ratePerSecond, double openingShare, double extensionShare, int requests)
    implements WorkloadGenerator {

  /** Default rate, requests per second: that of the trace. */
  public static final double DEFAULT_RATE_PER_SECOND = 3.401;

  /** Default share of requests that open a session. */
  public static final double DEFAULT_OPENING_SHARE = 0.6;

  /** Default share of an extending prompt that is new. */
  public static final double DEFAULT_EXTENSION_SHARE = 0.1;

  /** Tokens per block. */
  public static final int BLOCK_TOKENS = MooncakeTraceReader.BLOCK_TOKENS;

  /** Sessions that may be extended: those used last. */
  public static final int RECENT_SESSIONS = 1_024;

  private static final double[] P = {
    0, .01, .05, .1, .2, .3, .4, .5, .6, .7, .8, .9, .95, .99, .995, .999, 1
  };
  private static final QuantileTable PROMPT =
      QuantileTable.linear(
          P, 891, 894, 901, 964, 1662, 3263, 4993, 6909, 9570, 13200, 17870, 27370, 39550, 85400,
          100800, 121300, 126200);
  private static final QuantileTable OUTPUT =
      QuantileTable.linear(
          P, 1, 3, 10, 24, 100, 213, 291, 350, 399, 447, 504, 597, 698, 1119, 1568, 2000, 2000);

  /** Checks the parameters. */
  public SharedPrefixLike {
    GammaGaps.requireRate(ratePerSecond);
    if (!(openingShare >= 0 && openingShare <= 1)) {
      throw new IllegalArgumentException("openingShare must be in 0..1, but was " + openingShare);
    }
    if (!(extensionShare >= 0 && extensionShare < 1)) {
      throw new IllegalArgumentException(
          "extensionShare must be at least 0 and below 1, but was " + extensionShare);
    }
    GammaGaps.requireRequests(requests);
  }

  /**
   * Returns the generator that imitates the trace.
   *
   * @param requests how many requests, at least 1
   * @return a generator with the defaults
   */
  public static SharedPrefixLike of(int requests) {
    return new SharedPrefixLike(
        DEFAULT_RATE_PER_SECOND, DEFAULT_OPENING_SHARE, DEFAULT_EXTENSION_SHARE, requests);
  }

  @Override
  public Workload generate(long seed) {
    RandomSource root = RandomSource.seeded(seed);
    RandomSource lengths = RandomSource.seeded(root.nextLong());
    RandomSource times = RandomSource.seeded(root.nextLong());
    GammaGaps gaps = GammaGaps.ofRate(ratePerSecond, 1, times);
    Workload.Builder builder = Workload.builder("shared-prefix-like");
    Sessions sessions = new Sessions();
    long nextBlock = 1; // block 0 is common to all
    double at = 0;
    for (int i = 0; i < requests; i++) {
      boolean opens = lengths.nextDouble() < openingShare;
      int prompt = PROMPT.tokens(lengths.nextDouble());
      int output = OUTPUT.tokens(lengths.nextDouble());
      int slot = opens ? -1 : sessions.longestWithin((int) ((1 - extensionShare) * prompt));
      long[] earlier = slot < 0 ? new long[] {0} : sessions.fullBlocks(slot);
      long[] ids = new long[BlockKeys.blocksOf(prompt, BLOCK_TOKENS)];
      int shared = Math.min(earlier.length, ids.length);
      System.arraycopy(earlier, 0, ids, 0, shared);
      for (int k = shared; k < ids.length; k++) {
        ids[k] = nextBlock++;
      }
      int session = sessions.use(slot, prompt, ids, i);
      builder.add(GammaGaps.nanos(at), prompt, output).session(session).blocks(BLOCK_TOKENS, ids);
      at += gaps.next();
    }
    return builder.build();
  }

  /** The sessions that may be extended, in a fixed number of slots. */
  private static final class Sessions {
    private final int[] promptTokens = new int[RECENT_SESSIONS];
    private final long[][] blocks = new long[RECENT_SESSIONS][];
    private final int[] numbers = new int[RECENT_SESSIONS];
    private final int[] usedAt = new int[RECENT_SESSIONS];
    private int size;
    private int opened;

    /** The slot with the longest prompt of at most {@code limit} tokens, lowest first, or -1. */
    int longestWithin(int limit) {
      int best = -1;
      for (int slot = 0; slot < size; slot++) {
        if (promptTokens[slot] <= limit && (best < 0 || promptTokens[slot] > promptTokens[best])) {
          best = slot;
        }
      }
      return best;
    }

    long[] fullBlocks(int slot) {
      // A prompt shorter than a block still has the common one, which is never partial.
      int full = Math.max(1, promptTokens[slot] / BLOCK_TOKENS);
      long[] ids = new long[full];
      System.arraycopy(blocks[slot], 0, ids, 0, full);
      return ids;
    }

    /** Stores a prompt in its session, or in a new one in place of the one unused for longest. */
    int use(int slot, int prompt, long[] ids, int now) {
      int target = slot;
      if (slot < 0) {
        if (size < RECENT_SESSIONS) {
          target = size++;
        } else {
          target = 0;
          for (int other = 1; other < size; other++) {
            if (usedAt[other] < usedAt[target]) {
              target = other;
            }
          }
        }
        numbers[target] = opened++;
      }
      promptTokens[target] = prompt;
      blocks[target] = ids;
      usedAt[target] = now;
      return numbers[target];
    }
  }
}
