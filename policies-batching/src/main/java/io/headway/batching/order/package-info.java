/**
 * Who is next in the queue: total orders of the waiting sequences, each ending in (arrival, id).
 * Orders hold configuration only and are thread-safe; what they remember is in their state.
 */
@NullMarked
package io.headway.batching.order;

import org.jspecify.annotations.NullMarked;
