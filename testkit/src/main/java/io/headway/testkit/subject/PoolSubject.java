package io.headway.testkit.subject;

/**
 * A KV block pool under test, with its prefix cache and host tier. What can be refused is
 * all-or-nothing: a refusal changes nothing. Called from one thread.
 */
public interface PoolSubject {
  /**
   * What an allocation answers: nothing was there, or a table of which the first blocks are hits.
   */
  final class Allocation {
    /** A refusal. */
    public static final Allocation REFUSED = new Allocation(false, 0);

    private final boolean granted;
    private final int hitTokens;

    private Allocation(boolean granted, int hitTokens) {
      this.granted = granted;
      this.hitTokens = hitTokens;
    }

    /**
     * Makes a grant.
     *
     * @param hitTokens leading tokens that came from the cache
     * @return the answer
     */
    public static Allocation granted(int hitTokens) {
      return new Allocation(true, hitTokens);
    }

    /**
     * Returns whether blocks were given.
     *
     * @return false for a refusal
     */
    public boolean isGranted() {
      return granted;
    }

    /**
     * Returns how many leading tokens came from the cache.
     *
     * @return tokens
     */
    public int hitTokens() {
      return hitTokens;
    }
  }

  /**
   * Returns whether {@link #allocate} would be granted. Changes nothing.
   *
   * @param tokens the content
   * @param tenant keeps content apart
   * @param adapter keeps content apart
   * @param salt keeps content apart
   * @return the answer of an allocation made now
   */
  boolean fits(int[] tokens, String tenant, String adapter, String salt);

  /**
   * Gives a new holder blocks for a content, the longest cached prefix that leaves at least one
   * token to compute included.
   *
   * @param holder number of the holder, never used before
   * @param tokens the content
   * @param tenant keeps content apart
   * @param adapter keeps content apart
   * @param salt keeps content apart
   * @return a grant or a refusal
   */
  Allocation allocate(int holder, int[] tokens, String tenant, String adapter, String salt);

  /**
   * Gives a holder room for more tokens behind those it has.
   *
   * @param holder a holder on the device
   * @param tokens what is added
   * @return false if there is none
   */
  boolean grow(int holder, int[] tokens);

  /**
   * Makes the full blocks of a holder's leading tokens matchable: they were computed.
   *
   * @param holder a holder on the device
   * @param upToTokens leading tokens that were computed
   */
  void publish(int holder, int upToTokens);

  /**
   * Ends a holder. A pinned one keeps its blocks until it is unpinned.
   *
   * @param holder a holder
   */
  void release(int holder);

  /**
   * Keeps a holder's blocks in place through its release.
   *
   * @param holder a holder that was not released
   */
  void pin(int holder);

  /**
   * Takes a {@link #pin} back.
   *
   * @param holder a pinned holder
   */
  void unpin(int holder);

  /**
   * Moves a holder to the host.
   *
   * @param holder a holder on the device, not pinned
   * @return false if there is no room
   */
  boolean swapOut(int holder);

  /**
   * Moves a holder back to the device.
   *
   * @param holder a holder on the host
   * @return false if there is no room
   */
  boolean swapIn(int holder);

  /**
   * Forgets everything cached, or refuses to while anything is held.
   *
   * @return false if it refuses
   */
  boolean clear();

  /**
   * Returns a holder's block table.
   *
   * @param holder a holder
   * @return block ids in the tier it is in
   */
  int[] table(int holder);

  /**
   * Returns how many device blocks an allocation could take, cached ones included.
   *
   * @return blocks
   */
  int freeBlocks();

  /** Starts an attempt that may be undone. */
  void begin();

  /** Undoes everything since {@link #begin}, completely. */
  void rollBack();

  /** Makes everything since {@link #begin} final. */
  void commit();

  /**
   * Prints everything that could make a difference later: counts, order of eviction, keys.
   *
   * @return equal for equal states; empty if the subject cannot tell
   */
  default String picture() {
    return "";
  }
}
