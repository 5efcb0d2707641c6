/** The catalogue of predictors that are known by name. */
@NullMarked
package io.headway.predictors;

import org.jspecify.annotations.NullMarked;
