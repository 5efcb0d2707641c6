/**
 * Output length: how many tokens a request will still produce, as a number, a range, a quantile or
 * only a rank.
 */
@NullMarked
package io.headway.predictors.length;

import org.jspecify.annotations.NullMarked;
