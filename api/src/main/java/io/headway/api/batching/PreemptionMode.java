package io.headway.api.batching;

/** How a victim gives its blocks back. */
public enum PreemptionMode {
  /** Blocks are released; prompt and generated tokens are computed again on resumption. */
  RECOMPUTE,
  /** Blocks move to host memory and back on resumption; refused when the host has no room. */
  SWAP
}
