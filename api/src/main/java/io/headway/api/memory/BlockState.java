package io.headway.api.memory;

/**
 * Classifies a block of a tier. The states are disjoint and cover the tier: after every call the
 * counts over all states add up to the tier's blocks.
 */
public enum BlockState {
  /** No reference and no key: its content is worthless. */
  FREE,
  /** No reference, but keyed: a later request may hit it until it is evicted. */
  CACHED,
  /** Named by at least one live table entry. */
  ACTIVE,
  /** Being written by a transfer; it can be neither hit nor evicted until the transfer ends. */
  LOADING,
  /** Unreferenced, but being read by a transfer; it can be neither hit nor evicted until then. */
  STORING,
  /** The null block, which stands for positions that nobody reads. */
  NULL
}
