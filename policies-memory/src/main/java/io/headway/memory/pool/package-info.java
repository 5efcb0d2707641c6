/**
 * Pools of KV blocks: the paged pool with reference counts, copy-on-write, prefix caching, a host
 * tier and two-phase planning; and the accounted pool for engines that own their memory.
 */
@NullMarked
package io.headway.memory.pool;

import org.jspecify.annotations.NullMarked;
