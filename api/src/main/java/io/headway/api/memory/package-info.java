/**
 * The KV memory contract: what a pool of KV blocks promises to the runtime, and what a memory
 * policy sees.
 *
 * <p>A pool accounts for memory and never moves bytes. {@link io.headway.api.memory.KvBlockPool}
 * hands out block ids (or, for engines that own their memory, counts units), keeps reference counts
 * and prefix keys, and emits an ordered plan of {@link io.headway.api.memory.KvMoveKind moves} that
 * the engine executes. {@link io.headway.api.memory.KvPoolView} is the read-only half that policies
 * get. {@link io.headway.api.memory.BlockKeyChain} names content, and {@link
 * io.headway.api.memory.EvictionPolicy} decides which cached block dies.
 *
 * <p>Five concerns are kept apart so that no algorithm leaks into another: geometry ({@link
 * io.headway.api.memory.KvGeometry}), owners ({@link io.headway.api.memory.OwnerKind}), plans
 * ({@link io.headway.api.memory.KvMoveSink}), keys ({@link io.headway.api.memory.BlockHash}) and
 * policies ({@link io.headway.api.memory.EvictionPolicy}, {@link io.headway.api.memory.KvFormat}).
 */
@NullMarked
package io.headway.api.memory;

import org.jspecify.annotations.NullMarked;
