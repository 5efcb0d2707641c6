/**
 * The testkit's own proof: small correct subjects with bugs that can be switched on, modelled on
 * bugs that were really reported, and the kill matrix that says which rule finds which of them.
 */
@NullMarked
package io.headway.testkit.mutant;

import org.jspecify.annotations.NullMarked;
