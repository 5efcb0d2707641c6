/**
 * Who yields when a running sequence cannot get a block, and how. Victim selectors hold
 * configuration only and are thread-safe.
 */
@NullMarked
package io.headway.batching.preemption;

import org.jspecify.annotations.NullMarked;
