package io.headway.batching.composition;

import io.headway.api.Claims;
import io.headway.api.Request;
import io.headway.api.Stateless;
import io.headway.api.batching.BatchComposer;
import io.headway.api.batching.BatchContext;
import io.headway.api.batching.BatchView;
import io.headway.batching.internal.Arguments;

/**
 * Decides the batch as FineInfer does: while inference runs it goes on, and new arrivals join at
 * once; while nothing runs, requests wait until the oldest has waited {@code deferNanos} or as many
 * wait as fit one batch, and the engine spends that time on its fine-tuning job.
 *
 * <p>A deferred decision is an empty plan that says when to ask again: an engine with a fine-tuning
 * job runs one iteration of it whenever a plan is empty. Base weights are shared, so a switch costs
 * nothing. With {@code deferNanos = 0} this is plain inference first, which is what an engine
 * without fine-tuning work wants. A request waits at most {@code deferNanos} and one fine-tuning
 * iteration longer than it would. The batch itself is that of {@link IterationLevelComposer}. O(1)
 * more than that. Thread-safe, stateless.
 *
 * <p>Source: FineInfer, EuroMLSys 2024, github.com/llm-db/FineInfer; mechanism from secondary
 * descriptions. Merged forward passes of both jobs are the executor's matter.
 */
public final class DeferredComposer implements BatchComposer<Stateless>, PreemptsOnShortage {
  private final long deferNanos;
  private final int batchSequences;
  private final IterationLevelComposer inference;

  /**
   * Makes the composer.
   *
   * @param deferNanos delta, how long the oldest request may be deferred, at least 0
   * @param batchSequences most sequences in one batch, at least 0; 0 for the engine's limit
   */
  public DeferredComposer(long deferNanos, int batchSequences) {
    this.deferNanos = Arguments.atLeast("deferNanos", deferNanos, 0, "ns");
    this.batchSequences = Arguments.atLeast("batchSequences", batchSequences, 0, "sequences");
    inference = new IterationLevelComposer(batchSequences);
  }

  @Override
  public String id() {
    return "fineinfer";
  }

  @Override
  public Stateless newState() {
    return Stateless.STATE;
  }

  @Override
  public Claims claims() {
    return inference.claims();
  }

  @Override
  public boolean canServe(Stateless state, BatchView view, Request request) {
    return inference.canServe(state, view, request);
  }

  @Override
  public void compose(Stateless state, BatchContext context) {
    BatchView view = context.view();
    if (view.runningCount() > 0 || startNanos(view) <= view.nowNanos()) {
      inference.compose(state, context);
    }
  }

  /** When the waiting requests start if nothing runs. */
  private long startNanos(BatchView view) {
    int full =
        batchSequences == 0 ? view.maxSequences() : Math.min(batchSequences, view.maxSequences());
    if (view.waitingCount() >= full) {
      return view.nowNanos();
    }
    long oldest = Long.MAX_VALUE;
    for (int s = view.firstWaiting(); s != BatchView.NONE; s = view.nextWaiting(s)) {
      oldest = Math.min(oldest, view.arrivalNanos(s));
    }
    return oldest > Long.MAX_VALUE - deferNanos ? Long.MAX_VALUE : oldest + deferNanos;
  }

  @Override
  public long wakeAtNanos(Stateless state, BatchView view) {
    if (view.runningCount() > 0 || view.waitingCount() == 0) {
      return inference.wakeAtNanos(state, view);
    }
    long start = startNanos(view);
    return start > view.nowNanos() ? start : inference.wakeAtNanos(state, view);
  }

  @Override
  public int repeatableIterations(Stateless state, BatchView view) {
    return inference.repeatableIterations(state, view);
  }
}
