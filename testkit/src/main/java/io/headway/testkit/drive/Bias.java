package io.headway.testkit.drive;

/**
 * What drawn scenarios are biased towards. Every bias has found real bugs; each can be switched
 * off, and names what it is good for.
 */
public enum Bias {
  /** Lengths at, below and above whole blocks: rounding, zero tokens, boundary credit. */
  BLOCK_BOUNDARIES,
  /** Pools that exactly fit the largest request, one block less, one more. */
  EXACT_POOL,
  /** Prompts made of few words of one block each, so that prefixes are shared: cache bugs. */
  SHARED_WORDS,
  /** Equal strings for tenant, adapter and salt: colliding keys. */
  EQUAL_NAMES,
  /** A hash with very few values: hash taken for equality. */
  COLLIDING_HASH,
  /** Slots, budgets and caps of 1: counting errors. */
  CAPS_OF_ONE,
  /** Part of the pool taken away in the middle: preemption paths. */
  PRESSURE,
  /** Cancels and deadlines at every state, twice, after the end: life cycle. */
  CANCELS,
  /** Late results, lost steps, failed rows, empty verifications: asynchronous accounting. */
  LATE_RESULTS,
  /** Transfers that fail, end late or never: pairing. */
  TRANSFERS,
  /** A stream in which a more urgent request arrives every step: starvation. */
  BETTER_STREAM,
  /** Long gaps without anything: collectors, leases, credit for idleness. */
  IDLE_GAPS
}
