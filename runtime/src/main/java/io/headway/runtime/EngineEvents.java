package io.headway.runtime;

import io.headway.api.ImplementedByUsers;
import io.headway.api.batching.End;

/**
 * Receives what happened to slots and requests, in order, on the caller's thread, when {@link
 * EngineScheduler#events} is called. Inside a call {@code submit} and {@code cancel} of the same
 * scheduler are legal, {@code next}, {@code complete}, {@code fail} and {@code events} are not. An
 * event is delivered once even if the sink throws.
 */
@ImplementedByUsers
public interface EngineEvents {
  /**
   * A sequence holds a slot from now on: its KV begins empty, or with a cached prefix.
   *
   * @param slot 0 to {@code maxSequences - 1}
   * @param handle the request
   */
  default void granted(int slot, long handle) {}

  /**
   * The slot's KV is dead and no plan in flight uses it: the sequence ended, was preempted or
   * handed over.
   *
   * @param slot 0 to {@code maxSequences - 1}
   * @param handle the request
   */
  default void released(int slot, long handle) {}

  /**
   * A request is over. Comes exactly once for every accepted request.
   *
   * @param handle the request
   * @param end why
   * @param detail more about a failure; empty otherwise
   */
  default void ended(long handle, End end, String detail) {}

  /**
   * A request submitted for prefill only has emitted its first token; its blocks stay where they
   * are until {@link EngineScheduler#handOverDone} or {@link EngineScheduler#handOverFailed}.
   *
   * @param handle the request
   * @param slot where its KV is
   */
  default void handOver(long handle, int slot) {}
}
