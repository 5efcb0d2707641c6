package io.headway.executor;

import static java.util.Objects.requireNonNull;

import io.headway.api.moe.ExpertRouter;
import io.headway.routing.moe.TopKRouter;
import org.jspecify.annotations.Nullable;

/**
 * How large an executor is and how it computes. The KV figures are those of the scheduler's pool.
 *
 * @param precision number format; float by default
 * @param blockTokens tokens a KV block, at least 1
 * @param deviceBlocks KV blocks on the device, the null block of a pool that has one included; at
 *     least 1
 * @param hostBlocks KV blocks on the host, for swapping; at least 0; 0 by default
 * @param maxSequences slots, those of the scheduler's limits; at least 1
 * @param threads threads that compute, the caller's included; at least 1; 1 by default. The result
 *     does not depend on it
 * @param checkPlans whether every plan is checked before anything is computed; true by default
 * @param router routes the tokens of a mixture of experts; the model's published rule, top-k
 *     without capacity, by default (null)
 * @param drafter proposes what verify rows test; the sequence's own text by default
 * @param clock what steps are timed by where the caller's thread computes; real time by default
 */
public record ExecutorOptions(
    Precision precision,
    int blockTokens,
    int deviceBlocks,
    int hostBlocks,
    int maxSequences,
    int threads,
    boolean checkPlans,
    @Nullable ExpertRouter<?> router,
    Drafter drafter,
    StepClock clock) {

  /** Checks the ranges. */
  public ExecutorOptions {
    requireNonNull(precision, "precision");
    requireNonNull(drafter, "drafter");
    requireNonNull(clock, "clock");
    atLeast("blockTokens", blockTokens, 1, "token");
    atLeast("deviceBlocks", deviceBlocks, 1, "block");
    atLeast("hostBlocks", hostBlocks, 0, "blocks");
    atLeast("maxSequences", maxSequences, 1, "sequence");
    atLeast("threads", threads, 1, "thread");
  }

  /**
   * Returns options with every optional part at its default.
   *
   * @param blockTokens tokens a KV block
   * @param deviceBlocks KV blocks on the device
   * @param maxSequences slots
   * @return float, no host blocks, one thread, checked plans
   */
  public static ExecutorOptions of(int blockTokens, int deviceBlocks, int maxSequences) {
    return new ExecutorOptions(
        Precision.FLOAT,
        blockTokens,
        deviceBlocks,
        0,
        maxSequences,
        1,
        true,
        null,
        PromptLookupDrafter.DEFAULT,
        StepClock.WALL);
  }

  /**
   * Returns the same options with another number format.
   *
   * @param value the format
   * @return a changed copy
   */
  public ExecutorOptions withPrecision(Precision value) {
    return new ExecutorOptions(
        value,
        blockTokens,
        deviceBlocks,
        hostBlocks,
        maxSequences,
        threads,
        checkPlans,
        router,
        drafter,
        clock);
  }

  /**
   * Returns the same options with room for swapped blocks.
   *
   * @param blocks KV blocks on the host
   * @return a changed copy
   */
  public ExecutorOptions withHostBlocks(int blocks) {
    return new ExecutorOptions(
        precision,
        blockTokens,
        deviceBlocks,
        blocks,
        maxSequences,
        threads,
        checkPlans,
        router,
        drafter,
        clock);
  }

  /**
   * Returns the same options with another number of threads.
   *
   * @param count threads that compute
   * @return a changed copy
   */
  public ExecutorOptions withThreads(int count) {
    return new ExecutorOptions(
        precision,
        blockTokens,
        deviceBlocks,
        hostBlocks,
        maxSequences,
        count,
        checkPlans,
        router,
        drafter,
        clock);
  }

  /**
   * Returns the same options with or without the check of every plan.
   *
   * @param on whether plans are checked
   * @return a changed copy
   */
  public ExecutorOptions withCheckPlans(boolean on) {
    return new ExecutorOptions(
        precision,
        blockTokens,
        deviceBlocks,
        hostBlocks,
        maxSequences,
        threads,
        on,
        router,
        drafter,
        clock);
  }

  /**
   * Returns the same options with another expert router.
   *
   * @param value routes the tokens of a mixture of experts
   * @return a changed copy
   */
  public ExecutorOptions withRouter(ExpertRouter<?> value) {
    return new ExecutorOptions(
        precision,
        blockTokens,
        deviceBlocks,
        hostBlocks,
        maxSequences,
        threads,
        checkPlans,
        requireNonNull(value, "router"),
        drafter,
        clock);
  }

  /**
   * Returns the same options with another drafter.
   *
   * @param value proposes what verify rows test
   * @return a changed copy
   */
  public ExecutorOptions withDrafter(Drafter value) {
    return new ExecutorOptions(
        precision,
        blockTokens,
        deviceBlocks,
        hostBlocks,
        maxSequences,
        threads,
        checkPlans,
        router,
        value,
        clock);
  }

  /**
   * Returns the same options with another clock.
   *
   * @param value what steps are timed by where the caller's thread computes
   * @return a changed copy
   */
  public ExecutorOptions withClock(StepClock value) {
    return new ExecutorOptions(
        precision,
        blockTokens,
        deviceBlocks,
        hostBlocks,
        maxSequences,
        threads,
        checkPlans,
        router,
        drafter,
        value);
  }

  /**
   * Returns the router that a mixture of experts is run with: the given one, or top-k with gates
   * divided by their sum over the chosen experts, nothing dropped.
   *
   * @param expertsPerToken experts that the model's tokens take
   * @return a router
   */
  public ExpertRouter<?> routerFor(int expertsPerToken) {
    ExpertRouter<?> given = router;
    if (given != null) {
      return given;
    }
    TopKRouter.Config base = TopKRouter.Config.DEFAULT;
    return new TopKRouter(
        new TopKRouter.Config(
            expertsPerToken,
            base.capacity(),
            base.order(),
            base.gates(),
            base.gateScale(),
            base.tieBreak()));
  }

  private static void atLeast(String name, int value, int least, String unit) {
    if (value < least) {
      throw new IllegalArgumentException(
          name + " must be at least " + least + " " + unit + ", but was " + value);
    }
  }
}
