package io.headway.batching.systems;

import io.headway.api.batching.FairnessLedger;
import io.headway.api.batching.PreemptionMode;
import io.headway.api.batching.QueueEnd;
import io.headway.batching.admission.FirstChunkAdmission;
import io.headway.batching.admission.FutureFitAdmission;
import io.headway.batching.admission.HostHeadroomAdmission;
import io.headway.batching.admission.LaneAdmission;
import io.headway.batching.admission.PaddedBatchAdmission;
import io.headway.batching.admission.PeakForecastAdmission;
import io.headway.batching.admission.PullAdmission;
import io.headway.batching.admission.SliceAdmission;
import io.headway.batching.admission.WholeOutputAdmission;
import io.headway.batching.admission.WholePromptAdmission;
import io.headway.batching.composition.BackfillComposer;
import io.headway.batching.composition.ClearingComposer;
import io.headway.batching.composition.DecodeMaximalComposer;
import io.headway.batching.composition.DeferredComposer;
import io.headway.batching.composition.EvictingComposer;
import io.headway.batching.composition.FairBatchingComposer;
import io.headway.batching.composition.FlexComposer;
import io.headway.batching.composition.HarvestComposer;
import io.headway.batching.composition.IterationLevelComposer;
import io.headway.batching.composition.LatencyProfile;
import io.headway.batching.composition.PaddedPrefillComposer;
import io.headway.batching.composition.PreemptiveComposer;
import io.headway.batching.composition.RunToCompletionComposer;
import io.headway.batching.composition.SliceComposer;
import io.headway.batching.composition.SloTiersComposer;
import io.headway.batching.composition.StallFreeComposer;
import io.headway.batching.composition.TokenBudgetComposer;
import io.headway.batching.composition.WindowedComposer;
import io.headway.batching.fairness.DeficitPrefixOrder;
import io.headway.batching.fairness.EquinoxLedger;
import io.headway.batching.fairness.FairShareOrder;
import io.headway.batching.fairness.VtcLedger;
import io.headway.batching.order.AttainedServiceOrder;
import io.headway.batching.order.ClientBufferOrder;
import io.headway.batching.order.ExperienceOrder;
import io.headway.batching.order.FirstComeOrder;
import io.headway.batching.order.LaneExpiry;
import io.headway.batching.order.LaneOrder;
import io.headway.batching.order.LearnedRankOrder;
import io.headway.batching.order.MemoryTimeOrder;
import io.headway.batching.order.PredictedRemainingOrder;
import io.headway.batching.order.PredictedTimeOrder;
import io.headway.batching.order.PriorityOrder;
import io.headway.batching.order.SkipJoinMlfqOrder;
import io.headway.batching.order.TokenDeadlineOrder;
import io.headway.batching.order.TokenTargets;
import io.headway.batching.planning.AnnealingPlanner;
import io.headway.batching.planning.BucketPlanner;
import io.headway.batching.planning.DensityPlanner;
import io.headway.batching.planning.PrefixGroupPlanner;
import io.headway.batching.planning.SlicePlanner;
import io.headway.batching.planning.SloOdbsPlanner;
import io.headway.batching.planning.SortedF;
import io.headway.batching.planning.SortedFPlanner;
import io.headway.batching.planning.VirtualQueuePlanner;
import io.headway.batching.preemption.LaneFirst;
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
   * Returns the order in which the tenant with the least holistic fairness is next.
   *
   * @return {@code equinox}
   */
  public static FairShareOrder<EquinoxLedger.State> equinox() {
    return fairShare(equinoxLedger());
  }

  /**
   * Returns the order by when the next token is due.
   *
   * @return {@code token-deadline} with a TTFT of 2 s and a TPOT of 100 ms
   */
  public static TokenDeadlineOrder tokenDeadline() {
    return tokenDeadline(TokenTargets.DEFAULT);
  }

  /**
   * Returns the order by when the next token is due.
   *
   * @param targets targets of requests without their own
   * @return {@code token-deadline}
   */
  public static TokenDeadlineOrder tokenDeadline(TokenTargets targets) {
    return new TokenDeadlineOrder(targets);
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

  /**
   * Returns the skip-join multi-level feedback queue of FastServe; also a victim selector.
   *
   * @return {@code skip-join-mlfq}
   */
  public static SkipJoinMlfqOrder skipJoinMlfq() {
    return new SkipJoinMlfqOrder(SkipJoinMlfqOrder.Parameters.DEFAULT);
  }

  /**
   * Returns the order by learned rank, those first that were left out for 200 iterations.
   *
   * @return {@code learned-rank}
   */
  public static LearnedRankOrder learnedRank() {
    return new LearnedRankOrder(
        LearnedRank.DEFAULT.starvationIterations(), LearnedRank.DEFAULT.promotionIterations());
  }

  /**
   * Returns the levels of predicted remaining time of ALISE.
   *
   * @return {@code predicted-time}
   */
  public static PredictedTimeOrder predictedTime() {
    return new PredictedTimeOrder(PredictedTimeOrder.Parameters.DEFAULT);
  }

  /**
   * Returns deficit longest prefix match with a quantum of 1,000.
   *
   * @return {@code dlpm}
   */
  public static DeficitPrefixOrder dlpm() {
    return new DeficitPrefixOrder(DeficitPrefixOrder.Parameters.DEFAULT);
  }

  /**
   * Returns the order of calls by what their program was served, least first.
   *
   * @return {@code plas}
   */
  public static AttainedServiceOrder plas() {
    return new AttainedServiceOrder(AttainedServiceOrder.Parameters.DEFAULT);
  }

  /**
   * Returns the order of calls by the longest path of service before them, shortest first.
   *
   * @return {@code atlas}
   */
  public static AttainedServiceOrder atlas() {
    return new AttainedServiceOrder(
        AttainedServiceOrder.Parameters.DEFAULT.withScope(AttainedServiceOrder.Scope.ATLAS));
  }

  /**
   * Returns the order by memory over time of LAMPS, smallest first.
   *
   * @return {@code memory-time}
   */
  public static MemoryTimeOrder memoryTime() {
    return new MemoryTimeOrder(MemoryTimeOrder.Parameters.DEFAULT);
  }

  /**
   * Returns the order by gain of experience per KV entry of Andes; also a victim selector.
   *
   * @return {@code experience}
   */
  public static ExperienceOrder experience() {
    return new ExperienceOrder(ExperienceOrder.Parameters.DEFAULT);
  }

  /**
   * Returns the order by client buffer of TokenFlow; also a victim selector.
   *
   * @return {@code client-buffer}
   */
  public static ClientBufferOrder clientBuffer() {
    return new ClientBufferOrder(ClientBufferOrder.Parameters.DEFAULT);
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

  /**
   * Returns the counters of users' service and machine time.
   *
   * @return {@code equinox}, both weighing the same
   */
  public static EquinoxLedger equinoxLedger() {
    return new EquinoxLedger(EquinoxLedger.Parameters.DEFAULT);
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

  /**
   * Returns the test for the forecast peak of memory.
   *
   * @return {@code past-future} with draws from history and a reserve of 5 %; needs preemption
   */
  public static PeakForecastAdmission pastFuture() {
    return new PeakForecastAdmission(PeakForecastAdmission.Parameters.DEFAULT);
  }

  /**
   * Returns the test for room in host memory.
   *
   * @return {@code host-headroom} with a tenth of it; needs preemption
   */
  public static HostHeadroomAdmission hostHeadroom() {
    return new HostHeadroomAdmission(HostHeadroomAdmission.HOST_FREE_FRACTION);
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

  /**
   * Returns the composition that chooses the first of the order anew in every iteration.
   *
   * @return {@code preemptive} with whole prompts; needs preemption
   */
  public static PreemptiveComposer preemptive() {
    return new PreemptiveComposer();
  }

  /**
   * Returns FairBatching's composition: a time budget from the most urgent decode.
   *
   * @return {@code fairbatching}
   */
  public static FairBatchingComposer fairBatching() {
    return new FairBatchingComposer(FairBatchingComposer.Parameters.DEFAULT);
  }

  /**
   * Returns SLOs-Serve's admission test and composition in one; give the same object to both steps,
   * so that what was promised is kept.
   *
   * @return {@code slos-serve}; needs preemption
   */
  public static SloTiersComposer slosServe() {
    return new SloTiersComposer(SloTiersComposer.Parameters.DEFAULT);
  }

  /**
   * Returns Shepherd's composition: the largest batch that meets its deadlines.
   *
   * @return {@code shepherd}; needs preemption
   */
  public static FlexComposer shepherd() {
    return new FlexComposer(FlexComposer.Parameters.DEFAULT);
  }

  /**
   * Returns ConServe's composition: online work as if alone, the batch lane in what it leaves of
   * 100 ms.
   *
   * @return {@code conserve}; needs preemption
   */
  public static HarvestComposer conServe() {
    return new HarvestComposer(LatencyProfile.DEFAULT, HarvestComposer.DEFAULT_TARGET_NANOS);
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

  // ---- slices, buckets, groups and the like: planning, and the parts made for it ----

  /**
   * Returns the planner of SCLS with slices of 128 tokens.
   *
   * @return {@code slices}
   */
  public static SlicePlanner slices() {
    return new SlicePlanner(Scls.DEFAULT.slices(), SlicePlanner.DEFAULT_LOAD_FACTOR, 0);
  }

  /**
   * Returns the test for the blocks of the current length and a slice of 128 tokens.
   *
   * @return {@code slice}
   */
  public static SliceAdmission slice() {
    return new SliceAdmission(Scls.DEFAULT.slices().sliceTokens());
  }

  /**
   * Returns SCLS's composition: a static batch that runs one slice of 128 tokens.
   *
   * @return {@code scls}; needs preemption
   */
  public static SliceComposer scls() {
    return new SliceComposer(Scls.DEFAULT.slices().sliceTokens());
  }

  /**
   * Returns the planner of BucketServe for online work.
   *
   * @return {@code buckets}
   */
  public static BucketPlanner buckets() {
    BucketServe defaults = BucketServe.DEFAULT;
    return new BucketPlanner(
        defaults.buckets(), defaults.safeFraction(), defaults.pick(), defaults.maxRequests());
  }

  /**
   * Returns BucketServe's composition: prompts that start together are padded.
   *
   * @return {@code bucketserve}
   */
  public static PaddedPrefillComposer bucketServe() {
    return new PaddedPrefillComposer();
  }

  /**
   * Returns the planner that anneals order and batches over the requests' objectives.
   *
   * @return {@code annealing} with batches of 32
   */
  public static AnnealingPlanner annealing() {
    return PlanningParts.annealing();
  }

  /**
   * Returns the virtual queue of QLM, which plans and, as the same object, says who yields.
   *
   * @return {@code virtual-queue}
   */
  public static VirtualQueuePlanner virtualQueue() {
    return new VirtualQueuePlanner(VirtualQueuePlanner.Parameters.DEFAULT);
  }

  /**
   * Returns QLM's back-pressure.
   *
   * @return {@code pull} of 10 sequences; needs preemption
   */
  public static PullAdmission pull() {
    return new PullAdmission(PullAdmission.DEFAULT_PULL_SEQUENCES);
  }

  /**
   * Returns QLM's composition, in which the head of the queue may evict.
   *
   * @return {@code qlm} with vLLM's budget; needs preemption
   */
  public static EvictingComposer qlm() {
    return new EvictingComposer(VllmV1.DEFAULT.tokenBudget());
  }

  /**
   * Returns FineInfer's composition, deferred by up to 300 ms while nothing runs.
   *
   * @return {@code fineinfer}
   */
  public static DeferredComposer fineInfer() {
    return new DeferredComposer(FineInfer.DEFAULT.deferNanos(), 0);
  }

  /**
   * Returns the planner of UELLM.
   *
   * @return {@code slo-odbs}
   */
  public static SloOdbsPlanner sloOdbs() {
    return new SloOdbsPlanner(Uellm.DEFAULT.batching(), Uellm.DEFAULT.sloSeconds());
  }

  /**
   * Returns the planner of Sorted-F.
   *
   * @return {@code sorted-f}, exact up to 12 requests
   */
  public static SortedFPlanner sortedF() {
    return new SortedFPlanner(
        new SortedF(SortedF.Method.F, SortedF.DEFAULT_EXACT_REQUESTS),
        SortedFPlanner.DEFAULT_MAX_REQUESTS);
  }

  /**
   * Returns the test that everybody fits at each predicted completion.
   *
   * @return {@code future-fit} by predictions, without reserve; needs preemption
   */
  public static FutureFitAdmission futureFit() {
    return new FutureFitAdmission(FutureFitAdmission.Length.PREDICTED, 0);
  }

  /**
   * Returns the composition that clears everybody on overflow.
   *
   * @return {@code clearing}; needs preemption
   */
  public static ClearingComposer clearing() {
    return new ClearingComposer(1);
  }

  // ---- the batch lane ----

  /**
   * Returns the order with the batch lane behind interactive requests.
   *
   * @return {@code lane} with 24 hours
   */
  public static LaneOrder lane() {
    return new LaneOrder(LaneExpiry.DEFAULT);
  }

  /**
   * Returns the test that keeps a headroom free of batch work.
   *
   * @return {@code lane} with a tenth of the pool; needs preemption
   */
  public static LaneAdmission laneHeadroom() {
    return LaneAdmission.ofFraction(0.1);
  }

  /**
   * Returns the composition that backfills.
   *
   * @return {@code batch-lane} with vLLM's budget
   */
  public static BackfillComposer batchLane() {
    return new BackfillComposer(
        VllmV1.DEFAULT.tokenBudget(),
        0,
        LaneExpiry.DEFAULT,
        BackfillComposer.AtExpiry.FINISH,
        BackfillComposer.Yielding.HELPFUL);
  }

  /**
   * Returns the rule by which batch work yields before interactive work.
   *
   * @return {@code lane-first}
   */
  public static LaneFirst laneFirst() {
    return new LaneFirst(LaneExpiry.DEFAULT);
  }

  // ---- planning: who plans in front of the order

  /**
   * Returns BatchLLM's planner: groups that share a prefix.
   *
   * @return {@code batchllm}, a plan a second at most
   */
  public static PrefixGroupPlanner batchLlm() {
    return new PrefixGroupPlanner(PrefixGroupPlanner.DEFAULT_WINDOW_NANOS);
  }

  /**
   * Returns BlendServe's planner: work bound by compute and by memory in alternation.
   *
   * @return {@code blendserve}, a plan a second at most
   */
  public static DensityPlanner blendServe() {
    return new DensityPlanner(DensityPlanner.Parameters.DEFAULT);
  }
}
