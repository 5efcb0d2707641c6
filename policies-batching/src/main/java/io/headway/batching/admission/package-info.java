/**
 * Who may start, and how much memory a sequence takes from the start. Admission tests hold
 * configuration only and are thread-safe; what they remember is in their state.
 */
@NullMarked
package io.headway.batching.admission;

import org.jspecify.annotations.NullMarked;
