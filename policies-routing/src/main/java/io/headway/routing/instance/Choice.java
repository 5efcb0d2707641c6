package io.headway.routing.instance;

import io.headway.api.routing.RejectCode;
import io.headway.api.routing.RouteDraft;
import org.jspecify.annotations.Nullable;

/**
 * Takes the choice of one of several policies that decide together: an accepted position is kept
 * here, a refusal goes through to the whole decision, and so do deadlines. Reused; not thread-safe.
 */
final class Choice implements RouteDraft {
  private static final int NONE = -1;

  private @Nullable RouteDraft whole;
  private int position = NONE;

  void reset(RouteDraft draft) {
    whole = draft;
    position = NONE;
  }

  boolean accepted() {
    return position != NONE;
  }

  int position() {
    return position;
  }

  private RouteDraft whole() {
    if (whole == null) {
      throw new IllegalStateException("reset comes first");
    }
    return whole;
  }

  @Override
  public void accept(int chosen) {
    position = chosen;
  }

  @Override
  public void accept(int prefillPosition, int decodePosition) {
    throw new IllegalStateException("a part of a split decision must choose one instance");
  }

  @Override
  public void fallback(int candidate) {
    // A fallback of one half would need the other half decided again.
  }

  @Override
  public void kvSource(int candidate) {
    // Positions of a part mean nothing to the whole.
  }

  @Override
  public void deadlineNanos(long nanos) {
    whole().deadlineNanos(nanos);
  }

  @Override
  public void queue(String reason, long retryAtNanos) {
    position = NONE;
    whole().queue(reason, retryAtNanos);
  }

  @Override
  public void reject(RejectCode code, String reason, long retryAfterNanos) {
    position = NONE;
    whole().reject(code, reason, retryAfterNanos);
  }

  @Override
  public boolean explaining() {
    return false;
  }

  @Override
  public void score(int candidate, String part, double value) {}

  @Override
  public void detail(String name, double value) {}

  @Override
  public void rule(String name) {}
}
