package io.headway.batching.admission;

import io.headway.api.Request;
import io.headway.api.Stateless;
import io.headway.api.batching.AdmissionTest;
import io.headway.api.batching.AdmissionVerdict;
import io.headway.api.batching.BatchDraft;
import io.headway.api.batching.BatchView;
import io.headway.batching.internal.Arguments;

/**
 * Lets a sequence start when the blocks of its first chunk are free, above a watermark: the test of
 * vLLM v1, which has no watermark. It promises nothing about later chunks, so it needs a victim
 * selector.
 *
 * <p>{@code free blocks after the admission >= floor(watermarkFraction * total blocks)}. O(1).
 * Thread-safe, stateless.
 */
public final class FirstChunkAdmission implements AdmissionTest<Stateless> {
  private final double watermarkFraction;

  /** Makes the test without watermark. */
  public FirstChunkAdmission() {
    this(0);
  }

  /**
   * Makes the test.
   *
   * @param watermarkFraction share of the pool that must stay free after an admission, in [0, 1)
   * @throws IllegalArgumentException if it is out of range
   */
  public FirstChunkAdmission(double watermarkFraction) {
    this.watermarkFraction = Arguments.fraction("watermarkFraction", watermarkFraction, "the pool");
  }

  @Override
  public String id() {
    return "first-chunk";
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
  public int headroomBlocks(Stateless state, BatchView view, int candidate) {
    return Watermark.blocks(watermarkFraction, view);
  }

  @Override
  public String explain(Stateless state, BatchView view, int candidate) {
    return "needs the blocks of its first chunk of "
        + view.needTokens(candidate)
        + " tokens, "
        + Watermark.freeAbove(watermarkFraction, view)
        + " free above the watermark";
  }
}
