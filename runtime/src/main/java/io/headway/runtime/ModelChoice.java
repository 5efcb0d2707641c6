package io.headway.runtime;

import io.headway.api.routing.RejectCode;
import org.jspecify.annotations.Nullable;

/**
 * Which model answers a request.
 *
 * @param kind ACCEPT if an instance has room, QUEUE if the request is to wait for one, REJECT
 * @param model the model's name; empty if rejected
 * @param rule the rule that decided; may be empty
 * @param code why it was turned away; null unless rejected
 */
public record ModelChoice(
    RoutePlan.Kind kind, String model, String rule, @Nullable RejectCode code) {}
