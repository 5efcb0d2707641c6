package io.headway.api.moe;

import static java.util.Objects.requireNonNull;

import io.headway.api.RandomSource;
import org.jspecify.annotations.Nullable;

/**
 * What a router sees of one batch at one layer: the router logits of every token and, where an
 * algorithm asks for them, padding, sequence boundaries, noise, random draws and token ids. Arrays
 * are borrowed, not copied: they must not change during the call. Reused between calls; not
 * thread-safe.
 *
 * <p>Each of the {@code logits(...)} and {@code tokens(...)} methods starts a new batch and forgets
 * the optional parts of the last one.
 */
public final class RouterInput {
  private static final double[] NO_DOUBLES = {};
  private static final float[] NO_FLOATS = {};

  private int tokens;
  private int experts = 1;
  private boolean hasLogits;
  private boolean single;
  private double[] doubleLogits = NO_DOUBLES;
  private float[] floatLogits = NO_FLOATS;
  private int offset;
  private int rowStride;

  private boolean @Nullable [] padding;
  private int paddingTokens;
  private int @Nullable [] sequenceLengths;
  private int sequenceCount = 1;
  private double @Nullable [] noise;
  private @Nullable RandomSource random;
  private boolean @Nullable [] protectedTokens;
  private int @Nullable [] permutation;
  private double @Nullable [] sharedGateLogits;
  private long @Nullable [] tokenIds;
  private int @Nullable [] pairBudgets;

  /** Creates an input without tokens. */
  public RouterInput() {}

  /**
   * Starts a batch from double-precision logits.
   *
   * @param logits row-major, {@code tokens * experts} numbers from the start of the array
   * @param tokens number of tokens, at least 0
   * @param experts number of routed experts, at least 1
   * @return this input
   * @throws IllegalArgumentException if a count is out of range or the array is too short
   */
  public RouterInput logits(double[] logits, int tokens, int experts) {
    requireNonNull(logits, "logits");
    begin(tokens, experts);
    requireRoom(logits.length, 0, experts);
    doubleLogits = logits;
    single = false;
    hasLogits = true;
    offset = 0;
    rowStride = experts;
    return this;
  }

  /**
   * Starts a batch from single-precision logits.
   *
   * @param logits row-major, {@code tokens * experts} numbers from the start of the array
   * @param tokens number of tokens, at least 0
   * @param experts number of routed experts, at least 1
   * @return this input
   * @throws IllegalArgumentException if a count is out of range or the array is too short
   */
  public RouterInput logits(float[] logits, int tokens, int experts) {
    return logits(logits, 0, experts, tokens, experts);
  }

  /**
   * Starts a batch from a part of an array of single-precision logits.
   *
   * @param logits the array
   * @param offset index of the first token's first logit
   * @param rowStride distance between the rows of two tokens, at least {@code experts}
   * @param tokens number of tokens, at least 0
   * @param experts number of routed experts, at least 1
   * @return this input
   * @throws IllegalArgumentException if a count is out of range or the array is too short
   */
  public RouterInput logits(float[] logits, int offset, int rowStride, int tokens, int experts) {
    requireNonNull(logits, "logits");
    begin(tokens, experts);
    if (offset < 0) {
      throw new IllegalArgumentException("offset must be at least 0, but was " + offset);
    }
    if (rowStride < experts) {
      throw new IllegalArgumentException(
          "rowStride must be at least experts = " + experts + " logits, but was " + rowStride);
    }
    requireRoom(logits.length, offset, rowStride);
    floatLogits = logits;
    single = true;
    hasLogits = true;
    this.offset = offset;
    this.rowStride = rowStride;
    return this;
  }

  /**
   * Starts a batch without logits, for routers that need none, such as hash routing.
   *
   * @param tokens number of tokens, at least 0
   * @param experts number of routed experts, at least 1
   * @return this input
   * @throws IllegalArgumentException if a count is out of range
   */
  public RouterInput tokens(int tokens, int experts) {
    begin(tokens, experts);
    return this;
  }

