/** A batching policy with a bug that many schedulers have had, for the testkit to find. */
@NullMarked
package io.headway.examples.brokenpolicy;

import org.jspecify.annotations.NullMarked;
