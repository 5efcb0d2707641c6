package io.headway.api.moe;

import static java.util.Objects.requireNonNull;

import java.util.Arrays;
import org.jspecify.annotations.Nullable;

/**
 * The decision of one routing call: which expert takes which token, in which slot and with which
 * gate, and which pairs are dropped for which reason.
 *
 * <p>A pair is one assignment (token, choice rank, expert, slot, gate). Pairs are numbered from 0
 * in ascending order of token, then choice rank, then expert, and kept in compressed rows: the
 * pairs of token {@code t} are {@code tokenOffset(t) .. tokenOffset(t + 1) - 1}. {@link
 * #indexByExpert()} builds the transposed index: the pairs of expert {@code e} in order of slot.
 * {@code slot} is the 0-based position in the expert's buffer, {@link #NO_SLOT} where there are no
 * buffers. {@code rank} is 0 for a token's first choice, {@link #NO_RANK} where experts choose or
 * pairs compete.
 *
 * <p>Reused between calls: it grows and then allocates no more. Array accessors return the live
 * arrays, which are valid up to the count given with them and until the next call; callers must not
 * write to them. Not thread-safe.
 *
 * <p>Routers write in this order: {@link #begin}, then {@link #assign} and {@link #drop} with
 * ascending tokens, then {@link #end}.
 */
public final class ExpertAssignments {
  /** The slot of a pair where experts have no buffers. */
  public static final int NO_SLOT = -1;

  /** The choice rank of a pair that its token did not choose. */
  public static final int NO_RANK = -1;

  private final Workspace workspace = new Workspace();
  private final RoutingSignals signals = new RoutingSignals();
  private SignalLevel signalLevel = SignalLevel.NONE;

  private int tokens;
  private int experts;
  private int capacitySlots = CapacityRule.UNLIMITED_SLOTS;
  private int slotLimit;
  private boolean @Nullable [] padding;
  private boolean[] paddingCopy = {};
  private boolean complete = true;

  private int[] tokenOffsets = new int[1];
  private int pairs;
  private int[] pairToken = {};
  private int[] pairRank = {};
  private int[] pairExpert = {};
  private int[] pairSlot = {};
  private double[] pairGate = {};

  private int drops;
  private int[] dropToken = {};
  private int[] dropRank = {};
  private int[] dropExpert = {};
  private DropReason[] dropReason = {};

  private int[] load = {};
  private int unrouted;
  private int nextToken;

  private boolean indexed = true;
  private int[] expertOffsets = new int[1];
  private int[] pairByExpert = {};

  /** Creates an empty result without tokens. */
  public ExpertAssignments() {}

  /**
   * Sets how much routers compute beside the decision. Stays until changed.
   *
   * @param level {@link SignalLevel#NONE} by default
   * @return this result
   */
  public ExpertAssignments signalLevel(SignalLevel level) {
    signalLevel = requireNonNull(level, "level");
    return this;
  }

  /**
   * Returns how much routers compute beside the decision.
   *
   * @return the level
   */
  public SignalLevel signalLevel() {
    return signalLevel;
  }

  /**
   * Returns scratch memory for the router that writes this result.
   *
   * @return the workspace that belongs to this result
   */
  public Workspace workspace() {
    return workspace;
  }

  /**
   * Returns losses and statistics of the last call; empty at {@link SignalLevel#NONE}.
   *
   * @return the table that belongs to this result
   */
  public RoutingSignals signals() {
    return signals;
  }

  /**
   * Starts a new result and forgets the last one.
   *
   * @param input the batch to be routed
   * @param capacitySlots slots per expert (and per group where tokens are routed in groups), or
   *     {@link CapacityRule#UNLIMITED_SLOTS}
   * @param groups number of groups with buffers of their own, at least 1
   */
  public void begin(RouterInput input, int capacitySlots, int groups) {
    if (capacitySlots < CapacityRule.UNLIMITED_SLOTS) {
      throw new IllegalArgumentException(
          "capacitySlots must be at least 0 slots or UNLIMITED_SLOTS, but was " + capacitySlots);
    }
    if (groups < 1) {
      throw new IllegalArgumentException("groups must be at least 1 group, but was " + groups);
    }
    tokens = input.tokens();
    experts = input.experts();
    this.capacitySlots = capacitySlots;
    slotLimit = capacitySlots == CapacityRule.UNLIMITED_SLOTS ? Integer.MAX_VALUE : capacitySlots;
    padding = null;
    if (input.realTokens() < tokens) {
      if (paddingCopy.length < tokens) {
        paddingCopy = new boolean[grown(paddingCopy.length, tokens)];
      }
      for (int t = 0; t < tokens; t++) {
        paddingCopy[t] = input.isPadding(t);
      }
      padding = paddingCopy;
    }
    if (tokenOffsets.length <= tokens) {
      tokenOffsets = new int[grown(tokenOffsets.length, tokens + 1)];
    }
    if (load.length < experts) {
      load = new int[grown(load.length, experts)];
    }
    Arrays.fill(load, 0, experts, 0);
    tokenOffsets[0] = 0;
    pairs = 0;
    drops = 0;
    nextToken = 0;
    unrouted = 0;
    complete = false;
    indexed = false;
    signals.clear();
  }

