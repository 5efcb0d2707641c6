package io.headway.examples.firstpolicy;

import io.headway.api.Request;
import io.headway.api.Stateless;
import io.headway.api.batching.AdmissionTest;
import io.headway.api.batching.AdmissionVerdict;
import io.headway.api.batching.BatchDraft;
import io.headway.api.batching.BatchView;

/**
 * Lets a sequence start when the blocks of its prompt and of its predicted output are free, and
 * takes them all at once. Whoever outgrows the prediction takes further blocks one by one, so a
 * rule of preemption is needed.
 */
public final class PredictedOutputAdmission implements AdmissionTest<Stateless> {
  /** Makes the test. */
  public PredictedOutputAdmission() {}

  @Override
  public String id() {
    return "predicted-output";
  }

  @Override
  public Stateless newState() {
    return Stateless.STATE;
  }

  @Override
  public boolean canServe(Stateless state, BatchView view, Request request) {
    return view.blocksFor(request.maxKvTokens()) <= view.totalBlocks();
  }

  @Override
  public AdmissionVerdict test(Stateless state, BatchView view, BatchDraft draft, int candidate) {
    return AdmissionVerdict.YES; // the pool says no if the reservation does not fit
  }

  @Override
  public int reserveTokens(Stateless state, BatchView view, int candidate) {
    int known = view.promptTokens(candidate) + view.generatedTokens(candidate);
    // The last token is never written.
    return known + ShortestOutputFirst.remainingTokens(view, candidate) - 1;
  }
}
