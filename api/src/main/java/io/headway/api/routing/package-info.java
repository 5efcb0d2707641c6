/**
 * Decisions that look at more than one instance: where a request goes, which running work moves,
 * how large the fleet is and which model answers.
 *
 * <p>Policies read an immutable {@link io.headway.api.routing.ClusterView} of {@link
 * io.headway.api.Instance}s; instances that cannot take a request (starting, draining, down, wrong
 * role or too small) are removed before a {@link io.headway.api.routing.RoutingPolicy} runs. A
 * routing policy may also be composed: {@link io.headway.api.routing.InstanceFilter}s narrow the
 * candidates, weighted {@link io.headway.api.routing.InstanceScorer}s score them and an {@link
 * io.headway.api.routing.InstancePicker} chooses.
 */
@NullMarked
package io.headway.api.routing;

import org.jspecify.annotations.NullMarked;
