package io.headway.executor;

import io.headway.runtime.BatchPlan;
import io.headway.runtime.StepResult;
import java.util.HashMap;
import java.util.Map;

/** Keeps the logits of every step until they are asked for, whatever ran afterwards. */
final class RecordingExecutor extends ForwardingExecutor {
  private final Map<Long, double[][][]> byStep = new HashMap<>();

  RecordingExecutor(Executor inner) {
    super(inner);
  }

  double[][][] take(long stepId) {
    return byStep.remove(stepId);
  }

  @Override
  public void enqueue(BatchPlan plan, StepResult result) {
    delegate().execute(plan, result);
    double[][][] rows = new double[plan.rows()][][];
    for (int row = 0; row < rows.length; row++) {
      rows[row] = new double[result.tokenCount(row)][shape().vocabularySize()];
      for (int i = 0; i < rows[row].length; i++) {
        logits(row, i, rows[row][i]);
      }
    }
    byStep.put(plan.stepId(), rows);
  }
}
