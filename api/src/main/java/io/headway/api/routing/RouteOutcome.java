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
 * @param moved true if it was migrated or retried, so that its service time is not that of one
 *     instance
 * @param deadlineMissed true if it had a deadline and ended after it
 */
public record RouteOutcome(
    String instanceId,
    int incarnation,
    boolean completed,
    long predictedServiceNanos,
    long serviceNanos,
    int outputTokens,
    boolean moved,
    boolean deadlineMissed) {}
