package io.headway.batching.systems;

import static java.util.Objects.requireNonNull;

import io.headway.api.Decision;
import io.headway.api.config.ParameterSet;
import io.headway.api.config.PolicyConfig;
import io.headway.api.config.PolicyProvider;
import io.headway.batching.admission.WholePromptAdmission;
import io.headway.batching.composition.Batching;
import io.headway.batching.composition.ChunkSchedule;
import io.headway.batching.composition.ComposedBatchingPolicy;
import io.headway.batching.composition.StallFreeComposer;
import io.headway.batching.internal.Arguments;
import io.headway.batching.order.FirstComeOrder;
import io.headway.batching.preemption.LastCandidate;

/**
 * Decides batches as Sarathi-Serve does: stall-free, that is, every decode first, then prefill
 * chunks in what the token budget leaves, first come first served. Blocks for a whole prompt are
 * taken at admission above a watermark; on shortage the last running sequence by (arrival, id) not
 * yet visited is recomputed, from the head of the queue. See {@link StallFreeComposer} for the
 * steps.
 *
 * <p>The budget is the largest whose iteration, with the largest decode batch, stays within the
 * time-between-tokens target; the paper uses 2048 under its relaxed and 512 under its strict
 * target. Keep the engine's sequences at or below the budget.
 *
 * <p>Id {@code sarathi-serve}. Cost O(running + admitted) per iteration. Agrawal et al., Taming
 * Throughput-Latency Tradeoff in LLM Inference with Sarathi-Serve, OSDI 2024; watermark and dynamic
 * chunking from github.com/microsoft/sarathi-serve.
 *
 * @param chunks budget of each chunk; constant unless chunking is dynamic
 * @param watermarkFraction share of the pool that must stay free after an admission, in [0, 1)
 */
public record SarathiServe(ChunkSchedule chunks, double watermarkFraction) {
  /** The id. */
  public static final String ID = "sarathi-serve";

  /** The paper's budget under the strict target, and the code's watermark. */
  public static final SarathiServe DEFAULT = new SarathiServe(512, 0.01);

  // The code has no defaults for dynamic chunking; these are ours.
  private static final int HIGH_CHUNK_TOKENS = 2048;
  private static final int LOW_CHUNK_TOKENS = 512;
  private static final int CHUNK_STAGES = 16;
  private static final int CHUNK_MAX_TOKENS = 8192;

  public SarathiServe {
    requireNonNull(chunks, "chunks");
    Arguments.fraction("watermarkFraction", watermarkFraction, "the pool");
  }

  /**
   * Makes the parameters with a constant budget.
   *
   * @param tokenBudget tokens in one iteration, at least 1
   * @param watermarkFraction share of the pool that must stay free after an admission, in [0, 1)
   */
  public SarathiServe(int tokenBudget, double watermarkFraction) {
    this(
        ChunkSchedule.constant(Arguments.atLeast("tokenBudget", tokenBudget, 1, "token")),
        watermarkFraction);
  }

  /**
   * Returns the policy.
   *
   * @return an immutable policy
   */
  public ComposedBatchingPolicy policy() {
    return Batching.order(new FirstComeOrder())
        .admission(new WholePromptAdmission(watermarkFraction))
        .composition(new StallFreeComposer(chunks))
        .preemption(new LastCandidate())
        .id(ID)
        .build();
  }

  static PolicyProvider provider() {
    return new PolicyProvider(
        ID,
        Decision.BATCHING,
        "Stall-free batches: every decode first, prefill chunks in the rest of the budget",
        "Agrawal et al., Sarathi-Serve, OSDI 2024",
        ParameterSet.builder()
            .intValue("tokenBudget", 512, 1, Integer.MAX_VALUE, "tokens", "tokens in one iteration")
            .doubleValue(
                "watermarkFraction",
                DEFAULT.watermarkFraction,
                0,
                Math.nextDown(1.0),
                "",
                "share of the pool that stays free after an admission")
            .booleanValue(
                "dynamicChunking", false, "let the budget fall with the progress of a prompt")
            .intValue(
                "highChunkTokens",
                HIGH_CHUNK_TOKENS,
                1,
                Integer.MAX_VALUE,
                "tokens",
                "dynamic chunking: budget at the start of a prompt")
            .intValue(
                "lowChunkTokens",
                LOW_CHUNK_TOKENS,
                1,
                Integer.MAX_VALUE,
                "tokens",
                "dynamic chunking: budget at its end")
            .intValue(
                "chunkStages",
                CHUNK_STAGES,
                1,
                1 << 16,
                "stages",
                "dynamic chunking: steps from high to low")
            .intValue(
                "chunkMaxTokens",
                CHUNK_MAX_TOKENS,
                1,
                Integer.MAX_VALUE,
                "tokens",
                "dynamic chunking: prompt length at which the last stage ends")
            .build(),
        config ->
            new SarathiServe(chunks(config), config.doubleValue("watermarkFraction")).policy());
  }

  private static ChunkSchedule chunks(PolicyConfig config) {
    return config.booleanValue("dynamicChunking")
        ? ChunkSchedule.falling(
            config.intValue("highChunkTokens"),
            config.intValue("lowChunkTokens"),
            config.intValue("chunkStages"),
            config.intValue("chunkMaxTokens"))
        : ChunkSchedule.constant(config.intValue("tokenBudget"));
  }
}
