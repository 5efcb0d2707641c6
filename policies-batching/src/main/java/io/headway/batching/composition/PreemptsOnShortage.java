package io.headway.batching.composition;

/** Marks composers that preempt only when a running sequence cannot get a block. */
interface PreemptsOnShortage {}
