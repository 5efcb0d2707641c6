/**
 * How many blocks or bytes a sequence of a given length takes: one formula object per way of
 * keeping KV, shared by capacity checks, allocation and executors.
 */
@NullMarked
package io.headway.memory.footprint;

import org.jspecify.annotations.NullMarked;
