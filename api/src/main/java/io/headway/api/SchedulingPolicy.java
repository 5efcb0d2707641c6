package io.headway.api;

/**
 * The common root of every policy: an immutable, shareable description of how one {@link Decision}
 * is taken.
 *
 * <p>A policy object holds configuration only. Whatever it must remember between decisions lives in
 * the typed state made by {@link #newState()}, which the caller keeps and hands back on every call.
 * One policy object therefore serves any number of schedulers, simulations and threads at once, and
 * a policy is restarted by making a new state.
 *
 * <p>Rules for implementors: time and randomness come only from the view passed in; no thread,
 * clock, log, I/O or iteration over hash order; equal inputs and state give equal decisions, and
 * ties end in (arrival, id).
 *
 * @param <S> the state this policy keeps; {@link Stateless} if none
 */
@ImplementedByUsers
public interface SchedulingPolicy<S> {
  /**
   * Returns the stable lower-case name of this policy, as users write it in configuration and read
   * it in reports.
   *
   * @return for example {@code sarathi-serve}
   */
  String id();

  /**
   * Returns fresh state for one scheduler, as after a restart.
   *
   * @return a new state that no other scheduler shares
   */
  S newState();

  /**
   * Returns what this policy needs from its surroundings and which bounds it promises; both are
   * checked by simulator and testkit.
   *
   * @return the claims; {@link Claims#NONE} by default
   */
  default Claims claims() {
    return Claims.NONE;
  }
}
