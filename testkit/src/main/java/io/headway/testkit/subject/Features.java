package io.headway.testkit.subject;

import static java.util.Objects.requireNonNull;

import java.util.Collections;
import java.util.EnumSet;
import java.util.OptionalInt;
import java.util.Set;

/** What a subject claims: features and bounds, as values. Immutable. */
public final class Features {
  private final Set<Feature> features;
  private final int asyncDepth;
  private final int starvationSteps;
  private final int decodeGapSteps;
  private final int batchTokens;
  private final int batchSequences;
  private final ServiceOrder order;

  private Features(
      EnumSet<Feature> features,
      int asyncDepth,
      int starvationSteps,
      int decodeGapSteps,
      int batchTokens,
      int batchSequences,
      ServiceOrder order) {
    this.features = Collections.unmodifiableSet(features);
    this.asyncDepth = asyncDepth;
    this.starvationSteps = starvationSteps;
    this.decodeGapSteps = decodeGapSteps;
    this.batchTokens = batchTokens;
    this.batchSequences = batchSequences;
    this.order = order;
  }

  /**
   * Claims some features, a depth of 1, no bounds and no order.
   *
   * @param claimed the features
   * @return the claims
   */
  public static Features of(Feature... claimed) {
    EnumSet<Feature> set = EnumSet.noneOf(Feature.class);
    Collections.addAll(set, claimed);
    return new Features(set, 1, -1, -1, -1, -1, ServiceOrder.UNDECLARED);
  }

  /**
   * Claims one more feature.
   *
   * @param feature the feature
   * @return a changed copy
   */
  public Features and(Feature feature) {
    EnumSet<Feature> set = EnumSet.of(feature);
    set.addAll(features);
    return with(set, asyncDepth);
  }

  /**
   * Takes a claim back.
   *
   * @param feature the feature
   * @return a changed copy
   */
  public Features without(Feature feature) {
    EnumSet<Feature> set = EnumSet.noneOf(Feature.class);
    set.addAll(features);
    set.remove(feature);
    return with(set, asyncDepth);
  }

  /**
   * Claims that decisions may be taken while results are outstanding.
   *
   * @param plans most outstanding results, 1 to 8
   * @return a changed copy
   */
  public Features asyncDepth(int plans) {
    return with(copy(), range("asyncDepth", plans, 1, 8));
  }

  /**
   * Claims that no accepted request waits longer while others are served.
   *
   * @param steps at least 1
   * @return a changed copy
   */
  public Features starvationBound(int steps) {
    return new Features(
        copy(),
        asyncDepth,
        range("starvationBound", steps, 1, Integer.MAX_VALUE),
        decodeGapSteps,
        batchTokens,
        batchSequences,
        order);
  }

  /**
   * Claims that no decoding request goes longer without a token while it keeps its blocks.
   *
   * @param steps at least 0
   * @return a changed copy
   */
  public Features decodeGap(int steps) {
    return new Features(
        copy(),
        asyncDepth,
        starvationSteps,
        range("decodeGap", steps, 0, Integer.MAX_VALUE),
        batchTokens,
        batchSequences,
        order);
  }

  /**
   * Claims a token budget of the subject's own, beside the one it is given: it is held to it, and
   * whoever waits while it is used up waits for nothing else.
   *
   * @param tokens most tokens of a batch, at least 1
   * @return a changed copy
   */
  public Features batchTokens(int tokens) {
    return new Features(
        copy(),
        asyncDepth,
        starvationSteps,
        decodeGapSteps,
        range("batchTokens", tokens, 1, Integer.MAX_VALUE),
        batchSequences,
        order);
  }

  /**
   * Claims a cap of the subject's own on the requests of a batch, beside the slots it is given: it
   * is held to it, and whoever waits while it is reached waits for nothing else.
   *
   * @param sequences most requests of a batch, at least 1
   * @return a changed copy
   */
  public Features batchSequences(int sequences) {
    return new Features(
        copy(),
        asyncDepth,
        starvationSteps,
        decodeGapSteps,
        batchTokens,
        range("batchSequences", sequences, 1, Integer.MAX_VALUE),
        order);
  }

  /**
   * Claims the order in which waiting requests start.
   *
   * @param declared the order
   * @return a changed copy
   */
  public Features order(ServiceOrder declared) {
    return new Features(
        copy(),
        asyncDepth,
        starvationSteps,
        decodeGapSteps,
        batchTokens,
        batchSequences,
        requireNonNull(declared, "order"));
  }

  /**
   * Returns whether a feature is claimed.
   *
   * @param feature the feature
   * @return true if it is
   */
  public boolean has(Feature feature) {
    return features.contains(feature);
  }

  /**
   * Returns the claimed features.
   *
   * @return unmodifiable set
   */
  public Set<Feature> all() {
    return features;
  }

  /**
   * Returns how many results may be outstanding.
   *
   * @return plans, at least 1
   */
  public int asyncDepth() {
    return asyncDepth;
  }

  /**
   * Returns the claimed bound on waiting.
   *
   * @return steps, or empty
   */
  public OptionalInt starvationBound() {
    return starvationSteps < 0 ? OptionalInt.empty() : OptionalInt.of(starvationSteps);
  }

  /**
   * Returns the claimed bound on a decoding request's wait.
   *
   * @return steps, or empty
   */
  public OptionalInt decodeGap() {
    return decodeGapSteps < 0 ? OptionalInt.empty() : OptionalInt.of(decodeGapSteps);
  }

  /**
   * Returns the claimed token budget of the subject's own.
   *
   * @return tokens of a batch, or empty
   */
  public OptionalInt batchTokens() {
    return batchTokens < 0 ? OptionalInt.empty() : OptionalInt.of(batchTokens);
  }

  /**
   * Returns the claimed cap of the subject's own on the requests of a batch.
   *
   * @return requests, or empty
   */
  public OptionalInt batchSequences() {
    return batchSequences < 0 ? OptionalInt.empty() : OptionalInt.of(batchSequences);
  }

  /**
   * Returns the claimed order.
   *
   * @return the order, {@link ServiceOrder#UNDECLARED} if none
   */
  public ServiceOrder order() {
    return order;
  }

  private Features with(EnumSet<Feature> set, int depth) {
    return new Features(
        set, depth, starvationSteps, decodeGapSteps, batchTokens, batchSequences, order);
  }

  private EnumSet<Feature> copy() {
    EnumSet<Feature> set = EnumSet.noneOf(Feature.class);
    set.addAll(features);
    return set;
  }

  private static int range(String name, int value, int low, int high) {
    if (value < low || value > high) {
      throw new IllegalArgumentException(
          name + " must be from " + low + " to " + high + ", but was " + value);
    }
    return value;
  }

  @Override
  public String toString() {
    return features + " depth=" + asyncDepth + " order=" + order;
  }
}
