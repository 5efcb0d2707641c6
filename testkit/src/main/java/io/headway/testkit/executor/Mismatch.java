package io.headway.testkit.executor;

/**
 * A position that did not hold what its request had to find there.
 *
 * @param position the position
 * @param block block that the table names for it; -1 without block tables
 * @param kind what was there instead
 */
public record Mismatch(int position, int block, Kind kind) {
  /** What was there instead. */
  public enum Kind {
    /** Nothing was ever written, or what a failed step left. */
    NOT_COMPUTED,
    /** Content of the same tokens, kept apart by tenant, adapter or salt. */
    OTHER_ISOLATION,
    /** Other content. */
    OTHER_CONTENT
  }
}
