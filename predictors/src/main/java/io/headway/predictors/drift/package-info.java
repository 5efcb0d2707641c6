/** Whether the error level of a predictor has changed. */
@NullMarked
package io.headway.predictors.drift;

import org.jspecify.annotations.NullMarked;
