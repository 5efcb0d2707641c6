package io.headway.executor;

import io.headway.api.memory.KvTier;
import io.headway.api.model.DecoderShape;
import io.headway.runtime.BatchPlan;
import io.headway.runtime.StepResult;
import java.nio.ByteBuffer;
import java.util.HashMap;
import java.util.Map;

/** Keeps the logits of every step until they are asked for, whatever ran afterwards. */
final class RecordingExecutor implements Executor {
  private final Executor inner;
  private final Map<Long, double[][][]> byStep = new HashMap<>();

  RecordingExecutor(Executor inner) {
    this.inner = inner;
  }

  double[][][] take(long stepId) {
    return byStep.remove(stepId);
  }

  @Override
  public void enqueue(BatchPlan plan, StepResult result) {
    inner.enqueue(plan, result);
    inner.await(result);
    double[][][] rows = new double[plan.rows()][][];
    for (int row = 0; row < rows.length; row++) {
      rows[row] = new double[result.tokenCount(row)][inner.shape().vocabularySize()];
      for (int i = 0; i < rows[row].length; i++) {
        inner.logits(row, i, rows[row][i]);
      }
    }
    byStep.put(plan.stepId(), rows);
  }

  @Override
  public void await(StepResult result) {
    inner.await(result);
  }

  @Override
  public String id() {
    return inner.id();
  }

  @Override
  public String device() {
    return inner.device();
  }

  @Override
  public DecoderShape shape() {
    return inner.shape();
  }

  @Override
  public ExecutorOptions options() {
    return inner.options();
  }

  @Override
  public void prepare(int slot, long handle, int[] tokens, int count, SamplingParameters sampling) {
    inner.prepare(slot, handle, tokens, count, sampling);
  }

  @Override
  public void release(int slot) {
    inner.release(slot);
  }

  @Override
  public void logits(int row, int index, double[] into) {
    inner.logits(row, index, into);
  }

  @Override
  public void readBlock(KvTier tier, int block, ByteBuffer into) {
    inner.readBlock(tier, block, into);
  }

  @Override
  public void writeBlock(KvTier tier, int block, int filledTokens, ByteBuffer from) {
    inner.writeBlock(tier, block, filledTokens, from);
  }

  @Override
  public void close() {
    inner.close();
  }
}