  /**
   * Makes room, so that the following calls of {@link #assign} and {@link #drop} need not grow.
   *
   * @param pairs assignments to expect
   * @param drops drops to expect
   */
  public void reserve(int pairs, int drops) {
    if (pairToken.length < pairs) {
      growPairs(pairs);
    }
    if (dropToken.length < drops) {
      growDrops(drops);
    }
  }

  /**
   * Adds one pair.
   *
   * @param token token index, not below that of the last call
   * @param rank choice rank, or {@link #NO_RANK}
   * @param expert expert index
   * @param slot slot below the capacity, or {@link #NO_SLOT}
   * @param gate weight of the expert's output, finite
   * @throws IllegalArgumentException if a value is out of range or the order is broken
   */
  public void assign(int token, int rank, int expert, int slot, double gate) {
    if (token != nextToken - 1) {
      startToken(token);
    }
    if (expert < 0 || expert >= experts || slot < NO_SLOT || slot >= slotLimit) {
      throw misplaced(token, expert, slot);
    }
    if (!(Math.abs(gate) < Double.POSITIVE_INFINITY)) {
      throw new IllegalArgumentException(
          "gate of token " + token + " at expert " + expert + " must be finite, but was " + gate);
    }
    int i = pairs;
    if (i == pairToken.length) {
      growPairs(i + 1);
    }
    pairToken[i] = token;
    pairRank[i] = rank;
    pairExpert[i] = expert;
    pairSlot[i] = slot;
    pairGate[i] = gate;
    load[expert]++;
    pairs = i + 1;
  }

  /**
   * Adds one drop.
   *
   * @param token token index, not below that of the last call
   * @param rank choice rank
   * @param expert expert index
   * @param reason why the pair is not carried out
   * @throws IllegalArgumentException if a value is out of range or the order is broken
   */
  public void drop(int token, int rank, int expert, DropReason reason) {
    if (token != nextToken - 1) {
      startToken(token);
    }
    if (expert < 0 || expert >= experts) {
      throw misplaced(token, expert, NO_SLOT);
    }
    int i = drops;
    if (i == dropToken.length) {
      growDrops(i + 1);
    }
    dropToken[i] = token;
    dropRank[i] = rank;
    dropExpert[i] = expert;
    dropReason[i] = requireNonNull(reason, "reason");
    drops = i + 1;
  }

  /** Ends the result; from here on it can be read. */
  public void end() {
    int done = pairs;
    for (int t = nextToken; t <= tokens; t++) {
      tokenOffsets[t] = done;
    }
    int without = 0;
    for (int t = 0; t < tokens; t++) {
      if (tokenOffsets[t] == tokenOffsets[t + 1] && (padding == null || !padding[t])) {
        without++;
      }
    }
    unrouted = without;
    complete = true;
  }

  // Tokens may be skipped; each gets its offset as soon as a later one is seen.
  private void startToken(int token) {
    if (token < nextToken || token >= tokens) {
      throw new IllegalArgumentException(
          "token must lie in "
              + Math.max(0, nextToken - 1)
              + ".."
              + (tokens - 1)
              + ", ascending, but was "
              + token);
    }
    if (padding != null && padding[token]) {
      throw new IllegalArgumentException("token must not be padding, but token " + token + " is");
    }
    for (int t = nextToken; t <= token; t++) {
      tokenOffsets[t] = pairs;
    }
    nextToken = token + 1;
  }

  private IllegalArgumentException misplaced(int token, int expert, int slot) {
    return new IllegalArgumentException(
        "pair of token "
            + token
            + " must name an expert in 0.."
            + (experts - 1)
            + " and a slot below "
            + slotLimit
            + ", but named expert "
            + expert
            + " and slot "
            + slot);
  }

