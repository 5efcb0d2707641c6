package io.headway.testkit.subject;

/** Makes pools to be tested. */
@FunctionalInterface
public interface PoolFactory {
  /**
   * Makes a pool, all of whose blocks are free.
   *
   * @param config block size, blocks of device and host, and the hash that names blocks
   * @return the pool behind its adapter
   */
  PoolSubject create(EngineConfig config);
}
