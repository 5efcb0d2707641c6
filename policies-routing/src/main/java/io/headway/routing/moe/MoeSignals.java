package io.headway.routing.moe;

import io.headway.api.moe.Signal;

/** The losses, statistics and explanations that routers of this package report. */
public final class MoeSignals {
  /** Balance loss of the router's paper, 1 x 1; its coefficient is included where one is set. */
  public static final Signal AUXILIARY_LOSS = Signal.named("auxiliaryLoss");

  /**
   * Balance loss per group as GShard publishes it, 1 x groups: {@code mean_e (share of first
   * choices) * (mean probability)}; {@code 1 / experts^2} for uniform routing.
   */
  public static final Signal AUXILIARY_LOSS_RAW = Signal.named("auxiliaryLossRaw");

  /** The same times {@code experts^2}, as implementations do: 1 for uniform routing. */
  public static final Signal AUXILIARY_LOSS_SCALED = Signal.named("auxiliaryLossScaled");

  /** Router z-loss {@code mean_t (log sum_e exp z[t][e])^2}, 1 x 1, without coefficient. */
  public static final Signal Z_LOSS = Signal.named("zLoss");

  /** Squared variation of the summed probabilities over experts, 1 x 1, without weight. */
  public static final Signal IMPORTANCE_LOSS = Signal.named("importanceLoss");

  /** Squared variation of the smooth expected load over experts, 1 x 1, without weight. */
  public static final Signal LOAD_LOSS = Signal.named("loadLoss");

  /** Expert-level balance loss with coefficient, 1 x sequences. */
  public static final Signal EXPERT_BALANCE_LOSS = Signal.named("expertBalanceLoss");

  /** Device-level balance loss with coefficient, 1 x sequences. */
  public static final Signal DEVICE_BALANCE_LOSS = Signal.named("deviceBalanceLoss");

  /** Communication balance loss with coefficient, 1 x sequences. */
  public static final Signal COMMUNICATION_BALANCE_LOSS = Signal.named("communicationBalanceLoss");

  /** Sequence-wise balance loss with coefficient, 1 x sequences. */
  public static final Signal SEQUENCE_BALANCE_LOSS = Signal.named("sequenceBalanceLoss");

  /** Router similarity loss, 1 x 1. */
  public static final Signal ROUTER_SIMILARITY_LOSS = Signal.named("routerSimilarityLoss");

  /** Share of choices per expert before dropping, sequences x experts. */
  public static final Signal CHOICE_SHARE = Signal.named("choiceShare");

  /** Mean probability or affinity per expert, sequences x experts. */
  public static final Signal MEAN_PROBABILITY = Signal.named("meanProbability");

  /** Mean choice share per device, sequences x devices. */
  public static final Signal DEVICE_CHOICE_SHARE = Signal.named("deviceChoiceShare");

  /** Summed mean probability per device, sequences x devices. */
  public static final Signal DEVICE_MEAN_PROBABILITY = Signal.named("deviceMeanProbability");

  /** Scaled share of tokens that touch a device, sequences x devices. */
  public static final Signal DEVICE_TOKEN_SHARE = Signal.named("deviceTokenShare");

  /** Priority of every token, 1 x tokens; 0 for padding. */
  public static final Signal PRIORITY_SCORE = Signal.named("priorityScore");

  /** Tokens in processing order, 1 x processed tokens. */
  public static final Signal PROCESSING_ORDER = Signal.named("processingOrder");

  /** Devices each token is limited to, ascending, tokens x limit. */
  public static final Signal TOKEN_DEVICES = Signal.named("tokenDevices");

  /** Pairs per device before any budget, 1 x devices. */
  public static final Signal PAIRS_PER_DEVICE = Signal.named("pairsPerDevice");

  /** Pairs per device after the budget, 1 x devices. */
  public static final Signal KEPT_PAIRS_PER_DEVICE = Signal.named("keptPairsPerDevice");

  /** Budget of pairs per device, 1 x 1. */
  public static final Signal DEVICE_BUDGET = Signal.named("deviceBudget");

  /** Pairs (token, expert) in the order in which the device budget dropped them, drops x 2. */
  public static final Signal DROP_ORDER = Signal.named("dropOrder");

  /** Score of every expert group, tokens x groups. */
  public static final Signal GROUP_SCORE = Signal.named("groupScore");

  /** Expert groups each token is limited to, ascending, tokens x limit. */
  public static final Signal TOKEN_GROUPS = Signal.named("tokenGroups");

  /** Largest load over mean load, minus 1, 1 x 1. */
  public static final Signal MAX_VIOLATION = Signal.named("maxViolation");

  /** Gate of the shared expert, 1 x tokens. */
  public static final Signal SHARED_GATE = Signal.named("sharedGate");

  /** Tokens that found their first choice full, 1 x tokens concerned. */
  public static final Signal OVERFLOW_TOKENS = Signal.named("overflowTokens");

  /** Experts with free slots, one entry per slot, before shuffling, 1 x free slots. */
  public static final Signal RECYCLING_POOL = Signal.named("recyclingPool");

  /** Number of pairs selected, 1 x 1. */
  public static final Signal SELECTED_PAIRS = Signal.named("selectedPairs");

  /** Score of the last pair that was selected, 1 x 1; absent if none was. */
  public static final Signal SELECTION_THRESHOLD = Signal.named("selectionThreshold");

  /** Number of experts per token, 1 x tokens. */
  public static final Signal EXPERTS_PER_TOKEN = Signal.named("expertsPerToken");

  /** How many tokens selected both of two experts, experts x experts. */
  public static final Signal CO_SELECTION = Signal.named("coSelection");

  /** 1 if no threshold had been learned and the router fell back, else 0, 1 x 1. */
  public static final Signal COLD = Signal.named("cold");

  /** Fractional allocation before rounding, experts x tokens. */
  public static final Signal ALLOCATION = Signal.named("allocation");

  /** 1 if an iterative solver met its constraints, else 0, 1 x 1. */
  public static final Signal CONVERGED = Signal.named("converged");

  /** Iterations of a solver, 1 x 1. */
  public static final Signal ITERATIONS = Signal.named("iterations");

  /** Tokens with more experts than the cap allows, 1 x 1. */
  public static final Signal CAP_VIOLATIONS = Signal.named("capViolations");

  /** Inner product of affinities and fractional allocation, 1 x 1. */
  public static final Signal OBJECTIVE = Signal.named("objective");

  /** Sum of the affinities of all selected pairs, 1 x 1. */
  public static final Signal AFFINITY_SUM = Signal.named("affinitySum");

  /** Sum of the scores of all assigned pairs, 1 x 1. */
  public static final Signal TOTAL_SCORE = Signal.named("totalScore");

  /** Smallest bid increment of an auction, 1 x 1. */
  public static final Signal BID_INCREMENT = Signal.named("bidIncrement");

  /** Bidding rounds completed before the one that stopped an auction, 1 x 1. */
  public static final Signal ROUNDS = Signal.named("rounds");

  /** Transport plan, tokens x experts. */
  public static final Signal PLAN = Signal.named("plan");

  /** Column sums of the transport plan, 1 x experts. */
  public static final Signal PLAN_COLUMN_SUMS = Signal.named("planColumnSums");

  private MoeSignals() {}
}
