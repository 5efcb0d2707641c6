package io.headway.api.memory;

/**
 * Holds what a lookup found: how many leading tokens of a chain are present and where. Reused by
 * the caller so that a lookup allocates nothing.
 *
 * <p>A probe is a statement about the moment of the lookup. It holds no reference, so it may be
 * stale after the next call that changes the pool and must not be remembered across decisions.
 *
 * <p>Not thread-safe.
 */
public final class KvProbe {
  private int deviceTokens;
  private int idleBlocks;
  private int hostTokens;

  /** Makes an empty result. */
  public KvProbe() {}

  /**
   * Returns the leading tokens that the device can serve now: a multiple of the block size, at most
   * the limit of the lookup.
   *
   * @return tokens, at least 0
   */
  public int deviceTokens() {
    return deviceTokens;
  }

  /**
   * Returns how many of the device's hit blocks nobody references. They count as available until
   * they are touched, so a capacity check must not count them twice.
   *
   * @return blocks, at least 0
   */
  public int idleBlocks() {
    return idleBlocks;
  }

  /**
   * Returns the tokens behind {@link #deviceTokens()} that a lower tier could bring in without a
   * gap.
   *
   * @return tokens, at least 0
   */
  public int hostTokens() {
    return hostTokens;
  }

  /**
   * Sets the result; called by pools.
   *
   * @param deviceTokens leading tokens on the device, at least 0
   * @param idleBlocks unreferenced hit blocks, at least 0
   * @param hostTokens tokens that follow in a lower tier, at least 0
   */
  public void set(int deviceTokens, int idleBlocks, int hostTokens) {
    this.deviceTokens = deviceTokens;
    this.idleBlocks = idleBlocks;
    this.hostTokens = hostTokens;
  }

  @Override
  public String toString() {
    return "KvProbe[deviceTokens="
        + deviceTokens
        + ", idleBlocks="
        + idleBlocks
        + ", hostTokens="
        + hostTokens
        + "]";
  }
}
