package io.headway.batching.systems;

import io.headway.api.Decision;
import io.headway.api.config.ParameterSet;
import io.headway.api.config.PolicyProvider;
import io.headway.batching.admission.WholeOutputAdmission;
import io.headway.batching.composition.Batching;
import io.headway.batching.composition.ComposedBatchingPolicy;
import io.headway.batching.composition.DecodeMaximalComposer;
import io.headway.batching.internal.Arguments;
import io.headway.batching.order.FirstComeOrder;

/**
 * Decides batches as SARATHI does: all decodes and one prefill chunk that fills the batch up to
 * {@code chunkTokens}, first come first served, memory for {@code prompt + maxNewTokens} taken at
 * admission. At most one prompt is under way, and nobody is ever preempted.
 *
 * <p>Choose {@code chunkTokens} as a multiple of the tile of the matrix kernels (128 on the GPUs
 * studied) and above the engine's sequences minus 1; see {@link DecodeMaximalComposer} for what
 * happens below.
 *
 * <p>Id {@code sarathi}. Cost O(running) per iteration. Agrawal et al., SARATHI: Efficient LLM
 * Inference by Piggybacking Decodes with Chunked Prefills, arXiv 2308.16369.
 *
 * @param chunkTokens tokens of a batch that contains a chunk, its decodes included, at least 1
 */
public record Sarathi(int chunkTokens) {
  /** The id. */
  public static final String ID = "sarathi";

  /** Chunks of 256 tokens; the paper studies 256 and 512. */
  public static final Sarathi DEFAULT = new Sarathi(256);

  public Sarathi {
    Arguments.atLeast("chunkTokens", chunkTokens, 1, "token");
  }

  /**
   * Returns the policy.
   *
   * @return an immutable policy
   */
  public ComposedBatchingPolicy policy() {
    return Batching.order(new FirstComeOrder())
        .admission(WholeOutputAdmission.declared())
        .composition(new DecodeMaximalComposer(chunkTokens))
        .id(ID)
        .build();
  }

  static PolicyProvider provider() {
    return new PolicyProvider(
        ID,
        Decision.BATCHING,
        "Decode-maximal batches: all decodes and one prefill chunk of constant sum",
        "Agrawal et al., SARATHI, arXiv 2308.16369",
        ParameterSet.builder()
            .intValue(
                "chunkTokens",
                DEFAULT.chunkTokens,
                1,
                Integer.MAX_VALUE,
                "tokens",
                "tokens of a batch with a chunk, decodes included")
            .build(),
        config -> new Sarathi(config.intValue("chunkTokens")).policy());
  }
}
