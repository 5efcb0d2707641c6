package io.headway.runtime;

import io.headway.api.InstanceState;
import org.jspecify.annotations.Nullable;

/**
 * Which instances there are, in which life and state, and which prompt blocks they say they hold.
 * Guarded by the cluster's lock.
 */
final class Membership {
  /** What is the same for every instance. */
  record Settings(
      int prefixBlocksPerInstance,
      long rateWindowNanos,
      double remainingFloor,
      boolean observationsOnly) {}

  private static final long[] NO_KEYS = {};

  private final Settings settings;
  private final ClusterClock clock;
  private final Fleet fleet;
  private final PrefixIndex prefixes;
  private final PrefixKeys prefixKeys;
  private final RoutingPolicyGuard policy;
  private final @Nullable Rebalancing<?> rebalancing;
  private final ClusterFaults faults;
  private final @Nullable ClusterLog log;
  private final Holders adapters = new Holders();
  private final Holders waitingAdapters = new Holders();

  Membership(
      Settings settings,
      ClusterClock clock,
      Fleet fleet,
      PrefixIndex prefixes,
      PrefixKeys prefixKeys,
      RoutingPolicyGuard policy,
      @Nullable Rebalancing<?> rebalancing,
      ClusterFaults faults,
      @Nullable ClusterLog log) {
    this.settings = settings;
    this.clock = clock;
    this.fleet = fleet;
    this.prefixes = prefixes;
    this.prefixKeys = prefixKeys;
    this.policy = policy;
    this.rebalancing = rebalancing;
    this.faults = faults;
    this.log = log;
  }

  /** Takes an instance in, or changes its profile; false if that life is over or known already. */
  boolean enter(
      String id, int incarnation, InstanceProfile profile, InstanceState state, long now) {
    Member member = fleet.find(id);
    if (fleet.isPast(id, incarnation) || (member != null && incarnation < member.incarnation())) {
      return false;
    }
    if (member != null && incarnation == member.incarnation()) {
      if (state == InstanceState.STARTING) {
        return false;
      }
      fleet.reprofile(member, profile);
      member.state(state);
    } else {
      if (member != null) {
        takeDown(member, now);
      }
      member =
          new Member(
              id,
              incarnation,
              profile,
              state,
              clock,
              adapters,
              waitingAdapters,
              settings.rateWindowNanos,
              settings.remainingFloor,
              settings.observationsOnly);
      fleet.add(member, settings.prefixBlocksPerInstance);
    }
    changed(member, now);
    return true;
  }

  boolean drain(String id, int incarnation, long now) {
    Member member = fleet.find(id, incarnation);
    if (member == null) {
      return false;
    }
    if (member.state() != InstanceState.DRAINING) {
      member.state(InstanceState.DRAINING);
      changed(member, now);
    }
    return true;
  }

  boolean down(String id, int incarnation, long now) {
    Member member = fleet.find(id, incarnation);
    if (member == null) {
      return false;
    }
    takeDown(member, now);
    return true;
  }

  private void takeDown(Member member, long now) {
    fleet.remove(member);
    changed(member, now);
  }

  private void changed(Member member, long now) {
    if (log != null) {
      log.instance(member, now);
    }
    boolean isUp = member.state() == InstanceState.READY;
    policy.onInstance(member, isUp);
    if (rebalancing != null) {
      try {
        rebalancing.onInstance(member, isUp);
      } catch (RuntimeException e) {
        faults.keep(faults.ofPart(rebalancing.id(), e));
      }
    }
  }

  // ---- what instances say they hold

  /** Takes in that blocks are held, or no longer; false if that life is not the current one. */
  boolean prefixes(
      String id, int incarnation, PrefixScope scope, long[] blockKeys, boolean stored, long now) {
    Member member = fleet.find(id, incarnation);
    if (member == null) {
      return false;
    }
    long[] keys = new long[blockKeys.length];
    for (int i = 0; i < keys.length; i++) {
      keys[i] = prefixKeys.key(scope, blockKeys[i]);
    }
    if (!member.reportsCache) {
      forgetPrefixes(member, now);
    }
    for (long key : keys) {
      if (stored) {
        prefixes.add(member.index, key);
      } else {
        prefixes.remove(member.index, key);
      }
    }
    if (log != null) {
      log.index(member, stored ? "add" : "remove", keys, now);
    }
    return true;
  }

  boolean prefixesCleared(String id, int incarnation, long now) {
    Member member = fleet.find(id, incarnation);
    if (member == null) {
      return false;
    }
    forgetPrefixes(member, now);
    return true;
  }

  /** Forgets what was guessed or told before; from here on nothing is guessed. */
  private void forgetPrefixes(Member member, long now) {
    member.reportsCache = true;
    prefixes.clear(member.index);
    if (log != null) {
      log.index(member, "clear", NO_KEYS, now);
    }
  }
}
