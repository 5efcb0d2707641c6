/**
 * A policy of your own from the first line to the comparison: order, composition, registration,
 * test.
 */
@NullMarked
package io.headway.examples.firstpolicy;

import org.jspecify.annotations.NullMarked;
