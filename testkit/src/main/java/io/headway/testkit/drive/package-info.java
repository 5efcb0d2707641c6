/**
 * Drivers: what scenarios of each domain consist of, how they are drawn (with the biases that find
 * bugs), how they are played against a subject and which rules are checked on the way. No test
 * engine.
 */
@NullMarked
package io.headway.testkit.drive;

import org.jspecify.annotations.NullMarked;
