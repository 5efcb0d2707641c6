package io.headway.testkit.subject;

/**
 * Something a scheduler or a pool can do or promises. What is not claimed is neither asked for by
 * scenarios nor checked; its rules are skipped with the reason, never passed.
 */
public enum Feature {
  /** Requests may be cancelled in every state. */
  CANCEL,
  /** Requests may carry a deadline at which they expire. */
  DEADLINES,
  /** Prompts longer than the token budget are computed in chunks. */
  CHUNKED_PREFILL,
  /** Rows carry block tables, through which the executor reads and writes. */
  BLOCK_TABLES,
  /** Equal prefixes are computed once. */
  PREFIX_CACHE,
  /** Requests may carry a priority. */
  PRIORITY,
  /** Requests may carry a tenant. */
  TENANTS,
  /** Requests may need an adapter, of which only so many run at once. */
  ADAPTERS,
  /** Preempted requests may be swapped to the host. */
  SWAP,
  /** Rows may verify drafts. */
  SPECULATION,
  /** Steps and rows may fail and are computed again. */
  RETRIES,
  /** Requests may be handed over to, or come from, another instance. */
  TRANSFERS,
  /** Requests may wait for something outside, such as a grammar. */
  DEFERRAL,
  /**
   * Prompts may contain media items, which need units of an encoder cache while they are computed,
   * and chunks may have to end at whole units of alignment.
   */
  ENCODER,
  /** Part of the pool may be taken away for a while. */
  PRESSURE,
  /** The prefix cache may be cleared. */
  CLEAR_CACHE,
  /** Results may be delivered in any order. */
  UNORDERED_RESULTS,
  /** Every end of a request is reported. */
  REPORTS_ENDS,
  /** Other names of requests, tenants and adapters, in the same order, change nothing else. */
  RENAMING,
  /** More blocks, slots or budget never make a served scenario unserved. */
  MONOTONE,
  /** A scheduler rebuilt from what is queued and running decides the same. */
  REBUILD,
  /** Content may hold media, which equal placeholder tokens stand for. */
  MEDIA,
  /** A second cache group reads the last tokens only; both share the pool. */
  CACHE_GROUPS,
  /** A block that is not full yet may be found by later content that has the same tokens so far. */
  PARTIAL_BLOCKS,
  /** Every block that must be copied is reported, so that its bytes can be followed. */
  REPORTS_COPIES,
  /** Cached content may be copied to the host tier and back, and copies may fail. */
  TIERS,
  /** Equal content has equal keys in every process. */
  STABLE_KEYS,
  /** Within a chain what comes first is evicted last. */
  TAIL_FIRST
}
