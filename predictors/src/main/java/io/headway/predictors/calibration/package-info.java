/**
 * Correction of a predictor by its own errors: moving averages, conformal intervals, and quantiles
 * tracked online.
 */
@NullMarked
package io.headway.predictors.calibration;

import org.jspecify.annotations.NullMarked;
