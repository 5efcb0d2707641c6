/**
 * The simulated cluster: every instance runs the very {@link io.headway.runtime.EngineScheduler}
 * that an engine embeds, only the executor is replaced by an iteration-time model in virtual time.
 */
@NullMarked
package io.headway.simulator.cluster;

import org.jspecify.annotations.NullMarked;
