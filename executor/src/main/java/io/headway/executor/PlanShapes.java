package io.headway.executor;

import io.headway.api.prediction.IterationShape;
import io.headway.runtime.BatchPlan;

/** Describes plans to models of iteration time. */
public final class PlanShapes {
  private PlanShapes() {}

  /**
   * Fills in what a plan computes. Padding is left out: executors do not compute it.
   *
   * @param plan a plan
   * @param into cleared and filled in
   */
  public static void describe(BatchPlan plan, IterationShape into) {
    into.clear();
    for (int row = 0; row < plan.rows(); row++) {
      switch (plan.kind(row)) {
        case DECODE -> into.addDecode(plan.start(row));
        case VERIFY -> into.addVerify(plan.start(row), plan.draftCount(row));
        case PREFILL -> into.addPrefill(plan.count(row), plan.start(row));
      }
    }
  }
}
