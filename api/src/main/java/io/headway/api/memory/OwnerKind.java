package io.headway.api.memory;

/**
 * Says what holds a set of KV blocks; a pool treats all kinds alike and reports usage by kind.
 *
 * <p>A block's reference count is the number of live table entries that name it, whatever the kind
 * of their owners.
 */
public enum OwnerKind {
  /** One token sequence of a request. */
  SEQUENCE,
  /** Siblings of one request that are admitted and preempted together (beams, samples). */
  SEQUENCE_GROUP,
  /** The weights of one low-rank adapter that share the pool with KV blocks. */
  ADAPTER,
  /** A prefix held in memory on purpose, independent of any request. */
  PINNED_PREFIX,
  /** Memory of model parameters that was dropped to make room for KV. */
  PARAMETER_LOAN,
  /** Another instance that borrowed blocks of this pool. */
  REMOTE_CREDITOR
}