  private void begin(int tokens, int experts) {
    if (tokens < 0) {
      throw new IllegalArgumentException("tokens must be at least 0 tokens, but was " + tokens);
    }
    if (experts < 1) {
      throw new IllegalArgumentException("experts must be at least 1 expert, but was " + experts);
    }
    this.tokens = tokens;
    this.experts = experts;
    hasLogits = false;
    single = false;
    padding = null;
    paddingTokens = 0;
    sequenceLengths = null;
    sequenceCount = 1;
    noise = null;
    random = null;
    protectedTokens = null;
    permutation = null;
    sharedGateLogits = null;
    tokenIds = null;
    pairBudgets = null;
  }

  private void requireRoom(int length, int offset, int rowStride) {
    long needed = tokens == 0 ? 0 : offset + (long) (tokens - 1) * rowStride + experts;
    if (length < needed) {
      throw new IllegalArgumentException(
          "logits must hold at least "
              + needed
              + " numbers for "
              + tokens
              + " tokens x "
              + experts
              + " experts, but held "
              + length);
    }
  }

  /**
   * Marks padding tokens: they take no slot, have no assignment or drop and count in no loss.
   *
   * @param padding one flag per token, true for padding; null for none
   * @return this input
   * @throws IllegalArgumentException if the length differs from the number of tokens
   */
  public RouterInput padding(boolean @Nullable [] padding) {
    int count = 0;
    if (padding != null) {
      requireLength("padding", padding.length, tokens);
      for (boolean flag : padding) {
        count += flag ? 1 : 0;
      }
    }
    this.padding = padding;
    paddingTokens = count;
    return this;
  }

  /**
   * Gives the lengths of consecutive sequences, for losses and budgets per sequence.
   *
   * @param sequenceLengths tokens per sequence, each at least 0, summing to the tokens of the
   *     batch; null for one sequence
   * @return this input
   * @throws IllegalArgumentException if a length is negative or the sum differs
   */
  public RouterInput sequenceLengths(int @Nullable [] sequenceLengths) {
    if (sequenceLengths != null) {
      long sum = 0;
      for (int length : sequenceLengths) {
        if (length < 0) {
          throw new IllegalArgumentException(
              "sequenceLengths must each be at least 0 tokens, but one was " + length);
        }
        sum += length;
      }
      if (sum != tokens) {
        throw new IllegalArgumentException(
            "sequenceLengths must sum to " + tokens + " tokens, but summed to " + sum);
      }
    }
    this.sequenceLengths = sequenceLengths;
    sequenceCount = sequenceLengths == null ? 1 : sequenceLengths.length;
    return this;
  }

  /**
   * Gives noise that routers with a noisy choice add to the logits.
   *
   * @param noise row-major, {@code tokens * experts} finite numbers; null for none
   * @return this input
   * @throws IllegalArgumentException if the array is too short
   */
  public RouterInput noise(double @Nullable [] noise) {
    if (noise != null && noise.length < (long) tokens * experts) {
      throw new IllegalArgumentException(
          "noise must hold at least "
              + (long) tokens * experts
              + " numbers, but held "
              + noise.length);
    }
    this.noise = noise;
    return this;
  }

  /**
   * Gives the randomness of routers that draw; without it they take their documented deterministic
   * choice.
   *
   * @param random the source; null for none
   * @return this input
   */
  public RouterInput random(@Nullable RandomSource random) {
    this.random = random;
    return this;
  }

  /**
   * Marks tokens whose pairs no device budget may drop.
   *
   * @param protectedTokens one flag per token; null for none
   * @return this input
   * @throws IllegalArgumentException if the length differs from the number of tokens
   */
  public RouterInput protectedTokens(boolean @Nullable [] protectedTokens) {
    if (protectedTokens != null) {
      requireLength("protectedTokens", protectedTokens.length, tokens);
    }
    this.protectedTokens = protectedTokens;
    return this;
  }

  /**
   * Gives the order in which recycle routing uses its pool of free slots. Devices that must agree
   * share one permutation.
   *
   * @param permutation a permutation of the pool's indices; null to draw one
   * @return this input
   */
  public RouterInput permutation(int @Nullable [] permutation) {
    this.permutation = permutation;
    return this;
  }

