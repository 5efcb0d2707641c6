package io.headway.api.prediction;

import io.headway.api.ImplementedByUsers;

/**
 * Returns how long one iteration takes, from what it computes. A pure function: immutable,
 * thread-safe, the same answer for the same shape on every machine.
 *
 * <p>Implementations do not allocate. They should not fall when work is added and answer 0 for the
 * empty shape only; one that follows published coefficients which break this says so.
 */
@ImplementedByUsers
@FunctionalInterface
public interface IterationTimeModel {
  /**
   * Returns the duration of one iteration.
   *
   * @param shape what it computes; not changed and not kept
   * @return seconds, finite and at least 0; 0 for an empty shape
   */
  double seconds(IterationShape shape);

  /**
   * Returns the duration as a clock counts it: {@link #seconds} in nanoseconds, rounded half up.
   *
   * @param shape what the iteration computes
   * @return nanoseconds
   */
  default long nanos(IterationShape shape) {
    return Math.round(seconds(shape) * 1e9);
  }

  /**
   * Fills in the durations of several iterations in a row that decode the same sequences, each
   * adding one token to every context: the multi-step form, with which a simulator jumps over
   * iterations whose batch does not change.
   *
   * <p>Every value is exactly the one that {@link #nanos} gives for its iteration; an override may
   * only be faster. Afterwards the shape is that of the iteration behind the last.
   *
   * @param shape the first iteration, without prefill chunks and drafted tokens; its contexts are
   *     advanced by {@code iterations}
   * @param iterations how many, at least 0
   * @param nanos receives one duration per iteration from index 0 on
   * @throws IllegalArgumentException if the shape has chunks or drafted tokens
   * @throws IndexOutOfBoundsException if {@code nanos} is too short
   */
  default void decodeNanos(IterationShape shape, int iterations, long[] nanos) {
    requireDecodesOnly(shape);
    for (int i = 0; i < iterations; i++) {
      nanos[i] = nanos(shape);
      shape.advanceDecodes(1);
    }
  }

  /**
   * Refuses a shape that does not repeat itself, for implementations of {@link #decodeNanos}.
   *
   * @param shape a shape
   * @throws IllegalArgumentException if it has chunks or drafted tokens
   */
  static void requireDecodesOnly(IterationShape shape) {
    if (shape.chunks() > 0 || shape.draftTokens() > 0) {
      throw new IllegalArgumentException(
          "shape must hold decodes only to be repeated, but has "
              + shape.chunks()
              + " prefill chunks and "
              + shape.draftTokens()
              + " drafted tokens");
    }
  }
}
