/** A scheduler that knows nothing of this library, to be certified by its testkit. */
@NullMarked
package io.headway.examples.certify;

import org.jspecify.annotations.NullMarked;
