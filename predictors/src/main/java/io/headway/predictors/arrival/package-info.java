/** Forecasts of arrivals per bin, for scaling. */
@NullMarked
package io.headway.predictors.arrival;

import org.jspecify.annotations.NullMarked;
