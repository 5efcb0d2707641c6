package io.headway.runtime;

/**
 * Counts of one scheduler at one moment, for metrics and gateways.
 *
 * @param waiting requests in the queue, swapped ones included
 * @param running sequences holding a slot and able to run
 * @param swapped sequences whose KV is in host memory
 * @param transferring sequences on their way to or from another instance
 * @param plansInFlight plans handed out and not yet completed
 * @param waitingPromptTokens tokens that the queue has to compute: prompts, and outputs of
 *     preempted requests
 * @param runningContextTokens KV entries of running sequences
 * @param usedBlocks blocks held by sequences
 * @param cachedBlocks blocks kept only for prefix hits
 * @param totalBlocks size of the pool
 * @param blockTokens tokens a block
 * @param adapters distinct adapters among running sequences
 * @param accepted requests accepted since the start
 * @param ended requests ended since the start
 * @param preemptions preemptions since the start
 * @param steps plans completed since the start
 * @param prefillTokens prompt and recomputed tokens computed since the start
 * @param outputTokens output tokens delivered since the start
 * @param prefixHitTokens prompt and recomputed tokens taken from the prefix cache since the start
 * @param violations faults of the policy since the start
 * @param observerFaults exceptions of listeners, logs, event sinks, predictors and hash functions
 *     since the start
 */
public record EngineStats(
    int waiting,
    int running,
    int swapped,
    int transferring,
    int plansInFlight,
    long waitingPromptTokens,
    long runningContextTokens,
    int usedBlocks,
    int cachedBlocks,
    int totalBlocks,
    int blockTokens,
    int adapters,
    long accepted,
    long ended,
    long preemptions,
    long steps,
    long prefillTokens,
    long outputTokens,
    long prefixHitTokens,
    long violations,
    long observerFaults) {}
