/**
 * Which drafted tokens become output: the acceptance rules of chains and trees, with all randomness
 * passed in, and the exact distributions they lead to.
 */
@NullMarked
package io.headway.batching.speculation.verification;

import org.jspecify.annotations.NullMarked;
