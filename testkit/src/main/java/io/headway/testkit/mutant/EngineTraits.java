package io.headway.testkit.mutant;

import io.headway.testkit.subject.Features;
import io.headway.testkit.subject.ServiceOrder;

/**
 * Which of its forms the reference engine has.
 *
 * @param name name of the form
 * @param features what it claims
 * @param order how the queue is sorted
 * @param preemptive whether a more urgent request replaces running ones
 * @param bypass whether whoever does not fit may be passed; otherwise only whoever waits for an
 *     adapter
 * @param bypasses most others that may pass a request; 0 if there is no such bound
 * @param inOrder whether the device runs steps strictly in order, so that blocks are given back
 *     while steps in flight mention them, and several rows of a request may be in flight
 * @param baseTakesAdapterSlot whether requests without adapter take one of the places for adapters
 * @param ownTokens most tokens of a batch beside the engine's budget; 0 for no budget of its own
 * @param ownSequences most requests of a batch beside the slots; 0 for no cap of its own
 */
record EngineTraits(
    String name,
    Features features,
    ServiceOrder order,
    boolean preemptive,
    boolean bypass,
    int bypasses,
    boolean inOrder,
    boolean baseTakesAdapterSlot,
    int ownTokens,
    int ownSequences) {
  /** A form without a budget and a cap of its own. */
  EngineTraits(
      String name,
      Features features,
      ServiceOrder order,
      boolean preemptive,
      boolean bypass,
      int bypasses,
      boolean inOrder,
      boolean baseTakesAdapterSlot) {
    this(name, features, order, preemptive, bypass, bypasses, inOrder, baseTakesAdapterSlot, 0, 0);
  }
}
