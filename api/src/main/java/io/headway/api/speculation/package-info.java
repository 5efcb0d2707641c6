/**
 * Speculative decoding: how many tokens to draft for whom, in which shape, and which of them to
 * verify.
 *
 * <p>Counting, everywhere: a verification pass of a chain with {@code k} drafted tokens feeds
 * {@code k + 1} query tokens to the target model, of a tree with {@code m} drafted nodes {@code m +
 * 1}; it emits the {@code n} accepted drafts and exactly one token of the target's own, a
 * correction or a bonus, so {@code emitted = accepted + 1}.
 */
@NullMarked
package io.headway.api.speculation;

import org.jspecify.annotations.NullMarked;
