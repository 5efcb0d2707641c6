/**
 * Published batching systems as presets: each is a record of parameters with the paper's defaults
 * whose {@code policy()} is a product of the parts in {@code io.headway.batching.order}, {@code
 * admission}, {@code composition}, {@code preemption} and {@code fairness}. {@link
 * io.headway.batching.systems.BatchingPolicies} offers them by name.
 */
@NullMarked
package io.headway.batching.systems;

import org.jspecify.annotations.NullMarked;
