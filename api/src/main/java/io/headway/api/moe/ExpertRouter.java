package io.headway.api.moe;

import io.headway.api.ImplementedByUsers;
import io.headway.api.SchedulingPolicy;
import java.util.Set;

/**
 * Decides which experts take which tokens of one batch at one mixture-of-experts layer.
 *
 * <p>A router is immutable and may serve any number of layers and threads. What it must remember
 * between batches, such as balancing biases, lives in one state per layer; a state and a result
 * belong to one thread at a time. A call allocates nothing once the result has grown to the size of
 * the batch, unless a router says otherwise.
 *
 * @param <S> what the router remembers per layer; {@link io.headway.api.Stateless} if nothing
 */
@ImplementedByUsers
public interface ExpertRouter<S> extends SchedulingPolicy<S> {
  /**
   * Routes one batch.
   *
   * @param input the batch; an empty one gives an empty result
   * @param state the state of this layer
   * @param out receives the decision, and losses and statistics as far as its {@link
   *     ExpertAssignments#signalLevel()} asks for them
   * @throws IllegalArgumentException if the logits are NaN or plus infinity, or something the
   *     router needs is missing or out of range; state and result are then undefined until the next
   *     successful call
   */
  void route(RouterInput input, S state, ExpertAssignments out);

  /**
   * Returns the laws this router obeys in its configuration.
   *
   * @return the claimed traits, unmodifiable
   */
  Set<RouterTrait> traits();
}
