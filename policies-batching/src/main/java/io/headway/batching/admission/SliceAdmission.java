package io.headway.batching.admission;

import io.headway.api.Request;
import io.headway.api.Stateless;
import io.headway.api.batching.AdmissionTest;
import io.headway.api.batching.AdmissionVerdict;
import io.headway.api.batching.BatchDraft;
import io.headway.api.batching.BatchView;
import io.headway.batching.internal.Arguments;

/**
 * Lets a sequence start when blocks for its current length and one slice of output are free, and
 * takes them at once, so that no batch passes its memory while its slice runs.
 *
 * <p>Reserved: {@code min(prompt + generated + sliceTokens, prompt + maxNewTokens)}. Meant for a
 * composition that ends after the slice; under another one blocks may run out later. O(1).
 * Thread-safe, stateless.
 *
 * <p>Source: Cheng et al., Slice-Level Scheduling for High Throughput and Load Balanced LLM
 * Serving, arXiv 2406.13511. Departure: the last slice of a request is cut at its declared cap.
 */
public final class SliceAdmission implements AdmissionTest<Stateless> {
  private final int sliceTokens;

  /**
   * Makes the test.
   *
   * @param sliceTokens output tokens of one slice, at least 1
   * @throws IllegalArgumentException if it is below 1
   */
  public SliceAdmission(int sliceTokens) {
    this.sliceTokens = Arguments.atLeast("sliceTokens", sliceTokens, 1, "token");
  }

  @Override
  public String id() {
    return "slice";
  }

  @Override
  public Stateless newState() {
    return Stateless.STATE;
  }

  @Override
  public boolean canServe(Stateless state, BatchView view, Request request) {
    long tokens = (long) request.promptTokens() + request.maxNewTokens();
    return tokens <= Integer.MAX_VALUE && view.blocksFor((int) tokens) <= view.totalBlocks();
  }

  @Override
  public AdmissionVerdict test(Stateless state, BatchView view, BatchDraft draft, int candidate) {
    return AdmissionVerdict.YES;
  }

  @Override
  public int reserveTokens(Stateless state, BatchView view, int candidate) {
    long slice =
        (long) view.promptTokens(candidate) + view.generatedTokens(candidate) + sliceTokens;
    return (int) Math.min(slice, view.promptTokens(candidate) + view.maxNewTokens(candidate));
  }

  @Override
  public String explain(Stateless state, BatchView view, int candidate) {
    return "needs "
        + view.blocksFor(reserveTokens(state, view, candidate))
        + " blocks for a slice, "
        + view.freeBlocks()
        + " free";
  }
}
