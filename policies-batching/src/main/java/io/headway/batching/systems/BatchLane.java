package io.headway.batching.systems;

import static java.util.Objects.requireNonNull;

import io.headway.api.Decision;
import io.headway.api.config.ParameterSet;
import io.headway.api.config.PolicyConfig;
import io.headway.api.config.PolicyProvider;
import io.headway.batching.admission.LaneAdmission;
import io.headway.batching.composition.BackfillComposer;
import io.headway.batching.composition.Batching;
import io.headway.batching.composition.ComposedBatchingPolicy;
import io.headway.batching.internal.Arguments;
import io.headway.batching.order.LaneExpiry;
import io.headway.batching.order.LaneOrder;
import io.headway.batching.preemption.LaneFirst;
import java.util.List;

/**
 * Decides batches for an engine that serves an asynchronous batch lane beside interactive requests:
 * batch work fills what interactive work leaves, yields whenever that is short of anything, and
 * expires. See {@link BackfillComposer} for the steps and what is guaranteed.
 *
 * <p>A request belongs to the lane by {@link io.headway.api.Request#lane}. With one plan in flight
 * and without prefix caching the lane delays interactive work by no iteration, only by what its
 * tokens make an iteration longer: {@code laneTokens} bounds that. Without batch work this is
 * {@link VllmV1} under first come, first served. With an urgency, batch work about to expire joins
 * the interactive queue, which gives that promise up.
 *
 * <p>Id {@code batch-lane}. Modelled on Anthropic's Message Batches: independent requests that
 * expire 24 hours after creation; the scheduling rules are ours.
 *
 * @param tokenBudget tokens in one iteration, at least 1
 * @param laneTokens most tokens of batch work in one iteration, at least 0; 0 for what is left
 * @param headroom blocks that stay free after batch work is admitted
 * @param expiry when batch work expires
 * @param atExpiry what happens to batch work that runs then
 * @param yielding whether batch work yields where that does not help
 */
public record BatchLane(
    int tokenBudget,
    int laneTokens,
    LaneAdmission headroom,
    LaneExpiry expiry,
    BackfillComposer.AtExpiry atExpiry,
    BackfillComposer.Yielding yielding) {
  /** The id. */
  public static final String ID = "batch-lane";

  private static final double DEFAULT_HEADROOM_FRACTION = 0.1;
  private static final long NANOS_PER_MINUTE = 60_000_000_000L;

  /** vLLM's budget, a tenth of the pool as headroom, 24 hours, running work ends. */
  public static final BatchLane DEFAULT =
      new BatchLane(
          VllmV1.DEFAULT.tokenBudget(),
          0,
          LaneAdmission.ofFraction(DEFAULT_HEADROOM_FRACTION),
          LaneExpiry.DEFAULT,
          BackfillComposer.AtExpiry.FINISH,
          BackfillComposer.Yielding.HELPFUL);

  public BatchLane {
    Arguments.atLeast("tokenBudget", tokenBudget, 1, "token");
    Arguments.atLeast("laneTokens", laneTokens, 0, "tokens");
    requireNonNull(headroom, "headroom");
    requireNonNull(expiry, "expiry");
    requireNonNull(atExpiry, "atExpiry");
    requireNonNull(yielding, "yielding");
  }

  /**
   * Returns the policy.
   *
   * @return an immutable policy
   */
  public ComposedBatchingPolicy policy() {
    return Batching.order(new LaneOrder(expiry))
        .admission(headroom.exempting(expiry))
        .composition(new BackfillComposer(tokenBudget, laneTokens, expiry, atExpiry, yielding))
        .preemption(new LaneFirst(expiry))
        .id(ID)
        .build();
  }

  static PolicyProvider provider() {
    return new PolicyProvider(
        ID,
        Decision.BATCHING,
        "An asynchronous batch lane that never delays interactive work by an iteration",
        "ours, modelled on Anthropic Message Batches",
        urgencyParameters(composerParameters())
            .doubleValue(
                "headroomFraction",
                DEFAULT_HEADROOM_FRACTION,
                0,
                1,
                "",
                "share of the pool that stays free after batch work is admitted")
            .build(),
        config ->
            new BatchLane(
                    config.intValue("tokenBudget"),
                    config.intValue("laneTokens"),
                    LaneAdmission.ofFraction(config.doubleValue("headroomFraction")),
                    urgency(config),
                    config.choice("atExpiry", BackfillComposer.AtExpiry::valueOf),
                    config.choice("yielding", BackfillComposer.Yielding::valueOf))
                .policy());
  }

  static ParameterSet.Builder composerParameters() {
    return ParameterSet.builder()
        .intValue(
            "tokenBudget",
            VllmV1.DEFAULT.tokenBudget(),
            1,
            Integer.MAX_VALUE,
            "tokens",
            "tokens in one iteration")
        .intValue(
            "laneTokens",
            0,
            0,
            Integer.MAX_VALUE,
            "tokens",
            "most tokens of batch work in one iteration; 0 for what is left")
        .intValue(
            "expiryMinutes",
            (int) (LaneExpiry.DEFAULT.defaultNanos() / NANOS_PER_MINUTE),
            0,
            10_000_000,
            "min",
            "time after its arrival at which batch work without its own time expires")
        .choice(
            "atExpiry",
            "finish",
            List.of("finish", "abort"),
            "what happens to batch work that runs when it expires")
        .choice(
            "yielding",
            "helpful",
            List.of("helpful", "always"),
            "whether batch work yields only if an interactive request then starts, or in any case");
  }

  static LaneExpiry expiry(PolicyConfig config) {
    return new LaneExpiry(config.intValue("expiryMinutes") * NANOS_PER_MINUTE);
  }

  /** Declares what makes waiting batch work urgent. */
  static ParameterSet.Builder urgencyParameters(ParameterSet.Builder builder) {
    return TimeParameters.declare(
        builder.longValue(
            "urgencyNanos",
            LaneExpiry.NEVER,
            LaneExpiry.NEVER,
            "ns",
            "slack to its expiry below which waiting batch work becomes interactive; -1 for never"));
  }

  static LaneExpiry urgency(PolicyConfig config) {
    return new LaneExpiry(
        expiry(config).defaultNanos(),
        config.longValue("urgencyNanos"),
        TimeParameters.read(config));
  }
}
