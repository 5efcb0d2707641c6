/**
 * Checks and measures a device: every kernel against a reference in double precision on fresh
 * random inputs, whole requests against the CPU executor, then times, as fractions of what the same
 * device was measured to copy and multiply.
 */
@NullMarked
package io.headway.executor.gpu.check;

import org.jspecify.annotations.NullMarked;
