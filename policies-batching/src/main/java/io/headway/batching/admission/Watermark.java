package io.headway.batching.admission;

import io.headway.api.Request;
import io.headway.api.batching.BatchView;

/** The share of a pool that an admission leaves free. */
final class Watermark {
  // Products of decimals such as 0.3 * 10 come out a little below the whole number they are.
  private static final double ROUNDING = 1e-9;

  private Watermark() {}

  static int blocks(double fraction, BatchView view) {
    return (int) Math.floor(fraction * view.totalBlocks() + ROUNDING);
  }

  static int freeAbove(double fraction, BatchView view) {
    return view.freeBlocks() - blocks(fraction, view);
  }

  /** A sequence must fit above the watermark even when it is recomputed at its greatest length. */
  static boolean canServe(double fraction, BatchView view, Request request) {
    return view.blocksFor(request.maxKvTokens()) + blocks(fraction, view) <= view.totalBlocks();
  }
}
