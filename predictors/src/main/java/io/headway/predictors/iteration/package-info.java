/** Duration of one engine iteration, from profiled rows. */
@NullMarked
package io.headway.predictors.iteration;

import org.jspecify.annotations.NullMarked;
