package io.headway.batching.systems;

import static java.util.Objects.requireNonNull;

import io.headway.api.Decision;
import io.headway.api.config.ParameterSet;
import io.headway.api.config.PolicyProvider;
import io.headway.batching.admission.FirstChunkAdmission;
import io.headway.batching.admission.WholePromptAdmission;
import io.headway.batching.composition.Batching;
import io.headway.batching.composition.ComposedBatchingPolicy;
import io.headway.batching.composition.TokenBudgetComposer;
import io.headway.batching.internal.Arguments;
import io.headway.batching.order.FirstComeOrder;
import io.headway.batching.order.PriorityOrder;
import io.headway.batching.preemption.LastCandidate;
import io.headway.batching.preemption.LeastUrgent;
import java.util.List;

/**
 * Decides batches as vLLM v1 does: continuous batching under a token budget, running sequences
 * first, blocks taken as they are needed, preemption by recomputation. See {@link
 * TokenBudgetComposer} for the steps.
 *
 * <p>{@code FCFS}: the queue by arrival with preempted sequences at its head; the victim is the
 * sequence admitted last. {@code PRIORITY}: queue by (priority, arrival, id); the victim has the
 * greatest of these among all running ones. An iteration that preempts admits nobody; the oldest
 * running sequence (the most urgent) is never preempted while another runs.
 *
 * <p>A sequence starts when the blocks of its first chunk are free, as the scheduler does by
 * itself. Where chunks are much shorter than prompts and memory is short, a prompt may so lose its
 * blocks again and again before it is computed: then it is preempted more often than INV-22 allows.
 * vLLM knows this loop (pull requests 21793 and 21809) and has since added {@code
 * scheduler_reserve_full_isl} (pull request 37307), which admits only whose whole input fits.
 * {@code reserveFullInput} does so, and takes the blocks at once, so that a prompt that was begun
 * can be finished unless somebody who runs already needs its blocks.
 *
 * <p>Id {@code vllm-v1}. Cost O(running + admitted) per iteration, O(running) per preemption.
 * Sources: github.com/vllm-project/vllm, {@code vllm/v1/core/sched/scheduler.py}, with the class
 * defaults of {@code vllm/config/scheduler.py}; Kwon et al., PagedAttention, SOSP 2023. Departures:
 * the model's length limit is the caller's matter ({@code maxNewTokens}); a request that can never
 * fit is answered at submission. Only the names and class defaults (1 and 1) of the two limits of
 * partial prefills were read; what they do here when set is (recalled) from the scheduler before
 * v1. The steps of v1 as read apply neither, so 0, no limit, reproduces them and is the default.
 * Nor is the threshold derived from the model's length when more than one partial prefill is
 * allowed.
 *
 * @param tokenBudget tokens in one iteration ({@code max_num_batched_tokens}), at least 1
 * @param order order of the queue, and choice of the victim
 * @param longPrefillTokenThreshold most tokens of one sequence in one iteration, at least 0; 0 for
 *     no such limit
 * @param chunkedPrefill whether a waiting prompt may be cut to what is left of the budget; without
 *     it a prompt above the budget is never served
 * @param maxNumPartialPrefills prompts that may be computed in part at a time, at least 0; 0 for no
 *     limit (recalled)
 * @param maxLongPartialPrefills of those, the ones longer than the threshold; 0 for no limit
 *     (recalled)
 * @param reserveFullInput whether a sequence starts only with blocks for all its known tokens
 */
public record VllmV1(
    int tokenBudget,
    Order order,
    int longPrefillTokenThreshold,
    boolean chunkedPrefill,
    int maxNumPartialPrefills,
    int maxLongPartialPrefills,
    boolean reserveFullInput) {
  /** Who goes first. */
  public enum Order {
    /** First come, first served. */
    FCFS,
    /** The smallest priority value first. */
    PRIORITY
  }

  /** The id. */
  public static final String ID = "vllm-v1";

  /** Budget 2048, first come first served, no threshold, chunked prefill. */
  public static final VllmV1 DEFAULT = new VllmV1(2048, Order.FCFS, 0, true);

  public VllmV1 {
    Arguments.atLeast("tokenBudget", tokenBudget, 1, "token");
    requireNonNull(order, "order");
    Arguments.atLeast("longPrefillTokenThreshold", longPrefillTokenThreshold, 0, "tokens");
    Arguments.atLeast("maxNumPartialPrefills", maxNumPartialPrefills, 0, "sequences");
    Arguments.atLeast("maxLongPartialPrefills", maxLongPartialPrefills, 0, "sequences");
  }

  /**
   * Makes the parameters without limits of partial prefills, and without reservation.
   *
   * @param tokenBudget tokens in one iteration
   * @param order order of the queue, and choice of the victim
   * @param longPrefillTokenThreshold most tokens of one sequence in one iteration; 0 for no limit
   * @param chunkedPrefill whether a waiting prompt may be cut
   */
  public VllmV1(
      int tokenBudget, Order order, int longPrefillTokenThreshold, boolean chunkedPrefill) {
    this(tokenBudget, order, longPrefillTokenThreshold, chunkedPrefill, 0, 0, false);
  }

  /**
   * Returns the policy.
   *
   * @return an immutable policy
   */
  public ComposedBatchingPolicy policy() {
    return Batching.order(order == Order.FCFS ? new FirstComeOrder() : new PriorityOrder())
        .admission(reserveFullInput ? new WholePromptAdmission(0) : new FirstChunkAdmission())
        .composition(
            new TokenBudgetComposer(tokenBudget, longPrefillTokenThreshold, chunkedPrefill)
                .withPartialPrefills(maxNumPartialPrefills, maxLongPartialPrefills))
        .preemption(order == Order.FCFS ? new LastCandidate() : new LeastUrgent())
        .id(ID)
        .build();
  }

  static PolicyProvider provider() {
    return new PolicyProvider(
        ID,
        Decision.BATCHING,
        "Continuous batching under a token budget, with preemption by recomputation",
        "vLLM v1; Kwon et al., PagedAttention, SOSP 2023",
        ParameterSet.builder()
            .intValue(
                "tokenBudget",
                DEFAULT.tokenBudget,
                1,
                Integer.MAX_VALUE,
                "tokens",
                "tokens in one iteration")
            .choice(
                "policy", "fcfs", List.of("fcfs", "priority"), "order of the queue and the victim")
            .intValue(
                "longPrefillTokenThreshold",
                0,
                0,
                Integer.MAX_VALUE,
                "tokens",
                "most tokens of one sequence in one iteration; 0 for no limit")
            .booleanValue("chunkedPrefill", true, "cut waiting prompts to the budget that is left")
            .intValue(
                "maxNumPartialPrefills",
                0,
                0,
                Integer.MAX_VALUE,
                "sequences",
                "prompts computed in part at a time; 0 for no limit")
            .intValue(
                "maxLongPartialPrefills",
                0,
                0,
                Integer.MAX_VALUE,
                "sequences",
                "of those, longer than longPrefillTokenThreshold; 0 for no limit")
            .booleanValue(
                "reserveFullInput", false, "start with blocks for all known tokens or not at all")
            .build(),
        config ->
            new VllmV1(
                    config.intValue("tokenBudget"),
                    config.choice("policy", Order::valueOf),
                    config.intValue("longPrefillTokenThreshold"),
                    config.booleanValue("chunkedPrefill"),
                    config.intValue("maxNumPartialPrefills"),
                    config.intValue("maxLongPartialPrefills"),
                    config.booleanValue("reserveFullInput"))
                .policy());
  }
}
