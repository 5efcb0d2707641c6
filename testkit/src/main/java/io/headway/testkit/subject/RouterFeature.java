package io.headway.testkit.subject;

/**
 * Something a router can do or promises. What is not claimed is neither asked for by scenarios nor
 * checked.
 */
public enum RouterFeature {
  /** Requests may be given up by their instance and sent elsewhere. */
  RETRIES,
  /** Only so many retries are allowed, as the scenario says. */
  RETRY_LIMIT,
  /** A retry says which limits of the request are left once what was delivered counts. */
  REBASES_LIMITS,
  /** Every instance that is up has a count of outstanding requests, which is told. */
  LEDGER,
  /** Outstanding requests that have shown no token are told apart. */
  PHASES,
  /** Choosing an instance and sending the request there are two steps. */
  TWO_STEPS,
  /** Instances may drain. */
  DRAINS,
  /**
   * The load that decisions go by is the truth, if reports are: what the router did after a report
   * was taken is added, and a report that was taken earlier never replaces a later one.
   */
  CORRECTS_REPORTS,
  /** Instances may tell what they cache. */
  CACHE_EVENTS,
  /** What served requests leave in a cache is learnt, where instances do not tell. */
  LEARNS_PREFIXES,
  /** Nobody waits at the router while an instance that may take the request has room. */
  WORK_CONSERVING,
  /** Requests leave the router in the order in which they began to wait there. */
  FIRST_COME,
  /** The claimed balance also holds across pauses in which every request ends. */
  BALANCED_OVER_PAUSES
}
