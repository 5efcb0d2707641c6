/**
 * Predictions that policies consume: output length, service and iteration time, arrivals, and the
 * machinery that keeps a prediction honest.
 *
 * <p>Predictors are {@link io.headway.api.SchedulingPolicy policies}: immutable objects whose
 * learned state is made by {@code newState()} and handed back on every call, by one thread at a
 * time. They learn through {@code observe} only, once per finished request or measured iteration
 * and in the order of the events, from the features as they were at prediction time; equal
 * observations in equal order give equal predictions. "No prediction" is an explicit answer ({@code
 * none}), never a magic number.
 */
@NullMarked
package io.headway.api.prediction;

import org.jspecify.annotations.NullMarked;