  private void growPairs(int needed) {
    int length = grown(pairToken.length, needed);
    pairToken = Arrays.copyOf(pairToken, length);
    pairRank = Arrays.copyOf(pairRank, length);
    pairExpert = Arrays.copyOf(pairExpert, length);
    pairSlot = Arrays.copyOf(pairSlot, length);
    pairGate = Arrays.copyOf(pairGate, length);
  }

  private void growDrops(int needed) {
    int length = grown(dropToken.length, needed);
    dropToken = Arrays.copyOf(dropToken, length);
    dropRank = Arrays.copyOf(dropRank, length);
    dropExpert = Arrays.copyOf(dropExpert, length);
    dropReason = Arrays.copyOf(dropReason, length);
  }

  private static int grown(int old, int needed) {
    return (int) Math.min(Integer.MAX_VALUE - 8L, Math.max(needed, old + (long) (old >> 1)));
  }

  private void requireComplete() {
    if (!complete) {
      throw new IllegalStateException("end() must come before the result is read");
    }
  }

  /**
   * Returns the number of tokens of the batch, padding included.
   *
   * @return at least 0
   */
  public int tokens() {
    return tokens;
  }

  /**
   * Returns the number of routed experts.
   *
   * @return at least 1 after a call
   */
  public int experts() {
    return experts;
  }

  /**
   * Returns the slots per expert of this call.
   *
   * @return at least 0, or {@link CapacityRule#UNLIMITED_SLOTS}
   */
  public int capacitySlots() {
    return capacitySlots;
  }

  /**
   * Returns the number of pairs carried out.
   *
   * @return at least 0
   */
  public int pairCount() {
    requireComplete();
    return pairs;
  }

  /**
   * Returns where the pairs of a token start.
   *
   * @param token from 0 to {@code tokens()}
   * @return index of its first pair; for {@code tokens()} the number of pairs
   */
  public int tokenOffset(int token) {
    requireComplete();
    return tokenOffsets[token];
  }

  /**
   * Returns the token of a pair.
   *
   * @param pair from 0 to {@code pairCount() - 1}
   * @return token index
   */
  public int token(int pair) {
    return pairToken[pair];
  }

  /**
   * Returns the choice rank of a pair.
   *
   * @param pair from 0 to {@code pairCount() - 1}
   * @return 0 for the first choice, or {@link #NO_RANK}
   */
  public int rank(int pair) {
    return pairRank[pair];
  }

  /**
   * Returns the expert of a pair.
   *
   * @param pair from 0 to {@code pairCount() - 1}
   * @return expert index
   */
  public int expert(int pair) {
    return pairExpert[pair];
  }

  /**
   * Returns the slot of a pair.
   *
   * @param pair from 0 to {@code pairCount() - 1}
   * @return position in the expert's buffer, or {@link #NO_SLOT}
   */
  public int slot(int pair) {
    return pairSlot[pair];
  }

  /**
   * Returns the gate of a pair.
   *
   * @param pair from 0 to {@code pairCount() - 1}
   * @return weight of the expert's output
   */
  public double gate(int pair) {
    return pairGate[pair];
  }

  /**
   * Returns the offsets of all tokens.
   *
   * @return live array, valid from 0 to {@code tokens()}
   */
  public int[] tokenOffsets() {
    requireComplete();
    return tokenOffsets;
  }

  /**
   * Returns the experts of all pairs.
   *
   * @return live array, valid up to {@code pairCount()}
   */
  public int[] pairExperts() {
    requireComplete();
    return pairExpert;
  }

  /**
   * Returns the slots of all pairs.
   *
   * @return live array, valid up to {@code pairCount()}
   */
  public int[] pairSlots() {
    requireComplete();
    return pairSlot;
  }

  /**
   * Returns the gates of all pairs.
   *
   * @return live array, valid up to {@code pairCount()}
   */
  public double[] pairGates() {
    requireComplete();
    return pairGate;
  }

  /**
   * Returns the number of drops.
   *
   * @return at least 0
   */
  public int dropCount() {
    requireComplete();
    return drops;
  }

  /**
   * Returns the token of a drop.
   *
   * @param drop from 0 to {@code dropCount() - 1}, ascending by token, then choice rank
   * @return token index
   */
  public int dropToken(int drop) {
    return dropToken[drop];
  }

  /**
   * Returns the choice rank of a drop.
   *
   * @param drop from 0 to {@code dropCount() - 1}
   * @return 0 for the first choice
   */
  public int dropRank(int drop) {
    return dropRank[drop];
  }

