package io.headway.executor;

import io.headway.api.ImplementedByUsers;
import io.headway.api.memory.KvTier;
import io.headway.api.model.DecoderShape;
import io.headway.runtime.BatchPlan;
import io.headway.runtime.StepResult;
import java.nio.ByteBuffer;

/**
 * Executes batch plans: the half of an engine behind the scheduler. One model, one KV pool whose
 * block ids are those of the plans, one buffer of tokens per slot.
 *
 * <p><b>Protocol.</b> {@link #prepare} a slot when the scheduler grants it; {@link #enqueue} each
 * plan in order and {@link #await} its result, or {@link #execute} it, which is both; {@link
 * #release} the slot when the scheduler releases it. An executor keeps the tokens it samples by
 * slot and position, so that a row whose input is still in flight ({@link BatchPlan#inputOnDevice})
 * needs nothing from the host.
 *
 * <p><b>Result.</b> For every emitting row the result receives the sampled token, for a verify row
 * the accepted drafts and one more; a token of the request's {@link SamplingParameters#stopTokens}
 * ends the row, with {@link StepResult#stop}. A row whose logits are not finite is reported failed.
 * The output of a request is the same whatever was batched, chunked, preempted, shared, copied,
 * swapped, pipelined or speculated: reductions run in an order that depends on the position alone.
 * In {@link Precision#DOUBLE} the logits are equal to the last bit.
 *
 * <p><b>Errors.</b> A plan that does not fit the executor throws {@link IllegalArgumentException}
 * naming row, rule and value, before anything is computed or moved.
 *
 * <p>Confined to one thread at a time.
 */
@ImplementedByUsers
public interface Executor extends AutoCloseable {
  /**
   * Returns who executes.
   *
   * @return the provider's id, such as {@code cpu}
   */
  String id();

  /**
   * Returns the device in words, for provenance of measurements.
   *
   * @return such as {@code CPU, 2 threads, OpenJDK 17.0.15}
   */
  String device();

  /**
   * Returns the model.
   *
   * @return its shape
   */
  DecoderShape shape();

  /**
   * Returns what the executor was opened with.
   *
   * @return the options
   */
  ExecutorOptions options();

  /**
   * Tells what the sequence in a slot has read and written so far, before the first plan with a row
   * of this slot.
   *
   * @param slot 0 to {@code maxSequences - 1}
   * @param handle the request
   * @param tokens its prompt and the output known so far; copied
   * @param count how many of the array count, at least 1
   * @param sampling how its next tokens are chosen
   * @throws IllegalArgumentException if a value is out of range, a token is not in the vocabulary,
   *     or the sequence is longer than the model's context
   */
  void prepare(int slot, long handle, int[] tokens, int count, SamplingParameters sampling);

  /**
   * Forgets the sequence in a slot.
   *
   * @param slot 0 to {@code maxSequences - 1}
   * @throws IllegalArgumentException if there is no such slot
   */
  void release(int slot);

  /**
   * Starts to execute a plan: its moves in order, then its rows. When this returns, nothing is read
   * from the plan's block tables any more, since the pool may change them.
   *
   * @param plan a plan with rows
   * @param result begun by this call; complete after {@link #await}
   * @throws IllegalArgumentException if the plan does not fit; nothing was done then
   */
  void enqueue(BatchPlan plan, StepResult result);

  /**
   * Waits until a result is complete; results complete in the order of {@link #enqueue}. Does
   * nothing for one that is.
   *
   * @param result passed to {@link #enqueue}
   */
  void await(StepResult result);

  /**
   * Executes a plan and waits for its result.
   *
   * @param plan a plan with rows
   * @param result begun and filled in by this call
   * @throws IllegalArgumentException if the plan does not fit; nothing was done then
   */
  default void execute(BatchPlan plan, StepResult result) {
    enqueue(plan, result);
    await(result);
  }

  /**
   * Copies the logits behind one token of the last executed plan.
   *
   * @param row an emitting row of the last plan awaited
   * @param index which of the row's reported tokens, 0 to {@code tokenCount - 1}
   * @param into receives {@code vocabularySize} numbers
   * @throws IllegalArgumentException if there is no such row or token, or the array is too short
   */
  void logits(int row, int index, double[] into);

  /**
   * Returns the bytes of one KV block over all layers: for each layer the keys and then the values,
   * each {@code [blockTokens][kvHeads][headDim]} in the executor's precision, little-endian. Keys
   * are stored rotated.
   *
   * @return {@code 2 * layers * blockTokens * kvHeads * headDim * precision.bytes()}
   */
  default long kvBlockBytes() {
    return shape().kvElementsPerToken() * options().blockTokens() * options().precision().bytes();
  }

  /**
   * Copies one block out, as in a hand-over to another instance.
   *
   * @param tier device or host
   * @param block block id in that tier
   * @param into receives {@link #kvBlockBytes} bytes at its position
   * @throws IllegalArgumentException if there is no such block or the buffer is too small
   */
  void readBlock(KvTier tier, int block, ByteBuffer into);

  /**
   * Copies one block in.
   *
   * @param tier device or host
   * @param block block id in that tier
   * @param filledTokens leading positions of the block that are meaningful, 0 to {@code
   *     blockTokens}
   * @param from {@link #kvBlockBytes} bytes at its position
   * @throws IllegalArgumentException if there is no such block, a number is out of range or the
   *     buffer is too small
   */
  void writeBlock(KvTier tier, int block, int filledTokens, ByteBuffer from);

  /** Gives back memory and threads. Idempotent. */
  @Override
  void close();
}
