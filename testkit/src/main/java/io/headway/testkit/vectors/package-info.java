/**
 * Conformance vectors: language-neutral inputs and expected results of every algorithm, read from
 * {@code headway-vectors/1} files and run against the library.
 *
 * <p>{@link io.headway.testkit.vectors.VectorReader} reads a suite, a {@link
 * io.headway.testkit.vectors.VectorAdapter} turns one vector into a call of the library, {@link
 * io.headway.testkit.vectors.VectorMatcher} compares, and {@link
 * io.headway.testkit.vectors.VectorRunner} counts. The schema of each suite is in {@code
 * docs/vectors} of the project.
 */
@NullMarked
package io.headway.testkit.vectors;

import org.jspecify.annotations.NullMarked;
