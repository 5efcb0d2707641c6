package io.headway.api;

/** The state of a policy that remembers nothing between decisions. */
public enum Stateless {
  /** The only value. */
  STATE
}
