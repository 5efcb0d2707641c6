package io.headway.batching.speculation.verification;

/** Says that a drafted token has draft probability 0, so that it cannot have been drafted. */
public final class ZeroDraftProbabilityException extends IllegalArgumentException {
  private static final long serialVersionUID = 1L;

  ZeroDraftProbabilityException(int draft, int token) {
    super(
        "the draft probability of every drafted token must be above 0, but that of draft "
            + draft
            + ", token "
            + token
            + ", is 0");
  }
}
