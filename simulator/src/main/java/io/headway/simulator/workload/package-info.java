/**
 * What arrives at a cluster: the columnar {@link io.headway.simulator.workload.Workload}, readers
 * of published traces, and seeded generators fitted to their measured facts.
 */
@NullMarked
package io.headway.simulator.workload;

import org.jspecify.annotations.NullMarked;
