package io.headway.api.memory;

/** Names where KV bytes live, fastest first. */
public enum KvTier {
  /** Memory of the accelerator (or whatever the engine computes from). */
  DEVICE,
  /** Memory of the host. */
  HOST,
  /** Local disk. */
  DISK,
  /** A store that other instances share. */
  REMOTE
}
