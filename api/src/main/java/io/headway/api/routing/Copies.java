package io.headway.api.routing;

import io.headway.api.Stateless;

/** What the copy of a state is as long as a policy says nothing about it. */
final class Copies {
  private Copies() {}

  /** Returns the state of a policy without memory; any other has to be copied by its owner. */
  static <S> S ofStateless(String id, S state) {
    if (state == Stateless.STATE) {
      return state;
    }
    throw new UnsupportedOperationException(
        "'" + id + "' has state of its own, so it must overwrite copyOf");
  }
}
