package io.headway.runtime;

/**
 * What an instance said, and when.
 *
 * @param stats what it said
 * @param atNanos when it was true
 */
record Observation(InstanceStats stats, long atNanos) {}
