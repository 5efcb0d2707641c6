/** Cached prefix tokens to expect on an instance without asking it. */
@NullMarked
package io.headway.predictors.prefix;

import org.jspecify.annotations.NullMarked;
