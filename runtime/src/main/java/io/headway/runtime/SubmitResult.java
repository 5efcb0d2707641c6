package io.headway.runtime;

/**
 * The answer to a submitted request.
 *
 * @param kind accepted, or why not
 * @param handle names the request from now on if accepted (index in the low, epoch in the high 32
 *     bits), otherwise -1
 * @param retryAfterNanos with QUEUE_FULL, roughly when a place may become free; otherwise 0
 */
public record SubmitResult(Kind kind, long handle, long retryAfterNanos) {
  /** What became of a submitted request. */
  public enum Kind {
    /** Queued; it will end exactly once. */
    ACCEPTED,
    /** No empty instance of this size could serve it. */
    NEVER_FITS,
    /** The queue is full. */
    QUEUE_FULL,
    /** A live request has the same id. */
    DUPLICATE_ID,
    /** The scheduler takes no new requests. */
    DRAINING
  }

  static final SubmitResult NEVER_FITS = new SubmitResult(Kind.NEVER_FITS, -1, 0);
  static final SubmitResult DUPLICATE_ID = new SubmitResult(Kind.DUPLICATE_ID, -1, 0);
  static final SubmitResult DRAINING = new SubmitResult(Kind.DRAINING, -1, 0);

  /**
   * Returns whether the request was accepted.
   *
   * @return true for {@link Kind#ACCEPTED} only
   */
  public boolean accepted() {
    return kind == Kind.ACCEPTED;
  }
}
