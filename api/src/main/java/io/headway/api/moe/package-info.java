/**
 * Mixture-of-experts decisions: which expert takes which token ({@link
 * io.headway.api.moe.ExpertRouter}) and which device hosts which expert ({@link
 * io.headway.api.moe.ExpertPlacementPlanner}).
 *
 * <p>Conventions of every router. Logits are row-major, one row of {@code experts} numbers per
 * token. Minus infinity masks an expert for a token: it is never selected while an unmasked expert
 * remains. NaN, plus infinity and a row without any unmasked expert are refused by name. A softmax
 * subtracts the row maximum first; arithmetic is double precision. Larger scores come first; equal
 * scores go to the lower expert index, and where experts choose, to the lower token index. A token
 * without any assignment passes the layer on its residual path; that is a legal result.
 */
@NullMarked
package io.headway.api.moe;

import org.jspecify.annotations.NullMarked;
