package io.headway.batching.composition;

import static java.util.Objects.requireNonNull;

import io.headway.batching.internal.Arguments;

/**
 * One batch of FairBatching while it is filled: its time budget, which decodes are urgent, and what
 * still fits.
 *
 * <ol>
 *   <li>{@link #begin}, then {@link #addDecode} for each sequence that could decode, then {@link
 *       #open}: decodes by slack, budget = the least slack clipped to [minimum, maximum], the
 *       maximum without decodes.
 *   <li>The urgent decodes, the first {@link #urgent} of {@link #decode}: slack below the time of
 *       the next batch.
 *   <li>Prefills, each with {@link #chunk} tokens.
 *   <li>The other decodes.
 * </ol>
 *
 * <p>{@link #add} keeps the predicted time. Reusable; allocates only to grow. O(n log n) for n
 * decodes. Not thread-safe.
 *
 * <p>Source: FairBatching, arXiv 2510.14392.
 */
public final class FairBatch {
  private final LinearBatchTime time;
  private final long minimumNanos;
  private final long maximumNanos;

  private long nowNanos;
  private final DeadlineList decodes = new DeadlineList();
  private int urgent;
  private long budgetNanos;
  private long decodeContextTokens;

  private long tokens;
  private long contextTokens;

  /**
   * Makes an empty batch.
   *
   * @param time how long an iteration takes
   * @param minimumNanos least time budget, above 0
   * @param maximumNanos greatest time budget, at least the minimum
   * @throws IllegalArgumentException if the limits are out of order
   */
  public FairBatch(LinearBatchTime time, long minimumNanos, long maximumNanos) {
    this.time = requireNonNull(time, "time");
    this.minimumNanos = Arguments.atLeast("minimumNanos", minimumNanos, 1, "ns");
    this.maximumNanos = Arguments.atLeast("maximumNanos", maximumNanos, minimumNanos, "ns");
  }

  /**
   * Starts a new batch.
   *
   * @param now the time of the decision, nanoseconds
   */
  public void begin(long now) {
    nowNanos = now;
    decodes.clear();
    urgent = 0;
    tokens = 0;
    contextTokens = 0;
    decodeContextTokens = 0;
  }

  /**
   * Adds a sequence that could decode. Of equal deadlines the one added first goes first.
   *
   * @param sequence a number of the caller's
   * @param deadlineNanos when its next token is due
   * @param context KV entries it holds
   */
  public void addDecode(int sequence, long deadlineNanos, int context) {
    decodes.add(sequence, deadlineNanos);
    decodeContextTokens += context;
  }

  /** Opens the batch; the time of the next one is taken for that of one token for every decode. */
  public void open() {
    double all = time.nanos(decodes.size(), decodeContextTokens);
    open(Math.max(minimumNanos, Math.min(maximumNanos, (long) Math.ceil(all))));
  }

  /**
   * Opens the batch: sorts the decodes and sets the budget.
   *
   * @param nextBatchNanos time of the batch after this one; who cannot wait for it is urgent
   */
  public void open(long nextBatchNanos) {
    decodes.sort();
    budgetNanos =
        decodes.size() == 0
            ? maximumNanos
            : Math.max(minimumNanos, Math.min(maximumNanos, slackNanos(0)));
    urgent = 0;
    while (urgent < decodes.size() && slackNanos(urgent) < nextBatchNanos) {
      urgent++;
    }
  }

  /**
   * Returns the number of decodes.
   *
   * @return a count
   */
  public int decodes() {
    return decodes.size();
  }

  /**
   * Returns a decode.
   *
   * @param position 0 to {@code decodes - 1}, the least slack first
   * @return the sequence
   */
  public int decode(int position) {
    return decodes.sequence(position);
  }

  /**
   * Returns how long a decode may still take to be in time.
   *
   * @param position as in {@link #decode}
   * @return nanoseconds; negative if it is late
   */
  public long slackNanos(int position) {
    return decodes.deadlineNanos(position) - nowNanos;
  }

  /**
   * Returns how many decodes are urgent.
   *
   * @return a count; they are the first ones
   */
  public int urgent() {
    return urgent;
  }

  /**
   * Returns the time that the batch may take.
   *
   * @return nanoseconds
   */
  public long budgetNanos() {
    return budgetNanos;
  }

  /**
   * Returns whether a decode still fits.
   *
   * @param context KV entries it holds
   * @return true if the predicted time stays within the budget
   */
  public boolean fits(int context) {
    return time.fits((double) budgetNanos, tokens + 1, contextTokens + context);
  }

  /**
   * Returns the largest chunk of a prefill that still fits.
   *
   * @param need tokens it could use
   * @param context KV entries it holds
   * @return 0 to {@code need}
   */
  public int chunk(int need, int context) {
    return (int) Math.max(0, Math.min(need, roomTokens(budgetNanos, context)));
  }

  /**
   * Returns the largest chunk of a prefill that stays within the greatest budget of all.
   *
   * @param need tokens it could use
   * @param context KV entries it holds
   * @return 1 to {@code need}
   */
  public int chunkWithinMaximum(int need, int context) {
    return (int) Math.max(1, Math.min(need, roomTokens(maximumNanos, context)));
  }

  private long roomTokens(long limitNanos, int context) {
    long most = time.mostTokens((double) limitNanos, contextTokens + context);
    return most == Long.MAX_VALUE ? most : most - tokens;
  }

  /**
   * Counts work that was taken into the batch.
   *
   * @param count tokens
   * @param context KV entries its sequence held
   */
  public void add(int count, int context) {
    tokens += count;
    contextTokens += context;
  }

  /**
   * Returns how long the batch so far will take.
   *
   * @return nanoseconds; 0 for an empty batch
   */
  public double predictedNanos() {
    return tokens == 0 ? 0 : time.nanos(tokens, contextTokens);
  }

  /**
   * Returns for how many further iterations a batch of these decodes stays within the least budget
   * while each grows by a token per iteration.
   *
   * @return iterations; 0 if it does not even now
   */
  int iterationsWithinMinimum() {
    int size = decodes.size();
    if (size == 0 || tokens != size || !time.fits((double) minimumNanos, tokens, contextTokens)) {
      return 0;
    }
    double perIteration = time.nanosPerContextToken() * size;
    if (perIteration == 0) {
      return Integer.MAX_VALUE;
    }
    double left = minimumNanos - time.nanos(tokens, contextTokens);
    return (int) Math.max(0, Math.min(Integer.MAX_VALUE, Math.floor(left / perIteration)));
  }
}
