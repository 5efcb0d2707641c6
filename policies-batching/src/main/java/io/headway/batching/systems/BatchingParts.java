package io.headway.batching.systems;

import io.headway.api.batching.FairnessLedger;
import io.headway.api.batching.PreemptionMode;
import io.headway.api.batching.QueueEnd;
import io.headway.batching.admission.FirstChunkAdmission;
import io.headway.batching.admission.PaddedBatchAdmission;
import io.headway.batching.admission.WholeOutputAdmission;
import io.headway.batching.admission.WholePromptAdmission;
import io.headway.batching.composition.DecodeMaximalComposer;
import io.headway.batching.composition.IterationLevelComposer;
import io.headway.batching.composition.RunToCompletionComposer;
import io.headway.batching.composition.StallFreeComposer;
import io.headway.batching.composition.TokenBudgetComposer;
import io.headway.batching.composition.WindowedComposer;
import io.headway.batching.fairness.FairShareOrder;
import io.headway.batching.fairness.VtcLedger;
import io.headway.batching.order.FirstComeOrder;
import io.headway.batching.order.PredictedRemainingOrder;
import io.headway.batching.order.PriorityOrder;
import io.headway.batching.preemption.LastCandidate;
import io.headway.batching.preemption.LeastUrgent;

/**
 * Every part that a batching policy can be made of, in one place, for {@link
 * io.headway.batching.composition.Batching}:
 *
 * <pre>{@code
 * Batching.order(vtc())
 *     .admission(wholePrompt())
 *     .composition(sarathiServe(512))
 *     .preemption(recomputeYoungest())
 *     .build();
 * }</pre>
 *
 * <p>A method without parameters makes the part with the defaults of its paper and is named after
 * its id; the classes behind them offer what else can be configured. A fairness ledger becomes an
 * order by {@link #fairShare}.
 */
public final class BatchingParts {
  private BatchingParts() {}

  // ---- order: who is next ----

  /**
   * Returns the queue's own order: first come, first served.
   *
   * @return {@code fcfs}
   */
  public static FirstComeOrder fcfs() {
    return new FirstComeOrder();
  }

  /**
   * Returns the order by (priority, arrival, id).
   *
   * @return {@code priority}
   */
  public static PriorityOrder priority() {
    return new PriorityOrder();
  }

  /**
   * Returns the order by predicted remaining output, predicted anew every 50 tokens.
   *
   * @return {@code predicted-remaining}
   */
  public static PredictedRemainingOrder predictedRemaining() {
    return new PredictedRemainingOrder(50, 0);
  }

  /**
   * Returns the order in which the tenant with the least virtual token counter is next.
   *
   * @return {@code vtc} with prices 1 and 2
   */
  public static FairShareOrder<VtcLedger.State> vtc() {
    return fairShare(vtcLedger());
  }

  /**
   * Returns the order in which the tenant with the least key of a ledger is next.
   *
   * @param ledger what tenants have received
   * @param <S> the ledger's state
   * @return an order with the ledger's id
   */
  public static <S> FairShareOrder<S> fairShare(FairnessLedger<S> ledger) {
    return FairShareOrder.of(ledger);
  }

  // ---- ledgers: what tenants have received ----

  /**
   * Returns the virtual token counters.
   *
   * @return {@code vtc} with prices 1 and 2
   */
  public static VtcLedger vtcLedger() {
    return new VtcLedger(VtcLedger.Parameters.DEFAULT);
  }

  // ---- admission: who may start, with how much memory ----

  /**
   * Returns the test for the blocks of the first chunk.
   *
   * @return {@code first-chunk} without watermark; needs preemption
   */
  public static FirstChunkAdmission firstChunk() {
    return new FirstChunkAdmission();
  }

  /**
   * Returns the test for the blocks of the whole prompt.
   *
   * @return {@code whole-prompt} above a watermark of 1 %; needs preemption
   */
  public static WholePromptAdmission wholePrompt() {
    return new WholePromptAdmission(0.01);
  }

  /**
   * Returns the test for the blocks of prompt and declared output.
   *
   * @return {@code whole-output}; blocks never run out
   */
  public static WholeOutputAdmission wholeOutput() {
    return WholeOutputAdmission.declared();
  }

