package io.headway.testkit.subject;

import static java.util.Objects.requireNonNull;

/** Makes pools to be tested, and says what they claim. */
@FunctionalInterface
public interface PoolFactory {
  /**
   * Makes a pool, all of whose blocks are free.
   *
   * @param config block size, blocks of device and host, and the hash that names blocks
   * @return the pool behind its adapter
   */
  PoolSubject create(PoolConfig config);

  /**
   * Says what the pools claim.
   *
   * @return features; none by default
   */
  default Features features() {
    return Features.of();
  }

  /**
   * Adds claims to a factory.
   *
   * @param features what the pools claim
   * @param maker makes them
   * @return the factory
   */
  static PoolFactory of(Features features, PoolFactory maker) {
    requireNonNull(features, "features");
    requireNonNull(maker, "maker");
    return new PoolFactory() {
      @Override
      public PoolSubject create(PoolConfig config) {
        return maker.create(config);
      }

      @Override
      public Features features() {
        return features;
      }
    };
  }
}
