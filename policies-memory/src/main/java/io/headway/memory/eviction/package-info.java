/** Orders in which cached KV blocks die. */
@NullMarked
package io.headway.memory.eviction;

import org.jspecify.annotations.NullMarked;
