/**
 * What a simulation measured: latencies, throughput, goodput under service-level objectives, memory
 * and queues over time, and fairness between tenants. Times are integer nanoseconds of virtual time
 * and sums are exact, so that equal runs give equal metrics to the last bit.
 */
@NullMarked
package io.headway.simulator.metrics;

import org.jspecify.annotations.NullMarked;
