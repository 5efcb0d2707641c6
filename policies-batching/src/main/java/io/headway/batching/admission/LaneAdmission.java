package io.headway.batching.admission;

import static java.util.Objects.requireNonNull;

import io.headway.api.Stateless;
import io.headway.api.batching.AdmissionTest;
import io.headway.api.batching.AdmissionVerdict;
import io.headway.api.batching.BatchDraft;
import io.headway.api.batching.BatchView;
import io.headway.batching.internal.Arguments;
import io.headway.batching.order.LaneExpiry;

/**
 * Lets a sequence start when the blocks of its first chunk are free; one of the batch lane only if
 * {@code headroomBlocks} stay free afterwards. It promises nothing about later chunks, so it needs
 * a victim selector. A headroom of the whole pool closes the lane. O(1). Thread-safe, stateless.
 */
public final class LaneAdmission implements AdmissionTest<Stateless> {
  private final int headroomBlocks;
  private final double headroomFraction;
  private final LaneExpiry expiry;

  private LaneAdmission(int headroomBlocks, double headroomFraction, LaneExpiry expiry) {
    this.headroomBlocks = headroomBlocks;
    this.headroomFraction = headroomFraction;
    this.expiry = expiry;
  }

  /**
   * Makes the test with a headroom in blocks.
   *
   * @param headroomBlocks H, at least 0
   * @return the test
   */
  public static LaneAdmission ofBlocks(int headroomBlocks) {
    return new LaneAdmission(
        Arguments.atLeast("headroomBlocks", headroomBlocks, 0, "blocks"), 0, LaneExpiry.DEFAULT);
  }

  /**
   * Makes the test with a headroom that is a share of the pool, rounded down.
   *
   * @param headroomFraction share of the pool, from 0 to 1
   * @return the test
   */
  public static LaneAdmission ofFraction(double headroomFraction) {
    return new LaneAdmission(
        0,
        Arguments.within("headroomFraction", headroomFraction, 0, 1, "of the pool"),
        LaneExpiry.DEFAULT);
  }

  /**
   * Returns the test that asks no headroom of batch work that has become urgent.
   *
   * @param urgency when that is
   * @return a changed copy
   */
  public LaneAdmission exempting(LaneExpiry urgency) {
    return new LaneAdmission(headroomBlocks, headroomFraction, requireNonNull(urgency, "urgency"));
  }

  @Override
  public String id() {
    return "lane";
  }

  @Override
  public Stateless newState() {
    return Stateless.STATE;
  }

  @Override
  public AdmissionVerdict test(Stateless state, BatchView view, BatchDraft draft, int candidate) {
    // Decided here and not by the draft, for which a headroom beyond the pool would mean "never".
    boolean closed = expiry.isBackfill(view, candidate) && headroom(view) >= view.totalBlocks();
    return closed ? AdmissionVerdict.LATER : AdmissionVerdict.YES;
  }

  @Override
  public int headroomBlocks(Stateless state, BatchView view, int candidate) {
    return expiry.isBackfill(view, candidate) ? headroom(view) : 0;
  }

  private int headroom(BatchView view) {
    return Math.max(headroomBlocks, (int) Math.floor(headroomFraction * view.totalBlocks()));
  }

  @Override
  public int repeatableIterations(Stateless state, BatchView view) {
    return Integer.MAX_VALUE;
  }

  @Override
  public String explain(Stateless state, BatchView view, int candidate) {
    return expiry.isBackfill(view, candidate)
        ? "batch work must leave "
            + headroom(view)
            + " blocks free, "
            + view.freeBlocks()
            + " are free"
        : "needs the blocks of its first chunk, " + view.freeBlocks() + " free";
  }
}