  /**
   * Gives the logit of the gate of a shared expert.
   *
   * @param sharedGateLogits one number per token; null for none
   * @return this input
   * @throws IllegalArgumentException if the length differs from the number of tokens
   */
  public RouterInput sharedGateLogits(double @Nullable [] sharedGateLogits) {
    if (sharedGateLogits != null) {
      requireLength("sharedGateLogits", sharedGateLogits.length, tokens);
    }
    this.sharedGateLogits = sharedGateLogits;
    return this;
  }

  /**
   * Limits how many (token, expert) pairs each sequence may have carried out.
   *
   * @param pairBudgets pairs per sequence, each at least 0; null for no limit. Call {@link
   *     #sequenceLengths} first.
   * @return this input
   * @throws IllegalArgumentException if the length differs from the number of sequences or a budget
   *     is negative
   */
  public RouterInput pairBudgets(int @Nullable [] pairBudgets) {
    if (pairBudgets != null) {
      requireLength("pairBudgets", pairBudgets.length, sequenceCount);
      for (int budget : pairBudgets) {
        if (budget < 0) {
          throw new IllegalArgumentException(
              "pairBudgets must each be at least 0 pairs, but one was " + budget);
        }
      }
    }
    this.pairBudgets = pairBudgets;
    return this;
  }

  /**
   * Gives the vocabulary indices of the tokens.
   *
   * @param tokenIds one index per token; null for none
   * @return this input
   * @throws IllegalArgumentException if the length differs from the number of tokens
   */
  public RouterInput tokenIds(long @Nullable [] tokenIds) {
    if (tokenIds != null) {
      requireLength("tokenIds", tokenIds.length, tokens);
    }
    this.tokenIds = tokenIds;
    return this;
  }

  private static void requireLength(String name, int length, int expected) {
    if (length != expected) {
      throw new IllegalArgumentException(
          name + " must have " + expected + " entries, but had " + length);
    }
  }

  /**
   * Returns the number of tokens, padding included.
   *
   * @return at least 0
   */
  public int tokens() {
    return tokens;
  }

  /**
   * Returns the number of tokens that are not padding.
   *
   * @return at least 0
   */
  public int realTokens() {
    return tokens - paddingTokens;
  }

  /**
   * Returns the number of routed experts.
   *
   * @return at least 1
   */
  public int experts() {
    return experts;
  }

  /**
   * Tells whether a token is padding.
   *
   * @param token token index
   * @return true for padding
   */
  public boolean isPadding(int token) {
    return padding != null && padding[token];
  }

  /**
   * Returns the number of sequences.
   *
   * @return 1 unless lengths were given
   */
  public int sequenceCount() {
    return sequenceCount;
  }

  /**
   * Returns the length of one sequence.
   *
   * @param sequence sequence index
   * @return its tokens
   */
  public int sequenceTokens(int sequence) {
    return sequenceLengths == null ? tokens : sequenceLengths[sequence];
  }

  /**
   * Tells whether noise was given.
   *
   * @return true if {@link #addNoise} adds something
   */
  public boolean hasNoise() {
    return noise != null;
  }

  /**
   * Returns the randomness for this call.
   *
   * @return the source, or null if none was given
   */
  public @Nullable RandomSource random() {
    return random;
  }

  /**
   * Tells whether no device budget may drop the pairs of a token.
   *
   * @param token token index
   * @return true if protected
   */
  public boolean isProtected(int token) {
    return protectedTokens != null && protectedTokens[token];
  }

  /**
   * Tells whether protected tokens were given.
   *
   * @return true if given, even if none is protected
   */
  public boolean hasProtectedTokens() {
    return protectedTokens != null;
  }

  /**
   * Returns the permutation of the recycling pool.
   *
   * @return the borrowed array, or null if none was given
   */
  public int @Nullable [] permutation() {
    return permutation;
  }

  /**
   * Returns the logits of the shared expert's gate.
   *
   * @return the borrowed array, or null if none was given
   */
  public double @Nullable [] sharedGateLogits() {
    return sharedGateLogits;
  }

  /**
   * Returns the vocabulary indices of the tokens.
   *
   * @return the borrowed array, or null if none was given
   */
  public long @Nullable [] tokenIds() {
    return tokenIds;
  }

