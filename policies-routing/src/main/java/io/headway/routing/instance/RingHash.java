package io.headway.routing.instance;

import io.headway.api.ImplementedByUsers;

/**
 * Places instances and keys on a consistent-hashing ring. Must be a pure function, equal in every
 * process, or routers of one cluster disagree. Positions are compared as unsigned numbers.
 */
@ImplementedByUsers
public interface RingHash {
  /**
   * Returns how many places an instance has on the ring.
   *
   * @param instanceId the instance
   * @return virtual nodes, at least 0
   */
  int nodes(String instanceId);

  /**
   * Returns one of its places.
   *
   * @param instanceId the instance
   * @param node 0 to {@code nodes - 1}
   * @return a position
   */
  long position(String instanceId, int node);

  /**
   * Returns where a key falls.
   *
   * @param key such as a session
   * @return a position
   */
  long key(String key);

  /**
   * Returns where an already hashed key falls.
   *
   * @param hash such as a prompt's block key
   * @return a position
   */
  long key(long hash);

  /**
   * Returns the default: FNV-1a with the finaliser of SplitMix64.
   *
   * @param virtualNodes places per instance, at least 1
   * @return a pure function
   * @throws IllegalArgumentException if {@code virtualNodes} is below 1
   */
  static RingHash of(int virtualNodes) {
    Check.atLeast("virtualNodes", virtualNodes, 1, "node");
    return new RingHash() {
      @Override
      public int nodes(String instanceId) {
        return virtualNodes;
      }

      @Override
      public long position(String instanceId, int node) {
        return StableHash.mix(StableHash.of(instanceId) + node);
      }

      @Override
      public long key(String key) {
        return StableHash.of(key);
      }

      @Override
      public long key(long hash) {
        return StableHash.mix(hash);
      }
    };
  }
}
