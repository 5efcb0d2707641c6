/**
 * An executor without a model that carries content: what a step writes is read again through the
 * block table, and the next token is a function of everything read, so that a wrong table changes
 * the output.
 */
@NullMarked
package io.headway.testkit.executor;

import org.jspecify.annotations.NullMarked;