  /**
   * Returns the pairs each sequence may have carried out.
   *
   * @return the borrowed array, or null if there is no limit
   */
  public int @Nullable [] pairBudgets() {
    return pairBudgets;
  }

  /**
   * Returns the single-precision logits, for routers that read many tokens at a time; unchecked.
   *
   * @return the borrowed array, where the row of a token starts at {@link #rowStart}; null if this
   *     batch has no logits or double-precision ones
   */
  public float @Nullable [] floatLogits() {
    return single ? floatLogits : null;
  }

  /**
   * Returns the double-precision logits, for routers that read many tokens at a time; unchecked.
   *
   * @return the borrowed array, where the row of a token starts at {@link #rowStart}; null if this
   *     batch has no logits or single-precision ones
   */
  public double @Nullable [] doubleLogits() {
    return hasLogits && !single ? doubleLogits : null;
  }

  /**
   * Returns where the logits of a token begin in the array they were given in.
   *
   * @param token token index
   * @return index of its first logit
   */
  public int rowStart(int token) {
    return offset + token * rowStride;
  }

  /**
   * Copies the logits of one token and returns the index of the largest, the lowest index if
   * several are equal.
   *
   * @param token token index
   * @param row receives {@code experts()} logits
   * @return index of the largest logit
   * @throws IllegalArgumentException if a logit is NaN or plus infinity, or this batch has no
   *     logits
   * @throws MoeInputException with {@link MoeInputException.Rule#ALL_MASKED} if every logit is
   *     minus infinity
   */
  public int loadRow(int token, double[] row) {
    int start = rowStart(token);
    int best = 0;
    // One comparison per element finds the maximum and, because it fails for NaN, bad values too.
    double max;
    if (single) {
      float[] from = floatLogits;
      float top = Float.NEGATIVE_INFINITY;
      for (int e = 0; e < experts; e++) {
        float value = from[start + e];
        row[e] = value;
        if (!(value <= top)) {
          top = value;
          best = e;
          if (Float.isNaN(value)) {
            break;
          }
        }
      }
      max = top;
    } else {
      if (!hasLogits) {
        throw new IllegalArgumentException("logits must be given for this router, but were not");
      }
      double[] from = doubleLogits;
      max = Double.NEGATIVE_INFINITY;
      for (int e = 0; e < experts; e++) {
        double value = from[start + e];
        row[e] = value;
        if (!(value <= max)) {
          max = value;
          best = e;
          if (Double.isNaN(value)) {
            break;
          }
        }
      }
    }
    if (!(Math.abs(max) < Double.POSITIVE_INFINITY)) {
      throw refused(token, best, max);
    }
    return best;
  }

  private static IllegalArgumentException refused(int token, int expert, double value) {
    if (value == Double.NEGATIVE_INFINITY) {
      return new MoeInputException(
          MoeInputException.Rule.ALL_MASKED,
          "logits of token "
              + token
              + " must leave at least 1 expert unmasked, but all were -Infinity");
    }
    return new IllegalArgumentException(
        "logits[" + token + "][" + expert + "] must be finite or -Infinity, but was " + value);
  }

  /**
   * Returns one logit as it was given, unchecked.
   *
   * @param token token index
   * @param expert expert index
   * @return the logit
   */
  public double logit(int token, int expert) {
    int at = rowStart(token) + expert;
    return single ? floatLogits[at] : doubleLogits[at];
  }

  /**
   * Adds the noise of one token to a row; does nothing if no noise was given.
   *
   * @param token token index
   * @param row {@code experts()} numbers to change
   * @return index of the largest number of the row, the lowest index if several are equal
   * @throws IllegalArgumentException if a noise number is NaN or infinite
   */
  public int addNoise(int token, double[] row) {
    int best = 0;
    double max = Double.NEGATIVE_INFINITY;
    for (int e = 0; e < experts; e++) {
      if (noise != null) {
        double added = noise[token * experts + e];
        if (!(Math.abs(added) < Double.POSITIVE_INFINITY)) {
          throw new IllegalArgumentException(
              "noise[" + token + "][" + e + "] must be finite, but was " + added);
        }
        row[e] += added;
      }
      if (row[e] > max) {
        max = row[e];
        best = e;
      }
    }
    return best;
  }
}
