package io.headway.batching.admission;

import io.headway.api.Request;
import io.headway.api.Stateless;
import io.headway.api.batching.AdmissionTest;
import io.headway.api.batching.AdmissionVerdict;
import io.headway.api.batching.BatchDraft;
import io.headway.api.batching.BatchView;
import io.headway.batching.internal.Arguments;

/**
 * Lets a sequence start when blocks for its whole prompt are free above a watermark, and takes them
 * at once: the test of Sarathi-Serve. After a preemption the whole text so far counts as prompt.
 * Decodes may still run out of blocks, so it needs a victim selector.
 *
 * <p>{@code reserve = blocks(prompt + generated)}; {@code free blocks after the admission >=
 * floor(watermarkFraction * total blocks)}. A request whose greatest length does not fit above the
 * watermark is never served. O(1). Thread-safe, stateless.
 *
 * <p>Source: Agrawal et al., Taming Throughput-Latency Tradeoff in LLM Inference with
 * Sarathi-Serve, OSDI 2024, and the block manager of its code.
 */
public final class WholePromptAdmission implements AdmissionTest<Stateless> {
  private final double watermarkFraction;

  /**
   * Makes the test.
   *
   * @param watermarkFraction share of the pool that must stay free after an admission, in [0, 1)
   * @throws IllegalArgumentException if it is out of range
   */
  public WholePromptAdmission(double watermarkFraction) {
    this.watermarkFraction = Arguments.fraction("watermarkFraction", watermarkFraction, "the pool");
  }

  @Override
  public String id() {
    return "whole-prompt";
  }

  @Override
  public Stateless newState() {
    return Stateless.STATE;
  }

  @Override
  public boolean canServe(Stateless state, BatchView view, Request request) {
    return Watermark.canServe(watermarkFraction, view, request);
  }

  @Override
  public AdmissionVerdict test(Stateless state, BatchView view, BatchDraft draft, int candidate) {
    return AdmissionVerdict.YES;
  }

  @Override
  public int reserveTokens(Stateless state, BatchView view, int candidate) {
    return view.promptTokens(candidate) + view.generatedTokens(candidate);
  }

  @Override
  public int headroomBlocks(Stateless state, BatchView view, int candidate) {
    return Watermark.blocks(watermarkFraction, view);
  }

  @Override
  public String explain(Stateless state, BatchView view, int candidate) {
    return "needs "
        + view.blocksFor(reserveTokens(state, view, candidate))
        + " blocks, "
        + Watermark.freeAbove(watermarkFraction, view)
        + " free above the watermark";
  }
}
