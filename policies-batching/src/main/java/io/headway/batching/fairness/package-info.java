/**
 * What each tenant has received, and the order of the queue that follows from it. Ledgers hold
 * configuration only and are thread-safe; what they remember is in their state.
 */
@NullMarked
package io.headway.batching.fairness;

import org.jspecify.annotations.NullMarked;