  /**
   * Returns the expert of a drop.
   *
   * @param drop from 0 to {@code dropCount() - 1}
   * @return expert index
   */
  public int dropExpert(int drop) {
    return dropExpert[drop];
  }

  /**
   * Returns the reason of a drop.
   *
   * @param drop from 0 to {@code dropCount() - 1}
   * @return why the pair is not carried out
   */
  public DropReason dropReason(int drop) {
    return dropReason[drop];
  }

  /**
   * Returns the pairs of an expert.
   *
   * @param expert expert index
   * @return number of pairs, over all groups
   */
  public int load(int expert) {
    return load[expert];
  }

  /**
   * Returns the pairs of all experts.
   *
   * @return live array, valid up to {@code experts()}
   */
  public int[] loads() {
    requireComplete();
    return load;
  }

  /**
   * Returns how many tokens have no assignment, padding not counted.
   *
   * @return at least 0
   */
  public int unroutedCount() {
    requireComplete();
    return unrouted;
  }

  /**
   * Tells whether a token has no assignment.
   *
   * @param token token index
   * @return true if it passes on the residual path; false for padding
   */
  public boolean isUnrouted(int token) {
    requireComplete();
    return tokenOffsets[token] == tokenOffsets[token + 1] && (padding == null || !padding[token]);
  }

  /**
   * Builds the index by expert; costs O(pairs + experts) once per call, nothing when repeated.
   *
   * @return this result
   */
  public ExpertAssignments indexByExpert() {
    requireComplete();
    if (indexed) {
      return this;
    }
    if (expertOffsets.length <= experts) {
      expertOffsets = new int[grown(expertOffsets.length, experts + 1)];
    }
    if (pairByExpert.length < pairs) {
      pairByExpert = new int[grown(pairByExpert.length, pairs)];
    }
    int sum = 0;
    for (int e = 0; e < experts; e++) {
      expertOffsets[e] = sum;
      sum += load[e];
    }
    expertOffsets[experts] = sum;
    int[] next = workspace.ints(0, experts);
    System.arraycopy(expertOffsets, 0, next, 0, experts);
    for (int i = 0; i < pairs; i++) {
      pairByExpert[next[pairExpert[i]]++] = i;
    }
    // Counting leaves token order. Slots usually follow it; where they do not, order them by hand.
    for (int e = 0; e < experts; e++) {
      sortBySlot(expertOffsets[e], expertOffsets[e + 1]);
    }
    indexed = true;
    return this;
  }

  private void sortBySlot(int from, int to) {
    boolean ascending = true;
    for (int i = from + 1; i < to && ascending; i++) {
      ascending = pairSlot[pairByExpert[i - 1]] <= pairSlot[pairByExpert[i]];
    }
    if (ascending) {
      return;
    }
    int limit = 0;
    for (int i = from; i < to; i++) {
      limit = Math.max(limit, pairSlot[pairByExpert[i]] + 1);
    }
    int[] bySlot = workspace.ints(1, limit);
    int[] ties = workspace.ints(2, to - from);
    Arrays.fill(bySlot, 0, limit, -1);
    // With groups, several pairs share a slot number; chains keep them in token order.
    for (int i = to - 1; i >= from; i--) {
      int slot = pairSlot[pairByExpert[i]];
      ties[i - from] = bySlot[slot];
      bySlot[slot] = i - from;
    }
    int[] ordered = workspace.ints(3, to - from);
    int count = 0;
    for (int slot = 0; slot < limit; slot++) {
      for (int i = bySlot[slot]; i >= 0; i = ties[i]) {
        ordered[count++] = pairByExpert[from + i];
      }
    }
    System.arraycopy(ordered, 0, pairByExpert, from, count);
  }

  /**
   * Returns where the pairs of an expert start in {@link #pairByExpert}.
   *
   * @param expert from 0 to {@code experts()}
   * @return the position
   * @throws IllegalStateException if {@link #indexByExpert()} was not called
   */
  public int expertOffset(int expert) {
    requireIndex();
    return expertOffsets[expert];
  }

  /**
   * Returns a pair in the order of experts, then slots, then tokens.
   *
   * @param position from 0 to {@code pairCount() - 1}
   * @return index of the pair
   * @throws IllegalStateException if {@link #indexByExpert()} was not called
   */
  public int pairByExpert(int position) {
    requireIndex();
    return pairByExpert[position];
  }

  private void requireIndex() {
    if (!indexed) {
      throw new IllegalStateException("indexByExpert() must come before reading by expert");
    }
  }
}
