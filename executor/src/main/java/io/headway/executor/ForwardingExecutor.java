package io.headway.executor;

import static java.util.Objects.requireNonNull;

import io.headway.api.memory.KvTier;
import io.headway.api.model.DecoderShape;
import io.headway.runtime.BatchPlan;
import io.headway.runtime.StepResult;
import java.nio.ByteBuffer;

/**
 * Forwards every call to another executor; a subclass overrides what it wants to watch or change,
 * such as {@link #enqueue} to record plans or {@link #await} to add a delay.
 *
 * <p>{@link #execute} and {@link #kvBlockBytes} are made of the other methods, as in {@link
 * Executor}, so that an override of {@link #enqueue} sees every plan. Confined to one thread at a
 * time, as its delegate.
 */
public abstract class ForwardingExecutor implements Executor {
  private final Executor delegate;

  /**
   * Forwards to an executor, which it owns: closing this closes that.
   *
   * @param delegate where calls go
   */
  protected ForwardingExecutor(Executor delegate) {
    this.delegate = requireNonNull(delegate, "delegate");
  }

  /**
   * Returns where calls go.
   *
   * @return the executor given at construction
   */
  protected final Executor delegate() {
    return delegate;
  }

  @Override
  public String id() {
    return delegate.id();
  }

  @Override
  public String device() {
    return delegate.device();
  }

  @Override
  public DecoderShape shape() {
    return delegate.shape();
  }

  @Override
  public ExecutorOptions options() {
    return delegate.options();
  }

  @Override
  public void prepare(int slot, long handle, int[] tokens, int count, SamplingParameters sampling) {
    delegate.prepare(slot, handle, tokens, count, sampling);
  }

  @Override
  public void release(int slot) {
    delegate.release(slot);
  }

  @Override
  public void enqueue(BatchPlan plan, StepResult result) {
    delegate.enqueue(plan, result);
  }

  @Override
  public void await(StepResult result) {
    delegate.await(result);
  }

  @Override
  public void logits(int row, int index, double[] into) {
    delegate.logits(row, index, into);
  }

  @Override
  public void readBlock(KvTier tier, int block, ByteBuffer into) {
    delegate.readBlock(tier, block, into);
  }

  @Override
  public void writeBlock(KvTier tier, int block, int filledTokens, ByteBuffer from) {
    delegate.writeBlock(tier, block, filledTokens, from);
  }

  @Override
  public void close() {
    delegate.close();
  }
}
