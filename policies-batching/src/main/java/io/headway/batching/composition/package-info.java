/**
 * Which tokens run in the next iteration, and how four independent parts (order, admission,
 * composition, preemption) make one batching policy.
 *
 * <p>{@link io.headway.batching.composition.Batching} combines them; each composer here is the
 * composition of one published system. Composers hold configuration only and are thread-safe; what
 * they remember is in their state.
 */
@NullMarked
package io.headway.batching.composition;

import org.jspecify.annotations.NullMarked;
