package io.headway.api.moe;

/** Why a chosen (token, expert) pair is not carried out. */
public enum DropReason {
  /** The expert's buffer is full. */
  CAPACITY,
  /** A random or threshold test refused a second choice. */
  RANDOM,
  /** The device's budget of pairs is used up and the pair has too low an affinity. */
  DEVICE_BUDGET,
  /** The token has too low a priority, or its sequence has used up its compute budget. */
  PRIORITY
}
