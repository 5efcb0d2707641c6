package io.headway.batching.composition;

/**
 * Marks composers that preempt a running sequence because another one goes first, not only because
 * memory ran out.
 */
interface PreemptsForOrder {}
