/**
 * Speculative decoding policies: how many tokens to draft, for whom and whether at all, and the
 * models of acceptance and cost that they decide by.
 */
@NullMarked
package io.headway.batching.speculation;

import org.jspecify.annotations.NullMarked;
