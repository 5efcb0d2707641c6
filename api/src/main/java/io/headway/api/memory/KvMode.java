package io.headway.api.memory;

/** Says who owns the KV memory that a pool accounts for. */
public enum KvMode {
  /** The pool hands out block ids and the engine addresses its KV memory by them. */
  PAGED,
  /**
   * The engine owns its memory; the pool counts units by one formula and has no block ids, no
   * prefix cache and no sharing.
   */
  ACCOUNTED,
  /** Another scheduler owns the memory; only numbers of a known age are visible. */
  REMOTE
}
