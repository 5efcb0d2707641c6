/**
 * Runs a policy's decisions for real: an {@link io.headway.executor.Executor} executes the very
 * {@link io.headway.runtime.BatchPlan} that the simulator only times, over a paged KV pool and
 * through the plan's block tables. {@link io.headway.executor.ServingLoop} is the loop around
 * scheduler and executor.
 *
 * <p>A device plugs in as an {@link io.headway.executor.ExecutorProvider}, found by {@link
 * java.util.ServiceLoader}. What every executor needs on the host stands here and is shared: {@link
 * io.headway.executor.SequenceSlots}, {@link io.headway.executor.PlanCheck}, {@link
 * io.headway.executor.DraftBatch}, {@link io.headway.executor.TokenSampler}.
 */
@NullMarked
package io.headway.executor;

import org.jspecify.annotations.NullMarked;
