/**
 * Which model answers a request: the cheapest tier that will do, a threshold on a predicted win, a
 * cascade, or the largest model within a budget of activated parameters.
 */
@NullMarked
package io.headway.routing.model;

import org.jspecify.annotations.NullMarked;
