package io.headway.api;

/** The life of one incarnation of an instance. */
public enum InstanceState {
  /** Loading; takes no requests yet. */
  STARTING,
  /** Takes requests. */
  READY,
  /** Finishes what it has, takes nothing new. */
  DRAINING,
  /** Gone; what it had is lost. */
  DOWN
}
