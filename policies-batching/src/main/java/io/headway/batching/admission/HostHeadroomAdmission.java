package io.headway.batching.admission;

import io.headway.api.Request;
import io.headway.api.Stateless;
import io.headway.api.batching.AdmissionTest;
import io.headway.api.batching.AdmissionVerdict;
import io.headway.api.batching.BatchDraft;
import io.headway.api.batching.BatchView;
import io.headway.api.batching.SequenceState;
import io.headway.batching.internal.Arguments;

/**
 * Lets a new sequence start only while host memory has room for those that may be swapped out: the
 * test of FastServe's code, which holds back prefills while less than a tenth of the host pool is
 * free. Whoever comes back from the host, or starts while nothing runs, is not tested. Without host
 * memory everybody may start. The blocks of the first chunk must be free in any case. O(1).
 * Thread-safe, stateless.
 *
 * <p>{@code free host blocks >= hostFreeFraction * host blocks}.
 *
 * <p>Source: github.com/LLMServe/FastServe, {@code fastserve/scheduler.py}.
 */
public final class HostHeadroomAdmission implements AdmissionTest<Stateless> {
  /** The share of the published code. */
  public static final double HOST_FREE_FRACTION = 0.1;

  private final double hostFreeFraction;

  /**
   * Makes the test.
   *
   * @param hostFreeFraction share of host memory that must be free, in [0, 1)
   * @throws IllegalArgumentException if it is out of range
   */
  public HostHeadroomAdmission(double hostFreeFraction) {
    this.hostFreeFraction = Arguments.fraction("hostFreeFraction", hostFreeFraction, "host memory");
  }

  @Override
  public String id() {
    return "host-headroom";
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
    if (view.state(candidate) == SequenceState.SWAPPED
        || (view.runningCount() == 0 && draft.batchSequences() == 0)) {
      return AdmissionVerdict.YES;
    }
    int total = view.totalHostBlocks();
    return view.freeHostBlocks() >= hostFreeFraction * total
        ? AdmissionVerdict.YES
        : AdmissionVerdict.LATER;
  }

  @Override
  public String explain(Stateless state, BatchView view, int candidate) {
    return view.freeHostBlocks()
        + " of "
        + view.totalHostBlocks()
        + " host blocks free, "
        + hostFreeFraction
        + " of them needed";
  }
}
