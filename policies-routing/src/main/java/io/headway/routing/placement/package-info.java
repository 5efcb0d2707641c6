/**
 * Placement of experts on devices with replication, the load estimates it needs, the choice among
 * replicas, and the partitioning of tensors that mixture-of-experts layers rest on.
 */
@NullMarked
package io.headway.routing.placement;

import org.jspecify.annotations.NullMarked;
