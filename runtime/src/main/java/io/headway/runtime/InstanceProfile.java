package io.headway.runtime;

import io.headway.api.Role;
import java.util.Set;

/**
 * What an instance can do, as told when it comes up. Immutable.
 *
 * @param role what it does
 * @param maxSequences requests it runs at once, at least 1
 * @param totalBlocks size of its KV pool; 0 if unknown
 * @param blockTokens tokens per KV block, at least 1
 * @param maxContextTokens longest prompt and output together; {@link Integer#MAX_VALUE} if
 *     unlimited
 * @param maxInFlight requests that this router keeps there at once before it queues; {@link
 *     Integer#MAX_VALUE} if unlimited
 * @param maxAdapters places for adapters; 0 if it takes none
 * @param speedFactor speed relative to the reference instance, above 0
 * @param effectiveConcurrency requests that share its backlog at a time; 0 to take the running ones
 * @param models names it answers to; empty if any
 */
public record InstanceProfile(
    Role role,
    int maxSequences,
    int totalBlocks,
    int blockTokens,
    int maxContextTokens,
    int maxInFlight,
    int maxAdapters,
    double speedFactor,
    double effectiveConcurrency,
    Set<String> models) {
  /**
   * Checks the numbers.
   *
   * @param role what it does
   * @param maxSequences requests it runs at once
   * @param totalBlocks size of its KV pool
   * @param blockTokens tokens per KV block
   * @param maxContextTokens longest prompt and output together
   * @param maxInFlight requests that this router keeps there at once
   * @param maxAdapters places for adapters
   * @param speedFactor speed relative to the reference instance
   * @param effectiveConcurrency requests that share its backlog at a time
   * @param models names it answers to
   * @throws IllegalArgumentException if a number is out of range
   */
  public InstanceProfile {
    Check.notNull("role", role);
    Check.atLeast("maxSequences", maxSequences, 1, "sequence");
    Check.atLeast("totalBlocks", totalBlocks, 0, "blocks");
    Check.atLeast("blockTokens", blockTokens, 1, "token");
    Check.atLeast("maxContextTokens", maxContextTokens, 2, "tokens");
    Check.atLeast("maxInFlight", maxInFlight, 1, "request");
    Check.atLeast("maxAdapters", maxAdapters, 0, "adapters");
    if (!(speedFactor > 0) || Double.isInfinite(speedFactor)) {
      throw new IllegalArgumentException(
          "speedFactor must be finite and above 0, but was " + speedFactor);
    }
    if (!(effectiveConcurrency >= 1 || effectiveConcurrency == 0)
        || Double.isInfinite(effectiveConcurrency)) {
      throw new IllegalArgumentException(
          "effectiveConcurrency must be 0 or finite and at least 1 request, but was "
              + effectiveConcurrency);
    }
    models = Set.copyOf(models);
  }

  /**
   * Makes a profile of reference speed without further limits.
   *
   * @param role what it does
   * @param maxSequences requests it runs at once, at least 1
   * @param totalBlocks size of its KV pool; 0 if unknown
   * @param blockTokens tokens per KV block, at least 1
   * @return the profile
   */
  public static InstanceProfile of(Role role, int maxSequences, int totalBlocks, int blockTokens) {
    return new InstanceProfile(
        role,
        maxSequences,
        totalBlocks,
        blockTokens,
        Integer.MAX_VALUE,
        Integer.MAX_VALUE,
        0,
        1,
        0,
        Set.of());
  }

  /**
   * Limits prompt and output together.
   *
   * @param tokens the model's window, at least 2
   * @return changed copy
   */
  public InstanceProfile maxContextTokens(int tokens) {
    return new InstanceProfile(
        role,
        maxSequences,
        totalBlocks,
        blockTokens,
        tokens,
        maxInFlight,
        maxAdapters,
        speedFactor,
        effectiveConcurrency,
        models);
  }

  /**
   * Limits what this router keeps there at once; further requests queue at the router.
   *
   * @param requests at least 1
   * @return changed copy
   */
  public InstanceProfile maxInFlight(int requests) {
    return new InstanceProfile(
        role,
        maxSequences,
        totalBlocks,
        blockTokens,
        maxContextTokens,
        requests,
        maxAdapters,
        speedFactor,
        effectiveConcurrency,
        models);
  }

  /**
   * Sets the places for adapters.
   *
   * @param adapters at least 0
   * @return changed copy
   */
  public InstanceProfile maxAdapters(int adapters) {
    return new InstanceProfile(
        role,
        maxSequences,
        totalBlocks,
        blockTokens,
        maxContextTokens,
        maxInFlight,
        adapters,
        speedFactor,
        effectiveConcurrency,
        models);
  }

  /**
   * Sets the speed.
   *
   * @param factor 1 for the reference, 2 if twice as fast
   * @return changed copy
   */
  public InstanceProfile speedFactor(double factor) {
    return new InstanceProfile(
        role,
        maxSequences,
        totalBlocks,
        blockTokens,
        maxContextTokens,
        maxInFlight,
        maxAdapters,
        factor,
        effectiveConcurrency,
        models);
  }

  /**
   * Sets how many requests share its backlog at a time.
   *
   * @param requests at least 1; 0 to take the running ones
   * @return changed copy
   */
  public InstanceProfile effectiveConcurrency(double requests) {
    return new InstanceProfile(
        role,
        maxSequences,
        totalBlocks,
        blockTokens,
        maxContextTokens,
        maxInFlight,
        maxAdapters,
        speedFactor,
        requests,
        models);
  }

  /**
   * Sets the models it answers to.
   *
   * @param names empty if any
   * @return changed copy
   */
  public InstanceProfile models(Set<String> names) {
    return new InstanceProfile(
        role,
        maxSequences,
        totalBlocks,
        blockTokens,
        maxContextTokens,
        maxInFlight,
        maxAdapters,
        speedFactor,
        effectiveConcurrency,
        names);
  }

  /**
   * Returns the same instance in another role.
   *
   * @param value the role
   * @return changed copy
   */
  public InstanceProfile role(Role value) {
    return new InstanceProfile(
        value,
        maxSequences,
        totalBlocks,
        blockTokens,
        maxContextTokens,
        maxInFlight,
        maxAdapters,
        speedFactor,
        effectiveConcurrency,
        models);
  }
}
