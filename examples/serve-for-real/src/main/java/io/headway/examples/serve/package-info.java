/** A policy's decisions executed by a real transformer: prompts in, tokens out. */
@NullMarked
package io.headway.examples.serve;

import org.jspecify.annotations.NullMarked;
