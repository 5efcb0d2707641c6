/**
 * What a language model consists of, as far as somebody outside its engine must know: one shape
 * that executors run and cost models count.
 */
@NullMarked
package io.headway.api.model;

import org.jspecify.annotations.NullMarked;