  /**
   * Returns the test for the padded size of one static batch.
   *
   * @return {@code padded-batch}, for {@link #runToCompletion} only
   */
  public static PaddedBatchAdmission paddedBatch() {
    return new PaddedBatchAdmission();
  }

  // ---- composition: which tokens run ----

  /**
   * Returns the composition of a batch that nobody joins.
   *
   * @return {@code run-to-completion}
   */
  public static RunToCompletionComposer runToCompletion() {
    return new RunToCompletionComposer();
  }

  /**
   * Returns ORCA's composition: everybody in every iteration, prompts whole.
   *
   * @return {@code orca}
   */
  public static IterationLevelComposer orca() {
    return new IterationLevelComposer();
  }

  /**
   * Returns vLLM v1's composition with its budget of 2,048 tokens.
   *
   * @return {@code vllm-v1}
   */
  public static TokenBudgetComposer vllmV1() {
    return vllmV1(VllmV1.DEFAULT.tokenBudget());
  }

  /**
   * Returns vLLM v1's composition: running sequences, then the queue, up to a token budget.
   *
   * @param tokenBudget tokens in one iteration, at least 1
   * @return {@code vllm-v1} with chunked prefill
   */
  public static TokenBudgetComposer vllmV1(int tokenBudget) {
    return new TokenBudgetComposer(tokenBudget, 0, true);
  }

  /**
   * Returns SARATHI's composition with batches of 256 tokens.
   *
   * @return {@code sarathi}
   */
  public static DecodeMaximalComposer sarathi() {
    return sarathi(Sarathi.DEFAULT.chunkTokens());
  }

  /**
   * Returns SARATHI's composition: all decodes and one prefill chunk of constant sum.
   *
   * @param chunkTokens tokens of a batch with a chunk, at least 1
   * @return {@code sarathi}
   */
  public static DecodeMaximalComposer sarathi(int chunkTokens) {
    return new DecodeMaximalComposer(chunkTokens);
  }

  /**
   * Returns Sarathi-Serve's composition with its strict budget of 512 tokens.
   *
   * @return {@code sarathi-serve}
   */
  public static StallFreeComposer sarathiServe() {
    return sarathiServe(512);
  }

  /**
   * Returns Sarathi-Serve's composition: every decode first, prefill chunks in the rest.
   *
   * @param tokenBudget tokens in one iteration, at least 1
   * @return {@code sarathi-serve}
   */
  public static StallFreeComposer sarathiServe(int tokenBudget) {
    return new StallFreeComposer(tokenBudget);
  }

  /**
   * Returns ELIS's composition with windows of 50 tokens.
   *
   * @return {@code isrtf}; needs preemption
   */
  public static WindowedComposer isrtf() {
    return isrtf(Isrtf.DEFAULT.windowTokens());
  }

  /**
   * Returns ELIS's composition: the first of the order run for a window, then are chosen anew.
   *
   * @param windowTokens output tokens of a sequence in one window, at least 1
   * @return {@code isrtf}; needs preemption
   */
  public static WindowedComposer isrtf(int windowTokens) {
    return new WindowedComposer(windowTokens);
  }

  // ---- preemption: who yields, and how ----

  /**
   * Returns the rule of vLLM v1 and Sarathi-Serve: the youngest is computed again.
   *
   * @return {@code youngest}, by recomputation, to the head of the queue
   */
  public static LastCandidate recomputeYoungest() {
    return new LastCandidate();
  }

  /**
   * Returns the rule that moves the youngest to host memory.
   *
   * @return {@code youngest}, by swap, to the head of the queue
   */
  public static LastCandidate swapYoungest() {
    return new LastCandidate(PreemptionMode.SWAP, QueueEnd.HEAD);
  }

  /**
   * Returns the rule of vLLM v1 under priorities: the least urgent is computed again.
   *
   * @return {@code least-urgent}, by recomputation
   */
  public static LeastUrgent recomputeLeastUrgent() {
    return new LeastUrgent();
  }

  /**
   * Returns the rule that moves the least urgent to host memory.
   *
   * @return {@code least-urgent}, by swap
   */
  public static LeastUrgent swapLeastUrgent() {
    return new LeastUrgent(PreemptionMode.SWAP);
  }
}
