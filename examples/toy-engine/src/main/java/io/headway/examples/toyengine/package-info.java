/** An inference engine in 100 lines: where an engine author starts from. */
@NullMarked
package io.headway.examples.toyengine;

import org.jspecify.annotations.NullMarked;
