package io.headway.api;

import static java.util.Objects.requireNonNull;

import java.util.Collections;
import java.util.EnumMap;
import java.util.EnumSet;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import java.util.OptionalDouble;
import java.util.Set;

/**
 * What a policy needs and what it promises, as values: a simulator refuses a workload that lacks a
 * {@link Need}, and the testkit checks each {@link Bound} on every run. Immutable.
 */
public final class Claims {
  /** Something a policy reads that a workload or engine may not have. */
  public enum Need {
    /** A predicted output length per request. */
    PREDICTED_LENGTH,
    /** The true output length: oracles only, never in production. */
    TRUE_LENGTH,
    /** A tenant per request. */
    TENANT,
    /** A deadline per request. */
    DEADLINE,
    /** A TTFT or TPOT target per request. */
    LATENCY_TARGET,
    /** Token ids or block keys, for prefix hits. */
    PREFIX_KEYS,
    /** A session per request. */
    SESSION,
    /** A predicted service time. */
    SERVICE_TIME,
    /** Link costs between instances. */
    LINK_COST
  }

  /** A numeric promise. The unit is part of the name. */
  public enum Bound {
    /**
     * Iterations a running, prefill-complete sequence may go without a token, while it keeps its
     * blocks.
     */
    DECODE_GAP_ITERATIONS,
    /** Iterations an accepted request may wait while others are served. */
    STARVATION_ITERATIONS,
    /**
     * Largest difference of weighted service between two tenants backlogged together, in weighted
     * tokens.
     */
    SERVICE_DIFFERENCE,
    /**
     * Iterations by which work of the batch lane may delay a token of an interactive request,
     * against the same engine without the lane, with one plan in flight.
     */
    INTERACTIVE_DELAY_ITERATIONS,
    /** Preemptions of one request over its life. */
    PREEMPTIONS_PER_REQUEST,
    /** Largest difference of assigned requests between identical instances. */
    BALANCE_REQUESTS,
    /**
     * Waiting and running requests, as the cluster's view shows them, that the chosen instance may
     * have more than the least loaded candidate, whatever it has cached.
     */
    LOAD_GAP_REQUESTS,
    /** Largest ratio of maximum to mean expert load. */
    EXPERT_MAX_OVER_MEAN,
    /**
     * Tokens of a batch, by the policy's own budget beside the engine's limit: whoever waits while
     * a batch has as many waits for the budget, not behind somebody.
     */
    BATCH_TOKENS,
    /**
     * Sequences of a batch, by the policy's own cap beside the engine's slots: whoever waits while
     * a batch has as many waits for the cap, not behind somebody.
     */
    BATCH_SEQUENCES
  }

  /** A field of a request that ranks it; the smaller goes first. */
  public enum RankField {
    /** The declared urgency. */
    PRIORITY,
    /** The arrival. */
    ARRIVAL
  }

  /** Needs nothing, promises nothing. */
  public static final Claims NONE = builder().build();

  private final Set<Need> needs;
  private final Map<Bound, Double> bounds;
  private final List<RankField> order;
  private final boolean ranksPreempted;

  private Claims(Builder builder) {
    needs = Collections.unmodifiableSet(EnumSet.copyOf(builder.needs));
    bounds = Collections.unmodifiableMap(new EnumMap<>(builder.bounds));
    order = builder.order;
    ranksPreempted = builder.ranksPreempted;
  }

  /**
   * Starts an empty set of claims.
   *
   * @return a new builder
   */
  public static Builder builder() {
    return new Builder();
  }

  /**
   * Returns what the policy reads beyond the mandatory fields.
   *
   * @return an unmodifiable set in declaration order
   */
  public Set<Need> needs() {
    return needs;
  }

  /**
   * Returns the promised value of a bound.
   *
   * @param bound the bound asked for
   * @return the value, or empty if the policy does not promise this bound
   */
  public OptionalDouble bound(Bound bound) {
    Double value = bounds.get(requireNonNull(bound, "bound"));
    return value == null ? OptionalDouble.empty() : OptionalDouble.of(value);
  }

  /**
   * Returns by which fields waiting requests start: nobody starts while one that ranks before it
   * waits, but for one that was refused for want of an adapter. The first field decides, ties end
   * in (arrival, id).
   *
   * @return unmodifiable list, empty if no order is promised
   */
  public List<RankField> order() {
    return order;
  }

  /**
   * Returns whether the order also says who is preempted for whom, and where preempted requests
   * stand in the queue; else it is an order of first starts only.
   *
   * @return false if no order is promised
   */
  public boolean ranksPreempted() {
    return ranksPreempted;
  }

  /**
   * Joins the claims of two parts of one policy: all needs of both; the bounds of {@code other}
   * replace equal ones of this, and so does its order.
   *
   * @param other the claims to add
   * @return the joined claims
   */
  public Claims and(Claims other) {
    Builder joined = builder();
    joined.needs.addAll(needs);
    joined.needs.addAll(other.needs);
    joined.bounds.putAll(bounds);
    joined.bounds.putAll(other.bounds);
    Claims ordered = other.order.isEmpty() ? this : other;
    return joined.order(ordered.ranksPreempted, ordered.order).build();
  }

  @Override
  public boolean equals(Object other) {
    return other instanceof Claims that
        && needs.equals(that.needs)
        && bounds.equals(that.bounds)
        && order.equals(that.order)
        && ranksPreempted == that.ranksPreempted;
  }

  @Override
  public int hashCode() {
    return Objects.hash(needs, bounds, order, ranksPreempted);
  }

  @Override
  public String toString() {
    return "Claims[needs="
        + needs
        + ", bounds="
        + bounds
        + (order.isEmpty() ? "" : ", order=" + order + (ranksPreempted ? "" : " of first starts"))
        + "]";
  }

  /** Collects claims; not thread-safe. */
  public static final class Builder {
    private final EnumSet<Need> needs = EnumSet.noneOf(Need.class);
    private final EnumMap<Bound, Double> bounds = new EnumMap<>(Bound.class);
    private List<RankField> order = List.of();
    private boolean ranksPreempted;

    private Builder() {}

    /**
     * Declares an input the policy cannot do without.
     *
     * @param need the input
     * @return this builder
     */
    public Builder needs(Need need) {
      needs.add(requireNonNull(need, "need"));
      return this;
    }

    /**
     * Promises a bound.
     *
     * @param bound which bound
     * @param value its value, finite and at least 0, in the unit the bound names
     * @return this builder
     * @throws IllegalArgumentException if the value is negative, infinite or NaN
     */
    public Builder bound(Bound bound, double value) {
      if (!(value >= 0) || Double.isInfinite(value)) {
        throw new IllegalArgumentException(
            "bound " + bound + " must be finite and at least 0, but was " + value);
      }
      bounds.put(requireNonNull(bound, "bound"), value);
      return this;
    }

    /**
     * Promises an order in which waiting requests start.
     *
     * @param preemptedToo whether it also says who is preempted, and where preempted requests stand
     * @param fields the first decides; none for no promise
     * @return this builder
     */
    public Builder order(boolean preemptedToo, List<RankField> fields) {
      order = List.copyOf(fields);
      ranksPreempted = preemptedToo && !order.isEmpty();
      return this;
    }

    /**
     * Returns the claims collected so far.
     *
     * @return immutable claims
     */
    public Claims build() {
      return new Claims(this);
    }
  }
}
