/**
 * How good a prediction is, and how to make it worse on purpose: error measures, rank correlation
 * and error injection for robustness tests.
 */
@NullMarked
package io.headway.predictors.evaluation;

import org.jspecify.annotations.NullMarked;
