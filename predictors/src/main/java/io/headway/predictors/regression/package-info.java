/**
 * Small regressions that predictors learn with: least squares in one go, recursive least squares,
 * and a network with one hidden layer. Estimators here are mutable and used by one thread at a
 * time.
 */
@NullMarked
package io.headway.predictors.regression;

import org.jspecify.annotations.NullMarked;
