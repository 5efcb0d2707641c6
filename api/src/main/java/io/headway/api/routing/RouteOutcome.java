package io.headway.api.routing;

/**
 * How a routed request ended, for policies that learn.
 *
 * @param instanceId where it was served
 * @param incarnation which life of that instance
 * @param completed true only if it ended normally; learning policies ignore the others
 * @param predictedServiceNanos raw prediction when it was routed, or -1 if none
 * @param serviceNanos from first execution to completion, or -1 if unknown
 * @param outputTokens tokens produced, or -1 if unknown
 */
public record RouteOutcome(
    String instanceId,
    int incarnation,
    boolean completed,
    long predictedServiceNanos,
    long serviceNanos,
    int outputTokens) {}
