package io.headway.testkit.subject;

/**
 * Something a fair queue can do. What is not claimed is neither asked for by scenarios nor checked.
 */
public enum FairQueueFeature {
  /** Flows have limits on how many items wait and on what these cost together. */
  LIMITS,
  /** Items may have to wait for something outside, and then may not keep others waiting. */
  HOLDS
}
