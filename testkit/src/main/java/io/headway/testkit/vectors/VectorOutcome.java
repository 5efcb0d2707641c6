package io.headway.testkit.vectors;

/**
 * What became of one vector.
 *
 * @param vector the vector
 * @param status whether it agreed
 * @param difference the first difference or the failure, in one line; empty unless {@link
 *     Status#FAILED}
 */
public record VectorOutcome(ConformanceVector vector, Status status, String difference) {
  /** The three things that can become of a vector. */
  public enum Status {
    /** The result agrees with the expectation. */
    PASSED,
    /** The result differs, or the call failed in an unexpected way. */
    FAILED,
    /** No adapter runs this algorithm or operation. */
    UNSUPPORTED
  }
}
