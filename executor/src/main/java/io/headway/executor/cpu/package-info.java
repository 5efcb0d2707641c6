/**
 * The reference executor: plain Java loops that the compiler vectorises, in float and in double,
 * with reductions in an order that depends on nothing but the position.
 */
@NullMarked
package io.headway.executor.cpu;

import org.jspecify.annotations.NullMarked;
