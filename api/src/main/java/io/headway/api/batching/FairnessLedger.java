package io.headway.api.batching;

import io.headway.api.ImplementedByUsers;
import io.headway.api.SchedulingPolicy;

/**
 * Keeps what each tenant has received and turns it into a key: the tenant with the least key is
 * next. A {@link QueueOrder} with {@link QueueOrder.KeyChange#PER_TENANT} reads it, or one with
 * {@link QueueOrder.KeyChange#ANY_TIME} if the keys of tenants {@link #movesTogether move
 * together}.
 *
 * @param <S> the policy's state
 */
@ImplementedByUsers
public interface FairnessLedger<S> extends SchedulingPolicy<S>, SequenceEvents<S> {
  /**
   * Returns a tenant's key.
   *
   * @param state the ledger's state
   * @param tenant a tenant number
   * @return service received in weighted tokens, or whatever the ledger balances; smaller goes
   *     first
   */
  double key(S state, int tenant);

  /**
   * Returns whether an event of one tenant may change the order of others, as keys that are shares
   * of a common maximum do.
   *
   * @return false by default: an event changes the key of its own tenant only
   */
  default boolean movesTogether() {
    return false;
  }
}
