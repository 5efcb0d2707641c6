package io.headway.testkit.subject;

/**
 * What a router under test is built with.
 *
 * @param maxInFlight most outstanding requests of an instance; 0 for no limit
 * @param retryLimit most retries of a request; {@link Integer#MAX_VALUE} for no limit. Only for
 *     subjects that claim {@link RouterFeature#RETRY_LIMIT}
 * @param reportsCache whether instances tell what they cache
 * @param seed of the router's randomness
 */
public record RouterConfig(int maxInFlight, int retryLimit, boolean reportsCache, long seed) {}
